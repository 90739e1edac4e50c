"""Run every benchmark, print each figure beside its bar: ``make bench``, or ``python -m benchmarks NAME``.

Names: startup, review, first_run. The exit code is 1 where a bar is missed.
"""

import sys
from importlib import import_module

NAMES = ("startup", "review", "first_run")


def main(names: list[str]) -> int:
    missed = 0
    print(f"{'what':<58} {'median':>10} {'bar':>10}")
    for name in names or NAMES:
        for result in import_module(f"benchmarks.{name}").measure():
            bar = "" if result.bar is None else f"{result.bar:g} {result.unit}"
            verdict = "" if result.bar is None else "ok" if result.met else "MISSED"
            value = f"{result.value:.2f} {result.unit}"
            print(
                f"{result.name:<58} {value:>10} {bar:>10}  {verdict}  {result.detail}", flush=True
            )
            missed += not result.met
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
