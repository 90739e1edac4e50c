"""Section 12: would customers recommend the product, and what do they write?"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kpikit.analysis.score_changes import score_change_table
from kpikit.analysis.scorecard import comparison_periods
from kpikit.analysis.survey import nps_table
from kpikit.analysis.themes import theme_table
from kpikit.catalogue.voice import MIN_ANSWERS
from kpikit.present.charts import figure, plot_composition, plot_dot_intervals
from kpikit.present.components import Component, Figure, Paragraph, Row, Stack, Table
from kpikit.present.frames import records
from kpikit.present.sentences import Basis, signal_clause
from kpikit.present.tables import nps_waves_table
from kpikit.present.titles import alt_text, composition_title, nps_title, row_numbers
from kpikit.present.voice import change_title, themes_table
from kpikit.sections.absent import missing_table
from kpikit.sections.context import Context

_QUARTERS = 8
_LISTED = 5
_PARTS = {
    "promoter_share": "promoters",
    "passive_share": "passives",
    "detractor_share": "detractors",
}
_NO_THEMES = (
    "No theme is declared. List keywords under themes:, and map the survey's column comment."
)
_TESTS = (
    "Sampling error: by the interval of the change. Signals and routine variation: by the "
    "quarter's months (appendix C)."
)
_DEFINITION = (
    "NPS is the share of answers of 9 and 10 less the share of answers of 0 to 6, in points; "
    "bars show 95 % intervals (adjusted Wald)"
)


def voice_section(context: Context) -> Stack:
    """Return NPS by quarter with interval and change, what it is made of, and the themes."""
    survey = context.dataset.tables.get("survey")
    if survey is None:
        return missing_table("survey")
    basis = _basis(context)
    frame = _scores(context, survey, basis)
    items: list[Component] = []
    shown = frame[~frame["suppressed"]]
    if len(shown) > 1:
        few = [one for one in records(frame) if one["suppressed"] and one["n"]]
        items.append(Row((_score(shown, few), _composition(shown)), (1.0, 1.0)))
    elif len(shown) == 1:
        items.append(_composition(shown))
    withheld = f"; fewer than {MIN_ANSWERS} answers withheld" if frame["suppressed"].any() else ""
    subtitle = f"Net Promoter Score, points, by quarter{withheld}"
    listed = frame.tail(_LISTED) if len(shown) > 1 else frame  # the charts show them all
    title, notes = _told(context, frame, shown, basis)
    waves = nps_waves_table(listed, title=title, subtitle=subtitle, notes=notes)
    themes = _themes(context, survey)
    if isinstance(themes, Table):
        return Stack((*items, Row((waves, themes), (1.0, 1.25))))
    return Stack((*items, waves, themes))


def _basis(context: Context) -> Basis:
    """Return the quarter of the report's last day, and what it is compared with like for like."""
    quarter = context.calendar.period_of(context.period.last_day, "quarter")
    compared = comparison_periods(quarter, calendar=context.calendar, as_of=context.as_of)
    return Basis(quarter, compared["previous"], compared["year_before"], context.as_of)


def _scores(context: Context, survey: Any, basis: Basis) -> pd.DataFrame:
    """Return the score of each quarter from the first answer on, with its change like for like.

    A quarter that still runs is compared with as many first days of the one before.

    Returns:
        ``score_change_table``, and ``reason``: why the two do not compare, empty where they do.
    """
    calendar, as_of, quarter = context.calendar, context.as_of, basis.period
    quarters = [calendar.shift(quarter, -back) for back in reversed(range(_QUARTERS))]
    spans = list(dict.fromkeys([*quarters, basis.previous]))
    table = nps_table(survey, spans, calendar=calendar, as_of=as_of, answers=context.answers)
    scores = score_change_table(table.head(_QUARTERS)).assign(reason="")
    if not basis.finished:
        days, base_days = quarter.days_elapsed(as_of), basis.previous.days
        reason = "" if days == base_days else f"{days} days against {base_days}"
        pair = table.iloc[[spans.index(basis.previous), spans.index(quarter)]]
        to_date = score_change_table(pair).tail(1).assign(reason=reason)
        scores = pd.concat([scores.head(-1), to_date])
    answered = scores.index[scores["n"] > 0]
    return scores.loc[answered[0] :] if len(answered) else scores.tail(1)


def _told(
    context: Context, frame: pd.DataFrame, shown: pd.DataFrame, basis: Basis
) -> tuple[str, tuple[str, ...]]:
    """Return the table's title (the score where no chart bears it, else its change), and notes."""
    if len(shown) == 1:
        return nps_title(shown), ()
    last = records(frame)[-1]
    if last["verdict"] in ("", "suppressed") or last["reason"]:
        return "Answers and scores", ()
    kpis = records(context.scorecard) if context.period == basis.period else []
    kpi = next((row for row in kpis if row["metric"] == "nps"), {})
    title = change_title(last, base=basis.base_of("qoq"), kpi=kpi)
    return title, (_TESTS,) if signal_clause(kpi) else ()


def _themes(context: Context, survey: Any) -> Table | Paragraph:
    """Return what the comments of the period speak of, or what would show it."""
    period = context.period
    if not context.params.themes:
        return Paragraph(_NO_THEMES, small=True)
    themes = theme_table(
        survey, context.params.themes, period, calendar=context.calendar, as_of=context.as_of,
        most_quotes=1,
    )  # fmt: skip
    if themes.empty:
        return Paragraph(f"Nobody wrote a comment in {period.label}.", small=True)
    return themes_table(themes, period=period.label)


def _score(frame: pd.DataFrame, few: Sequence[Mapping[str, Any]]) -> Figure:
    """Return the scores that are shown, and which quarters are not, for too few answers."""
    withheld = ", ".join(f"{one['period']} (n = {one['n']:.0f})" for one in few)
    points = frame.assign(label=frame["period"], value=frame["nps"])
    return figure(
        plot_dot_intervals(points, unit="points"),
        title=nps_title(frame),
        subtitle="Net Promoter Score, points, by quarter; lines: 95 % intervals",
        alt=alt_text(
            "Dots with intervals by quarter", "Net Promoter Score", _DEFINITION,
            row_numbers(frame, name="period", value="nps", unit="points"),
        ),
        notes=[f"Withheld, for too few answers: {withheld}."] if few else [],
    )  # fmt: skip


def _composition(frame: pd.DataFrame) -> Figure:
    wholes = frame.assign(label=frame["period"])
    return figure(
        plot_composition(wholes, parts=_PARTS),
        title=composition_title(frame, parts=_PARTS),
        subtitle="Share of answers, %, by quarter: promoters 9 and 10, passives 7 and 8, "
        "detractors 0 to 6",
        alt=alt_text(
            "Bars of 100 % by quarter", "promoters, passives and detractors",
            "Promoters answer 9 or 10, passives 7 or 8, detractors 0 to 6",
            [composition_title(frame.iloc[[place]], parts=_PARTS) for place in range(len(frame))],
        ),
    )  # fmt: skip
