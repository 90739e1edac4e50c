"""The processes of a report: its kernel and all that its cells have started, and how they end.

On Linux every one of them is found, also a daemon in a session of its own: a kernel adopts the
orphans among its descendants, so that they stay below it as long as it lives. Where it died by
itself, its session and a mark in the environment tell who was its own. Elsewhere the kernel's
process group has to do.
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36
_PROC = Path("/proc")
_ZOMBIE = "Z"
_OOM_SCORE = "500"  # of 1000, added to the share of memory that a process uses


def is_supported() -> bool:
    """Tell whether this system shows other processes as Linux does."""
    return sys.platform.startswith("linux")


def adopt_orphans() -> None:
    """Keep what descends from this process below it as long as it lives, on Linux.

    Raises:
        OSError: The system denies it.
    """
    _control_process(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(parent: int) -> None:
    """Let the system kill this process when its parent ends, on Linux; end now if that is so.

    Args:
        parent: The process that has started this one.

    Raises:
        OSError: The system denies it.
    """
    _control_process(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def outlive_parent() -> None:
    """Undo ``end_with_parent``."""
    _control_process(_PR_SET_PDEATHSIG, 0)


def family(kernel: int | None, *, mark: str = "") -> set[int]:
    """Return the running processes of a report, on Linux.

    Args:
        kernel: Process of its kernel, which need not run any more; None if it is not known.
        mark: ``NAME=value`` in the environment of the kernel and of what it starts; searched for
            where the kernel does not run, among all processes of the system.
    """
    if kernel is not None and _is_running(kernel):
        return set(_descent(kernel))
    return {below for pid in _left_behind(kernel, mark.encode()) for below in _descent(pid)}


def end_family(kernel: int | None, *, mark: str = "") -> None:
    """Kill a report's kernel and everything that its cells have started; see ``family``."""
    if is_supported():
        stopped: set[int] = set()
        # a process that is stopped starts no other, so this comes to an end
        while found := family(kernel, mark=mark) - stopped:
            _signal_all(found, signal.SIGSTOP)
            stopped |= found
        _signal_all(stopped, signal.SIGKILL)
    if kernel is not None and hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(kernel, signal.SIGKILL)


def used_memory(pids: Iterable[int], *, precise_above: int) -> int:
    """Return the bytes of memory that processes use together, on Linux.

    Memory that is mapped and not touched does not count. What several share is told cheaply by
    counting it for each of them; only where that sum is above ``precise_above`` the system is
    asked for each one's part of it.
    """
    pids = list(pids)
    resident = sum(map(_resident, pids))
    return resident if resident <= precise_above else sum(map(_proportional, pids))


def offer_to_oom_killer(pid: int) -> None:
    """Let the system, when it runs out of memory, end this process before the run's own ones."""
    with contextlib.suppress(OSError):
        (_PROC / str(pid) / "oom_score_adj").write_text(_OOM_SCORE)


def _control_process(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the system denies prctl")


def _signal_all(pids: Iterable[int], signum: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signum)


def _descent(pid: int) -> Iterator[int]:
    """Yield a process and all below it."""
    yield pid
    for task in _entries(_PROC / str(pid) / "task"):
        for child in _read(task / "children").split():
            yield from _descent(int(child))


def _left_behind(kernel: int | None, mark: bytes) -> Iterator[int]:
    """Yield the processes of a kernel's session, and those that bear the mark."""
    for folder in _entries(_PROC):
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            state, session = _state_and_session(folder)
            if state != _ZOMBIE and (
                session == kernel or (mark and mark in _read(folder / "environ").split(b"\0"))
            ):
                yield int(folder.name)


def _is_running(pid: int) -> bool:
    return _state_and_session(_PROC / str(pid))[0] != _ZOMBIE


def _state_and_session(folder: Path) -> tuple[str, int]:
    """Return a process's state and session; that of a zombie for one that is gone."""
    fields = _read(folder / "stat").rpartition(b")")[2].split()  # its name may hold anything
    return (fields[0].decode(), int(fields[3])) if fields else (_ZOMBIE, 0)


def _resident(pid: int) -> int:
    fields = _read(_PROC / str(pid) / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def _proportional(pid: int) -> int:
    lines = _read(_PROC / str(pid) / "smaps_rollup").splitlines()
    sizes = [line.split()[1] for line in lines if line.startswith((b"Pss:", b"SwapPss:"))]
    return sum(map(int, sizes)) * 1024 if sizes else _resident(pid)


def _entries(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return list(folder.iterdir())
    return []


def _read(path: Path) -> bytes:
    """Return a file's content, nothing where the process is gone or another user's."""
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""
