"""Warm kernels as others see them: the runner starts a zygote, a worker leases kernels from it.

Where there is none (fork does not exist, a library has started a thread, it was killed), a cold
kernel serves, and the run says so.
"""

import ast
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

from kpikit.publish.cold import launcher

WARM, COLD = "warm", "cold"
SWITCH = "KPIKIT_KERNELS"  # set to "cold", it forbids warm ones

_READY_SECONDS = 120.0  # its imports may have to wait for busy processors

# Imported before the fork, for each package that a template imports: what it loads by itself, and
# what it would load only when it is used; with what it would find out then, by a function behind a
# colon. Other packages are left to the kernel, for nobody knows what they read or start when they
# are imported.
_PRELOADS: Mapping[str, tuple[str, ...]] = {
    "kpikit": (
        "kpikit.catalogue.own:plugins",
        "kpikit.exploring",
        "kpikit.params.built",
        "kpikit.report",
        "kpikit.present.html",
        "kpikit.present.lettering:learn_pairs",
        "ibis.backends.duckdb.converter",
        "ibis.expr.types.groupby",
        "ibis.formats.pandas",
        "ibis.formats.pyarrow",
        "jinja2",
        "matplotlib.backends.backend_svg",
        "pandas.core.methods.to_dict",
        "pandas.core.reshape.reshape",
        "pyarrow.dataset",
        "pyarrow.pandas_compat",
        "pyarrow_hotfix",
        "seaborn",
    ),
    "duckdb": ("duckdb",),
    "ibis": ("ibis", "ibis.backends.duckdb.converter"),
    "ipywidgets": ("ipywidgets",),
    "matplotlib": ("matplotlib.pyplot",),
    "numpy": ("numpy",),
    "pandas": ("pandas",),
    "pyarrow": ("pyarrow",),
    "scipy": ("scipy.stats",),
    "seaborn": ("seaborn",),
    "statsmodels": ("statsmodels.api",),
}
_KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",  # which every kernel loads, for a debugger that may come
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.core.logger",
    "encodings.unicode_escape",
    "tornado.platform.asyncio",
    "IPython.extensions.storemagic",
)


def preloads(templates: Iterable[str]) -> list[str]:
    """Return the modules that the templates' own imports need, of those safe to load early.

    Args:
        templates: Notebooks as JSON text.
    """
    named = {name for text in templates for name in _imported(text)}
    found = [module for name in sorted(named & set(_PRELOADS)) for module in _PRELOADS[name]]
    # pandas first, for the zygote imports it with care, and others would import it without
    return [*_KERNEL, *(["pandas", *found] if found else [])]


@contextlib.contextmanager
def zygote(
    folder: Path, modules: Sequence[str], *, env: Mapping[str, str]
) -> Iterator[Path | None]:
    """Keep a zygote that leases kernels, where the system can fork safely; yield its socket.

    Workers may ask at once: they wait until its imports are done.

    Args:
        folder: Made for its socket; private and short, for requests hold whole environments.
        modules: What it imports.
        env: Its environment.
    """
    if not sys.platform.startswith("linux") or os.environ.get(SWITCH) == COLD:
        yield None
        return
    folder.mkdir()
    address = folder / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen(128)
        words = [str(os.getpid()), str(listener.fileno())]
        process = subprocess.Popen(  # noqa: S603 - this very interpreter
            [sys.executable, "-m", "kpikit.publish.zygote", *words, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            cwd=folder,
            env=env,
            start_new_session=True,  # Ctrl-C is the runner's to handle
        )
    try:
        yield address
    finally:
        process.kill()
        process.wait()
        process.stdin.close()  # type: ignore[union-attr]  # it is a pipe


class KernelManager(AsyncKernelManager):
    """Starts a kernel by lease from a zygote; a cold one where there is none.

    Attributes:
        zygote: Its socket, None where no zygote was started.
        kernel_log: File that takes what the kernel prints outside of cells.
        start: How the kernel was started: ``warm``, or ``cold`` and why.
    """

    def __init__(
        self, *, zygote: Path | None = None, kernel_log: Path | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.client_factory = _KernelClient
        self.zygote = zygote
        self.kernel_log = kernel_log
        self.start = COLD

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
        if self.zygote is not None:
            try:
                process = lease_kernel(
                    self.zygote,
                    argv=[launcher(), *kernel_cmd[kernel_cmd.index("-f") :]],
                    cwd=options["cwd"],
                    env=options["env"],
                    log=self.kernel_log,
                )
            except OSError as error:
                self.start = f"{COLD}: {error.strerror or error}"
            else:
                self.start = WARM
                provisioner: Any = self.provisioner
                provisioner.process = process
                provisioner.pid = provisioner.pgid = process.pid
                provisioner.cwd = options["cwd"]
                return
        await super()._async_launch_kernel(kernel_cmd, **options)


class _KernelClient(AsyncKernelClient):
    """A client that begins when the kernel answers.

    The stock one then waits for 0.2 s of silence, to lose what the kernel said before. It need not:
    nbclient takes from a cell's outputs only what answers that very cell.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return when both of the kernel's channels have brought something.

        Raises:
            RuntimeError: It died, or brought nothing within ``timeout`` seconds.
        """
        end = time.monotonic() + (timeout or float("inf"))
        while True:
            self.kernel_info()
            with contextlib.suppress(Empty):
                reply = await self.shell_channel.get_msg(timeout=1)
                if reply["msg_type"] == "kernel_info_reply":
                    # it is lost where this channel was connected after the kernel sent it
                    await self.iopub_channel.get_msg(timeout=0.2)
                    self._handle_kernel_info_reply(reply)
                    return
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > end:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")


class WarmKernel:
    """A leased kernel, with as much of Popen's face as Jupyter's provisioner uses."""

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.pid = pid
        self._connection = connection
        self._returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None while it runs."""
        if self._returncode is None and select.select([self._connection], [], [], 0)[0]:
            self._note_end()
        return self._returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Return its exit code when it has ended.

        Raises:
            subprocess.TimeoutExpired: It has not within ``timeout`` seconds.
        """
        if self._returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            self._note_end()
        return self._returncode

    def send_signal(self, signum: int) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _note_end(self) -> None:
        message = _receive(self._connection)
        self._connection.close()
        if "exit" in message:
            self._returncode = message["exit"]
        else:  # the zygote is gone, and took it along
            self._returncode = -signal.SIGKILL
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


Process = subprocess.Popen[bytes] | WarmKernel


def lease_kernel(
    zygote: Path, *, argv: Sequence[str], cwd: str, env: Mapping[str, str], log: Path | None
) -> WarmKernel:
    """Return a kernel whose sockets are bound; it lives as long as this process keeps it.

    Args:
        zygote: Socket of the zygote.
        argv: What the kernel sees as its command line.
        cwd: Its working directory.
        env: Its whole environment.
        log: File that takes what it prints outside of cells.

    Raises:
        OSError: The zygote is gone, or did not start the kernel.
    """
    with contextlib.ExitStack() as unless_leased:
        connection = unless_leased.enter_context(socket.socket(socket.AF_UNIX))
        connection.settimeout(_READY_SECONDS)
        try:
            connection.connect(str(zygote))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise OSError("the process that kernels are forked from is gone") from error
        request = {"argv": argv, "cwd": cwd, "env": dict(env), "log": str(log) if log else None}
        connection.sendall(json.dumps(request).encode() + b"\n")
        answer = _receive(connection)
        if "pid" in answer:
            unless_leased.pop_all()
            return WarmKernel(connection, answer["pid"])
    raise OSError(answer.get("refused", "the forked kernel did not start"))


def _receive(connection: socket.socket) -> dict[str, Any]:
    """Return the next message, empty where the other side is gone."""
    line = b""
    with contextlib.suppress(ConnectionError):
        while not line.endswith(b"\n"):
            byte = connection.recv(1)  # no more: the next message is not this one's
            if not byte:
                return {}
            line += byte
        message: dict[str, Any] = json.loads(line)
        return message
    return {}


def _imported(text: str) -> Iterator[str]:
    """Yield the top-level packages that a notebook's code cells import."""
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "code":
            with contextlib.suppress(SyntaxError):  # a cell with magics: its kernel imports
                for node in ast.walk(ast.parse("".join(cell["source"]))):
                    if isinstance(node, ast.Import):
                        yield from (alias.name.partition(".")[0] for alias in node.names)
                    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                        yield node.module.partition(".")[0]
