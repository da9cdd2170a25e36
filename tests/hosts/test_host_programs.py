# SPDX-License-Identifier: MPL-2.0
"""cruck as a library: it works wherever its host program calls it, and leaves the host program as it was."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import cruck


def echo(word: str) -> str:
    return str(cruck.run(["/bin/echo", word], capture_output=True, text=True).stdout)


def test_threads_run_kernels_side_by_side() -> None:
    results: dict[int, str] = {}

    def work(number: int) -> None:
        results[number] = echo(f"thread {number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == {number: f"thread {number}\n" for number in range(4)}


def test_a_kernel_outlives_the_thread_that_made_its_neighbour() -> None:
    """Stubs are not tied to the thread that made them (PDEATHSIG fires when a thread ends)."""
    first = threading.Thread(target=echo, args=("short",))
    first.start()
    result = cruck.run(["sh", "-c", "sleep 0.3; echo done"], capture_output=True, text=True)
    first.join()
    assert result.stdout == "done\n"


def test_asyncio_programs_may_run_it_in_a_thread() -> None:
    async def main() -> list[str]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticker = asyncio.create_task(tick())
        words = await asyncio.gather(asyncio.to_thread(echo, "a"), asyncio.to_thread(echo, "b"))
        ticker.cancel()
        assert ticks > 3, "the event loop went on"
        return list(words)

    assert asyncio.run(main()) == ["a\n", "b\n"]


def test_the_host_program_sees_no_children_and_no_signals() -> None:
    seen: list[int] = []
    previous = signal.signal(signal.SIGCHLD, lambda signo, frame: seen.append(signo))
    try:
        before = {number: signal.getsignal(number) for number in (signal.SIGSEGV, signal.SIGSYS, signal.SIGINT, signal.SIGURG)}
        echo("x")
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        assert seen == []
        assert before == {number: signal.getsignal(number) for number in before}
    finally:
        signal.signal(signal.SIGCHLD, previous)


def test_children_of_the_host_program_are_its_own() -> None:
    with subprocess.Popen(["sleep", "0.2"]) as child:
        echo("x")
        assert child.wait(5) == 0


def test_working_directory_umask_and_descriptors_stay_as_they_were(tmp_path: Path) -> None:
    echo("warm")
    cwd, descriptors = os.getcwd(), sorted(os.listdir("/proc/self/fd"))
    umask = os.umask(0o22)
    os.umask(umask)
    for _ in range(5):
        cruck.run(["sh", "-c", "cd /; umask 777; exec 9</etc/passwd"], capture_output=True, cwd=str(tmp_path))
    assert os.getcwd() == cwd
    assert os.umask(umask) == umask
    assert sorted(os.listdir("/proc/self/fd")) == descriptors


def test_nothing_is_left_when_the_host_program_is_killed() -> None:
    code = "import cruck; cruck.run(['sh', '-c', 'echo ready; exec sleep 60'])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as host:
        assert host.stdout is not None and host.stdout.readline() == b"ready\n"
        stubs = descendants(host.pid)
        assert len(stubs) >= 3
        host.kill()
        host.wait()
    deadline = time.monotonic() + 5
    while any(is_alive(pid) for pid in stubs):
        assert time.monotonic() < deadline, "a stub outlived its kernel"
        time.sleep(0.01)


def test_a_sleeping_guest_costs_nothing() -> None:
    code = "import cruck; cruck.run(['sh', '-c', 'echo ready; exec sleep 60'])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as host:
        assert host.stdout is not None and host.stdout.readline() == b"ready\n"
        time.sleep(0.3)
        family = [host.pid, *descendants(host.pid)]
        before = [cpu_ticks(pid) for pid in family]
        time.sleep(1)
        assert [cpu_ticks(pid) for pid in family] == before
        host.kill()


def test_a_forked_host_program_may_go_on() -> None:
    """multiprocessing's fork: the child inherits our module's state and must be able to run kernels of its own."""
    echo("parent")
    pid = os.fork()
    if pid == 0:
        os._exit(0 if echo("child") == "child\n" else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert echo("parent again") == "parent again\n"


def descendants(pid: int) -> list[int]:
    """Also those whose parent is a task that shares our memory (the shield)."""
    by_parent: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            by_parent.setdefault(int(fields[1]), []).append(int(entry))
    found: list[int] = []
    queue = [pid]
    while queue:
        children = by_parent.get(queue.pop(), [])
        found += children
        queue += children
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
