"""The warm kernels of a run: started once, as soon as there is known to be a report to make."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from kpikit.publish.scratch import scratch_folder
from kpikit.publish.worker import zygote_environment


class WarmKernels:
    """A zygote that planning starts where it has data to read, which takes as long; else the run.

    It ends with the block that it is the context of.

    Attributes:
        scratch: The run's private folder, which holds the zygote's socket; None before the start.
        zygote: Socket that kernels are leased from; None before the start, and where only cold
            kernels are possible.
    """

    def __init__(self) -> None:
        """Start nothing yet."""
        self.scratch: Path | None = None
        self.zygote: Path | None = None
        self._ending = contextlib.ExitStack()

    def __enter__(self) -> "WarmKernels":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the zygote with its kernels, and remove the folder."""
        self._ending.close()

    def start(self, templates: Iterable[str]) -> Path:
        """Start the zygote, unless that was done before; return the run's private folder.

        Args:
            templates: Notebooks as JSON text, whose imports it makes.

        Raises:
            KpikitError: There is no room for temporary files, or no right to write them.
        """
        if self.scratch is None:
            from kpikit.publish.warm import preloads, zygote  # noqa: PLC0415 - Jupyter's clients

            self.scratch = self._ending.enter_context(scratch_folder())
            environment = zygote_environment(self.scratch)
            leasing = zygote(self.scratch / "z", preloads(templates), env=environment)
            self.zygote = self._ending.enter_context(leasing)
        return self.scratch
