"""Where a page runs: in JupyterLab before somebody's eyes, or in a run that nobody looks at."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

TARGET = "kpikit"  # what the extension of JupyterLab listens to
_PATIENCE = 4.0  # seconds after which nobody is there to answer


class Loop(Protocol):
    """What is asked of an event loop."""

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> Any:
        """Call a function later; returns what can be cancelled."""

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any) -> Any:
        """Call a function soon, from any thread."""


def cell_id() -> str:
    """Return the id of the cell that runs, where a page is there to show controls; else nothing.

    JupyterLab and its like name the cell of each request. Papermill and nbconvert do not; so what
    they execute is shown as it will be printed.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    kernel = getattr(shell, "kernel", None)
    if kernel is None or "KPIKIT_RUN_ID" in os.environ:
        return ""
    request: Mapping[str, Any] = kernel.get_parent("shell") or {}
    return str(request.get("metadata", {}).get("cellId") or "")


def running_loop() -> Loop:
    """Return the event loop of the kernel's thread, which handles what the page sends."""
    return asyncio.get_running_loop()


def ask_page(
    message: Mapping[str, Any], then: Callable[[Mapping[str, Any]], None], loop: Loop
) -> None:
    """Ask the page to do what a kernel cannot: write a cell.

    Args:
        message: What is to be written, and where.
        then: Takes the reply: ``done``, or ``error``; ``absent`` where no page listens.
        loop: The kernel's.
    """
    from comm import create_comm  # noqa: PLC0415 - part of ipykernel; headless runs need none

    comm = create_comm(target_name=TARGET, data=dict(message))
    replied = False

    def reply(content: Mapping[str, Any]) -> None:
        nonlocal replied
        if not replied:
            replied = True
            then(content)
            comm.close()

    comm.on_msg(lambda found: reply(found["content"]["data"]))
    comm.on_close(lambda _: reply({"absent": True}))
    loop.call_later(_PATIENCE, reply, {"absent": True})
