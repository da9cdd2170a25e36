# SPDX-License-Identifier: MPL-2.0
"""Signals to the cruck process: they reach the program, end the run cleanly, and even SIGKILL leaves nothing behind."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from compare import Sandbox, cruck_command, needs

pytestmark = needs("sh", "dash")


class Running:
    def __init__(self, sandbox: Sandbox, script: str, *options: str) -> None:
        sandbox.fill()
        command = [*cruck_command(*options), "sh", "-c", script]
        self.process = subprocess.Popen(
            command, cwd=sandbox.path, env=sandbox.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def read_line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def stubs(self) -> set[int]:
        """All descendants of the cruck process."""
        found: set[int] = set()
        parents: dict[int, int] = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                        parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
                except OSError:
                    pass
        grown = True
        while grown:
            more = {pid for pid, parent in parents.items() if parent == self.process.pid or parent in found} - found
            found |= more
            grown = bool(more)
        return found

    def end(self) -> tuple[int, bytes | None, bytes]:
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def started(sandbox: Sandbox) -> Iterator[list[Running]]:
    running: list[Running] = []
    yield running
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        for stream in (one.process.stdout, one.process.stderr):
            if stream is not None:
                stream.close()


def _wait_gone(pids: set[int], seconds: float = 5.0) -> set[int]:
    deadline = time.monotonic() + seconds
    while True:
        left = {pid for pid in pids if _is_alive(pid)}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("signo", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)])
def test_signal_ends_the_program(sandbox: Sandbox, started: list[Running], signo: int, status: int) -> None:
    run = Running(sandbox, "echo ready; exec sleep 60")
    started.append(run)
    assert run.read_line() == b"ready\n"
    stubs = run.stubs()
    run.process.send_signal(signo)
    assert run.end() == (status, b"", b"")
    assert _wait_gone(stubs) == set()


def test_program_handles_the_signal(sandbox: Sandbox, started: list[Running]) -> None:
    run = Running(sandbox, "trap 'echo cleaning up; exit 3' TERM; echo ready; sleep 60 & wait")
    started.append(run)
    assert run.read_line() == b"ready\n"
    run.process.send_signal(signal.SIGTERM)
    assert run.end() == (3, b"cleaning up\n", b"")


def test_second_signal_kills(sandbox: Sandbox, started: list[Running]) -> None:
    run = Running(sandbox, "trap 'echo ignored' INT; echo ready; while :; do sleep 0.1; done")
    started.append(run)
    assert run.read_line() == b"ready\n"
    run.process.send_signal(signal.SIGINT)
    assert run.read_line() == b"ignored\n"
    run.process.send_signal(signal.SIGINT)
    assert run.end()[0] == 137


def test_sigkill_leaves_no_process(sandbox: Sandbox, started: list[Running]) -> None:
    run = Running(sandbox, "sleep 60 & sleep 60 & (while :; do :; done) & (trap '' TERM HUP INT; echo ready; sleep 60)")
    started.append(run)
    assert run.read_line() == b"ready\n"
    stubs = run.stubs()
    assert len(stubs) >= 4
    run.process.kill()
    run.process.wait()
    assert _wait_gone(stubs) == set()


def test_end_of_the_program_leaves_no_process(sandbox: Sandbox, started: list[Running]) -> None:
    run = Running(sandbox, "sleep 60 & (while :; do :; done) & nohup sleep 60 >/dev/null 2>&1 & echo ready; sleep 0.5; exit 4")
    started.append(run)
    assert run.read_line() == b"ready\n"
    stubs = run.stubs()
    assert run.end() == (4, b"", b"")
    assert _wait_gone(stubs) == set()


def test_idle_costs_nothing(sandbox: Sandbox, started: list[Running]) -> None:
    run = Running(sandbox, "echo ready; sleep 60")
    started.append(run)
    assert run.read_line() == b"ready\n"
    time.sleep(0.3)
    pids = {run.process.pid, *run.stubs()}
    before = sum(_cpu_ticks(pid) for pid in pids)
    time.sleep(1.5)
    assert sum(_cpu_ticks(pid) for pid in pids) - before <= 2


def _cpu_ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_closed_output_is_sigpipe_inside(sandbox: Sandbox, started: list[Running]) -> None:
    run = Running(sandbox, "echo ready; yes; echo $? >&2")
    started.append(run)
    assert run.read_line() == b"ready\n"
    assert run.process.stdout is not None
    run.process.stdout.close()
    run.process.stdout = None
    assert run.end() == (0, None, b"141\n")
