# SPDX-License-Identifier: MPL-2.0
"""--memory, --pids-limit, --cpus and --timeout: what a run may use ends inside the run."""

import time

from compare import Sandbox, needs

pytestmark = needs("python3", "python3")

PYTHON = "/usr/bin/python3"


def test_memory_limit_ends_a_program_inside(sandbox: Sandbox) -> None:
    """The one that takes too much is killed; its parent sees that and goes on."""
    sandbox.files["grab.py"] = "b = []\nwhile True: b.append(bytearray(b'x') * (8 << 20))\n"
    script = f"{PYTHON} grab.py; echo status $?; seq 3 | paste -sd+ | tr -d '\\n'; echo; {PYTHON} -c 'print(len(bytes(20 << 20)))'"
    outcome = sandbox.cruck(["bash", "-c", script], options=["-m", "128M"])
    assert outcome.status == 0, outcome
    first, *rest = outcome.stdout.decode().splitlines()
    assert first in ("status 137", "status 1"), outcome
    assert rest == ["1+2+3", "20971520"]


def test_memory_limit_of_the_main_program(sandbox: Sandbox) -> None:
    sandbox.files["grab.py"] = "b = []\nwhile True: b.append(bytearray(b'x') * (8 << 20))\n"
    outcome = sandbox.cruck([PYTHON, "grab.py"], options=["-m", "96M"])
    assert outcome.status == 137 or (outcome.status == 1 and b"MemoryError" in outcome.stderr), outcome
    assert b"Traceback" not in outcome.stderr or b"MemoryError" in outcome.stderr


def test_memory_limit_is_said(sandbox: Sandbox) -> None:
    """Without -q a line says what happened."""
    from compare import CRUCK_TIMEOUT_S, cruck_command, run

    command = [word for word in cruck_command("-m", "96M") if word != "-q"]
    outcome = run(
        [*command, PYTHON, "-c", "b = [bytearray(b'x') * (8 << 20) for _ in range(100)]"],
        cwd=sandbox.path,
        timeout=CRUCK_TIMEOUT_S,
        env=sandbox.environment(),
    )
    assert outcome.status == 137 and b"memory" in outcome.stderr, outcome


def test_memory_limit_counts_files_in_memory(sandbox: Sandbox) -> None:
    outcome = sandbox.cruck(
        ["bash", "-c", "head -c 300000000 /dev/zero >/tmp/big; echo $?; rm -f /tmp/big; echo still here"], options=["-m", "64M"]
    )
    assert outcome.status == 0 and outcome.stdout.endswith(b"still here\n"), outcome
    assert not outcome.stdout.startswith(b"0\n")


def test_memory_limit_is_what_programs_see(sandbox: Sandbox) -> None:
    outcome = sandbox.cruck(["bash", "-c", "grep MemTotal /proc/meminfo; cat /sys/fs/cgroup/memory.max"], options=["-m", "256M"])
    assert outcome.stdout.split() == [b"MemTotal:", b"262144", b"kB", b"268435456"], outcome


def test_fork_bomb_ends_in_eagain(sandbox: Sandbox) -> None:
    sandbox.files["bomb.py"] = (
        "import os, time, errno\nn = 0\n"
        "while True:\n"
        "    try: pid = os.fork()\n"
        "    except OSError as e: print(n, errno.errorcode[e.errno]); break\n"
        "    if pid == 0: time.sleep(60); os._exit(0)\n"
        "    n += 1\n"
    )
    outcome = sandbox.cruck([PYTHON, "bomb.py"], options=["--pids-limit", "20"])
    assert outcome.status == 0, outcome
    count, error = outcome.stdout.split()
    assert error == b"EAGAIN" and 15 <= int(count) <= 20


def test_shell_fork_bomb_is_contained(sandbox: Sandbox) -> None:
    started = time.monotonic()
    outcome = sandbox.cruck(["bash", "-c", "b() { b | b & }; b; sleep 1; exit 5"], options=["--pids-limit", "30", "--timeout", "15"])
    assert outcome.status in (5, 124, 254), outcome
    assert time.monotonic() - started < 40


def test_threads_count_as_processes(sandbox: Sandbox) -> None:
    code = "import threading, time\ntry:\n    for i in range(50): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nexcept RuntimeError as e: print(i, e)\n"
    outcome = sandbox.cruck([PYTHON, "-c", code], options=["--pids-limit", "10"])
    assert outcome.stdout == b"9 can't start new thread\n", outcome


def test_one_cpu(sandbox: Sandbox) -> None:
    script = f"nproc; grep -c ^processor /proc/cpuinfo; {PYTHON} -c 'import os; print(os.cpu_count(), os.sched_getaffinity(0))'; seq 1000 | sort -n | tail -n 1"
    outcome = sandbox.cruck(["bash", "-c", script], options=["--cpus", "1"])
    assert outcome.stdout == b"1\n1\n1 {0}\n1000\n", outcome


def test_many_cpus(sandbox: Sandbox) -> None:
    outcome = sandbox.cruck(["bash", "-c", "nproc; for i in 1 2 3 4; do (seq 20000 | tail -n 1) & done; wait"], options=["--cpus", "4"])
    assert outcome.stdout == b"4\n" + b"20000\n" * 4, outcome


def test_a_busy_loop_does_not_starve_others_on_one_cpu(sandbox: Sandbox) -> None:
    outcome = sandbox.cruck(
        ["bash", "-c", "while :; do :; done & p=$!; for i in 1 2 3; do sleep 0.05; echo $i; done; kill $p; wait $p; echo $?"],
        options=["--cpus", "1"],
    )
    assert outcome.stdout == b"1\n2\n3\n143\n", outcome


def test_timeout_ends_everything(sandbox: Sandbox) -> None:
    started = time.monotonic()
    outcome = sandbox.cruck(["bash", "-c", "trap '' TERM; echo started; sleep 60 & while :; do sleep 1; done"], options=["--timeout", "1"])
    assert (outcome.status, outcome.stdout) == (124, b"started\n"), outcome
    assert time.monotonic() - started < 10


def test_timeout_of_a_busy_program(sandbox: Sandbox) -> None:
    outcome = sandbox.cruck([PYTHON, "-c", "while True: pass"], options=["--timeout", "1s"])
    assert outcome.status == 124, outcome


def test_timeout_that_is_not_reached(sandbox: Sandbox) -> None:
    assert sandbox.cruck(["true"], options=["--timeout", "30"]).status == 0
