"""What a worker process does: runs one report after another and makes its files ready.

Each report is executed by papermill, with kpikit's engine, in a private folder; it is sealed,
rendered, and staged beside its place. Only the runner moves files into place, so a worker may be
killed at any moment.
"""

import contextlib
import json
import os
import signal
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import kpikit
from kpikit.errors import KpikitError, RenderError, SealError
from kpikit.publish.failed import failed_notebook, notebook_text
from kpikit.publish.guard import Guard
from kpikit.publish.identity import LEDGER
from kpikit.publish.messages import CellStarted, Event, Job, Outcome
from kpikit.publish.outputs import stage_files
from kpikit.publish.processes import end_family
from kpikit.publish.profile import HTML, PDF, SEAL, Clock
from kpikit.publish.scratch import discard
from kpikit.publish.seal import broken_conditions, kpis_document

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from kpikit.publish.kernels import KernelPlace

SAFE_PATH = "PYTHONSAFEPATH"  # keeps the current folder out of a process's imports
HIDDEN_BY_RUNNER = "kpikit"  # its value where the runner set it, for the worker alone

# of linear algebra, which starts its threads when it is imported: a fork would lose them
_SINGLE_THREADED = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_THREADED = ("OMP_NUM_THREADS", "NUMEXPR_MAX_THREADS", "KPIKIT_THREADS")


def serve(connection: Connection) -> None:
    """Make the reports that arrive on ``connection``, until it closes or None arrives.

    Events and outcomes go back the same way. The process ends with the runner's: Ctrl-C is the
    runner's to handle, and a runner that is gone takes its workers with it.
    """
    if os.environ.get(SAFE_PATH) == HIDDEN_BY_RUNNER:
        del os.environ[SAFE_PATH]
    _ignore_ctrl_c()
    _forbid_slow_import()
    taken: list[Job] = []
    threading.Thread(target=_end_with_parent, args=(taken,), daemon=True).start()
    try:
        while (job := connection.recv()) is not None:
            taken[:] = [job]
            connection.send(make_report(job, tell=connection.send))
    except (EOFError, OSError):
        return


def make_report(job: Job, *, tell: Callable[[Event], None]) -> Outcome:
    """Execute, seal, render and stage one report; a failed one stages its marked notebook.

    Args:
        job: The report and how to make it.
        tell: Takes the run's events.
    """
    started = time.monotonic()
    notebook: NotebookNode | None = None
    guard = Guard(job.limits, mark=job.mark)
    clock = Clock(job)
    try:
        _prepare_pages(job, clock)
        notebook = _execute(job, clock.listen(tell), guard, clock)
        with clock.phase(SEAL):
            reasons = broken_conditions(notebook, job.report)
        if reasons:
            failed = _failed(job, notebook, reasons, started)
            return replace(failed, is_lost=bool(guard.lost))
        cells = len(notebook["cells"])
        tell(CellStarted(cells, cells, "writing the pages"))
        pages, notes = _render(notebook, job, clock)
        with clock.phase(SEAL):
            files = {**pages, **_data_files(notebook, job)}
            _stage(job, files)
    except Exception as error:  # noqa: BLE001 - one failing report never stops the others
        failed = _failed(job, notebook, [_describe(error)], started)
        return replace(failed, is_lost=isinstance(error, _KernelNotStartedError))
    seconds = time.monotonic() - started
    profile = clock.profile()
    return Outcome(
        job.report, "sealed", notes=notes, files=tuple(files), seconds=seconds, profile=profile
    )


class _KernelNotStartedError(SealError):
    """There was no kernel to run the cells."""


def _execute(job: Job, tell: Callable[[Event], None], guard: Guard, clock: Clock) -> "NotebookNode":
    """Return the executed notebook; a cell that failed is seen in its outputs."""
    import papermill  # noqa: PLC0415 - loads slowly, and only workers need it

    template = job.scratch / f"{job.report.name}.ipynb"
    executed: list[NotebookNode] = []
    place = _kernel_place(job, guard, clock)
    template.write_text(job.report.template.text, encoding="utf-8")
    papermill.log.logger.setLevel("ERROR")  # what it warns of is refused by plan or seal
    try:
        papermill.execute_notebook(
            str(template),
            None,  # written once, when it is sealed
            parameters=job.report.parameters,
            engine_name="kpikit",
            kernel_name="python3",
            language="python",
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            progress_bar=False,
            execution_timeout=job.limits.cell_seconds or None,
            place=place,
            on_event=tell,
            on_notebook=executed.append,
        )
    except RuntimeError as error:
        reason = f"The kernel did not start: {error}{_last_words(place)}"
        raise _KernelNotStartedError(reason) from error
    (notebook,) = executed
    note = notebook["metadata"]["papermill"]
    note["input_path"] = note["output_path"] = f"{job.report.name}.ipynb"
    return notebook


def _kernel_place(job: Job, guard: Guard, clock: Clock) -> "KernelPlace":
    from kpikit.publish.kernels import KernelPlace  # noqa: PLC0415 - imports Jupyter's clients

    work = job.scratch / "work"
    work.mkdir(parents=True)
    clock.write_start_up(job.scratch / "ipython" / "profile_default" / "startup")
    # where open_report looks by default, for templates that do not pass params_dir on
    with contextlib.suppress(OSError):
        (work / "params").symlink_to(job.report.params_dir, target_is_directory=True)
    return KernelPlace(
        sockets=job.scratch,
        cwd=work,
        env=kernel_environment(job),
        log=job.scratch / "kernel.log",
        guard=guard,
        zygote=job.zygote,
    )


def kernel_environment(job: Job) -> dict[str, str]:
    """Return the environment of a report's kernel: this process's, and what must be its own."""
    name, _, scratch = job.mark.partition("=")
    own = {
        name: scratch,
        "KPIKIT_RUN_ID": job.report.run_id,
        "KPIKIT_LEDGER": str(job.output_dir / LEDGER),
        "KPIKIT_OVERRIDES": json.dumps(job.report.overrides),
        "IPYTHONDIR": str(job.scratch / "ipython"),  # nobody's private start-up scripts
        "JUPYTER_RUNTIME_DIR": str(job.scratch),
        "TMPDIR": str(job.scratch),  # so that what a killed kernel leaves there is removed
    }
    threads = dict.fromkeys(_THREADED, str(job.threads))
    return {**_interpreter_environment(), **own, **threads}


def zygote_environment(scratch: Path) -> dict[str, str]:
    """Return the environment in which what all kernels share is imported, without a thread.

    Args:
        scratch: The run's private folder, in which temporary files of the imports lie.
    """
    quiet = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "TMPDIR": str(scratch)}
    return {**_interpreter_environment(), **dict.fromkeys(_THREADED, "1"), **quiet}


def _interpreter_environment() -> dict[str, str]:
    """Return what an interpreter and its libraries read only once, the same for every report."""
    own = {
        # pyplot shows figures in the notebook, whatever the shell that started the run prefers
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
    }
    # left by a kernel that this run was started from, whose end would end these
    inherited = {name: value for name, value in os.environ.items() if name != "JPY_PARENT_PID"}
    return {**inherited, **own, **dict.fromkeys(_SINGLE_THREADED, "1"), **_import_path()}


def _import_path() -> dict[str, str]:
    """Let the kernel import this very kpikit, also where it runs from its source folder."""
    home = str(Path(kpikit.__file__).parent.parent)
    if home in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        return {}
    given = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([home, given] if given else [home])}


def _prepare_pages(job: Job, clock: Clock) -> None:
    """Load what a worker's first pages take, while the zygote imports what its kernel takes."""
    if "html" in job.formats:
        with clock.phase(HTML):
            from kpikit.publish import html  # noqa: PLC0415 - only where asked for

            html.prepare()
    if "pdf" in job.formats:
        with clock.phase(PDF):
            from kpikit.publish import typst  # noqa: PLC0415 - loads fonts

            typst.prepare()


def _render(
    notebook: "NotebookNode", job: Job, clock: Clock
) -> tuple[dict[str, str | bytes], tuple[str, ...]]:
    """Return the pages asked for by file name, and remarks on them."""
    name = job.report.name
    pages: dict[str, str | bytes] = {}
    notes: list[str] = []
    if "html" in job.formats:
        with clock.phase(HTML):
            from kpikit.publish.html import render_html  # noqa: PLC0415 - only where asked for

            pages[f"{name}.html"] = render_html(notebook)
    if "pdf" in job.formats:
        with clock.phase(PDF):
            from kpikit.publish.pdf import render_pdf  # noqa: PLC0415 - loads Typst and its fonts

            pdf = render_pdf(notebook)
        pages[f"{name}.pdf"] = pdf.data
        notes += [pdf.note] if pdf.note else []
    return pages, tuple(notes)


def _data_files(notebook: "NotebookNode", job: Job) -> dict[str, str]:
    """Return the notebook and, as the last file of the set, its KPIs."""
    name = job.report.name
    document = kpis_document(notebook, job.report)
    return {
        f"{name}.ipynb": notebook_text(notebook),
        f"{name}.kpis.json": json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        + "\n",
    }


def _stage(job: Job, files: dict[str, str | bytes]) -> None:
    try:
        stage_files(job.staging, files)
    except OSError as error:
        raise RenderError(
            f"Its files could not be written in {job.output_dir}: {error.strerror}.\n"
            "Make room, or name another folder with --output-dir."
        ) from error


def _failed(
    job: Job, notebook: "NotebookNode | None", reasons: list[str], started: float
) -> Outcome:
    """Stage the marked notebook and return the outcome; a full disk may forbid even that."""
    from kpikit.params.environment import mask_secrets, note_references  # noqa: PLC0415 - seldom

    note_references(job.report.connection)
    reasons = [mask_secrets(reason) for reason in reasons]
    name = f"{job.report.name}.failed.ipynb"
    files: tuple[str, ...] = ()
    try:
        stage_files(job.staging, {name: failed_notebook(notebook, job.report, reasons)})
        files = (name,)
    except OSError as error:
        reasons = [*reasons, f"The failed notebook could not be kept: {_describe(error)}"]
    seconds = time.monotonic() - started
    return Outcome(job.report, "failed", tuple(reasons), files=files, seconds=seconds)


def _describe(error: Exception) -> str:
    if isinstance(error, KpikitError):
        return str(error)
    name = type(error).__name__
    if isinstance(error, OSError):
        return f"{name}: {error}"
    last = traceback.extract_tb(error.__traceback__)[-1]  # a fault of the code: say where
    return f"{name}: {error} ({Path(last.filename).name}, line {last.lineno})"


def _last_words(place: "KernelPlace") -> str:
    """Return the end of what the kernel's process printed, for the message."""
    words = place.log.read_text("utf-8", errors="replace").strip() if place.log else ""
    return f"\n{words[-500:]}" if words else ""


def _forbid_slow_import() -> None:
    """Keep jsonschema, which reads notebooks, from loading a check of URIs that it can do without.

    Building that check's grammar takes 1.7 s in every process; no notebook's schema asks for it.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None forbids it


def _ignore_ctrl_c() -> None:
    # a handler that does nothing, for SIG_IGN would be handed down to the kernels
    signal.signal(signal.SIGINT, lambda *_: None)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end_with_parent(taken: Sequence[Job]) -> None:
    """End with the runner, and clean up in its place."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        for job in taken:
            end_family(None, mark=job.mark)
            discard(job.scratch.parent)
        os._exit(1)
