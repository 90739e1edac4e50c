"""A cold kernel ends with the worker that has started it, at whatever moment."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kpikit.publish import processes
from kpikit.publish.cold import launcher

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not processes.is_supported(), reason="only Linux tells of a parent's end"),
]

WORKER = """
import os, subprocess, sys, time
kernel = subprocess.Popen(
    [sys.executable, "-m", "kpikit.publish.cold", "-f", sys.argv[1]],
    env={**os.environ, "JPY_PARENT_PID": str(os.getpid())},
)
print(kernel.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def connection(short_folder):
    path = short_folder / "k.json"
    path.write_text(json.dumps({"transport": "ipc", "ip": str(short_folder / "k"), "key": "k"}))
    return path


def command_of(pid):
    """Return the words by which a process was called; nothing where it is gone."""
    return processes._read(Path(f"/proc/{pid}/cmdline"))


def wait_until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_one_whose_worker_has_just_ended_makes_nothing(connection):
    folder = connection.parent / "ipython"
    another = str(os.getppid())

    done = subprocess.run(
        [sys.executable, "-m", "kpikit.publish.cold", "-f", str(connection)],
        env={**os.environ, "IPYTHONDIR": str(folder), "JPY_PARENT_PID": another},
        check=False,
        timeout=60,
    )

    assert done.returncode == 1
    assert not folder.exists()


@pytest.mark.parametrize("moment", ["begins", "runs"])
def test_one_is_killed_with_its_worker(connection, moment):
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(connection)],
        env={**os.environ, "IPYTHONDIR": str(connection.parent / "ipython")},
        stdout=subprocess.PIPE,
    )
    kernel = int(worker.stdout.readline())
    sockets = connection.parent / "k-1"
    wait_until(lambda: b"kpikit.publish.cold" in command_of(kernel))
    if moment == "runs":
        wait_until(sockets.exists)

    worker.kill()
    worker.communicate()

    wait_until(lambda: not command_of(kernel))
    assert sockets.exists() == (moment == "runs")


def test_its_program_has_the_name_that_jupyter_gives():
    assert Path(launcher()).name == "ipykernel_launcher.py"
