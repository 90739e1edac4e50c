"""The runner is killed at any moment: what is published stays whole, and the next run completes."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pypdf
import pytest

from kpikit.publish import processes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not processes.is_supported(), reason="only Linux shows all processes"),
]

PRODUCTS, EDITIONS = ("alpha", "bravo"), ("first", "second")
PAGES = ("mini.html", "mini.ipynb", "mini.pdf")
FILES = (*PAGES, "mini.kpis.json")
RUN = """
import importlib.util, sys
from pathlib import Path
from kpikit.publish.runner import run_plan
spec = importlib.util.spec_from_file_location("plans", sys.argv[1])
plans = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plans)
output, edition = Path(sys.argv[2]), sys.argv[3]
cells = plans.COVER, plans.KPIS, f"print('the {edition} edition')"
plan = plans.plan_of(*(plans.planned(product, *cells) for product in sys.argv[4:]))
print("begins", flush=True)
result = run_plan(plan, output_dir=output, jobs=2)
sys.exit(result.exit_code)
"""


class Runs:
    """Starts runs of all products whose pages show an edition."""

    def __init__(self, output, temporary):
        self.output = output
        self.temporary = temporary

    def start(self, edition):
        conftest = Path(__file__).with_name("conftest.py")
        words = [str(conftest), str(self.output), str(edition), *PRODUCTS]
        run = subprocess.Popen(
            [sys.executable, "-c", RUN, *words],
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert run.stdout.readline() == "begins\n"
        return run

    def complete(self, edition):
        run = self.start(edition)
        run.communicate(timeout=120)
        assert run.returncode == 0

    def kill_after(self, edition, seconds):
        run = self.start(edition)
        time.sleep(seconds)
        run.send_signal(signal.SIGKILL)
        run.communicate(timeout=30)

    def left(self):
        """Return the processes that bear the name of this test's temporary folder."""
        name = f"={self.temporary}".encode()
        return [
            path.parent.name
            for path in Path("/proc").glob("[0-9]*/environ")
            if path.parent.name != str(os.getpid()) and name in processes._read(path)
        ]


@pytest.fixture
def runs(tmp_path, short_folder):
    return Runs(tmp_path / "output", short_folder)


def whole(folder):
    """Check that each file of a folder can be read; return the edition of each page."""
    editions = {}
    for path in folder.iterdir():
        if path.is_dir():  # where the run that was killed had staged files
            continue
        data = path.read_bytes()
        if path.name == "mini.html":
            text = data.decode()
            HTMLParser().feed(text)
            assert text.rstrip().endswith("</html>")
        elif path.name == "mini.pdf":
            text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
        elif path.suffix in (".ipynb", ".json"):
            text = data.decode()
            json.loads(text)
        else:
            continue
        if path.name in PAGES:
            assert folder.name in text
            (editions[path.name],) = {name for name in EDITIONS if f"the {name} edition" in text}
        if path.name == "mini.kpis.json":
            assert json.loads(text)["product"] == folder.name
    return editions


def kill_and_look(runs, edition, seconds):
    """Kill a run of a new edition, check what is published, and complete it."""
    runs.kill_after(edition, seconds)
    end = time.monotonic() + 30
    while left := runs.left():
        assert time.monotonic() < end, f"processes are left: {left}"
        time.sleep(0.1)
    for product in PRODUCTS:
        assert set(whole(runs.output / "2026Q3" / product)) == set(PAGES)

    runs.complete(edition)

    for product in PRODUCTS:
        folder = runs.output / "2026Q3" / product
        assert set(whole(folder).values()) == {edition}
        assert {path.name for path in folder.iterdir()} == {*FILES, ".mini.record.json"}
    left = [path.name for path in runs.output.iterdir() if not path.name.endswith(".lock")]
    assert sorted(left) == ["2026Q3", "index.html", "ledger", "run.json"]
    assert [str(path) for path in runs.temporary.rglob("*")] == []


def kill_often(runs, moments):
    """Kill runs at moments that are shares of the time of a whole run."""
    began = time.monotonic()
    runs.complete(EDITIONS[-1])
    seconds = time.monotonic() - began

    for number, moment in enumerate(moments):
        kill_and_look(runs, EDITIONS[number % 2], moment * seconds)


def test_a_run_killed_at_any_moment_leaves_whole_reports_and_the_next_completes(runs):
    kill_often(runs, [0.3, 0.6, 0.9])


@pytest.mark.long
def test_of_50_kills_at_random_moments_none_harms_anything(runs):
    chance = random.Random(3)

    kill_often(runs, [chance.random() for _ in range(50)])
