"""kpikit's papermill engine: ``papermill --engine kpikit``, and the one that ``kpikit run`` uses.

It runs each notebook in a kernel of this very interpreter, over Unix sockets, and records what the
stock engine loses: a kernel that died, a cell that took too long. Papermill asks for every engine
whenever it is imported, half imported as it is then: ``KpikitEngine`` is made when it is first
asked for, and the machinery is imported at the first run.
"""

from collections.abc import Callable
from typing import Any


def __getattr__(name: str) -> Any:
    if name != "KpikitEngine":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from papermill.engines import Engine  # noqa: PLC0415 - its import asks for this very name

    if name not in globals():
        globals()[name] = type(name, (_CellRunner, Engine), {"__doc__": _CellRunner.__doc__})
    return globals()[name]


class _CellRunner:
    """Runs a notebook and notes in its metadata how its kernel ended."""

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        *,
        on_notebook: Callable[[Any], object] | None = None,
        **options: Any,
    ) -> Any:
        """Return the executed notebook; an empty one where ``on_notebook`` takes it.

        For papermill writes as text what it is given, also where it has no file to write it to, and
        marks in it the cell that failed.
        """
        executed = super().execute_notebook(nb, kernel_name, **options)  # type: ignore[misc]
        if on_notebook is None:
            return executed
        from nbformat.v4 import new_notebook  # noqa: PLC0415 - as papermill, at the first run

        on_notebook(executed)
        return new_notebook()  # type: ignore[no-untyped-call]

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,  # noqa: ARG003 - always this interpreter, whatever the template names
        *,
        place: Any = None,
        on_event: Any = None,
        execution_timeout: float | None = None,
        start_timeout: float = 60,
        **_options: Any,
    ) -> None:
        """Run the cells of ``nb_man.nb``; see ``kpikit.publish.kernels.run_cells``.

        Args:
            nb_man: Papermill's manager of the notebook.
            kernel_name: Ignored.
            place: ``KernelPlace`` of the kernel; the current directory and environment if absent.
            on_event: Called with an ``Event`` as the run goes on.
            execution_timeout: Seconds that a cell may take; no limit if absent.
            start_timeout: Seconds that the kernel's start may take.
        """
        from kpikit.publish.kernels import run_cells  # noqa: PLC0415 - imports Jupyter's clients

        run_cells(
            nb_man,
            place=place,
            on_event=on_event,
            cell_timeout=execution_timeout,
            start_timeout=start_timeout,
        )
