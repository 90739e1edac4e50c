"""Whether chances may be believed: what was given, beside what came true."""

from collections.abc import Sequence

import pandas as pd

from kpikit.formats import MISSING, format_count, format_interval, format_share, plural
from kpikit.present.components import Column, Table
from kpikit.present.frames import Row, records

_ELSEWHERE = "On 1,428 other series"
_TRIALS = (
    "Only whether there is a season is asked of the whole history. KPIs turn together, so each "
    "interval counts quarters rather than trials."
)
_OTHERS = (
    "Other series: all monthly ones of the M3 competition, three months from each earlier point. "
    "At a single point of time, when many of them turn together, the share hit lay up to 16 points "
    "off the chance given."
)


def reliability_of_chances(
    frame: pd.DataFrame, *, factors: Sequence[float], elsewhere: Sequence[tuple[float, float]]
) -> Table:
    """Return how often targets were hit that had been given a chance, by fifths of the chance.

    Args:
        frame: ``reliability_table`` with 5 bins; a fifth that holds nothing is shown as such, and
            without any trial what is known of other series stands alone, in one row.
        factors: What last year's value was multiplied by to make the targets.
        elsewhere: Mean chance and share hit of each fifth, as measured on many other series.
    """
    if frame.empty:
        return _of_others(elsewhere)
    by_low = {round(5 * row["low"]): row for row in records(frame)}
    rows = tuple(
        {
            "chance": _fifth(fifth),
            **_own(by_low.get(fifth)),
            "elsewhere": _given_and_hit(given, hit),
        }
        for fifth, (given, hit) in enumerate(elsewhere)
    )
    *most, last = (f"{factor:g}" for factor in factors)
    columns = (
        Column("chance", "Chance given", width=1.0),
        Column("n", "Trials", "number", width=0.6),
        Column("quarters", "In quarters", "number", width=0.7),
        Column("given", "Mean chance", "number", width=0.8),
        Column("hit", "Share hit", "number", width=0.7, emphasis=True),
        Column("interval", "95 % interval", "number", width=1.0),
        Column("elsewhere", _ELSEWHERE, "number", width=1.6),
    )
    return Table(
        columns, rows, title=_title(frame),
        subtitle="Chances that these forecasts would have given at each earlier point of every KPI "
        f"of the scorecard, to targets of {', '.join(most)} and {last} times last year's value",
        notes=(_TRIALS, _OTHERS),
        compact=True,
    )  # fmt: skip


def _of_others(elsewhere: Sequence[tuple[float, float]]) -> Table:
    fifths = [str(fifth) for fifth in range(len(elsewhere))]
    names = {fifth: _fifth(int(fifth)) for fifth in fifths}
    told = {fifth: _given_and_hit(*pair) for fifth, pair in zip(fifths, elsewhere, strict=True)}
    return Table(
        (
            Column("chance", "Chance given", width=1.4),
            *(Column(fifth, name, "number", width=1.0) for fifth, name in names.items()),
        ),
        ({"chance": _ELSEWHERE, **told},),
        title="Chances: no KPI has a history long enough to try them",
        notes=(_OTHERS,),
        compact=True,
    )


def _fifth(number: int) -> str:
    return f"{20 * number} to {20 * number + 20} %"


def _given_and_hit(given: float, hit: float) -> str:
    return f"{_share(given)} given, {_share(hit)} hit"


def _own(row: Row | None) -> dict[str, str]:
    if row is None:
        return {"n": "0", **dict.fromkeys(("quarters", "given", "hit", "interval"), MISSING)}
    return {
        "n": format_count(row["n"]),
        "quarters": format_count(row["groups"]),
        "given": _share(row["mean_probability"]),
        "hit": _share(row["hit_rate"]),
        "interval": format_interval(row["ci_low"], row["ci_high"], "share"),
    }


def _title(frame: pd.DataFrame) -> str:
    """Return the message: whether each fifth's interval holds the chance that was given."""
    off = [row for row in records(frame) if not _is_inside(row)]
    if not off:
        times = plural(int(frame["n"].sum()), "trial")
        return f"Chances came true as often as given, as far as {times} can tell"
    worst = max(off, key=lambda row: abs(row["hit_rate"] - row["mean_probability"]))
    return (
        f"Chances of {_share(worst['mean_probability'])} came true in {_share(worst['hit_rate'])} "
        f"of {plural(int(worst['n']), 'trial')}"
    )


def _is_inside(row: Row) -> bool:
    return bool(row["ci_low"] <= row["mean_probability"] <= row["ci_high"])


def _share(value: float) -> str:
    return format_share(value, digits=0)
