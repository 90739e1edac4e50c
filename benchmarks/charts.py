"""CPU seconds of each chart of the shipped review, drawing to SVG included, in a warm process."""

import functools
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmarks.measure import Result, run_output
from benchmarks.review import show_sections

ROUNDS = 5
PRODUCT = "atlas"


def measure() -> Iterator[Result]:
    command = [sys.executable, "-m", "benchmarks.charts"]
    charts = json.loads(run_output(command, env={"KPIKIT_THREADS": "1"}))
    for number, (name, took) in enumerate(charts, start=1):
        heat = name == "plot_cohorts"
        label = f"chart {number}, {name.removeprefix('plot_')}"
        yield Result(label, 1000 * took, "CPU ms", 120 if heat else None)
    mean = 1000 * statistics.mean(took for _, took in charts)
    yield Result(f"mean of {len(charts)} charts of the review", mean, "CPU ms", 60)


class Stopwatch:
    """Notes what each chart takes: its ``plot_*`` function, and its ``figure`` after it."""

    def __init__(self) -> None:
        self.charts: list[tuple[str, float]] = []
        self._open: tuple[str, float] = ("", 0.0)

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner(*args: Any, **options: Any) -> Any:
            start = time.process_time()
            result = function(*args, **options)
            self._note(function.__name__, time.process_time() - start)
            return result

        return inner

    def _note(self, name: str, took: float) -> None:
        if name == "figure":
            plot, before = self._open
            self.charts.append((plot, before + took))
            self._open = ("", 0.0)
        else:
            self._open = (name, self._open[1] + took)


def forget_texts(learnt: Mapping[tuple[str, bool], Any]) -> None:
    """Leave of what texts have taught a process what a warm kernel knows when it starts."""
    from kpikit.present import lettering  # noqa: PLC0415 - as below

    for remembered in (lettering.outline, lettering.middle, lettering._units):  # noqa: SLF001
        remembered.cache_clear()
    lettering._pairs.clear()  # noqa: SLF001
    lettering._pairs.update(learnt)  # noqa: SLF001


def draw() -> list[tuple[str, float]]:
    """Draw the review several times; return each chart's name and its median."""
    from kpikit.present import canvas, lettering  # noqa: PLC0415 - patched before charts load

    lettering.learn_pairs()
    learnt = dict(lettering._pairs)  # noqa: SLF001 - for ``forget_texts``

    watch = Stopwatch()
    themed = canvas.themed
    canvas.themed = lambda function: watch.timed(themed(function))
    canvas.figure = watch.timed(canvas.figure)
    import seaborn as sns  # noqa: F401, PLC0415 - its import is no part of a chart

    import kpikit  # noqa: PLC0415 - as above

    rounds = []
    for _ in range(ROUNDS + 1):  # the first one warms
        forget_texts(learnt)
        report = kpikit.open_report(PRODUCT)
        show_sections(report)
        rounds.append(watch.charts)
        watch.charts = []
    return [
        (charts[0][0], statistics.median(took for _, took in charts))
        for charts in zip(*rounds[1:], strict=True)
    ]


if __name__ == "__main__":
    print(json.dumps(draw()), file=sys.__stdout__)
