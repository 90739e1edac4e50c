"""How the conversion of each funnel got here, by week and by month, with signals."""

from collections.abc import Iterator

from kpikit.periods import Grain
from kpikit.present.charts import figure, plot_trend
from kpikit.present.components import Component, Figure, Paragraph, Row
from kpikit.present.sentences_funnel import signal_clause, trend_message
from kpikit.present.titles import alt_text, series_numbers
from kpikit.sections.funnels.reading import Reading


def trend_of(reading: Reading) -> Iterator[Component]:
    """Yield the conversion by week and by month."""
    charts = [chart for grain in ("week", "month") if (chart := _chart(reading, grain))]
    if not charts:
        yield Paragraph(
            f"Funnel “{reading.label}”: a trend takes two weeks in which users entered "
            "whose window is over, and there are fewer."
        )
    elif len(charts) == 1:
        yield charts[0]
    else:
        yield Row(tuple(charts), (1.0, 1.0))
    yield Paragraph(f"By week: {signal_clause(reading.trends['week'])}", small=True)


def _chart(reading: Reading, grain: Grain) -> Figure | None:
    rows = reading.trends[grain]
    if rows["value"].notna().sum() < 2:
        return None
    band = "; band: routine variation" if rows["lower"].notna().any() else ""
    ring = "; ring: signal" if rows["signal"].any() else ""
    marks = [
        mark for mark in reading.context.params.annotations
        if mark.date <= reading.context.as_of and not mark.metrics
    ]  # fmt: skip
    return figure(
        plot_trend(rows, None, unit="share", annotations=marks, size="half"),
        title=trend_message(rows, noun="Conversion"),
        subtitle=f"Funnel “{reading.label}”: share that converts within {reading.funnel.window}, "
        f"by {grain} of entry{band}{ring}",
        alt=alt_text(
            f"Line by {grain}", f"conversion of funnel “{reading.label}”",
            "Users who did the last step, of those who entered",
            series_numbers(rows, unit="share"),
        ),
    )  # fmt: skip
