# SPDX-License-Identifier: MPL-2.0
"""Cgroup2Fs: the run's limits in the form that Python, Go, Java and Node read (Documentation/admin-guide/cgroup-v2).

One cgroup, the root of its namespace ("0::/" in /proc/self/cgroup), holding every process. Limits are the run's own and cannot be
changed from inside; groups cannot be made.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EPERM
from cruck.kernel.fs.procfs.task_text import range_list
from cruck.kernel.fs.sysfs.nodes import AttributeNode, FixedDirectory, TreeFs
from cruck.kernel.process.cpu_usage import total_times

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

CGROUP2_SUPER_MAGIC: Final = 0x63677270
LIVE_NAMES: Final = (
    b"cgroup.procs",
    b"cgroup.threads",
    b"cgroup.stat",
    b"cpu.stat",
    b"memory.current",
    b"memory.max",
    b"memory.stat",
    b"pids.current",
    b"pids.max",
)


class Cgroup2Fs(TreeFs):
    def __init__(self, kernel: "Kernel", dev: int) -> None:
        super().__init__(kernel, b"cgroup2", dev)
        root = FixedDirectory(self, 0)
        self.root = root
        root.add_text(b"cgroup.controllers", b"cpuset cpu memory pids")
        root.add_text(b"cgroup.events", b"populated 1\nfrozen 0")
        root.add_text(b"cgroup.max.depth", b"0")
        root.add_text(b"cgroup.max.descendants", b"0")
        root.add_text(b"cgroup.subtree_control", b"")
        root.add_text(b"cgroup.type", b"domain")
        # A CPU share smaller than the virtual CPUs is not imposed by quota: the number of CPUs is the limit.
        root.add_text(b"cpu.max", b"max 100000")
        root.add_text(b"cpu.weight", b"100")
        root.add_text(b"cpuset.cpus", b"")
        root.add_text(b"cpuset.cpus.effective", range_list((1 << kernel.nr_cpus) - 1))
        root.add_text(b"cpuset.mems", b"")
        root.add_text(b"cpuset.mems.effective", b"0")
        root.add_text(b"memory.events", b"low 0\nhigh 0\nmax 0\noom 0\noom_kill 0")
        root.add_text(b"memory.high", b"max")
        root.add_text(b"memory.low", b"0")
        root.add_text(b"memory.min", b"0")
        root.add_text(b"memory.swap.current", b"0")
        root.add_text(b"memory.swap.max", b"0")
        for name in LIVE_NAMES:
            root.add(name, CgroupFile(self, name))

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        return (CGROUP2_SUPER_MAGIC, 4096, 0, 0, 0, 0, 0)


class CgroupFile(AttributeNode):
    def __init__(self, fs: TreeFs, name: bytes) -> None:
        super().__init__(fs, fs.take_ino(), 0o644 if name in (b"cgroup.procs", b"cgroup.threads") else 0o444)
        self.name = name

    def shown_size(self) -> int:
        return 0

    def render(self) -> bytes:
        return _render(self.pseudo.kernel, self.name)

    def store(self, data: bytes, offset: int) -> int:
        return -EPERM


def _render(kernel: "Kernel", name: bytes) -> bytes:
    if name == b"cgroup.procs":
        return b"".join([b"%d\n" % pid for pid, process in sorted(kernel.processes.items()) if process is not kernel.init])
    if name == b"cgroup.threads":
        return b"".join([b"%d\n" % tid for tid in sorted(kernel.tasks)])
    if name == b"cgroup.stat":
        return b"nr_descendants 0\nnr_dying_descendants 0\n"
    if name == b"cpu.stat":
        user_ns, system_ns = total_times(kernel)
        return b"usage_usec %d\nuser_usec %d\nsystem_usec %d\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n" % (
            (user_ns + system_ns) // 1000,
            user_ns // 1000,
            system_ns // 1000,
        )
    if name == b"memory.current":
        return b"%d\n" % used_bytes(kernel)
    if name == b"memory.max":
        return b"%d\n" % (kernel.host_info.total_bytes & ~4095)
    if name == b"memory.stat":
        return b"anon %d\nfile 0\nkernel 0\nshmem 0\ninactive_file 0\nactive_file 0\n" % used_bytes(kernel)
    if name == b"pids.current":
        return b"%d\n" % len(kernel.tasks)
    assert name == b"pids.max", name
    return b"%d\n" % kernel.pids_limit


def used_bytes(kernel: "Kernel") -> int:
    return max(0, kernel.machine.nr_frames() - kernel.machine.nr_free_frames()) * 4096
