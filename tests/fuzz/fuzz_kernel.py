# SPDX-License-Identifier: MPL-2.0
"""A kernel process for tests/fuzz/syscall_fuzzer.c: runs it in itself and takes a census after each round, so that a leak is seen.

    python fuzz_kernel.py DIRECTORY SEED COUNT THREADS ROUNDS [first-number last-number]

Prints the guest's lines as they come, oopses with their tracebacks, "leak: …" for each kind of object or host resource that grew from round
to round, and at the end "figures: …". Exit status 0 if nothing was found; replay with the same arguments.
"""

import collections
import gc
import os
import re
import sys
import threading

from cruck.framework.hardware import RIP
from cruck.kernel.kernel import Kernel
from cruck.kernel.process.process import Process
from cruck.sandbox.box import Box
from cruck.sandbox.config import Mount, RunConfig
from cruck.sandbox.streams import InputStream, OutputStream

WARM_UP = 2  # rounds after which nothing may grow any more
# What legitimately remembers: names looked up, numbers never used before.
MAY_GROW = {"Dentry", "Layout"}
SLACK = 12  # of a kind, all rounds together: caches that fill


class Census:
    """Objects of the kernel by class, and what the process holds of the host."""

    def __init__(self, box: Box) -> None:
        kernel = box.kernel
        forget_the_dead(kernel)
        gc.collect()
        kinds: collections.Counter[str] = collections.Counter()
        for value in gc.get_objects():
            kind = type(value)
            if kind.__module__.startswith("cruck.") and kind.__name__ not in MAY_GROW:
                kinds[f"{kind.__module__.removeprefix('cruck.')}.{kind.__name__}"] += 1
        self.counts = dict(kinds)
        for name in ("tasks", "processes", "groups", "sessions", "pids", "lingering", "ready", "host_watches"):
            self.counts[f"kernel.{name}"] = len(getattr(kernel, name))
        self.counts["live timers"] = sum(timer.is_live for timer in kernel.timers.heap)
        self.counts["bytes in the ledger"] = kernel.ledger.used
        self.counts["RAM frames in use"] = kernel.machine.nr_frames() - kernel.machine.nr_free_frames()
        self.counts["host descriptors"] = len(os.listdir("/proc/self/fd"))
        with open("/proc/self/maps") as file:
            self.counts["host mappings"] = sum(1 for _ in file)
        with open("/proc/self/status") as file:
            self.anon_kib = next(int(line.split()[1]) for line in file if line.startswith("RssAnon"))


def forget_the_dead(kernel: Kernel) -> None:
    """Names of processes in /proc are kept until there are 64 of them (dcache.py): here only those of the living count."""
    for mount in kernel.namespace.mounts:
        if not mount.fs.caches_names:
            children = mount.root.children
            for name, child in list(children.items()):
                if child.inode is None or not child.inode.revalidate():
                    del children[name]


def task_action(process: Process) -> str:
    task = process.any_thread()
    return "-" if task is None else f"{task.actions.get(14).handler:#x} {task.actions.get(14).flags:#x}"


def describe(kernel: Kernel) -> None:
    """What everybody is doing: printed when the guest complains of a hang."""
    for task in kernel.tasks.values():
        process = task.process
        wait = task.wait
        print(
            f"  task {task.tid} of {process.pid} (parent {process.parent.pid if process.parent else 0}) state {task.state} call {task.call_nr} "
            f"{[hex(value) for value in task.call_args]} waits {None if wait is None else (wait.nr, len(wait.queues))} "
            f"timer {task.wait_timer is not None} blocked {task.blocked_mask:#x} pending {task.pending.bits:#x} {process.pending.bits:#x} "
            f"stopped {process.is_stopped} exiting {process.is_exiting} on CPU {task.context.is_running()} restart {task.restart} "
            f"uid {task.creds.uid} traced {task.ptrace is not None} "
            f"rip {task.context.get_reg(RIP):#x}"
        )
    now_ns = kernel.clock.monotonic_ns()
    print(
        "  timers due in ms: "
        + ", ".join(f"{(timer.deadline_ns - now_ns) // 10**6}" for timer in sorted(kernel.timers.heap) if timer.is_live)
    )
    for process in kernel.processes.values():
        print(
            f"  process {process.pid} of {process.parent.pid if process.parent else 0}: ITIMER_REAL {process.timers.real.get()}, "
            f"SIGALRM {task_action(process)}, zombie {process.is_zombie}, exit signal {process.exit_signal}, "
            f"status {process.exit_status:#x}, traced {process.pid > 1 and process.leader.ptrace is not None}"
        )
    print(
        f"  running {len(kernel.sched.running)} queued {len(kernel.sched.entries)} ready {len(kernel.ready)} timers {len(kernel.timers.heap)}",
        flush=True,
    )


MADE = re.compile(rb"(\d+) random calls, \d+ handlers, (\d+) wild children")


class Lines(OutputStream):
    """What the guest writes, passed on by whole lines; counts the rounds that are over, and what they made."""

    def __init__(self, ino: int) -> None:
        super().__init__(ino)
        self.nr_rounds = 0
        self.nr_random = 0
        self.nr_wild = 0
        self.rest = b""
        self.is_hanging = False

    def take(self) -> None:
        text = self.rest + b"".join(self.parts)
        self.parts.clear()
        *lines, self.rest = text.split(b"\n")
        for line in lines:
            sys.stdout.write(line.decode("utf-8", "replace") + "\n")
            self.nr_rounds += line.startswith(b"round ")
            if made := MADE.fullmatch(line):
                self.nr_random += int(made[1])
                self.nr_wild += int(made[2])
            self.is_hanging = self.is_hanging or b"HANG" in line
        sys.stdout.flush()


def growth(before: Census, after: Census) -> list[str]:
    found = []
    for name, count in sorted(after.counts.items()):
        old = before.counts.get(name, 0)
        slack = 64 if name == "RAM frames in use" else 32_768 if name == "bytes in the ledger" else SLACK
        if count > old + slack + old // 20:
            found.append(f"{name}: {old} → {count}")
    if found:
        rest = {name: count - before.counts.get(name, 0) for name, count in after.counts.items()}
        found.append("all that grew: " + ", ".join(f"{name} {count:+}" for name, count in sorted(rest.items()) if count > 0))
    if after.anon_kib > before.anon_kib + (16 << 10):
        found.append(f"memory of the kernel process: {before.anon_kib} KiB → {after.anon_kib} KiB")
    return found


def main(arguments: list[str]) -> int:
    directory, *numbers = arguments
    config = RunConfig(["/box/syscall_fuzzer", *numbers])
    config.cwd = directory
    config.host_environment = dict(os.environ)
    config.mounts.append(Mount.from_volume(f"{directory}:/box:ro"))
    config.workdir = "/tmp"
    config.memory_bytes = 512 << 20
    config.pids_limit = 200
    config.tty = False
    config.uid = config.gid = 0
    box = Box(config, hidden=True)
    kernel = box.kernel
    out = Lines(kernel.next_ino())
    censuses: list[Census] = []
    nr_logged = 0
    watchdog_beat = [0]
    threading.Thread(target=watch, args=(watchdog_beat, box), daemon=True).start()
    try:
        box.start([InputStream(b"", kernel.next_ino()), out, out])
        while not kernel.is_halted:
            box.turn()
            watchdog_beat[0] += 1
            if out.parts:
                out.take()
                if out.is_hanging:
                    describe(kernel)
                    out.is_hanging = False
                if out.nr_rounds > len(censuses):
                    censuses.append(Census(box))
            for line in kernel.log.lines[nr_logged:]:
                if "oops" in line:
                    print(line, flush=True)
            nr_logged = len(kernel.log.lines)
        out.take()
        status = box.exit_code()
    finally:
        box.close()
    leaks = growth(censuses[WARM_UP - 1], censuses[-1]) if len(censuses) > WARM_UP + 1 else []
    for leak in leaks:
        print(f"leak: {leak}")
    print(
        f"figures: seed {numbers[0]}: {out.nr_random} random calls, {out.nr_wild} wild children, {kernel.nr_calls} calls in all, {len(censuses)} rounds, "
        f"{kernel.nr_oopses} oopses, {len(leaks)} leaks, status {status}, kernel memory {censuses[-1].anon_kib >> 10 if censuses else 0} MiB"
    )
    return 1 if status or leaks or kernel.nr_oopses else 0


def watch(beat: list[int], box: Box) -> None:
    """A turn that takes longer than 45 s is a hang of the kernel: says where, and ends the process."""
    import faulthandler
    import time

    last = -1
    while True:
        time.sleep(45)
        if beat[0] == last:
            print(f"HANG of the kernel in one turn, {len(box.kernel.sched.running)} running", flush=True)
            faulthandler.dump_traceback(all_threads=True)
            os._exit(3)
        last = beat[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
