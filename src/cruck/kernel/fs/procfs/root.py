# SPDX-License-Identifier: MPL-2.0
"""The root of procfs: system files, /proc/self, and a directory for each process."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ENOENT
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.procfs import lock_text, sysctl, system_text
from cruck.kernel.fs.procfs.inode import DT_DIR, DT_LNK, DT_REG, DirectoryNode, LinkNode, PseudoFs, TextNode
from cruck.kernel.fs.procfs.sysvipc import SysvDirectory
from cruck.kernel.fs.procfs.task_dir import TASK_INO_STEP, TaskDirectory, ThreadId, parse_pid
from cruck.kernel.vfs.file import DirEntry
from cruck.kernel.vfs.inode import Inode

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.process import Process

ROOT_INO: Final = 1
FIRST_INO: Final = 0x100
# Directory positions: static names first, then processes in the order of their numbers.
FIRST_PID_COOKIE: Final = 0x1000

TEXTS: Final = (
    b"cgroups",
    b"cmdline",
    b"cpuinfo",
    b"devices",
    b"diskstats",
    b"filesystems",
    b"loadavg",
    b"locks",
    b"meminfo",
    b"modules",
    b"partitions",
    b"stat",
    b"swaps",
    b"uptime",
    b"version",
    b"vmstat",
)
LINKS: Final[dict[bytes, bytes]] = {b"mounts": b"self/mounts", b"net": b"self/net", b"self": b"", b"thread-self": b""}
DIRECTORIES: Final = (b"sys", b"sysvipc")
NAMES: Final = TEXTS + tuple(LINKS) + DIRECTORIES


class RootDirectory(DirectoryNode):
    def __init__(self, fs: PseudoFs) -> None:
        super().__init__(fs, ROOT_INO, 0o555)

    def lookup(self, name: bytes) -> Inode | None:
        kernel = self.pseudo.kernel
        if name[:1].isdigit():
            pid = self.pseudo.pid_ns.find(parse_pid(name))
            process = kernel.processes.get(pid)
            if process is not None:
                return TaskDirectory(self.pseudo, whole(kernel, process))
            # The thread's number works too, though it is not listed.
            task = kernel.tasks.get(pid)
            return TaskDirectory(self.pseudo, ThreadId(task.process, task, False)) if task is not None else None
        if name in LINKS:
            return SelfLink(self.pseudo, FIRST_INO + NAMES.index(name), name)
        if name == b"sys":
            return sysctl.SysctlDirectory(self.pseudo, b"")
        if name == b"sysvipc":
            return SysvDirectory(self.pseudo)
        if name in TEXTS:
            return SystemText(self.pseudo, FIRST_INO + NAMES.index(name), name)
        return None

    def list(self, cookie: int) -> list[DirEntry]:
        entries: list[DirEntry] = []
        for index in range(max(0, cookie - 2), len(NAMES)):
            name = NAMES[index]
            kind = DT_LNK if name in LINKS else DT_DIR if name in DIRECTORIES else DT_REG
            entries.append(DirEntry(name, FIRST_INO + index, kind, index + 3))
        ns = self.pseudo.pid_ns
        numbers = [ns.number(pid) for pid in self.pseudo.kernel.processes]
        for number in sorted(numbers):
            if number and number + FIRST_PID_COOKIE > cookie:
                entries.append(DirEntry(b"%d" % number, ns.find(number) * TASK_INO_STEP, DT_DIR, number + FIRST_PID_COOKIE))
        return entries


def whole(kernel: "Kernel", process: "Process") -> ThreadId:
    """A process as /proc/[pid] shows it."""
    return ThreadId(process, None if process is kernel.init else process.leader, True)


class SelfLink(LinkNode):
    """self and thread-self depend on who asks; mounts and net are relative to self."""

    def __init__(self, fs: PseudoFs, ino: int, name: bytes) -> None:
        super().__init__(fs, ino, LINKS[name])
        self.name = name

    def readlink(self) -> bytes:
        if self.target:
            return self.target
        task = self.pseudo.kernel.current
        if task is None:
            raise LinuxError(ENOENT)
        pid = self.pseudo.pid_ns.number(task.process.pid)
        if pid == 0:
            raise LinuxError(ENOENT)
        if self.name == b"self":
            return b"%d" % pid
        return b"%d/task/%d" % (pid, self.pseudo.pid_ns.number(task.tid))


class SystemText(TextNode):
    def __init__(self, fs: PseudoFs, ino: int, name: bytes) -> None:
        super().__init__(fs, ino, 0o444)
        self.name = name

    def render(self) -> bytes:
        kernel = self.pseudo.kernel
        name = self.name
        if name == b"cpuinfo":
            return system_text.cpuinfo(kernel)
        if name == b"meminfo":
            return system_text.meminfo(kernel)
        if name == b"stat":
            return system_text.stat(kernel)
        if name == b"uptime":
            return system_text.uptime(kernel)
        if name == b"loadavg":
            return system_text.loadavg(kernel)
        if name == b"version":
            return system_text.version(kernel)
        if name == b"cmdline":
            return system_text.cmdline(kernel)
        if name == b"filesystems":
            return system_text.filesystems(kernel)
        if name == b"devices":
            return system_text.devices(kernel)
        if name == b"partitions":
            return system_text.partitions(kernel)
        if name == b"swaps":
            return system_text.swaps(kernel)
        if name == b"vmstat":
            return system_text.vmstat(kernel)
        if name == b"locks":
            return lock_text.locks(kernel)
        if name == b"cgroups":
            return system_text.cgroups(kernel)
        return system_text.empty(kernel)
