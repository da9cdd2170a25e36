# SPDX-License-Identifier: MPL-2.0
"""A small kernel for tests of calls that wait: real tasks, files, queues, timers and memory (of a FakeMachine); no trap loop.

`run(task, handler, *args)` does what the trap loop does around a handler; `rerun(task)` runs a woken call again.
"""

from collections.abc import Callable
from typing import Any, cast

from cruck.framework.clock import ManualClock
from cruck.framework.log import Log
from cruck.framework.mm.user_memory import FaultResolver, UserFault, UserMemory
from cruck.kernel.errors import LinuxError
from cruck.kernel.ipc.futex import FutexTable
from cruck.kernel.ipc.ipc_namespace import IpcNamespace
from cruck.kernel.kernel import Kernel
from cruck.kernel.ledger import Unlimited
from cruck.kernel.memory.mm import Mm
from cruck.kernel.net.families import AddressFamilies
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.process.file_table import FileTable, FsContext
from cruck.kernel.process.namespaces import NamespaceTable
from cruck.kernel.process.process import Process, ProcessGroup, Session
from cruck.kernel.process.task import BLOCKED as TASK_BLOCKED
from cruck.kernel.process.task import READY, RUNNING, Task
from cruck.kernel.settings import Settings
from cruck.kernel.signal.actions import SigAction, SignalActions
from cruck.kernel.signal.pending import SigInfo
from cruck.kernel.signal.send import send_to_process, send_to_task
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.time.timers import TimerQueue
from cruck.kernel.vfs.anon_inode import AnonFileSystems
from cruck.kernel.vfs.dentry import Path
from cruck.kernel.vfs.inotify import InotifyUsers
from cruck.testing.fake_machine import FakeMachine
from cruck.testing.kernels import bare_namespace

MEMORY = 0x10_0000  # guest memory that is there: [MEMORY, MEMORY + MEMORY_BYTES)
MEMORY_BYTES = 0x40_0000
NOWHERE = 0x5000_0000


class NoFaults(FaultResolver):
    def resolve_fault(self, addr: int, access: int) -> bool:
        return False


class KitMm(Mm):
    def __init__(self, machine: FakeMachine) -> None:
        self.space = machine.new_space()
        assert self.space.map_anon(MEMORY, MEMORY_BYTES, 3) == 0
        self.user = UserMemory(self.space, NoFaults(), machine.user_end)

    def futex_key(self, addr: int) -> tuple[object, int]:
        if not MEMORY <= addr < MEMORY + MEMORY_BYTES:
            raise UserFault
        return (self, addr)


class KitKernel(Kernel):
    machine: FakeMachine
    clock: ManualClock

    def __init__(self) -> None:
        self.machine = FakeMachine()
        self.clock = ManualClock()
        self.settings = Settings()
        self.inotify_users = InotifyUsers()
        self.nr_aio_events = 0
        self.ipc = IpcNamespace(cast(Kernel, self))
        self.timers = TimerQueue()
        self.nr_cpus = 1
        self.tracer = None
        self.log = Log()
        self.anon = AnonFileSystems()
        self.families = AddressFamilies()
        self.futexes = FutexTable()
        self.signal_queued = WaitQueue()
        self.current: Task | None = None
        self.ready: list[Task] = []
        self.tasks: dict[int, Task] = {}
        self.contexts: dict[int, Task] = {}
        self.ledger = Unlimited()
        self.next_tag = 1
        self.processes: dict[int, Process] = {}
        self.inode = 1
        self.place: Path | None = None  # root and working directory of new tasks, for who needs them
        self.nr_watches = 0
        self.rename_cookie = 0
        self.namespaces = NamespaceTable()
        self.namespace = bare_namespace()
        self.session = Session(1, self.namespaces.pid)
        self.group = ProcessGroup(1, self.session, self.namespaces.pid)
        self.init = Process(self, 1, None, self.group)

    def next_ino(self) -> int:
        self.inode += 1
        return self.inode

    def next_anon_dev(self) -> int:
        return 70

    def send_signal_task(self, task: Task, signo: int, info: SigInfo | None = None) -> int:
        return send_to_task(task, info if info is not None else SigInfo(signo))

    def send_signal_process(self, process: Process, signo: int, info: SigInfo | None = None) -> int:
        return send_to_process(process, info if info is not None else SigInfo(signo))

    def advance(self, ns: int) -> None:
        self.clock.advance(ns)
        self.timers.expire(self.clock.monotonic_ns())

    def new_task(self, pid: int, uid: int = 1000, like: Task | None = None) -> Task:
        """A process of one thread, or (like) one more thread that shares everything."""
        kernel: Any = self
        if like is None:
            mm: Any = KitMm(self.machine)
            process = Process(kernel, pid, None, self.group)
            self.processes[pid] = process
            files, fs = (
                FileTable(Unlimited()),
                FsContext.__new__(FsContext) if self.place is None else FsContext(self.place, self.place, 0o022),
            )
            actions = SignalActions()
            creds = Credentials(uid, uid, ())
        else:
            mm, process, files, fs, actions, creds = like.mm, like.process, like.files, like.fs, like.actions, like.creds
        task = Task(kernel, pid, process, mm.space.new_context(), mm, files, fs, actions, creds, b"test")
        task.state = RUNNING
        process.threads[pid] = task
        if like is None:
            process.leader = task
        self.tasks[pid] = task
        return task


def run(task: Task, handler: Callable[..., int], *args: Any) -> int:
    """A call's first run: its result, or BLOCKED."""
    task.wait = None
    task.state = RUNNING
    task.call_args = (0, 0, 0, 0, 0, 0)
    LAST[task] = (handler, args)
    return _call(task, handler, args)


# The call each task is in: a test's own memory, the kernel has none of it.
LAST: dict[Task, tuple[Callable[..., int], tuple[Any, ...]]] = {}


def _call(task: Task, handler: Callable[..., int], args: tuple[Any, ...]) -> int:
    task.kernel.current = task
    try:
        result = handler(task, *args)
    except LinuxError as error:
        result = -error.errno
    except UserFault:
        result = -14
    if result == BLOCKED:
        assert task.state == TASK_BLOCKED
        return result
    task.leave_queues()
    if not -516 <= result <= -512:
        task.wait = None
        if task.saved_mask >= 0:
            task.blocked_mask, task.saved_mask = task.saved_mask, -1
    return result


def is_woken(task: Task) -> bool:
    return task.state == READY


def rerun(task: Task) -> int:
    """Runs a woken call again, as the trap loop would."""
    assert task.state == READY, "it was not woken"
    task.kernel.ready.remove(task)
    task.state = RUNNING
    handler, args = LAST[task]
    return _call(task, handler, args)


def catch(task: Task, signo: int) -> None:
    """Gives the signal a handler, so that it is not ignored."""
    task.actions.set(signo, SigAction(0x1000))


def put(task: Task, data: bytes, at: int = 0) -> int:
    """Stores bytes in guest memory; their address."""
    task.user.write(MEMORY + at, data)
    return MEMORY + at


def peek(task: Task, addr: int, length: int) -> bytes:
    return task.user.read(addr, length)


def fds_at(task: Task, addr: int) -> tuple[int, int]:
    return task.user.read_s32(addr), task.user.read_s32(addr + 4)
