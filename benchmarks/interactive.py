"""How long an exploring page takes from a change of a control to the picture, without the browser.

"Warm" is what a user meets who looks at an answer before moving on: the page computes ahead what
the control may be moved to next. "First" is a choice that nobody asked for before.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import ROOT, SHARED_DATA, Result
from kpikit.exploring import spare_what_stays
from kpikit.exploring.explorer import Explorer
from kpikit.params.views import View
from kpikit.present.components import Stack
from kpikit.report import open_report

SAMPLE_BAR, RETAIL_BAR = 0.2, 1.0  # seconds, warm
MOVES = {  # section to its controls with two values each; the first is moved to and away from
    "trends": [("metric", 1), ("grain", "week"), ("comparison", "previous"), ("by", 1)],
    "segments": [("metric", 1), ("by", 1), ("comparison", "previous")],
    "funnel": [("order", "unordered"), ("by", 1), ("comparison", "none")],
    "retention": [("grain", "week")],
    "experiment": [("metric", 1), ("by", 1)],
}
SECTIONS = {
    "atlas": ("trends", "segments", "retention", "experiment"),
    "beacon": ("trends", "segments", "funnel"),
    "online_retail_ii": ("trends", "segments"),
}
IDLE_SECONDS = 60


def measure() -> Iterator[Result]:
    """Yield the slowest warm and first answer of each product, and which control it was."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("KPIKIT_CACHE_DIR", cache)
        for product, folder, bar in products():
            found = asyncio.run(play(product, folder))
            for kind, limit in (("warm", bar), ("first", None)):
                seconds, what = max((each[kind], name) for name, each in found.items())
                yield Result(f"{product}, slowest {kind} answer", seconds, "s", limit, what)


def products() -> Iterator[tuple[str, Path, float]]:
    """Yield products with the folder of their files and the bar."""
    yield "atlas", ROOT / "params", SAMPLE_BAR
    yield "beacon", ROOT / "params", SAMPLE_BAR
    if (SHARED_DATA / "online_retail_ii").is_dir():
        yield "online_retail_ii", ROOT / "tests" / "acceptance" / "params", RETAIL_BAR


async def play(product: str, folder: Path) -> dict[str, dict[str, float]]:
    """Move each control there and back, and return what the answers took."""
    context = open_report(product, params_dir=folder).context
    spare_what_stays()  # as ``kk.explore`` does, once
    found: dict[str, dict[str, float]] = {}
    page = Explorer(
        context, View(section="trends"), loop=asyncio.get_running_loop(), static=Stack(())
    )
    for section in SECTIONS[product]:
        page.change("section", section)
        await answered(page, idle=True)
        for name, place in MOVES[section]:
            offered = page.offered(name)
            value = offered[place] if isinstance(place, int) and place < len(offered) else place
            if value not in offered:
                continue
            before = getattr(page.choice.view, name)
            page.change(name, value)
            await answered(page)
            first = page.seconds
            await answered(page, idle=True)
            others = [each for each in offered if each not in ("", value, before)]
            began = time.process_time()
            page.change(name, others[0] if others else before)
            await answered(page)
            what = f"{section}: {name}, {time.process_time() - began:.2f} CPU s warm"
            found[what] = {"first": first, "warm": page.seconds}
            page.change(name, before)
            await answered(page, idle=True)
    return found


async def answered(page, *, idle=False) -> None:
    """Wait until the page has answered, and if asked until it has computed ahead."""
    while page.answered_turn != page.turn:
        await asyncio.sleep(0.002)
    if not page.widgets.exhibits:
        raise RuntimeError(f"{page.choice.key}: {page.widgets.status}")
    end = asyncio.get_running_loop().time() + IDLE_SECONDS
    while idle and page.worker.is_busy and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.01)
