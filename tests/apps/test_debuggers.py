# SPDX-License-Identifier: MPL-2.0
"""strace and gdb inside: they trace programs of the guest as they do on Linux."""

import re

from compare import Sandbox, build, needs

PROGRAM = """
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile int hits;
static void handler(int signo) { hits += signo; }
static int factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }
int main(void)
{
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    if (fork() == 0)
        _exit(3);
    int status;
    wait(&status);
    printf("%d %d %d\\n", factorial(5), hits, status);
    return 7;
}
"""


def compile_program(sandbox: Sandbox) -> None:
    from pathlib import Path

    sandbox.files["debuggee.c"] = PROGRAM
    sandbox.fill()
    directory = Path(sandbox.path)
    build(directory, ["gcc", "-g", "-O0", "-static", "-o", "/tmp/cruck-debuggee", "debuggee.c"])
    sandbox.files["debuggee"] = Path("/tmp/cruck-debuggee")


def without_numbers(data: bytes) -> bytes:
    """Pids and addresses differ; the order of two processes' lines does."""
    data = re.sub(rb"\b(0x[0-9a-f]+|\d{3,})\b|(?i:process) \d+", b"N", data)
    data = re.sub(rb"(si_pid=|si_[us]time=|= |\()\d+", rb"\1N", data)
    return b"\n".join(sorted(data.splitlines()))


@needs("strace", "strace")
def test_strace_follows_forks_and_shows_signals(sandbox: Sandbox) -> None:
    compile_program(sandbox)
    calls = "trace=fork,clone,wait4,exit_group,rt_sigaction,write"
    script = f"strace -qq -ff -o log -e '{calls}' ./debuggee; echo $?; cat log.*"
    sandbox.check(["sh", "-c", script], filter_stdout=without_numbers)
    sandbox.check(["strace", "-qq", "-e", "inject=write:error=ENOSPC", "-e", "trace=write", "./debuggee"], status=7,
                  filter_stderr=without_numbers)  # fmt: skip


@needs("strace", "strace")
def test_strace_attaches_to_a_running_process(sandbox: Sandbox) -> None:
    script = "sleep 60 & sleep 0.3; strace -qq -e trace=none -p $! -o log & sleep 0.8; kill $(pgrep -x sleep); wait; cat log"
    sandbox.check(["sh", "-c", script], filter_stdout=without_numbers, filter_stderr=lambda data: b"")


@needs("gdb", "gdb")
def test_gdb_breaks_steps_calls_and_watches(sandbox: Sandbox) -> None:
    compile_program(sandbox)
    commands = ["set debuginfod enabled off", "break factorial if n == 3", "run", "backtrace", "info registers rip", "stepi 3",
                "print factorial(4)", "delete", "finish", "handle SIGUSR1 nostop", "set can-use-hw-watchpoints 0", "tbreak main", "run",
                "watch hits", "continue", "continue"]  # fmt: skip
    argv = ["gdb", "-batch", "-nx", *[word for command in commands for word in ("-ex", command)], "./debuggee"]
    sandbox.check(argv, filter_stdout=without_numbers, filter_stderr=lambda data: b"", timeout=60)
