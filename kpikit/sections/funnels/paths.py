"""What people do just before the weakest step, and instead of it; what goes with conversion."""

from collections.abc import Iterator
from typing import Literal

import pandas as pd

from kpikit.present.charts import figure, plot_ranked_bars
from kpikit.present.components import Column, Component, Figure, Paragraph, Row, Table
from kpikit.present.frames import in_words, records
from kpikit.present.sentences_funnel import association_cells, paths_title, quoted
from kpikit.present.titles import alt_text, row_numbers
from kpikit.sections.funnels.reading import Reading

Direction = Literal["after", "before"]
_REST = "(other)"
_MOST_ASSOCIATIONS = 8


def paths_of(reading: Reading) -> Iterator[Component]:
    """Yield what those who dropped out at the weakest step came from, and what they did instead."""
    before, after = reading.paths("before"), reading.paths("after")
    charts = [
        _bars(reading, before, "before"),
        _bars(reading, after, "after"),
    ]
    known = [chart for chart in charts if chart is not None]
    step = quoted(reading.name_of(reading.step_before(reading.worst)))
    if not known:
        yield Paragraph(f"Funnel “{reading.label}”: all who reached {step} went on.")
    elif len(known) == 1:
        yield known[0]
    else:
        yield Row(tuple(known), (1.0, 1.0))
    yield _associations(reading)


def _associations(reading: Reading) -> Component:
    """Return what goes with conversion, without a claim that it is a cause."""
    found = reading.associations.head(_MOST_ASSOCIATIONS)
    if found.empty:
        return Paragraph(
            f"Funnel “{reading.label}”: no property and no other event goes with conversion by "
            "more than chance."
        )
    columns = (
        Column("what", "What", width=2.4),
        Column("users", "Users", "number"),
        Column("rate", "Convert with it", "number", emphasis=True),
        Column("rest", "Convert without", "number"),
        Column("odds", "Odds ratio (95 %)", "number"),
    )
    return Table(
        columns, tuple(association_cells(row) for row in records(found)),
        title="What goes with conversion",
        subtitle=f"Funnel “{reading.label}”: properties at the entry and events on the way; of "
        f"{len(reading.associations)} beyond chance after correction, the surest",
        notes=("It goes with conversion; that it brings conversion about is not shown.",),
    )  # fmt: skip


def _bars(reading: Reading, paths: pd.DataFrame, direction: Direction) -> Figure | None:
    rows = paths[paths["outcome"] == "dropped"]
    if rows.empty:
        return None
    step = reading.name_of(reading.step_before(reading.worst))
    worst = reading.name_of(reading.worst)
    bars = rows.rename(columns={"event": "segment", "users": "value"})
    bars = bars.assign(segment=bars["segment"].map(in_words))
    what = {
        "before": f"Last event before {quoted(step)}, of any age",
        "after": f"First event after {quoted(step)}, within the window",
    }[direction]
    return figure(
        plot_ranked_bars(bars, unit="count", other=_REST),
        title=paths_title(paths, outcome="dropped", step=step, direction=direction),
        subtitle=f"{what}, of users who did not get to {quoted(worst)}",
        alt=alt_text(
            "Bars", what, f"Users who did not get to {quoted(worst)}",
            row_numbers(bars, name="segment", value="value", unit="count"),
        ),
    )  # fmt: skip
