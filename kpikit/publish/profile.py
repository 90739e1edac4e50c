"""Where the time of a report goes: ``kpikit run --profile``.

Nothing is measured unless asked for. Then the worker clocks what it does, and a start-up file of
the report's kernel clocks imports, queries and charts there, by wrapping the few functions through
which all of them go; what is left of its cells is "cells". Wall seconds tell what one waits for,
CPU seconds of the process what it costs, and only these mean much where other reports run too.
"""

import builtins
import contextlib
import functools
import importlib
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

from kpikit.publish.messages import CellStarted, Event, Job, Outcome, Profile

START, IMPORTS, QUERIES, CHARTS = "start", "imports", "queries", "charts"
CELLS, JUPYTER, HTML, PDF, SEAL = "cells", "Jupyter", "HTML", "PDF", "seal"
PHASES = (START, IMPORTS, QUERIES, CHARTS, CELLS, JUPYTER, HTML, PDF, SEAL)

_IDLE = "idle"  # a kernel between two cells
_FILE = "profile.json"
_QUERIES = ("execute", "to_pyarrow", "to_pyarrow_batches", "raw_sql")  # of Ibis's backends
_OWN_QUERIES = {("kpikit.engine", "fetch"), ("kpikit.catalogue.keeping", "keep")}
_CHART = "themed.<locals>.inner"  # every function of kpikit.present that draws is one of these


class Phases:
    """Wall and CPU seconds by phase; a phase inside another counts as itself alone."""

    def __init__(self, first: str) -> None:
        self.wall: defaultdict[str, float] = defaultdict(float)
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self._open = [first]
        self._at = time.perf_counter()
        self._used = 0.0  # process_time counts from the start of the process

    def enter(self, name: str) -> None:
        """Begin a phase."""
        self.note()
        self._open.append(name)

    def leave(self) -> None:
        """End the phase that began last."""
        self.note()
        self._open.pop()

    def turn(self, name: str) -> None:
        """End the phase that began last, and begin another in its place."""
        self.note()
        self._open[-1] = name

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Clock the body."""
        self.enter(name)
        try:
            yield
        finally:
            self.leave()

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, clocked."""

        @functools.wraps(function)
        def clocked(*args: Any, **options: Any) -> Any:
            with self.phase(name):
                return function(*args, **options)

        return clocked

    def note(self) -> None:
        """Add the time that has passed to the phase that is open."""
        at, used = time.perf_counter(), time.process_time()
        self.wall[self._open[-1]] += at - self._at
        self.cpu[self._open[-1]] += used - self._used
        self._at, self._used = at, used


class Clock:
    """Clocks what a worker does for one report, where that is asked for."""

    def __init__(self, job: Job) -> None:
        self._file = job.scratch / _FILE
        self._phases = Phases(START) if job.profile else None
        if self._phases:
            self._phases._used = time.process_time()  # noqa: SLF001 - reports before it used the rest

    def phase(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Clock the body."""
        return self._phases.phase(name) if self._phases else contextlib.nullcontext()

    def listen(self, tell: Callable[[Event], None]) -> Callable[[Event], None]:
        """Return ``tell``, which shows that the start is over when the first cell begins."""
        phases = self._phases
        if phases is None:
            return tell

        def listening(event: Event) -> None:
            if isinstance(event, CellStarted) and event.position == 0:
                phases.turn(JUPYTER)
            tell(event)

        return listening

    def write_start_up(self, folder: Path) -> None:
        """Make the folder of files that the kernel runs when it starts, for one that clocks it."""
        if self._phases:
            line = f"from kpikit.publish.profile import install\ninstall({str(self._file)!r})\n"
            folder.mkdir(parents=True)
            (folder / "kpikit-profile.py").write_text(line, encoding="utf-8")

    def profile(self) -> Profile:
        """Return wall and CPU seconds by phase; nothing where it was not asked for."""
        if self._phases is None:
            return {}
        self._phases.note()
        wall, cpu = self._phases.wall.copy(), self._phases.cpu.copy()
        with contextlib.suppress(OSError, ValueError):  # a kernel that was killed has written none
            kernel = json.loads(self._file.read_text(encoding="utf-8"))
            for name, (wall_s, cpu_s) in kernel.items():
                cpu[name] += cpu_s
                if name != START:  # the worker has waited for it, and counted that
                    wall[name] += wall_s
                    wall[JUPYTER] -= wall_s
        return {name: (round(wall[name], 3), round(cpu[name], 3)) for name in PHASES}


def install(path: str) -> None:
    """Clock this process, the kernel of a report, and write after each cell what it took.

    Args:
        path: File for the phases of the kernel, as JSON: name to wall and CPU seconds.
    """
    from IPython.core.getipython import get_ipython  # noqa: PLC0415 - of kernels alone

    phases = Phases(START)
    phases.turn(_IDLE)
    _clock_imports(phases)
    clock_loaded(phases)

    def before(*_: Any) -> None:
        phases.enter(CELLS)

    def after(*_: Any) -> None:
        phases.leave()
        found = {name: (phases.wall[name], phases.cpu[name]) for name in phases.cpu}
        found.pop(_IDLE, None)
        Path(path).write_text(json.dumps(found), encoding="utf-8")

    shell: Any = get_ipython()
    shell.events.register("pre_run_cell", before)
    shell.events.register("post_run_cell", after)


def profile_lines(outcomes: Iterable[Outcome]) -> list[str]:
    """Return tables of CPU and of wall seconds: a row per report that was made, and their sum."""
    made = {
        f"{outcome.report.product} {outcome.report.period}": outcome.profile
        for outcome in outcomes
        if outcome.profile
    }
    if not made:
        return ["\nNo report was made, so there is no profile: --force makes unchanged ones too."]
    total = {
        name: tuple(sum(each[name][kind] for each in made.values()) for kind in (0, 1))
        for name in PHASES
    }
    rows = {**made, "all reports": total} if len(made) > 1 else made
    return [
        line
        for kind, title in ((1, "CPU seconds"), (0, "Wall seconds"))
        for line in _table(title, rows, kind)
    ]


def _table(title: str, rows: Mapping[str, Mapping[str, Any]], kind: int) -> Iterator[str]:
    width = max(len(name) for name in (title, *rows))
    yield ""
    yield f"{title:<{width}}" + "".join(f"{name:>8}" for name in (*PHASES, "sum"))
    for name, found in rows.items():
        seconds = [found[phase][kind] for phase in PHASES]
        cells = "".join(f"{value:8.2f}" for value in (*seconds, sum(seconds)))
        yield f"{name:<{width}}{cells}"


def _clock_imports(phases: Phases) -> None:
    """Clock the outermost imports of this thread; what they load is clocked from then on."""
    main, is_inside = threading.get_ident(), False

    def clocked(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def load(*args: Any, **options: Any) -> Any:
            nonlocal is_inside
            if is_inside or threading.get_ident() != main:
                return function(*args, **options)
            is_inside, known = True, len(sys.modules)
            try:
                with phases.phase(IMPORTS):
                    return function(*args, **options)
            finally:
                is_inside = False
                if len(sys.modules) != known:
                    clock_loaded(phases)

        return load

    builtins.__import__ = clocked(builtins.__import__)
    importlib.import_module = clocked(importlib.import_module)


def clock_loaded(phases: Phases) -> None:
    """Wrap the functions that run queries or draw, as far as they are loaded and not wrapped."""
    loaded = [module for module in list(sys.modules.values()) if hasattr(module, "__dict__")]
    for module in loaded:
        name = getattr(module, "__name__", "")
        if name.startswith("ibis.backends"):
            _wrap(vars(module).get("Backend"), _QUERIES, QUERIES, phases)
        elif name == "matplotlib.backend_bases":
            _wrap(vars(module).get("FigureCanvasBase"), ("print_figure",), CHARTS, phases)
        elif name.startswith("kpikit."):
            for key, value in list(vars(module).items()):
                if isinstance(value, FunctionType) and (phase := _phase_of(value)):
                    _wrap(module, (key,), phase, phases)


def _phase_of(function: FunctionType) -> str:
    if function.__code__.co_qualname == _CHART:
        return CHARTS
    return QUERIES if (function.__module__, function.__name__) in _OWN_QUERIES else ""


def _wrap(owner: Any, names: Iterable[str], phase: str, phases: Phases) -> None:
    for name in names if owner is not None else ():
        function = vars(owner).get(name)
        if function is not None and not hasattr(function, "__clocked__"):
            clocked = phases.wrap(phase, function)
            clocked.__clocked__ = True  # type: ignore[attr-defined]
            setattr(owner, name, clocked)
