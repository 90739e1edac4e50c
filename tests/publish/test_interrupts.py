"""A signal stops a run at once, but never between two renames."""

import os
import signal
import threading

import pytest

from kpikit.publish.interrupts import Interrupts, RunStopped


def send(signum):
    os.kill(os.getpid(), signum)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_with_its_exit_code(signum, code):
    with pytest.raises(RunStopped) as stop, Interrupts():
        send(signum)

    assert stop.value.exit_code == code


def test_a_held_section_is_finished_before_the_signal_counts():
    done = []

    def move_files():
        with Interrupts() as interrupts:
            with interrupts.held():
                send(signal.SIGINT)
                done.append("moved")
            done.append("not reached")

    with pytest.raises(RunStopped):
        move_files()

    assert done == ["moved"]


def test_a_held_section_without_a_signal_goes_on():
    with Interrupts() as interrupts, interrupts.held():
        pass


def test_a_second_signal_does_not_cut_short_the_clean_up():
    cleaned = []

    def run():
        with Interrupts():
            try:
                send(signal.SIGINT)
            finally:
                send(signal.SIGINT)
                cleaned.append(True)

    with pytest.raises(RunStopped):
        run()

    assert cleaned == [True]


def test_the_former_handlers_come_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    with pytest.raises(RunStopped), Interrupts():
        send(signal.SIGTERM)

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_outside_of_the_main_thread_nothing_changes():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def run():
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert seen == [before]
