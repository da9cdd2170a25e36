# SPDX-License-Identifier: MPL-2.0
"""Kernels on a FakeMachine with scripted programs: for tests of services and of the kernel as a whole, without a guest.

kernel = boot()
task = spawn(kernel, [Call(NR_GETPID), Call(NR_EXIT_GROUP, 0)])
run_until_idle(kernel)
"""

from cruck.framework.clock import ManualClock
from cruck.framework.entropy import SeededEntropy
from cruck.framework.hardware import PAGE_SIZE, PROT_READ, PROT_WRITE, RIP, RSP
from cruck.framework.host_info import HostInfo
from cruck.framework.log import Log
from cruck.kernel import trap_loop
from cruck.kernel.boot import build_kernel
from cruck.kernel.fs.devpts import DevPtsFs
from cruck.kernel.fs.devtmpfs import DevTmpFs
from cruck.kernel.fs.procfs.fs import ProcFs
from cruck.kernel.kernel import Kernel
from cruck.kernel.memory.mm import Mm
from cruck.kernel.process import groups
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.process.file_table import FileTable, FsContext
from cruck.kernel.process.process import Process
from cruck.kernel.process.task import Task
from cruck.kernel.signal.actions import SignalActions
from cruck.kernel.vfs.dentry import Dentry, MountNamespace, Path
from cruck.kernel.vfs.inode import S_IFDIR, FileSystem, Inode
from cruck.testing.fake_machine import FakeMachine, Step

STACK_TOP = 0x7000_0000_0000
STACK_PAGES = 16
DATA = 0x1000_0000  # read-write memory of every spawned program
DATA_PAGES = 16
MAP_PRIVATE_ANONYMOUS = 0x22
MAP_FIXED = 0x10


def boot(nr_frames: int = 65536, nr_cpus: int = 2) -> Kernel:
    """A kernel with a manual clock, fixed randomness, a tmpfs root, /dev, /dev/pts and /proc."""
    machine = FakeMachine(nr_frames)
    kernel = build_kernel(machine, ManualClock(), SeededEntropy(1), HostInfo({}, nr_cpus, nr_frames * PAGE_SIZE, 0, 0), Log(), nr_cpus)
    mount(kernel, b"proc", ProcFs(kernel, kernel.next_anon_dev()))
    mount(kernel, b"dev", DevTmpFs(kernel, kernel.next_anon_dev()))
    root = kernel.namespace.root.root
    dev = root.children[b"dev"]
    covering = kernel.namespace.covering(Path(kernel.namespace.root, dev))
    assert covering is not None
    inode = covering.root.inode
    assert inode is not None
    pts = covering.root.children.setdefault(b"pts", Dentry(covering.root, b"pts", inode.lookup(b"pts")))
    kernel.namespace.mount(DevPtsFs(kernel, kernel.next_anon_dev()), Path(covering, pts), 0, b"devpts")
    return kernel


def mount(kernel: Kernel, name: bytes, fs: FileSystem) -> None:
    """At /name, which is made."""
    root = kernel.namespace.root.root
    assert root.inode is not None
    dentry = Dentry(root, name, root.inode.mkdir(name, 0o755, 0, 0))
    root.children[name] = dentry
    kernel.namespace.mount(fs, Path(kernel.namespace.root, dentry), 0, name)


def spawn(kernel: Kernel, steps: list[Step], uid: int = 0, session: bool = True) -> Task:
    """A process that runs `steps`, with a stack and DATA_PAGES pages of memory at DATA; its parent is init."""
    machine = kernel.machine
    assert isinstance(machine, FakeMachine)
    addr = 0x40_0000 + 0x10000 * len(machine.programs)
    machine.load(addr, steps)
    pid = kernel.alloc_pid()
    process = Process(kernel, pid, kernel.init, kernel.init.group)
    kernel.init.children[pid] = process
    kernel.processes[pid] = process
    if session:
        groups.new_session(kernel, process)
    mm = Mm(kernel)
    root = kernel.namespace.root
    top = Path(root, root.root)
    context = mm.space.new_context()
    task = Task(
        kernel,
        pid,
        process,
        context,
        mm,
        FileTable(kernel.ledger),
        FsContext(top, top, 0o022),
        SignalActions(),
        Credentials(uid, uid, ()),
        b"fake",
    )
    process.leader = task
    process.threads[pid] = task
    kernel.tasks[pid] = task
    flags = MAP_PRIVATE_ANONYMOUS | MAP_FIXED
    mm.mmap(STACK_TOP - STACK_PAGES * PAGE_SIZE, STACK_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, flags, None, 0)
    mm.mmap(DATA, DATA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, flags, None, 0)
    context.set_reg(RIP, addr)
    context.set_reg(RSP, STACK_TOP - 64)
    kernel.sched.enqueue(task)
    return task


def run_until_idle(kernel: Kernel, max_turns: int = 10_000) -> None:
    """Turns the trap loop until nothing runs and nothing is ready: every task waits, spins or is gone."""
    for _ in range(max_turns):
        before = kernel.nr_calls
        trap_loop.turn(kernel, False)
        if kernel.is_halted or (kernel.nr_calls == before and not kernel.ready and not kernel.sched.entries):
            return
    raise AssertionError("the kernel does not come to rest")


def bare_namespace() -> MountNamespace:
    """A mount namespace with nothing but an inode for a root: for fakes of the kernel whose tasks never look at files."""
    fs = FileSystem(b"none", 1)
    fs.root = Inode(fs, 1, S_IFDIR | 0o755, 0, 0)
    return MountNamespace(fs, b"none", 0)
