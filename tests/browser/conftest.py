"""A real JupyterLab on loopback and a real Chromium, for the tests of exploring pages."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from kpikit.sample import PRODUCTS, make_sample_data

HOUSE = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
NO_CHROMIUM = "no chromium: install Debian's package chromium to run browser tests"
SCREENSHOTS = HOUSE / ".cache" / "screenshots"  # ignored; CI keeps it
USERS = 1500
READY = 60  # seconds


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
    """Fill a folder as a clone of the repository is: templates, product files, data."""
    for name in ("notebooks", "params"):
        ignore = shutil.ignore_patterns(".ipynb_checkpoints", "py")
        shutil.copytree(HOUSE / name, folder / name, ignore=ignore)
    (folder / "output").mkdir()
    for product in PRODUCTS:
        make_sample_data(folder / "data", product=product, users=USERS)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    make_house(folder)
    return folder


@pytest.fixture(scope="session")
def lab(house):
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    port = free_port()
    state = house / ".state"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")},
        "JUPYTER_CONFIG_DIR": str(state / "config"), "JUPYTER_RUNTIME_DIR": str(state / "runtime"),
        "JUPYTER_DATA_DIR": str(state / "data"), "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "work"),
        "KPIKIT_CACHE_DIR": str(house / ".cache"),
    }  # fmt: skip
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--ip=127.0.0.1",
        "--allow-root", f"--ServerApp.root_dir={house}", "--IdentityProvider.token=",
        "--ServerApp.port_retries=0", "--ServerApp.log_level=ERROR",
    ]  # fmt: skip
    log = (house / "lab.log").open("w", encoding="utf-8")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=house)
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
