"""What people do just before the weakest step, and instead of it; what goes with conversion."""

from collections.abc import Iterator
from typing import Literal

import pandas as pd

from kpikit.present.charts import figure, plot_ranked_bars
from kpikit.present.components import Component, Figure, Paragraph, Row
from kpikit.present.frames import in_words
from kpikit.present.sentences_funnel import paths_title, quoted
from kpikit.present.titles import alt_text, row_numbers
from kpikit.sections.funnels.reading import Reading

Direction = Literal["after", "before"]
_REST = "(other)"


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
