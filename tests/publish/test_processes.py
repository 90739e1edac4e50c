"""Every process that a report has started is found, and ends with it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kpikit.publish import processes
from kpikit.publish.processes import end_family, family, used_memory

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not processes.is_supported(), reason="only Linux shows all processes"),
]

# a child, a child in a session of its own, and a daemon, whose parent has ended
FAMILY = """
import os, subprocess, sys, time
from kpikit.publish.processes import adopt_orphans
adopt_orphans()
sleep = ["sleep", "600"]
pids = [subprocess.Popen(sleep).pid, subprocess.Popen(sleep, start_new_session=True).pid]
daemon = "import subprocess as s; print(s.Popen({}, start_new_session=True, stdout=2).pid)"
pids.append(int(subprocess.check_output([sys.executable, "-c", daemon.format(sleep)])))
print(*pids, flush=True)
time.sleep(600)
"""


def is_running(pid):
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def kernel():
    """A process that stands in for a kernel, with the processes that it has started."""
    process = subprocess.Popen(
        [sys.executable, "-c", FAMILY],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "KPIKIT_TEST": f"of {os.getpid()}"},
    )
    process.pids = {int(word) for word in process.stdout.readline().split()}
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    for pid in process.pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_until_gone(pids):
    end = time.monotonic() + 20
    while any(map(is_running, pids)):
        assert time.monotonic() < end, "some are still running"
        time.sleep(0.02)


def test_a_family_is_all_that_a_kernel_has_started_wherever_it_lives(kernel):
    assert family(kernel.pid) == {kernel.pid, *kernel.pids}


def test_a_family_ends_whole(kernel):
    end_family(kernel.pid)
    kernel.wait()

    assert len(kernel.pids) == 3
    wait_until_gone(kernel.pids)


def test_a_kernel_that_has_died_left_its_session_and_those_that_bear_its_mark(kernel):
    kernel.kill()
    kernel.wait()
    of_its_session = family(kernel.pid)
    end_family(None, mark=f"KPIKIT_TEST=of {os.getpid()}")

    assert len(of_its_session) == 1
    assert of_its_session < kernel.pids
    wait_until_gone(kernel.pids)


def test_nobody_has_an_empty_mark(kernel):
    assert family(None, mark="") == set()


def test_elsewhere_the_process_group_ends(kernel, monkeypatch):
    monkeypatch.setattr(processes, "is_supported", lambda: False)
    (in_its_group,) = [pid for pid in kernel.pids if os.getpgid(pid) == kernel.pid]

    end_family(kernel.pid)
    kernel.wait()

    wait_until_gone([in_its_group])
    assert all(map(is_running, kernel.pids - {in_its_group}))


@pytest.fixture
def sharing():
    """A process and its fork, which share 200 MB."""
    code = "import os\nx = b'x' * 200_000_000\nos.fork()\nprint(flush=True)\ninput()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    process.stdout.readline()
    yield family(process.pid)
    end_family(process.pid)
    process.communicate()


def test_memory_that_processes_share_counts_once_where_it_matters(sharing):
    cheap = used_memory(sharing, precise_above=10**9)
    precise = used_memory(sharing, precise_above=0)

    # the interpreter itself takes some 10 MB
    assert 400e6 < cheap < 450e6
    assert 200e6 < precise < 250e6


def test_a_process_that_is_gone_uses_no_memory(kernel):
    end_family(kernel.pid)
    kernel.wait()

    assert used_memory([kernel.pid], precise_above=0) == 0


def test_the_system_ends_a_kernel_rather_than_its_run(kernel):
    processes.offer_to_oom_killer(kernel.pid)

    assert Path(f"/proc/{kernel.pid}/oom_score_adj").read_text().strip() == "500"
