"""Processes end soon after a signal, even if they are blocked in a rendezvous."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mdhr.config.processes import is_first_process
from mdhr.config.signals import STOP_SIGNALS, Interrupted, exit_deadline, stop_on_signals

RENDEZVOUS = """
import sys
from datetime import timedelta
import torch.distributed
from mdhr.config.signals import exit_deadline, stop_on_signals
with stop_on_signals(), exit_deadline(0.5, lambda signum: f"stopped by {signum}"):
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    print("waiting", flush=True)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=2, timeout=timedelta(seconds=60))
"""

FIRST = """
import os, subprocess, sys, time
from mdhr.config.processes import end_with_first_process
end_with_first_process()
subprocess.Popen([sys.executable, "-c", sys.argv[1]], env={**os.environ, "LOCAL_RANK": "1"})
time.sleep(60)
"""
OTHER = """
import os, time
from mdhr.config.processes import end_with_first_process
end_with_first_process()
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("signum", STOP_SIGNALS)
def test_a_signal_becomes_an_exception(signum: int) -> None:
    with pytest.raises(Interrupted) as stopped, stop_on_signals():
        os.kill(os.getpid(), signum)
    assert stopped.value.message == f"stopped by {signal.Signals(signum).name}"


def test_a_process_that_waits_for_others_ends_within_the_deadline() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RENDEZVOUS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        time.sleep(0.5)
        process.terminate()
        started = time.monotonic()
        _, error = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert process.returncode == 128 + signal.SIGTERM
    assert error.splitlines()[-1] == f"stopped by {int(signal.SIGTERM)}"


def test_a_process_that_unwinds_in_time_is_not_ended(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Interrupted), stop_on_signals(), exit_deadline(0.2, lambda signum: "too late"):
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.4)
    assert "too late" not in capfd.readouterr().err


def test_a_signal_of_a_forked_worker_does_not_end_its_parent() -> None:
    with stop_on_signals(), exit_deadline(0.1, lambda signum: "too late"):
        if (pid := os.fork()) == 0:
            try:
                time.sleep(60)
            finally:
                os._exit(0)
        time.sleep(0.1)
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        time.sleep(0.4)


def test_other_processes_end_with_a_killed_first_process() -> None:
    with subprocess.Popen([sys.executable, "-c", FIRST, OTHER], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        other = int(first.stdout.readline())
        first.kill()
        assert first.stdout.read() == "", "the pipe is closed when both have ended"
    with pytest.raises(ProcessLookupError):
        _wait_until_gone(other)


def _wait_until_gone(pid: int) -> None:
    for _ in range(50):
        os.kill(pid, 0)
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("variables", "is_first"),
    [
        ({}, True),
        ({"LOCAL_RANK": "0"}, True),
        ({"LOCAL_RANK": "1"}, False),
        ({"RANK": "2", "LOCAL_RANK": "0"}, False),
        ({"SLURM_PROCID": "1"}, False),
        ({"NODE_RANK": "1", "LOCAL_RANK": "0"}, False),
    ],
)
def test_first_process(variables: dict[str, str], is_first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_first_process() == is_first
