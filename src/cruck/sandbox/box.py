# SPDX-License-Identifier: MPL-2.0
"""Box: one run put together: machine, kernel, world, first process. The callers (host_run.py) give it standard streams."""

import os

from cruck.framework.clock import HostClock
from cruck.framework.entropy import HostEntropy
from cruck.framework.host_info import probe
from cruck.framework.host_machine import HostMachine
from cruck.framework.log import DEBUG, WARNING, Log
from cruck.kernel import trap_loop
from cruck.kernel.boot import build_kernel
from cruck.kernel.kernel import Kernel
from cruck.kernel.process import groups
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.process.exec import execve
from cruck.kernel.process.file_table import FileTable, FsContext
from cruck.kernel.process.process import Process
from cruck.kernel.process.task import Task
from cruck.kernel.signal.actions import SIG_DFL, SIG_IGN, SignalActions
from cruck.kernel.signal.pending import SI_USER, SigInfo
from cruck.kernel.time.timers import TimerTarget
from cruck.kernel.vfs.file import File
from cruck.sandbox.config import RunConfig
from cruck.sandbox.world import World, build

SIGKILL = 9
ENOENT, EACCES, ENOEXEC, ENOTDIR = 2, 13, 8, 20
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EXIT_CANNOT_EXECUTE = 126
EXIT_NOT_FOUND = 127
EXIT_TIMEOUT = 124
SPIN_NS = 50_000  # about what waking an idle core costs


class StartError(Exception):
    """The program could not be started: an exit status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Timeout(TimerTarget):
    """--timeout."""

    def __init__(self, box: "Box") -> None:
        self.box = box

    def expire(self, now_ns: int) -> None:
        self.box.timed_out = True
        self.box.end_now()


class Patience(TimerTarget):
    """SIGTERM was not obeyed in time."""

    def __init__(self, box: "Box") -> None:
        self.box = box

    def expire(self, now_ns: int) -> None:
        self.box.end_now()


class Box:
    kernel: Kernel
    world: World
    process: Process
    timed_out: bool
    missing_walls: list[str]  # what the host could not take from us (confinement.py)

    def __init__(self, config: RunConfig, hidden: bool) -> None:
        """Errors: OSError (the host refuses), ConfigError."""
        self.config = config
        self.timed_out = False
        self.missing_walls = []
        nr_cpus = config.nr_cpus if config.nr_cpus is not None else len(os.sched_getaffinity(0))
        if nr_cpus == 1 and not hidden:
            _share_one_core()
        ram_bytes = config.memory_bytes if config.memory_bytes is not None else _host_memory_bytes()
        self.machine = HostMachine(ram_bytes + 4095 & ~4095, hidden)
        try:
            log = _open_log(config)
            self.kernel = build_kernel(self.machine, HostClock(), HostEntropy(), probe(nr_cpus, ram_bytes), log, nr_cpus)
            self.kernel.spin_ns = SPIN_NS if len(os.sched_getaffinity(0)) > 1 else 0
            self.machine.set_spin(self.kernel.spin_ns)
            if config.hostname is not None:
                self.kernel.namespaces.uts.hostname = os.fsencode(config.hostname)
            if config.pids_limit is not None:
                self.kernel.pids_limit = config.pids_limit
            if config.network_mode() != "loopback" or config.net_allow or config.net_deny or config.published:
                from cruck.sandbox import network

                network.set_up(self.kernel, config)
            self.world = build(self.kernel, config)
        except BaseException:
            self.machine.close()
            raise

    def start(self, stdio: list[File]) -> None:
        """Makes the first process and executes the command. Errors: StartError."""
        kernel = self.kernel
        config = self.config
        pid = kernel.alloc_pid()
        process = Process(kernel, pid, kernel.init, kernel.init.group)
        kernel.init.children[pid] = process
        kernel.processes[pid] = process
        groups.new_session(kernel, process)
        from cruck.kernel.memory.mm import Mm

        mm = Mm(kernel)
        files = FileTable(kernel.ledger)
        fs = FsContext(self.world.root, self.world.cwd, 0o022)
        creds = Credentials(config.uid, config.gid, config.groups)
        task = Task(kernel, pid, process, mm.space.new_context(), mm, files, fs, SignalActions(), creds, b"cruck")
        process.leader = task
        process.threads[pid] = task
        process.nr_threads_ever = 1
        kernel.tasks[pid] = task
        kernel.main_process = process
        self.process = process
        for file in stdio:
            files.install(file, 1024, False)
        environment = self.world.environment
        self._exec(task, environment)
        if config.timeout_s is not None:
            kernel.timers.add(kernel.clock.monotonic_ns() + int(config.timeout_s * 1e9), Timeout(self))
        kernel.sched.enqueue(task)

    def _exec(self, task: Task, environment: dict[str, str]) -> None:
        command = [os.fsencode(word) for word in self.config.command]
        envp = [os.fsencode(f"{name}={value}") for name, value in environment.items()]
        program = command[0]
        if b"/" in program:
            candidates = [program]
        else:
            path = os.fsencode(environment.get("PATH", DEFAULT_PATH))
            candidates = [os.path.join(directory or b".", program) for directory in path.split(b":")]
        failure = ENOENT
        tried = program
        for candidate in candidates:
            task.call_nr = 59
            error = -execve(task, candidate, command, envp)
            if error == 0:
                if self.kernel.tracer is not None:
                    self.kernel.tracer.started(task, candidate, command, len(envp))
                return
            if error not in (ENOENT, ENOTDIR):
                failure, tried = error, candidate
                if error != EACCES:
                    break
        name = os.fsdecode(tried)
        if failure == ENOENT:
            raise StartError(EXIT_NOT_FOUND, self._not_found(os.fsdecode(program)))
        reasons = {
            EACCES: "permission denied (is it a file with execute permission?)",
            ENOEXEC: "not an executable of this machine: neither an intact x86-64 ELF program nor a script that starts with #!",
        }
        raise StartError(EXIT_CANNOT_EXECUTE, f"cannot execute {name!r}: {reasons.get(failure, os.strerror(failure).lower())}")

    def _not_found(self, program: str) -> str:
        hint = self.world.explain_missing(program)
        return f"no such program: {program!r}" + (f"; {hint}" if hint else "")

    def run(self) -> None:
        """To the end. Errors: what the machine raises."""
        self.machine.settle(True)
        try:
            trap_loop.run(self.kernel)
        finally:
            self.machine.settle(False)

    def turn(self) -> None:
        trap_loop.turn(self.kernel, True)

    def signal(self, signo: int) -> None:
        """A signal from outside to the program, as `docker kill` sends it."""
        self.kernel.send_signal_process(self.process, signo, SigInfo(signo, SI_USER))

    def has_handler(self, signo: int) -> bool:
        """Does the program want to be told, rather than ended, by this signal?"""
        task = self.process.any_thread()
        return task is not None and task.actions.get(signo).handler not in (SIG_DFL, SIG_IGN)

    def end_now(self) -> None:
        """As if by SIGKILL, whatever the guests are doing: nobody is asked, close() ends their host processes."""
        self.kernel.halt(SIGKILL)

    def end_later(self, seconds: float) -> None:
        self.kernel.timers.add(self.kernel.clock.monotonic_ns() + int(seconds * 1e9), Patience(self))

    def exit_code(self) -> int:
        """Docker's: the program's status, 128 + n for signal n, 124 for the timeout."""
        if self.timed_out:
            return EXIT_TIMEOUT
        status = self.kernel.exit_status
        return 128 + (status & 0x7F) if status & 0x7F else status >> 8

    def close(self) -> None:
        """Everything of the run on the host is gone when it returns. Idempotent."""
        self.machine.close()
        self.world.close()


def _share_one_core() -> None:
    """With one virtual CPU either the kernel or the guest runs: on one core each hands over to the other without waking a
    second one, which costs several times as much. Only for a process of our own; stubs inherit it."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})


def _open_log(config: RunConfig) -> Log:
    if config.debug:
        import sys

        return Log(DEBUG, sys.stderr)
    if config.log_file is not None:
        return Log(DEBUG, open(config.log_file, "w", encoding="utf-8"))  # noqa: SIM115  (lives as long as the kernel)
    return Log(WARNING)


def _host_memory_bytes() -> int:
    """RAM of a run without -m: what the host has. It is committed page by page, as it is used."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
