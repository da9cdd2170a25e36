# SPDX-License-Identifier: MPL-2.0
"""Kernel: all state of one kernel, and the few verbs that cut across services.

Plain data: everything hangs off this object and can be pickled at any turn of the trap loop (trap_loop.py), which is the
only thing that runs it. Several kernels may live in one process.
"""

from typing import TYPE_CHECKING, Final

from cruck.framework.clock import Clock
from cruck.framework.entropy import Entropy
from cruck.framework.hardware import PAGE_SIZE, Context, Machine
from cruck.framework.host_info import HostInfo
from cruck.framework.io.host_file import HostFile
from cruck.framework.log import Log
from cruck.kernel.drivers.registry import DeviceRegistry
from cruck.kernel.ipc.futex import FutexTable
from cruck.kernel.ipc.ipc_namespace import IpcNamespace
from cruck.kernel.ledger import Ledger
from cruck.kernel.memory.vdso import Vdso
from cruck.kernel.net.families import AddressFamilies
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process import exit as process_exit
from cruck.kernel.process.namespaces import NamespaceTable
from cruck.kernel.process.pid_namespace import PidNamespace
from cruck.kernel.process.process import Process, ProcessGroup, Session
from cruck.kernel.process.task import RUNNING, Task
from cruck.kernel.sched.fair import FairScheduler
from cruck.kernel.sched.load_average import LoadAverage
from cruck.kernel.settings import Settings
from cruck.kernel.signal.pending import SI_KERNEL, SigInfo
from cruck.kernel.signal.send import send_to_process, send_to_task
from cruck.kernel.time.timers import TimerQueue
from cruck.kernel.vfs.anon_inode import AnonFileSystems
from cruck.kernel.vfs.dentry import MountNamespace
from cruck.kernel.vfs.fs_type import FileSystemType
from cruck.kernel.vfs.inotify import InotifyUsers

if TYPE_CHECKING:
    from cruck.kernel.syscalls.strace.tracer import Tracer

PID_MAX = 32768
MAX_UNSUPPORTED: Final = 400  # names kept of what was not supported


class Kernel:
    machine: Machine
    clock: Clock
    entropy: Entropy
    log: Log
    host_info: HostInfo
    nr_cpus: int
    spin_ns: int  # how long the loop polls for a stop before it sleeps
    namespaces: NamespaceTable
    # Processes.
    tasks: dict[int, Task]  # by thread id
    contexts: dict[int, Task]  # by the tag of their context: whose stop it is. Tags are never used again, thread ids are
    next_tag: int
    processes: dict[int, Process]  # by pid, zombies included
    groups: dict[int, ProcessGroup]
    sessions: dict[int, Session]
    init: Process  # pid 1: built in, without tasks; adopts and reaps orphans
    main_process: Process | None  # the program of the run; its end halts the kernel
    current: Task | None  # whose call is being handled: /proc/self, permission checks of procfs
    lingering: dict[int, Task]  # dead tasks whose host task has yet to stop, by tag
    pids_limit: int
    pids: set[int]  # taken: of tasks, zombies, groups and sessions
    next_pid: int
    # Scheduling.
    ready: list[Task]  # blocked calls to be run again, oldest first
    sched: FairScheduler
    load_average: LoadAverage
    timers: TimerQueue
    # Services.
    namespace: MountNamespace  # the first mount namespace, set by boot.py
    file_systems: dict[bytes, FileSystemType]  # what mount(2) knows, by name
    devices: DeviceRegistry
    ledger: Ledger  # what guests make the kernel keep
    futexes: FutexTable
    ipc: IpcNamespace  # the first one
    vdso: Vdso
    families: AddressFamilies
    anon: AnonFileSystems  # the inodes of pipes, sockets, eventfds, …
    settings: Settings
    nr_aio_events: int  # that all contexts may hold: fs.aio-nr
    inotify_users: InotifyUsers
    nr_watches: int  # of all inotify instances: reads and writes look for watchers only if there are any
    rename_cookie: int  # inotify: ties the two names of a rename together
    vfork_queue: WaitQueue  # where vfork parents stand; never woken: the child ends the wait itself
    signal_queued: WaitQueue  # woken whenever a signal is queued (signalfd)
    host_watches: dict[int, tuple[HostFile, WaitQueue]]  # by HostFile.tag
    next_host_tag: int
    next_dev: int
    next_inode: int
    turn_ns: int  # monotonic time when the stops of this turn were taken
    turns_to_sample: int  # until one is timed for the tasks' system time; ≥ 1
    boot_ns: int  # monotonic
    boot_realtime_ns: int
    boot_id: bytes  # 16 random bytes of this boot
    # The end of the run.
    is_halted: bool
    exit_status: int  # wait(2) encoding, once halted
    # What the user is told.
    tracer: "Tracer | None"  # set up by whoever wants one: most runs do without its tables
    unsupported: dict[str, int]  # calls answered "not supported", by name → how often
    nr_oopses: int
    nr_calls: int

    def __init__(
        self, machine: Machine, clock: Clock, entropy: Entropy, devices: DeviceRegistry,
        families: AddressFamilies, host_info: HostInfo, log: Log, nr_cpus: int
    ) -> None:  # fmt: skip
        self.machine = machine
        self.clock = clock
        self.entropy = entropy
        self.log = log
        self.host_info = host_info
        self.nr_cpus = nr_cpus
        self.spin_ns = 30_000
        self.namespaces = NamespaceTable()
        self.tasks = {}
        self.contexts = {}
        self.next_tag = 1
        self.processes = {}
        self.groups = {}
        self.sessions = {}
        self.main_process = None
        self.current = None
        self.lingering = {}
        self.pids_limit = 10_000
        self.pids = {1}
        self.next_pid = 2
        self.ready = []
        self.sched = FairScheduler(nr_cpus)
        self.load_average = LoadAverage(clock.monotonic_ns())
        self.timers = TimerQueue()
        self.file_systems = {}
        self.devices = devices
        self.ledger = Ledger(machine.nr_frames() * PAGE_SIZE)
        self.futexes = FutexTable()
        self.ipc = IpcNamespace(self)
        self.families = families
        self.anon = AnonFileSystems()
        self.settings = Settings()
        self.nr_aio_events = 0
        self.inotify_users = InotifyUsers()
        self.nr_watches = 0
        self.rename_cookie = 0
        self.vfork_queue = WaitQueue()
        self.signal_queued = WaitQueue()
        self.host_watches = {}
        self.next_host_tag = 1
        self.next_dev = 64
        self.next_inode = 1
        self.boot_ns = self.turn_ns = clock.monotonic_ns()
        self.turns_to_sample = 1
        self.boot_realtime_ns = clock.realtime_ns()
        self.boot_id = entropy.random_bytes(16)
        self.is_halted = False
        self.exit_status = 0
        self.tracer = None
        self.unsupported = {}
        self.nr_oopses = 0
        self.nr_calls = 0
        session = Session(1, self.namespaces.pid)
        group = ProcessGroup(1, session, self.namespaces.pid)
        session.groups[1] = group
        self.sessions[1] = session
        self.groups[1] = group
        self.init = Process(self, 1, None, group)
        self.init.name = b"/init"
        self.processes[1] = self.init
        self.namespaces.pid.reaper = self.init
        self.vdso = Vdso(self)

    # Identities.
    def alloc_pid(self) -> int:
        """The next free pid, wrapping at PID_MAX; the caller has checked pids_limit (< PID_MAX)."""
        pid = self.next_pid
        while pid in self.pids or pid in self.groups or pid in self.sessions:
            pid = pid + 1 if pid + 1 < PID_MAX else 300
        self.pids.add(pid)
        self.next_pid = pid + 1 if pid + 1 < PID_MAX else 300
        return pid

    def bind(self, task: Task, context: Context) -> None:
        """From now on the stops of `context`, which has just been made, are `task`'s."""
        context.set_tag(self.next_tag)
        self.contexts[self.next_tag] = task
        self.next_tag += 1

    def free_pid(self, pid: int, ns: PidNamespace) -> None:
        """`ns`: the namespace of the task that had it. As long as a group or session is called by it, others may not have it."""
        self.pids.discard(pid)
        if ns.level and pid not in self.groups and pid not in self.sessions:
            ns.remove(pid)

    def next_anon_dev(self) -> int:
        """A device number (st_dev) for one more file system without a device: major 0."""
        self.next_dev += 1
        return self.next_dev

    def next_ino(self) -> int:
        """An inode number for anonymous files (pipes, sockets)."""
        self.next_inode += 1
        return self.next_inode

    # Signals.
    def send_signal_process(self, process: Process, signo: int, info: SigInfo | None = None) -> int:
        return send_to_process(process, info if info is not None else SigInfo(signo, SI_KERNEL))

    def send_signal_task(self, task: Task, signo: int, info: SigInfo | None = None) -> int:
        return send_to_task(task, info if info is not None else SigInfo(signo, SI_KERNEL))

    def send_signal_group(self, group: ProcessGroup, signo: int, info: SigInfo | None = None) -> None:
        for process in list(group.members):
            self.send_signal_process(process, signo, info)

    # The end of tasks (exit.py).
    def exit_task(self, task: Task, status: int) -> None:
        process_exit.exit_task(self, task, status)

    def exit_group(self, process: Process, status: int) -> None:
        process_exit.exit_group(self, process, status)

    def kill_other_threads(self, task: Task) -> None:
        process_exit.kill_other_threads(self, task)

    def vfork_done(self, task: Task) -> None:
        process_exit.release_vfork_parent(self, task)

    def notify_parent(self, process: Process, code: int, status: int) -> None:
        process_exit.notify_parent(self, process, code, status)

    def halt(self, status: int) -> None:
        """The run is over: the trap loop leaves at its next turn."""
        self.is_halted = True
        self.exit_status = status

    # The host.
    def watch_host(self, file: HostFile, events: int, queue: WaitQueue) -> None:
        """Wakes `queue` once when poll(2) `events` hold for the host file."""
        if file.tag == 0:
            file.tag = self.next_host_tag
            self.next_host_tag += 1
        self.host_watches[file.tag] = (file, queue)
        self.machine.watch(file, events)

    def unwatch_host(self, file: HostFile) -> None:
        if self.host_watches.pop(file.tag, None) is not None:
            self.machine.watch(file, 0)

    # What the user is told.
    def note_unsupported(self, what: str) -> None:
        """Guests choose system call numbers: what is kept of them is bounded."""
        if what not in self.unsupported and len(self.unsupported) >= MAX_UNSUPPORTED:
            what = "others"
        self.unsupported[what] = self.unsupported.get(what, 0) + 1

    def cpu_time_ns(self, process: Process) -> tuple[int, int]:
        """(user, system) of all threads, dead ones included."""
        user_ns, system_ns = process.user_ns, process.system_ns
        for task in process.threads.values():
            user_ns += max(0, task.context.cpu_time_ns())
            system_ns += task.system_ns
        return user_ns, system_ns

    def nr_running(self) -> int:
        running = 0
        for task in self.tasks.values():
            if task.state <= RUNNING:
                running += 1
        return running
