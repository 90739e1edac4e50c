"""What kernels run, and the program of a cold one, which cannot outlive its worker.

Jupyter's looks once a second whether its parent is still there, and not before it runs: a worker
that dies just after it has started one would leave it behind, and the folders that it makes.
"""

import contextlib
import importlib.util
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from kpikit.publish.processes import adopt_orphans, end_with_parent, is_supported


def launcher() -> str:
    """Return what any kernel has as its program's name."""
    found = importlib.util.find_spec("ipykernel_launcher")
    return str(found and found.origin)


def run_kernel(on_ready: Callable[[], None]) -> None:
    """Run Jupyter's kernel by the arguments of this process.

    Args:
        on_ready: Called when its sockets are bound.
    """
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415 - loads slowly

    app: Any = IPKernelApp.instance()
    app.initialize(sys.argv[1:])
    logging.getLogger(app.log.name).setLevel(app.log_level)  # else it notes, and drops, all
    on_ready()
    app.start()


def main() -> None:
    """Run a kernel by the arguments of ``ipykernel_launcher``."""
    if not sys.flags.safe_path:
        del sys.path[0]  # the current directory, which IPython puts in its place
    if is_supported():
        with contextlib.suppress(OSError):  # denied, it is as any other kernel
            adopt_orphans()
            end_with_parent(int(os.environ["JPY_PARENT_PID"]))
    sys.argv[0] = launcher()
    run_kernel(lambda: None)


if __name__ == "__main__":
    main()
