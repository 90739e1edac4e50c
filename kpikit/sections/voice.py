"""Section 12: would customers recommend the product, and what do they write?"""

from typing import Any

import pandas as pd

from kpikit.analysis.score_changes import score_change_table
from kpikit.analysis.survey import nps_table
from kpikit.analysis.themes import theme_table
from kpikit.catalogue.voice import MIN_ANSWERS
from kpikit.present.charts import figure, plot_composition, plot_dot_intervals
from kpikit.present.components import Component, Figure, Paragraph, Row, Stack, Table
from kpikit.present.frames import records
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
_NO_THEMES = "No theme is declared; reads the key themes and the survey's column comment."
_DEFINITION = (
    "NPS is the share of answers of 9 and 10 less the share of answers of 0 to 6, in points; "
    "bars show 95 % intervals (adjusted Wald)"
)


def voice_section(context: Context) -> Stack:
    """Return NPS by quarter with interval and change, what it is made of, and the themes."""
    survey = context.dataset.tables.get("survey")
    if survey is None:
        return missing_table("survey")
    quarter = context.calendar.period_of(context.period.last_day, "quarter")
    quarters = [context.calendar.shift(quarter, -back) for back in reversed(range(_QUARTERS))]
    frame = nps_table(survey, quarters, calendar=context.calendar, as_of=context.as_of)
    first = frame.index[frame["n"] > 0].min()
    frame = score_change_table(frame.loc[first:] if frame["n"].sum() else frame.tail(1))
    items: list[Component] = []
    shown = frame[~frame["suppressed"]]
    if len(shown) > 1:
        items.append(Row((_score(shown), _composition(shown)), (1.0, 1.0)))
    elif len(shown) == 1:
        items.append(_composition(shown))
    withheld = f"; fewer than {MIN_ANSWERS} answers withheld" if frame["suppressed"].any() else ""
    subtitle = f"Net Promoter Score, points, by quarter{withheld}"
    listed = frame.tail(_LISTED) if len(shown) > 1 else frame  # the charts show them all
    waves = nps_waves_table(listed, title=_table_title(frame, shown), subtitle=subtitle)
    themes = _themes(context, survey)
    if isinstance(themes, Table):
        return Stack((*items, Row((waves, themes), (1.0, 1.25))))
    return Stack((*items, waves, themes))


def _table_title(frame: pd.DataFrame, shown: pd.DataFrame) -> str:
    """Return the score as the table's title where no chart bears it, else its last change."""
    if len(shown) == 1:
        return nps_title(frame)
    last = records(frame)[-1]
    if last["verdict"] in ("", "suppressed"):
        return "Answers and scores"
    return change_title(last, base=str(frame["period"].iloc[-2]))


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


def _score(frame: pd.DataFrame) -> Figure:
    points = frame.assign(label=frame["period"], value=frame["nps"])
    return figure(
        plot_dot_intervals(points, unit="points"),
        title=nps_title(frame),
        subtitle="Net Promoter Score, points, by quarter; lines: 95 % intervals",
        alt=alt_text(
            "Dots with intervals by quarter", "Net Promoter Score", _DEFINITION,
            row_numbers(frame, name="period", value="nps", unit="points"),
        ),
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
            row_numbers(frame, name="period", value="promoter_share", unit="share"),
        ),
    )  # fmt: skip
