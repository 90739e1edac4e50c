"""The thread that answers: it ends with the process, whatever runs in it."""

import subprocess
import sys

import pytest

ENDS_IN_A_QUERY = """
import threading
import duckdb
from kpikit.exploring.worker import Question, Worker

con, begun = duckdb.connect(), threading.Event()

def ask():
    begun.set()
    con.execute("SELECT count(*) FROM range(10_000_000_000) r WHERE r.range % 7 = 1")

Worker(lambda call: call()).ask(Question(ask=ask, then=None, stop=con.interrupt))
begun.wait()
"""


@pytest.mark.slow
def test_a_process_that_ends_in_the_middle_of_a_query_is_not_aborted():
    done = subprocess.run(
        [sys.executable, "-c", ENDS_IN_A_QUERY], capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
