"""The program of a cold kernel: Jupyter's own, which cannot outlive the worker that started it.

Jupyter's looks once a second whether its parent is still there, and not before it runs: a worker
that dies just after it has started one would leave it behind, and the folders that it makes.
"""

import contextlib
import importlib.util
import os
import sys

from kpikit.publish.processes import adopt_orphans, end_with_parent, is_supported


def launcher() -> str:
    """Return what any kernel has as its program's name."""
    found = importlib.util.find_spec("ipykernel_launcher")
    return str(found and found.origin)


def main() -> None:
    """Run a kernel by the arguments of ``ipykernel_launcher``."""
    if not sys.flags.safe_path:
        del sys.path[0]  # the current directory, which IPython puts in its place
    if is_supported():
        with contextlib.suppress(OSError):  # denied, it is as any other kernel
            adopt_orphans()
            end_with_parent(int(os.environ["JPY_PARENT_PID"]))
    sys.argv[0] = launcher()
    from ipykernel.kernelapp import launch_new_instance  # noqa: PLC0415 - once it is on its leash

    launch_new_instance()


if __name__ == "__main__":
    main()
