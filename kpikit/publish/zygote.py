"""The process that warm kernels are forked from: it has imported what they need, and nothing runs.

A fork copies one thread only, so a lock that another one holds would stay locked for ever. The
zygote therefore owns no thread, event loop, zmq context or database, and refuses to fork where it
finds a thread all the same. It ends with the runner that holds its standard input, and its kernels
end with it, however it ends.

Each kernel is a lease: the connection that asked for it is kept, and when either side is gone the
kernel is killed with every process that its cells have left behind. The messages are lines of JSON:

    request   {"argv": [...], "cwd": "...", "env": {...}, "log": "..." or null}
    answers   {"pid": 17} when its sockets are bound, {"exit": -9} at its end, {"refused": "..."}
"""

import atexit
import builtins
import contextlib
import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from kpikit.publish.cold import run_kernel
from kpikit.publish.processes import adopt_orphans, end_with_parent, outlive_parent

_REQUEST_SECONDS = 10.0
_SETTLING, _PAUSE_SECONDS = 40, 0.025  # looks for threads that are just ending


@dataclass(frozen=True)
class _Lease:
    """A kernel and the connection that asked for it; ``ended`` is readable once it has ended."""

    connection: socket.socket
    pid: int
    ended: int


def main() -> None:
    """Import the modules that the command line names, then serve the listener.

    Its words: the runner's process, the listener's descriptor, modules.
    """
    runner, descriptor, *modules = sys.argv[1:]
    if not sys.flags.safe_path:
        del sys.path[0]  # the current directory, which IPython puts in its place
    adopt_orphans()
    end_with_parent(int(runner))
    suspects = preload(modules)
    outlive_parent()  # from now on it has kernels to end, and what they have left behind
    with socket.socket(fileno=int(descriptor)) as listener:
        serve(listener, lifeline=sys.stdin.fileno(), suspects=suspects)


def preload(modules: Iterable[str]) -> list[str]:
    """Import the modules and freeze what they made; one that fails is left to the kernels.

    Args:
        modules: By name; a function to call after the import follows behind a colon.

    Returns:
        Those whose import has started a thread. All but DuckDB's should have ended.
    """
    gc.disable()
    suspects, before = [], _threads()
    for name in modules:
        pretence = _kernel_pretended() if name == "pandas" else contextlib.nullcontext()
        module, _, function = name.partition(":")
        with contextlib.suppress(Exception), pretence:
            imported = importlib.import_module(module)
            if function:
                getattr(imported, function)()
        if _threads() > before:
            suspects.append(name)
        before = _threads()
    if duckdb := sys.modules.get("duckdb"):
        duckdb.default_connection().close()  # its import has opened it, with a thread
    for _ in range(_SETTLING):
        if _threads() == 1:  # one that has ended may stay in the system's list for a moment
            break
        time.sleep(_PAUSE_SECONDS)
    gc.freeze()
    return suspects


def serve(listener: socket.socket, *, lifeline: int, suspects: Sequence[str] = ()) -> None:
    """Fork a kernel per request until ``lifeline`` closes, then kill those that are left.

    Args:
        listener: Takes the requests.
        lifeline: Descriptor that closes with the runner.
        suspects: Modules whose import has started threads, to be named where some still run.
    """
    selector = selectors.PollSelector()  # owns no descriptor
    selector.register(listener, selectors.EVENT_READ)
    selector.register(lifeline, selectors.EVENT_READ)
    leases: dict[int, _Lease] = {}
    while True:
        ready = [key for key, _ in selector.select()]
        if any(key.fileobj == lifeline for key in ready):  # whoever still asks is dying too
            for lease in leases.values():
                _end(lease)
            _kill_strays(keep=())
            return
        for key in ready:
            if key.fileobj is listener:
                granted = _grant(listener, suspects)
                if granted is not None:
                    leases[granted.pid] = granted
                    selector.register(granted.connection, selectors.EVENT_READ, granted)
                    selector.register(granted.ended, selectors.EVENT_READ, granted)
            elif key.data.pid in leases:  # both of its ends may be ready at once
                del leases[key.data.pid]
                selector.unregister(key.data.connection)
                selector.unregister(key.data.ended)
                _end(key.data)
                _kill_strays(keep=leases)


def _grant(listener: socket.socket, suspects: Sequence[str]) -> _Lease | None:
    """Fork the kernel that the next connection asks for."""
    connection, _ = listener.accept()
    try:
        connection.settimeout(_REQUEST_SECONDS)
        with connection.makefile("rb") as lines:
            request = json.loads(lines.readline())
        threads = _threads() - 1
        if threads:
            what = " or ".join(suspects) or "an imported library"
            _send(connection, refused=f"{what} has started {threads} thread(s)")
            connection.close()
            return None
        parent = os.getpid()
        pid = os.fork()
    except (OSError, ValueError) as error:
        _send(connection, refused=str(error))
        connection.close()
        return None
    if pid == 0:
        _become_kernel(request, connection, parent)
    return _Lease(connection, pid, os.pidfd_open(pid))


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - Python itself sees but its own


def _end(lease: _Lease) -> None:
    """Kill what is left of a kernel's process group, and tell how the kernel itself ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(lease.pid, signal.SIGKILL)
    os.kill(lease.pid, signal.SIGKILL)  # it may not lead its group yet; unreaped, it is still ours
    _, status = os.waitpid(lease.pid, 0)
    os.close(lease.ended)
    _send(lease.connection, exit=os.waitstatus_to_exitcode(status))
    lease.connection.close()


def _kill_strays(*, keep: Iterable[int]) -> None:
    """Kill what ended kernels leave behind in sessions of its own: this process inherits it."""
    children = Path("/proc/self/task", str(os.getpid()), "children")
    with contextlib.suppress(FileNotFoundError):  # not every system lists them
        while strays := {*map(int, children.read_text().split())} - {*keep}:
            for pid in strays:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _become_kernel(request: dict[str, Any], connection: socket.socket, parent: int) -> NoReturn:
    code = 1
    try:
        _part_from(parent, keep=connection.fileno(), log=request["log"])
        _take_over(request)
        run_kernel(lambda: _answer(connection))
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - whatever it is, the zygote's own code must not go on
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()  # noqa: SLF001 - _exit, which skips the teardown, skips them
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _part_from(parent: int, *, keep: int, log: str | None) -> None:
    """Leave the zygote's session and descriptors behind; end when it does, with all orphans."""
    os.setsid()
    adopt_orphans()
    end_with_parent(parent)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if log is not None:
        opened = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(opened, 1)
        os.dup2(opened, 2)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not files
        if int(name) > 2 and int(name) != keep:
            with contextlib.suppress(OSError):
                os.close(int(name))


def _take_over(request: dict[str, Any]) -> None:
    """Take what the request says, and randomness of its own."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    tempfile.tempdir = None  # as the environment says now
    sys.argv = request["argv"]
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    gc.enable()
    gc.set_threshold(200_000, 10, 10)  # a review keeps 150,000 small objects: 0.2 s to look through


def _answer(connection: socket.socket) -> None:
    _send(connection, pid=os.getpid())
    connection.close()


def _send(connection: socket.socket, **message: Any) -> None:
    with contextlib.suppress(OSError):  # who asked may be gone
        connection.sendall(json.dumps(message).encode() + b"\n")


@contextlib.contextmanager
def _kernel_pretended() -> Iterator[None]:
    """Answer pandas as a kernel would: at its import it asks how wide a frame may be shown."""
    builtins.get_ipython = lambda: SimpleNamespace(kernel=True)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del builtins.get_ipython  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
