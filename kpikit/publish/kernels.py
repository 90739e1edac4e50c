"""A kernel of its own for one notebook: how it is started, watched to its end, and put away.

The kernel runs in this very interpreter's environment, whatever kernel the template names, so a
report never depends on which kernels a machine has registered. It talks over Unix sockets: TCP
ports are drawn by chance and clash when many kernels start at once.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient

from kpikit.publish.guard import LIMIT_ERROR, Guard
from kpikit.publish.messages import CellStarted, Event, KernelStarted
from kpikit.publish.scratch import scratch_folder
from kpikit.publish.seal import ALIVE, METADATA_KEY
from kpikit.publish.warm import KernelManager, Process

_SOCKET_NAME = "k"
_LONGEST_SOCKET_PATH = 100  # the system's limit is 103 (macOS) or 107 (Linux) bytes
_PROBE_SECONDS = 30.0
_END_SECONDS = 10.0  # how long a killed kernel may take to be gone
_OUTPUT_SECONDS = 60  # how long outputs may lag behind the reply on a busy machine


@dataclass(frozen=True)
class KernelPlace:
    """Where a kernel lives.

    Attributes:
        sockets: Private folder for its sockets, absolute and short.
        cwd: Its working directory.
        env: Its whole environment.
        log: File that takes what its process prints outside of cells; None: this process's own.
        guard: Keeps it within its limits, and ends it with all that its cells have started.
        zygote: Socket of the process to lease a warm kernel from; None: a cold one.
    """

    sockets: Path
    cwd: Path
    env: Mapping[str, str] = field(repr=False)  # may hold secrets
    log: Path | None = None
    guard: Guard = field(default_factory=Guard)
    zygote: Path | None = None


def run_cells(
    manager: Any,
    *,
    place: KernelPlace | None,
    on_event: Callable[[Event], None] | None,
    cell_timeout: float | None,
    start_timeout: float,
) -> None:
    """Run the notebook of a papermill manager, stopping at the first cell that fails.

    A cell whose kernel dies or that takes too long gets an error output, as one that raises has.
    The notebook's metadata tells under ``kpikit``, ``kernel``, whether the kernel was alive after
    the last cell, or how it ended.

    Args:
        manager: Papermill's manager; its ``nb`` is changed in place.
        place: Where the kernel lives; the current directory and environment if None.
        on_event: Called when the kernel has started and before each cell.
        cell_timeout: Seconds that a cell may take; no limit if None.
        start_timeout: Seconds that the kernel's start may take.

    Raises:
        RuntimeError: The kernel did not start.
    """
    if place is None:
        with scratch_folder() as sockets:
            here = KernelPlace(sockets, Path.cwd(), dict(os.environ))
            run_cells(
                manager,
                place=here,
                on_event=on_event,
                cell_timeout=cell_timeout,
                start_timeout=start_timeout,
            )
        return
    client = ReportClient(
        manager,
        kernel_name="python3",
        timeout=cell_timeout,
        startup_timeout=start_timeout,
        iopub_timeout=_OUTPUT_SECONDS,
        force_raise_errors=True,  # a cell tagged raises-exception is no report either
        shutdown_kernel="immediate",
    )
    client.place = place
    client.tell = on_event or _tell_nobody
    client.execute()


class ReportClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill ships no types
    """Papermill's client, which also notes how the kernel ended."""

    place: KernelPlace
    tell: Callable[[Event], None]

    def execute(self) -> None:
        """Start the kernel, run the cells, ask the kernel whether it still lives, kill it."""
        self.reset_execution_trackers()
        self.nb.metadata[METADATA_KEY] = {}
        log = None if self.place.log is None else self.place.log.open("ab")
        try:
            with self.setup_kernel(
                cwd=str(self.place.cwd), env=dict(self.place.env), stdout=log, stderr=log
            ):
                provisioner: Any = self.km.provisioner
                process = provisioner.process
                self.place.guard.watch(process.pid)
                self.tell(KernelStarted(process.pid, self.km.start))
                try:
                    ending = self._run_cells(process)
                finally:
                    self.place.guard.end()
                    # or else Jupyter finds it alive, and looks only ten times a second
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(_END_SECONDS)
                self.nb.metadata[METADATA_KEY]["kernel"] = ending
                _join_streams(self.nb)
                self.set_widgets_metadata()
        finally:
            if log is not None:
                log.close()

    def create_kernel_manager(self) -> KernelManager:
        """Return a manager for a kernel of this interpreter, on sockets where they fit."""
        stem = self.place.sockets / _SOCKET_NAME
        options = {"kernel_name": self.kernel_name, "connection_file": f"{stem}.json"}
        if hasattr(os, "fork") and len(os.fsencode(stem)) < _LONGEST_SOCKET_PATH:
            options |= {"transport": "ipc", "ip": str(stem)}
            options |= {"zygote": self.place.zygote, "kernel_log": self.place.log}
        self.km = KernelManager(kernel_spec_manager=_ThisInterpreter(), **options)
        return self.km

    def process_message(
        self, msg: Mapping[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        """Keep what a cell sends, as long as it is within the limits."""
        if not self.place.guard.accepts(msg, cell_index):
            return None
        output: NotebookNode | None = super().process_message(msg, cell, cell_index)
        return output

    def _run_cells(self, process: Process) -> str:
        """Run the cells in order and return how the kernel is after the last of them."""
        heading = ""
        for position, cell in enumerate(self.nb.cells):
            heading = _heading(cell) or heading
            self.tell(CellStarted(position, len(self.nb.cells), heading))
            self.nb_man.cell_start(cell, position)
            try:
                self.execute_cell(cell, position)
            except CellExecutionError as error:
                self.nb_man.cell_exception(cell, position, exception=error)
                return "it was stopped at a cell that raised"
            except CellTimeoutError as error:
                excess = self.place.guard.exceeded  # the end of a flood may come in late
                self._note_failure(cell, position, error, excess or self._timeout_text(error))
                return excess or "it was stopped at a cell that took too long"
            except DeadKernelError as error:
                ending = self._how_it_died(process)
                self._note_failure(cell, position, error, ending)
                return ending
            finally:
                self.nb_man.cell_complete(cell, position)
        return self._probe(process)

    async def _async_probe(self, process: Process) -> str:
        """Ask the kernel for a last sign of life, which a dying one cannot give."""
        if process.poll() is None:
            try:
                await self.kc.kernel_info(reply=True, timeout=_PROBE_SECONDS)
            except (Empty, TimeoutError):
                return self._how_it_died(process)
        return ALIVE if process.poll() is None else self._how_it_died(process)

    _probe = run_sync(_async_probe)

    def _how_it_died(self, process: Process) -> str:
        guard = self.place.guard
        if not guard.exceeded:
            guard.lost = _how_it_ended(process)
        return guard.exceeded or guard.lost

    def _note_failure(self, cell: NotebookNode, position: int, error: Exception, text: str) -> None:
        name = LIMIT_ERROR if self.place.guard.exceeded else type(error).__name__
        output = new_output(  # type: ignore[no-untyped-call]
            "error", ename=name, evalue=text, traceback=[f"{name}: {text}"]
        )
        cell.outputs.append(output)
        cell.execution_count = self.code_cells_executed  # a dying kernel does not tell it
        self.nb_man.cell_exception(cell, position, exception=error)

    def _timeout_text(self, error: CellTimeoutError) -> str:
        if "IOPub" in str(error):
            return f"its outputs did not arrive within {_OUTPUT_SECONDS} seconds"
        return f"it took longer than {self.timeout} seconds"


class _ThisInterpreter(KernelSpecManager):
    """Knows one kernel: ipykernel in this interpreter."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        # without a history: nobody will ask for it, and it opens a database with a thread
        options = ["-f", "{connection_file}", "--HistoryManager.enabled=False"]
        command = [sys.executable, "-m", "kpikit.publish.cold", *options]
        return KernelSpec(argv=command, display_name=kernel_name, language="python")


def _join_streams(notebook: NotebookNode) -> None:
    """Make one output of what a cell printed in one go: when it arrives in parts is chance."""
    for cell in notebook.cells:
        joined: list[NotebookNode] = []
        for output in cell.get("outputs", ()):
            last = joined[-1] if joined else {}
            if output.output_type == "stream" and last.get("name") == output.name:
                last["text"] += output.text
            else:
                joined.append(output)
        if len(joined) < len(cell.get("outputs", ())):
            cell.outputs = joined


def _heading(cell: NotebookNode) -> str:
    """Return the first heading of a Markdown cell, without its marks."""
    if cell.cell_type != "markdown":
        return ""
    lines = (line.strip() for line in cell.source.splitlines())
    return next((line.lstrip("# ") for line in lines if line.startswith("#")), "")


def _how_it_ended(process: Process) -> str:
    code = process.poll()
    if code is None:
        return "the kernel no longer answers"
    if code < 0:
        name = signal.Signals(-code).name
        hint = " (the system does this when memory runs out)" if name == "SIGKILL" else ""
        return f"the kernel was killed by {name}{hint}"
    return f"the kernel's process ended by itself, with exit code {code}"


def _tell_nobody(_event: Event) -> None:
    """Take an event that nobody asked for."""
