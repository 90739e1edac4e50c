"""The report factory against the loop that users write, its floor, and a hundred products.

``python -m benchmarks runner`` measures all; ``python -m benchmarks.runner --quick`` a small run
whose figures say little of a hundred products, for its fixed costs weigh more.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.measure import Result, Usage, run_command, run_output
from benchmarks.products import change_data, make_products, product_key
from benchmarks.templates import write_templates

KPIKIT = [str(Path(sys.executable).with_name("kpikit")), "run"]
COLD = {"KPIKIT_KERNELS": "cold"}


@dataclass(frozen=True)
class Scale:
    """How much is measured: rounds, reports of the loops, of kpikit by template, and products."""

    rounds: int
    loop: int
    reports: Mapping[str, int]
    products: int


# The loops cost the same for each report; kpikit shares a start among as many as there are.
FULL = Scale(rounds=3, loop=4, reports={"heavy": 24, "light": 60}, products=100)
QUICK = Scale(rounds=1, loop=2, reports={"heavy": 6, "light": 8}, products=6)
RATIO_BARS = {"heavy": 3, "light": 8}
FLOOR_BARS = {"heavy": 1.2, "light": None}


@dataclass(frozen=True)
class Bench:
    """A folder with templates and products, and the ways to make reports of them."""

    folder: Path
    scale: Scale
    templates: Mapping[str, Path]

    @property
    def params(self) -> Path:
        return self.folder / "params"

    def kpikit(self, template: str, count: int, *, cold: bool = False, workers: int = 2) -> Usage:
        """Make that many reports with ``kpikit run``, sealed, as pages and notebooks."""
        products = [word for key in self.keys(count) for word in ("--product", key)]
        with tempfile.TemporaryDirectory(dir=self.folder) as output:
            words = ["--params-dir", str(self.params), "--output-dir", output, "--formats", "html"]
            command = [*KPIKIT, str(self.templates[template]), *words, "--jobs", str(workers)]
            return run_command([*command, *products], env=self.env | (COLD if cold else {}))

    def peer(self, kind: str, template: str, count: int) -> Usage:
        """Make that many reports by a loop of ``benchmarks.peers``."""
        with tempfile.TemporaryDirectory(dir=self.folder) as output:
            return run_command(self._peer(kind, template, output, count), env=self.env)

    def floor(self, template: str) -> tuple[float, float]:
        """Return what the cells and the page of a report take without a kernel, in CPU s."""
        with tempfile.TemporaryDirectory(dir=self.folder) as output:
            command = self._peer("floor", template, output, 1 + 2 * self.scale.loop)
            found = json.loads(run_output(command, env=self.env).splitlines()[-1])
        return found["cells"], found["html"]

    @property
    def env(self) -> dict[str, str]:
        threads = dict.fromkeys(("KPIKIT_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        return {"KPIKIT_CACHE_DIR": str(self.folder / "cache"), **threads}

    def keys(self, count: int) -> list[str]:
        return [product_key(number) for number in range(count)]

    def _peer(self, kind: str, template: str, output: str, count: int) -> list[str]:
        places = [str(self.templates[template]), str(self.params), output]
        return [sys.executable, "-m", "benchmarks.peers", kind, *places, *self.keys(count)]


def measure(scale: Scale = FULL) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="kb-") as name:
        folder = Path(name)
        make_products(folder, max(scale.products, *scale.reports.values()))
        bench = Bench(folder, scale, write_templates(folder / "templates"))
        yield from _reviews(bench)  # first, for it leaves the data's caches to the others
        for template in scale.reports:
            yield from _against_peers(bench, template)
        yield from _memory(bench)


def _against_peers(bench: Bench, template: str) -> Iterator[Result]:
    """Yield what a template's reports take in each way; the ways take turns."""
    scale, many = bench.scale, bench.scale.reports[template]
    few = max(2, many // 4)
    loop = "papermill, then nbconvert, for each"
    ways: dict[str, tuple[int, Callable[[int], Usage]]] = {
        loop: (scale.loop, partial(bench.peer, "loop", template)),
        "both called by processes that stay": (scale.loop, partial(bench.peer, "api", template)),
        "kpikit, cold kernels": (few, partial(bench.kpikit, template, cold=True)),
        "kpikit, few reports": (few, partial(bench.kpikit, template)),
        "kpikit": (many, partial(bench.kpikit, template)),
    }
    floors: list[tuple[float, float]] = []
    found: dict[str, list[Usage]] = {name: [] for name in ways}
    for _ in range(scale.rounds):
        floors.append(bench.floor(template))
        for name, (count, make) in ways.items():
            found[name].append(make(count))
    wall = {name: statistics.median(each.wall_s for each in found[name]) for name in ways}
    cpu = {name: statistics.median(each.cpu_s for each in found[name]) for name in ways}
    for name, (count, _) in ways.items():
        detail = f"{cpu[name] / count:.2f} CPU s a report, {count} reports"
        yield Result(f"{template}: {name}", 60 * count / wall[name], "a minute", None, detail)
    faster = (many / wall["kpikit"]) / (scale.loop / wall[loop])
    bar = RATIO_BARS[template]
    yield Result(f"{template}: reports a minute, of the loop's", faster, "x", bar, at_least=True)

    cells, html = (statistics.median(column) for column in zip(*floors, strict=True))
    each, least = cpu["kpikit"] / many, cells + html
    detail = f"{each:.2f} of {least:.2f} CPU s"
    yield Result(f"{template}: CPU of its floor", each / least, "x", FLOOR_BARS[template], detail)
    further = (cpu["kpikit"] - cpu["kpikit, few reports"]) / (many - few)
    detail = f"{further:.2f} CPU s for each further report"
    name = f"{template}: kernel, papermill and seal"
    yield Result(name, further - least, "CPU s", 0.2, detail)


def _reviews(bench: Bench) -> Iterator[Result]:
    """Yield what the shipped review of all products takes: new, unchanged, with one changed."""
    count = bench.scale.products
    output = bench.folder / "output"
    products = [word for key in bench.keys(count) for word in ("--product", key)]
    places = ["--params-dir", str(bench.params), "--output-dir", str(output)]
    command = [*KPIKIT, "quarterly_review", *places, *products]
    made = run_command(command, env=bench.env)
    name = f"review of {count} products"
    bar = 180 * count / 100
    detail = f"{made.detail}, {made.cpu_s / count:.2f} each, {made.peak_mib:.0f} MiB"
    yield Result(f"{name}, HTML and PDF", made.wall_s, "s", bar, detail)
    unchanged = [run_command(command, env=bench.env) for _ in range(bench.scale.rounds)]
    wall = statistics.median(usage.wall_s for usage in unchanged)
    yield Result(f"{name}, unchanged", wall, "s", 2, unchanged[0].detail)
    before = _pages(output)
    change_data(bench.folder, count // 2, seed=1)
    changed = run_command(command, env=bench.env)
    again = sum(time_ns != before[page] for page, time_ns in _pages(output).items())
    none = again == 0  # as wrong as two
    yield Result(f"{name}, one changed", again, "made", 1, changed.detail, at_least=none)
    yield from _exports(output)


def _pages(output: Path) -> dict[Path, int]:
    return {page: page.stat().st_mtime_ns for page in output.rglob("quarterly_review.html")}


def _exports(output: Path) -> Iterator[Result]:
    """Yield what a page and a PDF of the reviews take in a worker that has made some."""
    notebooks = sorted(map(str, output.rglob("quarterly_review.ipynb")))[:13]
    took = json.loads(run_output([sys.executable, "-m", "benchmarks.runner", *notebooks]))
    for form, bar in (("HTML", 0.1), ("PDF", 0.3)):
        first, *others = took[form]
        detail = f"the first {first:.2f}, {len(others)} others"
        value = statistics.median(others)
        yield Result(f"review: its {form} after the first", value, "CPU s", bar, detail)


def export(notebooks: Sequence[str]) -> dict[str, list[float]]:
    """Render notebooks one after another, as a worker does; return CPU seconds by form."""
    import nbformat  # noqa: PLC0415 - of the child alone

    from kpikit.publish.html import render_html  # noqa: PLC0415 - as above
    from kpikit.publish.pdf import render_pdf  # noqa: PLC0415 - as above

    took: dict[str, list[float]] = {"HTML": [], "PDF": []}
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        for form, render in (("HTML", render_html), ("PDF", render_pdf)):
            start = time.process_time()
            render(notebook)
            took[form].append(time.process_time() - start)
    return took


def _memory(bench: Bench) -> Iterator[Result]:
    """Yield what a second worker adds to the memory, its kernel counted in."""
    count = 2 * bench.scale.loop
    peaks = {
        workers: statistics.median(
            bench.kpikit("heavy", count, workers=workers).peak_mib
            for _ in range(bench.scale.rounds)
        )
        for workers in (1, 2)
    }
    detail = f"{peaks[1]:.0f} MiB with one, {peaks[2]:.0f} with two"
    yield Result("memory of a further worker", peaks[2] - peaks[1], "MiB", 350, detail)


if __name__ == "__main__":
    if sys.argv[1:] == ["--quick"]:
        from benchmarks.__main__ import report

        sys.exit(report(measure(QUICK)))
    print(json.dumps(export(sys.argv[1:])), file=sys.__stdout__)
