"""How long those who convert take."""

from collections.abc import Iterator

from kpikit.formats import format_share
from kpikit.present.charts import figure
from kpikit.present.charts_funnel import plot_times
from kpikit.present.components import Column, Component, Paragraph, Row, Table
from kpikit.present.frames import in_words, records
from kpikit.present.sentences_funnel import bin_labels, duration, times_title
from kpikit.present.titles import alt_text
from kpikit.sections.funnels.reading import Reading

_LEAST_SHOWN = 0.1


def times_of(reading: Reading) -> Iterator[Component]:
    """Yield the histogram of conversion times, and percentiles for the whole and each step."""
    times = reading.times
    if times.empty:
        yield Paragraph(f"Funnel “{reading.label}”: nobody converted, so there is no time to tell.")
        return
    first, last = reading.now["name"].iloc[0], reading.now["name"].iloc[-1]
    labels = bin_labels(times)
    shares = [
        f"{label}: {format_share(share, digits=0)}"
        for label, share in zip(labels, times["share"], strict=True)
    ]
    chart = figure(
        plot_times(times, labels=labels),
        title=times_title(reading.quantiles),
        subtitle=f"Time from “{in_words(first)}” to “{in_words(last)}”, share of "
        f"{int(times['users'].sum()):,} users who converted; below: and all before",
        alt=alt_text("Columns", "time to convert", f"Funnel “{reading.label}”", shares),
    )
    yield Row((chart, _percentiles(reading)), (1.0, 1.0))


def _percentiles(reading: Reading) -> Table:
    whole = [
        {"what": f"{format_share(row['quantile'], digits=0)} converted within",
         "time": duration(row["seconds"])}
        for row in records(reading.quantiles)
        if row["quantile"] >= _LEAST_SHOWN
    ]  # fmt: skip
    steps = [
        {"what": f"to “{in_words(row['name'])}”, from the step before: median",
         "time": duration(row["median_seconds"])}
        for row in records(reading.now)
        if row["step"] > 1 and row["users"]
    ]  # fmt: skip
    columns = (Column("what", "Of those who convert", width=3.0), Column("time", "Time", "number"))
    return Table(columns, (*whole, *steps), title="Percentiles, and the time of each step")
