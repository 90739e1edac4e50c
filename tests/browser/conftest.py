"""A real JupyterLab on loopback and a real Chromium, for the tests of exploring pages."""

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pandas as pd
import pytest

from kpikit.exploring.blank import new_notebook
from kpikit.report import open_report
from kpikit.sample import PRODUCTS, make_sample_data

HOUSE = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
NO_CHROMIUM = "no chromium: install Debian's package chromium to run browser tests"
SCREENSHOTS = HOUSE / ".cache" / "screenshots"  # ignored; CI keeps it
USERS = 1500
READY = 60  # seconds
HARMLESS = ("favicon", "api/kernels", "WebSocket")  # of a kernel that a test restarts


class Lab:
    """A JupyterLab server on a folder with sample products and the templates."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}/lab/tree/{path}"

    def request(self, path, method="GET"):
        address = f"http://127.0.0.1:{self.port}/{path}"
        with urllib.request.urlopen(urllib.request.Request(address, method=method)) as found:
            return found.read().decode()


def make_house(folder):
    """Fill a folder as a clone of the repository is: templates, product files."""
    for name in ("notebooks", "params"):
        ignore = shutil.ignore_patterns(".ipynb_checkpoints", "py")
        shutil.copytree(HOUSE / name, folder / name, ignore=ignore)
    (folder / "output").mkdir()


def jupyter_environment(folder):
    """Return variables by which Jupyter and kpikit keep all that is theirs in a folder."""
    state = folder / ".state"
    # cells out of sight would else have no boxes, and nothing in them would count as visible
    settings = state / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    whole = json.dumps({"windowingMode": "none"})
    (settings / "tracker.jupyterlab-settings").write_text(whole, encoding="utf-8")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")},
        "JUPYTER_CONFIG_DIR": str(state / "config"), "JUPYTER_RUNTIME_DIR": str(state / "runtime"),
        "JUPYTER_DATA_DIR": str(state / "data"), "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "work"),
        "KPIKIT_CACHE_DIR": str(folder / ".cache"),
    }  # fmt: skip


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    make_house(folder)
    for product in PRODUCTS:
        make_sample_data(folder / "data", product=product, users=USERS)
    return folder


@pytest.fixture(scope="session")
def lab(house):
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    port = free_port()
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--ip=127.0.0.1",
        "--allow-root", f"--ServerApp.root_dir={house}", "--IdentityProvider.token=",
        "--ServerApp.port_retries=0", "--ServerApp.log_level=ERROR",
    ]  # fmt: skip
    log = (house / "lab.log").open("w", encoding="utf-8")
    server = subprocess.Popen(
        command, env=jupyter_environment(house), stdout=log, stderr=log, cwd=house
    )
    found = Lab(house, port)
    try:
        end = time.monotonic() + READY
        while True:
            try:
                found.request("api/status")
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > end:
                    pytest.fail(f"JupyterLab did not start: {(house / 'lab.log').read_text()}")
                time.sleep(0.2)
        yield found
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()
        server.wait()
        log.close()


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: make test")
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser, request):
    """A new page of 1280 x 800 whose console is watched; what goes wrong leaves a screenshot."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.complaints = []
    opened.on("console", lambda line: _note(opened, line))
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(Exception):
        opened.screenshot(path=SCREENSHOTS / f"end-{request.node.name[:80]}.png")
    context.close()


def _note(page, line):
    if line.type == "error":
        page.complaints.append(f"{line.text} ({line.location.get('url', '')})")


class Notebook:
    """A notebook opened in JupyterLab, and the exploring page in it."""

    def __init__(self, lab, page):
        self.lab, self.page = lab, page

    def open(self, path):
        self.page.goto(f"{self.lab.url(path)}?reset")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        self.wait_for_kernel()

    def wait_for_kernel(self):
        self.page.locator("#jp-main-statusbar", has_text="| Idle").wait_for(timeout=60_000)

    def run_all(self):
        self.menu("Run", "Run All Cells")

    def menu(self, name, entry):
        self.page.locator(".lm-MenuBar-itemLabel", has_text=name).first.click()
        self.page.locator(".lm-Menu-itemLabel", has_text=entry).first.click()

    @property
    def complaints(self):
        """What the browser's console says of errors."""
        complaints = self.page.complaints
        return [line for line in complaints if not any(word in line for word in HARMLESS)]

    @property
    def explore(self):
        return self.page.locator(".kk-explore").last

    def ready(self):
        """Wait for the first answer of the page."""
        answered = self.explore.locator(".kk-exhibit template").first
        answered.wait_for(timeout=120_000, state="attached")
        self.explore.scroll_into_view_if_needed()

    def control(self, label):
        return self.explore.get_by_label(label, exact=True)

    def choose(self, label, value):
        self.control(label).select_option(label=value)

    def type(self, label, value):
        field = self.control(label)
        self.wait(field.is_visible, f"the field “{label}”")
        field.fill(value)
        field.press("Enter")

    def press(self, name):
        self.explore.get_by_role("button", name=name).first.click()

    @property
    def told(self):
        return self.explore.locator(".kk-status-line").inner_text()

    def frames(self):
        """Return the numbers behind each chart and table, as "Copy as CSV" would give them."""
        texts = self.explore.locator(".kk-exhibit template").evaluate_all(
            "found => found.map(one => one.content.textContent)"
        )
        return [pd.read_csv(io.StringIO(text)) for text in texts if text]

    def wait(self, is_there, what="it"):
        """Wait until something is so."""
        end = time.monotonic() + 90
        while not is_there():
            assert time.monotonic() < end, f"{what} does not come; the page has {self.state()}"
            self.page.wait_for_timeout(50)

    def state(self):
        """Return what stands in the controls, and what the page says."""
        fields = self.explore.locator(".kk-controls select, .kk-controls input")
        values = fields.evaluate_all("all => all.map(one => one.value)")
        return f"{values}, and says: {self.told}"

    def execute(self, code):
        """Write a cell at the end of the notebook and run it."""
        self.page.locator(".jp-Notebook-footer").last.click()
        self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")
        self.page.locator(".jp-CodeCell .jp-InputPrompt", has_text="[*]").last.wait_for(
            state="detached", timeout=60_000
        )

    def shoot(self, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.fixture
def notebook(lab, page):
    return Notebook(lab, page)


@pytest.fixture(scope="session")
def own(house):
    """A notebook of the analyst's own, by ``kpikit new``."""
    return new_notebook(
        "mine", folder=house / "analyses", product="atlas", params_dir=house / "params"
    )


@pytest.fixture(scope="session")
def context_of(house):
    """Return the context of a product, as the page has it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KPIKIT_CACHE_DIR", str(house / ".cache"))
        yield lambda product: open_report(product, params_dir=house / "params").context
