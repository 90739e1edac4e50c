"""Run every benchmark and print each figure beside its bar.

``make bench`` runs all, ``python -m benchmarks startup`` one of them. The exit code is 1 where a
bar is missed, 2 where no benchmark has the name.
"""

import sys
from collections.abc import Iterable
from importlib import import_module

from benchmarks.measure import Result

NAMES = (
    "startup",
    "review",
    "charts",
    "runner",
    "experiments",
    "phases",
    "signals",
    "forecasts",
    "funnel",
    "interactive",
    "first_run",
)


def main(names: list[str]) -> int:
    if unknown := sorted(set(names) - set(NAMES)):
        print(f"Unknown benchmark: {', '.join(unknown)}. Known: {', '.join(NAMES)}.")
        return 2
    return report(
        result
        for name in names or NAMES
        for result in import_module(f"benchmarks.{name}").measure()
    )


def report(results: Iterable[Result]) -> int:
    """Print each figure as it comes; return 1 where a bar is missed, else 0."""
    missed = 0
    print(row("what", "median", "bar"))
    for result in results:
        print(result_row(result), flush=True)
        missed += not result.met
    return int(missed > 0)


def result_row(result: Result) -> str:
    """Return one line: what was measured, its median, its bar and whether that is met."""
    least = "≥ " if result.at_least else ""
    bar = "" if result.bar is None else f"{least}{result.bar:g} {result.unit}"
    verdict = "" if result.bar is None else "ok" if result.met else "MISSED"
    return row(result.name, f"{result.value:.2f} {result.unit}", bar, verdict, result.detail)


def row(name: str, value: str, bar: str, verdict: str = "", detail: str = "") -> str:
    return f"{name:<58} {value:>12} {bar:>9}  {verdict:<6}  {detail}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
