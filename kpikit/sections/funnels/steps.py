"""Each funnel now, beside the period before and the year before; what each step loses."""

from collections.abc import Iterator
from typing import Any

from kpikit.formats import (
    MISSING,
    format_count,
    format_date,
    format_interval,
    format_money,
    format_share,
    is_missing,
)
from kpikit.present.charts import figure
from kpikit.present.charts_funnel import plot_funnel
from kpikit.present.components import Cell, Column, Component, Figure, Paragraph, Table, Tone
from kpikit.present.frames import Row, in_words, records
from kpikit.present.sentences_funnel import (
    change_interval,
    duration,
    funnel_title,
    is_signal,
    window_note,
)
from kpikit.present.titles import alt_text, row_numbers
from kpikit.sections.funnels.reading import Reading


def steps_of(reading: Reading) -> Iterator[Component]:
    """Yield the bars of a funnel and the table of its steps."""
    yield funnel_figure(reading)
    yield _table(reading)
    if reading.is_cut:
        period = reading.periods["actual"]
        label = reading.context.period.label
        text = window_note(period.start, period.end, label, reading.funnel.window)
        yield Paragraph(text, small=True)


def funnel_figure(reading: Reading, *, size: Any = "full") -> Figure:
    """Return a funnel's bars, with the period before light behind where it is covered."""
    rows = reading.now.assign(name=reading.now["name"].map(in_words))
    behind = ""
    for which in ("previous", "year_before"):  # the year before stands behind, where it is known
        before = reading.before(which)
        if before is None:
            continue
        behind = reading.periods[which].label
        rows = rows.assign(previous=before["overall_rate"].to_numpy())
    return figure(
        plot_funnel(rows, behind=behind, worst=reading.worst, size=size),
        title=funnel_title(records(reading.overall)[0], reading.name_of(reading.worst)),
        subtitle=_subtitle(reading, behind),
        alt=alt_text(
            "Bars", f"funnel “{reading.label}”", f"Users who got to each step within "
            f"{reading.funnel.window} of the first",
            row_numbers(rows, name="name", value="users", unit="count", most=24),
        ),
    )  # fmt: skip


def _subtitle(reading: Reading, behind: str) -> str:
    light = f"; light: {behind}" if behind else ""
    return (
        f"Funnel “{reading.label}”, {_order(reading)} within {reading.funnel.window}, "
        f"{reading.context.period.label}: users, and their share of those who entered{light}"
    )


def _order(reading: Reading) -> str:
    return {"ordered": "in order", "strict": "one right after the other",
            "unordered": "in any order"}[reading.funnel.order]  # fmt: skip


def _table(reading: Reading) -> Table:
    compared = {
        which: {row["step"]: row for row in records(change)}
        for which in ("previous", "year_before")
        if (change := reading.change(which)) is not None
    }
    losses = {row["step"]: row for row in records(reading.losses)}
    with_money = reading.funnel.value_per_conversion is not None
    columns = [
        Column("step", "Step", width=2.4),
        Column("users", "Users", "number"),
        Column("overall", "Of all who entered", "number"),
        Column("rate", "Of the step before", "number", emphasis=True),
        Column("interval", "95 % interval", "number"),
        *(Column(which, f"Against {reading.periods[which].label}", "number", width=2.4)
          for which in compared),
        Column("median", "Median time", "number"),
        Column("lost", "Users lost", "number"),
        Column("conversions", "Conversions lost", "number"),
        *([Column("value", "Value lost", "number")] if with_money else []),
    ]  # fmt: skip
    rows = [
        {
            **step_cells(row),
            **{
                which: _change_cell(by_step.get(row["step"])) for which, by_step in compared.items()
            },
            **_loss_cells(losses.get(row["step"]), reading.context.currency),
        }
        for row in records(reading.now)
    ]
    return Table(
        tuple(columns), tuple(rows),
        title="Step by step", notes=tuple(_notes(reading, compared)),
    )  # fmt: skip


def step_cells(row: Row) -> dict[str, str | Cell]:
    """Return what a table says of one step: users, rates with their interval, median time."""
    first = row["step"] == 1
    return {
        "step": f"{row['step']}  {in_words(row['name'])}",
        "users": format_count(row["users"]),
        "overall": format_share(row["overall_rate"]),
        "rate": MISSING if first else format_share(row["step_rate"]),
        "interval": MISSING if first else format_interval(row["ci_low"], row["ci_high"], "share"),
        "median": MISSING if first else duration(row["median_seconds"]),
    }


def _change_cell(row: Row | None) -> str | Cell:
    if row is None or is_missing(row["difference"]):
        return MISSING
    tone: Tone = "neutral"
    if is_signal(row):
        tone = "good" if row["difference"] > 0 else "bad"
    return Cell(change_interval(row), tone=tone, note="" if tone == "neutral" else "signal")


def _loss_cells(row: Row | None, currency: str) -> dict[str, str | Cell]:
    if row is None:
        return {"lost": MISSING, "conversions": MISSING, "value": MISSING}
    value = row["lost_value"]
    conversions = row["lost_conversions"]
    return {
        "lost": format_count(row["lost_users"]),
        "conversions": MISSING if is_missing(conversions) else format_count(round(conversions)),
        "value": MISSING if is_missing(value) else format_money(value, currency, short=True),
    }


def _notes(reading: Reading, compared: dict[str, Any]) -> Iterator[str]:
    if compared:
        yield (
            "Changes: percentage points with Newcombe's 95 % interval; coloured where more than "
            "chance, all steps tested together (Benjamini-Hochberg)."
        )
    yield (
        "Conversions lost: those lost at the step who would have converted, if they were like "
        "those who went on; what there is to win at most."
    )
    missing = [which for which in ("previous", "year_before") if which not in compared]
    if missing:
        names = " and ".join(reading.periods[which].label for which in missing)
        first = format_date(reading.context.dataset.first_day)
        yield f"Not compared with {names}: the data begin on {first}."
