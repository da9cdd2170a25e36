# SPDX-License-Identifier: MPL-2.0
"""/proc/[pid], /proc/[pid]/task and /proc/[pid]/task/[tid].

`ENTRIES` is the table of names; a name's contents are chosen in `TaskText.render` by that name. A node holds its process (and
task), never a copy of their state, and turns into ENOENT or ESRCH when they end. The built-in init and zombies have no
task that could answer for memory and files: those entries are empty or ESRCH for them, as for kernel threads on Linux.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EINVAL, EIO, ENOENT, EPERM, ESRCH
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs import nsfs
from cruck.kernel.fs.procfs import id_map, memory_text, mount_text, net, task_text
from cruck.kernel.fs.procfs.access import may_inspect
from cruck.kernel.fs.procfs.fd_dir import FdDirectory
from cruck.kernel.fs.procfs.inode import DT_DIR, DT_LNK, DT_REG, DirectoryNode, LinkNode, PseudoFs, TextNode
from cruck.kernel.fs.procfs.mounts_file import MountsFile
from cruck.kernel.fs.procfs.pagemap import PagemapFile
from cruck.kernel.memory import foreign
from cruck.kernel.process.credentials import CAP_SYS_NICE, CAP_SYS_RESOURCE
from cruck.kernel.process.task import DEAD
from cruck.kernel.process.user_namespace import Namespace
from cruck.kernel.vfs.dentry import Path
from cruck.kernel.vfs.file import DirEntry, File
from cruck.kernel.vfs.inode import Inode
from cruck.kernel.vfs.walk import path_string

if TYPE_CHECKING:
    from cruck.kernel.process.process import Process
    from cruck.kernel.process.task import Task

# Kinds of entries.
DIRECTORY: Final = 0
TEXT: Final = 1
LINK: Final = 2
MEM: Final = 3
# Flags.
CHECKED: Final = 1  # opening it needs the right to look into the process (may_inspect)
NEEDS_TASK: Final = 2  # absent for init
ONLY_PROCESS: Final = 4  # not in task/[tid]
ONLY_TASK: Final = 8  # only in task/[tid]

# (name, kind, permission bits, flags), in Linux's order; the index gives the inode number.
ENTRIES: Final[tuple[tuple[bytes, int, int, int], ...]] = (
    (b"task", DIRECTORY, 0o555, ONLY_PROCESS),
    (b"fd", DIRECTORY, 0o500, NEEDS_TASK),
    (b"fdinfo", DIRECTORY, 0o555, NEEDS_TASK),
    (b"ns", DIRECTORY, 0o511, NEEDS_TASK),
    (b"net", DIRECTORY, 0o555, 0),
    (b"environ", TEXT, 0o400, CHECKED),
    (b"auxv", TEXT, 0o400, CHECKED),
    (b"status", TEXT, 0o444, 0),
    (b"personality", TEXT, 0o400, CHECKED),
    (b"limits", TEXT, 0o444, 0),
    (b"comm", TEXT, 0o644, 0),
    (b"cmdline", TEXT, 0o444, 0),
    (b"stat", TEXT, 0o444, 0),
    (b"statm", TEXT, 0o444, 0),
    (b"maps", TEXT, 0o444, CHECKED),
    (b"mem", MEM, 0o600, CHECKED),
    (b"cwd", LINK, 0o777, 0),
    (b"root", LINK, 0o777, 0),
    (b"exe", LINK, 0o777, 0),
    (b"mounts", TEXT, 0o444, NEEDS_TASK),
    (b"mountinfo", TEXT, 0o444, NEEDS_TASK),
    (b"mountstats", TEXT, 0o400, NEEDS_TASK | ONLY_PROCESS),
    (b"smaps", TEXT, 0o444, CHECKED),
    (b"smaps_rollup", TEXT, 0o444, CHECKED | ONLY_PROCESS),
    (b"wchan", TEXT, 0o444, 0),
    (b"schedstat", TEXT, 0o444, 0),
    (b"cgroup", TEXT, 0o444, 0),
    (b"oom_score", TEXT, 0o444, 0),
    (b"oom_adj", TEXT, 0o644, 0),
    (b"oom_score_adj", TEXT, 0o644, 0),
    (b"loginuid", TEXT, 0o644, 0),
    (b"sessionid", TEXT, 0o444, 0),
    (b"io", TEXT, 0o400, CHECKED),
    (b"uid_map", TEXT, 0o644, 0),
    (b"gid_map", TEXT, 0o644, 0),
    (b"setgroups", TEXT, 0o644, ONLY_PROCESS),
    (b"timerslack_ns", TEXT, 0o666, ONLY_PROCESS | NEEDS_TASK),
    (b"children", TEXT, 0o444, ONLY_TASK),
    (b"pagemap", MEM, 0o400, NEEDS_TASK),
)
INDEX: Final[dict[bytes, int]] = {entry[0]: index for index, entry in enumerate(ENTRIES)}
TASK_INO_STEP: Final = 1 << 28  # inode numbers: tid · step + index; see fd_dir for the others
THREAD_INO: Final = 0x1000  # of the same task seen under task/


class ThreadId:
    """What a node is about: a process as a whole or one thread of it."""

    process: "Process"
    task: "Task | None"  # the thread; the leader for a whole process; None for init
    is_whole: bool

    def __init__(self, process: "Process", task: "Task | None", is_whole: bool) -> None:
        self.process = process
        self.task = task
        self.is_whole = is_whole

    def exists(self) -> bool:
        kernel = self.process.kernel
        if self.is_whole:
            if kernel.processes.get(self.process.pid) is not self.process:
                return False
            # execve in a thread makes it the leader.
            if self.task is not None and self.task is not self.process.leader:
                self.task = self.process.leader
            return True
        if self.task is not None and self.task.state != DEAD:
            return True
        # init, or the one thread a zombie is.
        return not self.process.threads and kernel.processes.get(self.process.pid) is self.process

    def live(self) -> "Task | None":
        """A task whose memory and files can be asked: the one meant, or another thread if the leader has left."""
        task = self.task
        if task is not None and task.state == DEAD and self.is_whole:
            return self.process.any_thread()
        return task if task is not None and task.state != DEAD else None

    def owner(self) -> tuple[int, int]:
        """(uid, gid) its files belong to: root's if it may not be looked into."""
        task = self.task
        if task is None or self.process.dumpable != 1:
            return 0, 0
        return task.creds.euid, task.creds.egid


class TaskDirectory(DirectoryNode):
    """/proc/[pid] or /proc/[pid]/task/[tid]."""

    def __init__(self, fs: PseudoFs, who: ThreadId) -> None:
        tid = who.process.pid if who.task is None or who.is_whole else who.task.tid
        uid, gid = who.owner()
        super().__init__(fs, tid * TASK_INO_STEP + (0 if who.is_whole else THREAD_INO), 0o555, uid, gid)
        self.nlink = 8
        self.who = who

    def revalidate(self) -> bool:
        self.uid, self.gid = self.who.owner()
        return self.who.exists()

    def time_ns(self) -> int:
        kernel = self.pseudo.kernel
        return kernel.clock.realtime_ns() - kernel.clock.monotonic_ns() + self.who.process.start_ns

    def lookup(self, name: bytes) -> Inode | None:
        index = INDEX.get(name, -1)
        if index < 0 or not self.who.exists() or not self._has(ENTRIES[index][3]):
            return None
        kind, mode = ENTRIES[index][1], ENTRIES[index][2]
        ino = self.ino + index + 1
        task = self.who.task
        if kind == TEXT:
            return TaskText(self.pseudo, ino, mode, self.who, name, ENTRIES[index][3])
        if kind == MEM:
            return MemNode(self.pseudo, ino, mode, self.who, name)
        if kind == LINK:
            return TaskLink(self.pseudo, ino, self.who, name)
        if name == b"task":
            return ThreadsDirectory(self.pseudo, ino, self.who)
        if name == b"net":
            return NetDirectory(self.pseudo, ino, self.who)
        assert task is not None, "fd, fdinfo and ns need a task"
        if name == b"ns":
            return NsDirectory(self.pseudo, ino, self.who)
        return FdDirectory(self.pseudo, ino, task, name == b"fdinfo")

    def _has(self, flags: int) -> bool:
        if flags & NEEDS_TASK and self.who.task is None:
            return False
        return not flags & (ONLY_TASK if self.who.is_whole else ONLY_PROCESS)

    def list(self, cookie: int) -> list[DirEntry]:
        entries: list[DirEntry] = []
        for index in range(max(0, cookie - 2), len(ENTRIES)):
            name, kind, _, flags = ENTRIES[index]
            if self._has(flags):
                shown = DT_DIR if kind == DIRECTORY else DT_LNK if kind == LINK else DT_REG
                entries.append(DirEntry(name, self.ino + index + 1, shown, index + 3))
        return entries


class ThreadsDirectory(DirectoryNode):
    """/proc/[pid]/task."""

    def __init__(self, fs: PseudoFs, ino: int, who: ThreadId) -> None:
        uid, gid = who.owner()
        super().__init__(fs, ino, 0o555, uid, gid)
        self.who = who
        self.nlink = 2 + max(1, len(who.process.threads))

    def revalidate(self) -> bool:
        return self.who.exists()

    def lookup(self, name: bytes) -> Inode | None:
        tid = self.pseudo.pid_ns.find(parse_pid(name))
        process = self.who.process
        if tid <= 0 or not self.who.exists():
            return None
        task = process.threads.get(tid)
        if task is None:
            if tid != process.pid or process.threads:
                return None
            # init, or a zombie: its one thread is what it was.
            return TaskDirectory(self.pseudo, ThreadId(process, self.who.task, False))
        return TaskDirectory(self.pseudo, ThreadId(process, task, False))

    def list(self, cookie: int) -> list[DirEntry]:
        entries: list[DirEntry] = []
        ns = self.pseudo.pid_ns
        for number in sorted([ns.number(tid) for tid in self.who.process.threads]) or [ns.number(self.who.process.pid)]:
            if number + 2 > cookie:
                entries.append(DirEntry(b"%d" % number, ns.find(number) * TASK_INO_STEP + THREAD_INO, DT_DIR, number + 2))
        return entries


def parse_pid(name: bytes) -> int:
    """A process or thread id from a name, −1 if it is none: decimal, no sign, no leading zero."""
    if not name.isdigit() or len(name) > 7 or name[0] == 48:
        return -1
    return int(name)


class TaskText(TextNode):
    def __init__(self, fs: PseudoFs, ino: int, mode: int, who: ThreadId, name: bytes, flags: int) -> None:
        uid, gid = who.owner()
        super().__init__(fs, ino, mode, uid, gid)
        self.who = who
        self.name = name
        self.is_checked = bool(flags & CHECKED)

    def revalidate(self) -> bool:
        self.uid, self.gid = self.who.owner()
        return self.who.exists()

    def open(self, path: Path, flags: int) -> File:
        live = self.who.live() if self.name in (b"mounts", b"mountinfo", b"mountstats") else None
        if live is None:
            return super().open(path, flags)
        self.check_open(flags)
        return MountsFile(self, flags, live.ns.mnt)

    def check_open(self, flags: int) -> None:
        if not self.who.exists():
            raise LinuxError(ESRCH)
        if self.is_checked and not may_inspect(self.pseudo.kernel, self.who.process):
            raise LinuxError(EACCES)

    def render(self) -> bytes:
        who = self.who
        if not who.exists():
            raise LinuxError(ESRCH)
        kernel = self.pseudo.kernel
        process, task = who.process, who.task
        name = self.name
        if name == b"stat":
            return task_text.stat(kernel, process, task, who.is_whole, self.pseudo.pid_ns)
        if name == b"status":
            return task_text.status(kernel, process, task, self.pseudo.pid_ns)
        if name == b"comm":
            return task_text.task_name(process, task) + b"\n"
        if name == b"statm":
            return memory_text.statm(who.live())
        if name == b"limits":
            return task_text.limits(process)
        if name == b"wchan":
            return b"0"
        if name == b"schedstat":
            return task_text.schedstat(task)
        if name == b"cgroup":
            return b"0::/\n"
        if name == b"oom_score":
            return task_text.oom_score(kernel, process, task)
        if name == b"oom_adj":
            return task_text.oom_adj(process)
        if name == b"oom_score_adj":
            return b"%d\n" % process.oom_score_adj
        if name == b"loginuid" or name == b"sessionid":
            return b"4294967295"
        if name == b"io":
            return task_text.io(process, task, who.is_whole)
        if name == b"uid_map" or name == b"gid_map" or name == b"setgroups":
            return id_map.render(kernel, task, name)
        if name == b"personality":
            return b"%08x\n" % (task.personality if task is not None else 0)
        if name == b"timerslack_ns":
            return b"%d\n" % (task.timer_slack_ns if task is not None else 0)
        if name == b"children":
            return self._children()
        live = who.live()
        if live is None:
            return b""
        if name == b"mounts":
            return mount_text.mounts(kernel, live)
        if name == b"mountinfo":
            return mount_text.mountinfo(kernel, live)
        if name == b"mountstats":
            return mount_text.mountstats(kernel, live)
        return self._render_memory(live)

    def _render_memory(self, task: "Task") -> bytes:
        name = self.name
        if name == b"cmdline":
            return memory_text.cmdline(task)
        if name == b"environ":
            return memory_text.environ(task)
        if name == b"auxv":
            return memory_text.auxv(task)
        if name == b"maps":
            return memory_text.maps(task)
        if name == b"smaps":
            return memory_text.smaps(task)
        assert name == b"smaps_rollup", name
        return memory_text.smaps_rollup(task)

    def _children(self) -> bytes:
        process = self.who.process
        if self.who.task is not None and self.who.task is not process.leader:
            return b""  # children belong to the process; they are shown at its leader
        return b"".join([b"%d " % self.pseudo.pid_ns.number(pid) for pid in sorted(process.children)])

    def store(self, data: bytes, offset: int) -> int:
        if not self.who.exists():
            return -ESRCH
        kernel = self.pseudo.kernel
        process, task, writer = self.who.process, self.who.task, kernel.current
        name = self.name
        if name == b"comm":
            # Only threads of the same process may rename each other.
            if task is None or (writer is not None and writer.process is not process):
                return -EINVAL
            task.comm = data.split(b"\0", 1)[0].rstrip(b"\n")[:15]
            return len(data)
        if name == b"oom_score_adj" or name == b"oom_adj":
            return self._store_oom(data, name == b"oom_adj")
        if name == b"timerslack_ns":
            value = parse_number(data)
            if value < 0 or task is None:
                return -EINVAL
            if writer is not None and writer is not task and not writer.creds.has(CAP_SYS_NICE):
                return -EPERM
            task.timer_slack_ns = value if value else task.default_timer_slack_ns
            return len(data)
        if name == b"setgroups" or name == b"uid_map" or name == b"gid_map":
            return id_map.store(writer, task, name, data, offset)
        if name == b"loginuid":
            return -EPERM
        return -EIO

    def _store_oom(self, data: bytes, is_old_scale: bool) -> int:
        text = data.strip()
        is_negative = text.startswith(b"-")
        value = parse_number(text[1:] if is_negative else text)
        if value < 0:
            return -EINVAL
        if is_negative:
            value = -value
        if is_old_scale:
            if not -17 <= value <= 15:
                return -EINVAL
            value = 1000 if value == 15 else int(value * 1000 / 17)
        if not -1000 <= value <= 1000:
            return -EINVAL
        process = self.who.process
        writer = self.pseudo.kernel.current
        if value < process.oom_score_adj and writer is not None and not writer.creds.has(CAP_SYS_RESOURCE):
            return -EACCES
        process.oom_score_adj = value
        return len(data)


def parse_number(text: bytes) -> int:
    """A decimal number ≥ 0 with white space around it; −1: something else (or absurdly long)."""
    text = text.strip()
    if not text.isdigit() or len(text) > 19:
        return -1
    return int(text)


class TaskLink(LinkNode):
    """cwd, root, exe: magic links."""

    def __init__(self, fs: PseudoFs, ino: int, who: ThreadId, name: bytes) -> None:
        uid, gid = who.owner()
        super().__init__(fs, ino, b"", uid, gid)
        self.who = who
        self.name = name

    def revalidate(self) -> bool:
        self.uid, self.gid = self.who.owner()
        return self.who.exists()

    def _path(self) -> Path:
        """Errors: LinuxError(EACCES, ENOENT)."""
        if not may_inspect(self.pseudo.kernel, self.who.process):
            raise LinuxError(EACCES)
        task = self.who.live()
        if task is None:
            raise LinuxError(ENOENT)
        if self.name == b"cwd":
            return task.fs.cwd
        if self.name == b"root":
            return task.fs.root
        file = task.mm.exe
        if file is None or file.path is None:
            raise LinuxError(ENOENT)
        return file.path

    def readlink(self) -> bytes:
        path = self._path()
        reader = self.pseudo.kernel.current
        task = reader if reader is not None else self.who.live()
        assert task is not None
        return path_string(task.fs.root, path)

    def follow(self) -> Path | None:
        return self._path()


class MemNode(TextNode):
    """/proc/[pid]/mem: the address space as a file; pagemap: what is present of it."""

    def __init__(self, fs: PseudoFs, ino: int, mode: int, who: ThreadId, name: bytes) -> None:
        uid, gid = who.owner()
        super().__init__(fs, ino, mode, uid, gid)
        self.who = who
        self.name = name

    def revalidate(self) -> bool:
        return self.who.exists()

    def open(self, path: Path, flags: int) -> File:
        if not may_inspect(self.pseudo.kernel, self.who.process):
            raise LinuxError(EACCES)
        task = self.who.live()
        if task is None:
            raise LinuxError(EACCES)
        return MemFile(self, task, flags) if self.name == b"mem" else PagemapFile(self, task.mm, flags)


class MemFile(File):
    """Reads whatever exists; writes private memory whatever its protection."""

    def __init__(self, node: MemNode, task: "Task", flags: int) -> None:
        super().__init__(flags)
        self.is_seekable = True
        self._node = node
        self._mm = task.mm  # the memory it had when opened, as on Linux; dead after its end

    def inode(self) -> Inode | None:
        return self._node

    def read(self, out: VmWriter, offset: int) -> int:
        mm = self._mm
        if mm.space.is_dead():
            return 0
        done = 0
        while out.remaining > 0:
            want = min(out.remaining, 1 << 16)
            data = foreign.read(mm, offset + done, want)
            if not data:
                break
            written = out.write(data)
            done += written
            if written < want:
                break
        return done if done else -EIO

    def write(self, data: VmReader, offset: int) -> int:
        mm = self._mm
        if mm.space.is_dead():
            return 0
        done = 0
        while data.remaining > 0:
            part = data.read(min(data.remaining, 1 << 16))
            if not part:
                break
            written = foreign.write(mm, offset + done, part)
            done += written
            if written < len(part):
                break
        return done if done else -EIO

    def lseek(self, offset: int, whence: int) -> int:
        if whence == 1:
            offset += self.pos
        elif whence != 0:
            return -EINVAL
        # Addresses may be anywhere in 64 bits; only what a signed result can tell apart from an errno is accepted.
        if offset < 0:
            return -EINVAL
        self.pos = offset
        return offset


class NsDirectory(DirectoryNode):
    """/proc/[pid]/ns: magic links to the namespaces."""

    def __init__(self, fs: PseudoFs, ino: int, who: ThreadId) -> None:
        uid, gid = who.owner()
        super().__init__(fs, ino, 0o511, uid, gid)
        self.who = who

    def revalidate(self) -> bool:
        return self.who.exists()

    def lookup(self, name: bytes) -> Inode | None:
        if name not in NS_NAMES:
            return None
        return NsLink(self.pseudo, self.ino + 0x3000 + NS_NAMES.index(name), self.who, name)

    def list(self, cookie: int) -> list[DirEntry]:
        entries: list[DirEntry] = []
        for index in range(max(0, cookie - 2), len(NS_NAMES)):
            entries.append(DirEntry(NS_NAMES[index], self.ino + 0x3000 + index, DT_LNK, index + 3))
        return entries


NS_NAMES: Final = (b"cgroup", b"ipc", b"mnt", b"net", b"pid", b"pid_for_children", b"user", b"uts")


class NsLink(LinkNode):
    def __init__(self, fs: PseudoFs, ino: int, who: ThreadId, name: bytes) -> None:
        uid, gid = who.owner()
        super().__init__(fs, ino, b"", uid, gid)
        self.who = who
        self.name = name

    def revalidate(self) -> bool:
        return self.who.exists()

    def _namespace(self) -> Namespace:
        """Errors: LinuxError(EACCES; ENOENT: it has ended)."""
        if not may_inspect(self.pseudo.kernel, self.who.process):
            raise LinuxError(EACCES)
        task = self.who.live()
        if task is None:
            raise LinuxError(ENOENT)
        name, ns = self.name, task.ns
        if name == b"user":
            user_ns = task.creds.user_ns
            return user_ns if user_ns is not None else self.pseudo.kernel.namespaces.user
        if name == b"mnt":
            return ns.mnt
        if name == b"uts":
            return ns.uts
        if name == b"pid":
            return task.process.pid_ns
        if name == b"pid_for_children":
            return ns.pid
        if name == b"net":
            return ns.net
        return ns.ipc if name == b"ipc" else ns.cgroup

    def readlink(self) -> bytes:
        return nsfs.link_text(self._namespace())

    def follow(self) -> Path | None:
        return nsfs.path_of(self.pseudo.kernel, self._namespace())


class NetDirectory(DirectoryNode):
    """/proc/[pid]/net."""

    def __init__(self, fs: PseudoFs, ino: int, who: ThreadId) -> None:
        super().__init__(fs, ino, 0o555)
        self.names = tuple(net.TABLES)
        self.who = who

    def lookup(self, name: bytes) -> Inode | None:
        if name not in net.TABLES:
            return None
        return NetText(self.pseudo, self.ino + 0x2000 + self.names.index(name), self.who, name)

    def list(self, cookie: int) -> list[DirEntry]:
        entries: list[DirEntry] = []
        for index in range(max(0, cookie - 2), len(self.names)):
            entries.append(DirEntry(self.names[index], self.ino + 0x2000 + index, DT_REG, index + 3))
        return entries


class NetText(TextNode):
    def __init__(self, fs: PseudoFs, ino: int, who: ThreadId, name: bytes) -> None:
        super().__init__(fs, ino, 0o444)
        self.who = who
        self.name = name

    def render(self) -> bytes:
        kernel = self.pseudo.kernel
        task = self.who.live()
        return net.render(kernel, task.ns.net.families if task is not None else kernel.families, self.name)
