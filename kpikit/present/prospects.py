"""What is foreseen, as tables and messages: targets to come, and how forecasts fared."""

from collections.abc import Sequence

import pandas as pd

from kpikit.analysis.scorecard import LIKELY
from kpikit.formats import (
    MISSING,
    format_chance,
    format_declared,
    format_delta,
    format_interval,
    format_value,
    is_missing,
    plural,
)
from kpikit.present.components import Cell, Column, Table
from kpikit.present.frames import Row, records
from kpikit.present.sentences import is_plural

LEAST_TRIALS = 4  # fewer have no mean worth telling
NAIVE = "naive"  # method of a forecast that carries on the last value


def prospects_table(frame: pd.DataFrame, *, currency: str = "", title: str = "") -> Table:
    """Return what each KPI is foreseen to come to, and what its target takes.

    A column in which no row has anything to say is left out.

    Args:
        frame: ``sections.prospects.prospect_table``.
        currency: ISO code, for money.
        title: Title of the table.
    """
    columns = (
        Column("kpi", "KPI", width=1.7),
        Column("period", "Period", width=1.0),
        Column("so_far", "So far", "number", width=1.7),
        Column("mean", "Forecast", "number", width=1.1, emphasis=True),
        Column("interval", "80 % interval", "number", width=1.7),
        Column("target", "Target", "number", width=1.1),
        Column("p_hit", "P(hit)", "number", width=0.9),
        Column("required", "Needed from now", "number", width=1.7),
        Column("best", "Best ever", "number", width=1.5),
    )
    rows = [_prospect(row, currency) for row in records(frame)]
    notes = []
    if (frame["method"] == NAIVE).any():
        notes.append(
            "Carried on: fewer than 8 periods are known, so the last value stands for all to come."
        )
    if frame["best_rate"].notna().any():
        notes.append("Best ever: the best average of as many periods in a row as are to come.")
    return Table(_filled(columns, rows), tuple(rows), title, "", tuple(notes), compact=True)


def outcomes_table(
    frame: pd.DataFrame, *, currency: str = "", title: str = "", subtitle: str = ""
) -> Table:
    """Return forecasts of a period that is over beside what came.

    Args:
        frame: ``sections.prospects.outcome_table``.
        currency: ISO code, for money.
        title: Title of the table.
        subtitle: What, and from when.
    """
    columns = (
        Column("kpi", "KPI", width=1.7),
        Column("period", "Period", width=0.8),
        Column("mean", "Forecast", "number", width=1.1),
        Column("interval", "80 % interval", "number", width=1.7),
        Column("actual", "Came", "number", width=1.1, emphasis=True),
        Column("error", "Came − forecast", "number", width=1.2),
        Column("inside", "In the interval", width=1.0),
        Column("trials", "Trials", "number", width=0.7),
        Column("mae", "Mean miss", "number", width=1.1),
        Column("mae_naive", "… of last year's value", "number", width=1.5),
        Column("skill", "Skill", "number", width=1.1),
    )
    one = frame["period"].nunique() < 2
    rows = [
        {**_outcome(row, currency), "period": "" if one else row["period"]}
        for row in records(frame)
    ]
    notes = [
        f"{row['label']}: not comparable, {row['reason']}."
        for row in records(frame)
        if row["reason"]
    ]
    return Table(_filled(columns, rows), tuple(rows), title, subtitle, tuple(notes), compact=True)


def proposals_table(
    frame: pd.DataFrame, *, currency: str = "", title: str = "", subtitle: str = ""
) -> Table:
    """Return the targets of a period to come: declared ones with P(hit), others as proposals.

    Args:
        frame: ``sections.prospects.prospect_table`` of one period.
        currency: ISO code, for money.
        title: Title of the table.
        subtitle: What, and of which period.
    """
    columns = (
        Column("kpi", "KPI", width=1.8),
        Column("naive", "Year before", "number", width=1.1),
        Column("interval", "Forecast (80 %)", "number", width=1.7),
        Column("target", "Declared", "number", width=1.2, emphasis=True),
        Column("p_hit", "P(hit)", "number", width=0.8),
        Column("p_50", "Proposed, P 50 %", "number", width=1.3),
        Column("p_80", "Proposed, P 80 %", "number", width=1.3),
    )
    rows = [_proposal(row, currency) for row in records(frame)]
    return Table(_filled(columns, rows), tuple(rows), title, subtitle, compact=True)


def prospect_title(row: Row, *, currency: str = "") -> str:
    """Return the message of a forecast, by the words of its frame.

    ``MRR: $72.1 k foreseen for 2026Q4; target $76 k, P 12 %``

    Args:
        row: A row of ``sections.prospects.prospect_table``.
        currency: ISO code, for money.
    """
    text = f"{row['label']}: {_value(row['mean'], row, currency)} foreseen for {row['period']}"
    if is_missing(row["target"]):
        return text
    return f"{text}; target {_declared(row, currency)}, P {format_chance(row['p_hit'])}"


def chances_title(frame: pd.DataFrame) -> str:
    """Return the message of targets: how many are likely to be hit.

    ``2 of 3 open targets are likely to be hit``: with a probability above 67 %, as the headlines
    have it.

    Args:
        frame: ``sections.prospects.prospect_table``.
    """
    known = frame.loc[frame["target"].notna() & frame["p_hit"].notna(), "p_hit"]
    if known.empty:
        return "No open target has a known chance"
    likely = int((known > LIKELY).sum())
    if len(known) == 1:
        chance = format_chance(known.iloc[0])
        return f"The open target is {'' if likely else 'not '}likely to be hit: P {chance}"
    return (
        f"{likely} of {len(known)} open targets {'is' if likely == 1 else 'are'} likely to be hit"
    )


def outcomes_title(frame: pd.DataFrame) -> str:
    """Return the message of past forecasts: how many came inside their interval.

    Args:
        frame: ``sections.prospects.outcome_table`` of one period, or of several.
    """
    periods = list(dict.fromkeys(frame["period"]))
    known = frame["inside_80"].dropna()
    if known.empty:
        return f"No forecast of {' and '.join(periods)} has an interval to compare with"
    inside, interval = int(known.astype(bool).sum()), "the 80 % interval foreseen for "
    interval += " and ".join(periods)
    if len(known) == 1:
        label = frame.loc[known.index[0], "label"]
        return f"{label} came {'inside' if inside else 'outside'} {interval}"
    what = "KPIs" if len(periods) == 1 else "forecasts"
    return f"{inside} of {len(known)} {what} came inside {interval}"


def proposals_title(frame: pd.DataFrame, period: str) -> str:
    """Return the message of the targets to come: how many are declared, and how they stand.

    ``2 targets are declared for 2026Q4, 1 of them likely to be hit; 13 are proposed``

    Args:
        frame: ``sections.prospects.prospect_table`` of one period.
        period: Its label.
    """
    declared = frame["target"].notna()
    count, proposed = int(declared.sum()), int((~declared).sum())
    likely = int((frame.loc[declared, "p_hit"] > LIKELY).sum())
    text = f"No target is declared for {period}"
    if count:
        verb = "is" if count == 1 else "are"
        part = f"{likely or 'none'} of them " if count > 1 else "" if likely else "not "
        text = f"{plural(count, 'target')} {verb} declared for {period}, {part}likely to be hit"
    return f"{text}; {proposed} {'is' if proposed == 1 else 'are'} proposed" if proposed else text


def stood_text(labels: Sequence[str]) -> str:
    """Return the subject of several KPIs with its verb: ``MRR has``, ``MRR, NPS have``."""
    many = len(labels) > 1 or is_plural(labels[0])
    return f"{', '.join(labels)} {'have' if many else 'has'}"


def _prospect(row: Row, currency: str) -> dict[str, str | Cell]:
    carried = row["method"] == NAIVE
    mean = _value(row["mean"], row, currency)
    so_far = "" if is_missing(row["so_far"]) else _value(row["so_far"], row, currency)
    passed = f"{row['elapsed']} of {plural(row['parts'], row['part'])}"
    target = _declared(row, currency)
    return {
        "kpi": str(row["label"]),
        "period": str(row["period"]),
        "so_far": Cell(so_far, note=passed) if so_far else "",
        "mean": Cell(mean, note="carried on") if carried else mean,
        "interval": _interval(row, currency),
        "target": f"{_most(row)}{target}" if target else "",
        "p_hit": _chance(row),
        "required": _rate(row["required_rate"], row, currency, most=_most(row)),
        "best": _rate(row["best_rate"], row, currency),
    }


def _outcome(row: Row, currency: str) -> dict[str, str | Cell]:
    inside = row["inside_80"]
    tried = row["trials"] >= LEAST_TRIALS
    error = format_delta(_whole(row["error"], row), row["unit"], currency=currency)
    skill = format_value(row["skill"], "ratio")
    return {
        "kpi": str(row["label"]),
        "mean": _value(row["mean"], row, currency),
        "interval": _interval(row, currency),
        "actual": _value(row["actual"], row, currency),
        "error": Cell(error, struck=True) if row["reason"] else error,
        "inside": "" if inside is None else "yes" if inside else "no",
        "trials": f"{row['trials']:.0f}" if tried else "",
        "mae": _miss(row["mae"], row, currency) if tried else "",
        "mae_naive": _miss(row["mae_naive"], row, currency) if tried else "",
        "skill": ""
        if is_missing(row["skill"])
        else Cell(skill, note=f"of {plural(row['published'], 'forecast')}"),
    }


def _proposal(row: Row, currency: str) -> dict[str, str | Cell]:
    most = _most(row)
    target = _declared(row, currency)
    silent = target or row["method"] == NAIVE or is_missing(row["p_80"])

    def proposed(name: str) -> str:
        return "" if silent else f"{most}{_value(row[name], row, currency)}"

    return {
        "kpi": str(row["label"]),
        "naive": _value(row["naive"], row, currency),
        "interval": _interval(row, currency),
        "target": f"{most}{target}" if target else "",
        "p_hit": _chance(row),
        "p_50": proposed("p_50"),
        "p_80": proposed("p_80"),
    }


def _value(value: float, row: Row, currency: str) -> str:
    short = row["unit"] != "count" or (not is_missing(value) and abs(value) >= 1_000_000)
    return format_value(_whole(value, row), row["unit"], currency=currency, short=short)


def _miss(value: float, row: Row, currency: str) -> str:
    """Return the size of an error; that of a share is in points."""
    return format_delta(_whole(value, row), row["unit"], currency=currency).lstrip("+±")


def _interval(row: Row, currency: str) -> str:
    if is_missing(row["low_80"]) or is_missing(row["high_80"]):
        return MISSING
    low, high = (_whole(row[end], row) for end in ("low_80", "high_80"))
    return format_interval(low, high, row["unit"], currency=currency)


def _whole(value: float, row: Row) -> float:
    """Return a number as its unit has it: counts are whole."""
    return float(round(value)) if row["unit"] == "count" and not is_missing(value) else value


def _declared(row: Row, currency: str) -> str:
    if is_missing(row["target"]):
        return ""
    if row["unit"] == "count":
        return _value(row["target"], row, currency)
    return format_declared(row["target"], row["unit"], currency=currency)


def _chance(row: Row) -> str:
    if is_missing(row["target"]):
        return ""
    return format_chance(row["p_hit"])


def _rate(rate: float, row: Row, currency: str, *, most: str = "") -> str | Cell:
    if is_missing(rate):
        return ""
    if rate <= 0:
        return "nothing more"
    return Cell(f"{most}{_value(rate, row, currency)}", note=f"a {row['part']}")


def _most(row: Row) -> str:
    """Return what stands before a target of what shall fall."""
    return "at most " if row["direction"] == "down" else ""


def _filled(columns: Sequence[Column], rows: Sequence[dict[str, str | Cell]]) -> tuple[Column, ...]:
    return tuple(column for column in columns if any(row[column.key] for row in rows))
