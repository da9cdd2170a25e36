# SPDX-License-Identifier: MPL-2.0
"""SysFs: the tree of /sys, built at mount from the number of CPUs and the size of memory."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.fs.procfs.task_text import mask_words, range_list
from cruck.kernel.fs.sysfs.nodes import AttributeNode, FixedDirectory, TreeFs

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

SYSFS_MAGIC: Final = 0x62656572


class SysFs(TreeFs):
    def __init__(self, kernel: "Kernel", dev: int) -> None:
        super().__init__(kernel, b"sysfs", dev)
        root = FixedDirectory(self, 0)
        self.root = root
        for name in (b"block", b"bus", b"class/block", b"dev/block", b"dev/char", b"firmware", b"fs/cgroup", b"module", b"power"):
            root.add_directory(name)
        _add_cpus(root.add_directory(b"devices/system/cpu"), kernel.nr_cpus)
        _add_node(self, root.add_directory(b"devices/system/node"), kernel.nr_cpus)
        _add_loopback(root.add_directory(b"devices/virtual/net/lo"))
        root.add_directory(b"class/net").add_link(b"lo", b"../../devices/virtual/net/lo")
        _add_kernel(root.add_directory(b"kernel"))

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        return (SYSFS_MAGIC, 4096, 0, 0, 0, 0, 0)


def _add_cpus(directory: FixedDirectory, nr_cpus: int) -> None:
    everyone = (1 << nr_cpus) - 1
    all_list, all_mask = range_list(everyone), mask_words(everyone, nr_cpus)
    for name in (b"online", b"possible", b"present"):
        directory.add_text(name, all_list)
    directory.add_text(b"offline", b"")
    directory.add_text(b"isolated", b"")
    directory.add_text(b"kernel_max", b"%d" % (nr_cpus - 1))
    directory.add_directory(b"smt").add_text(b"active", b"0")
    directory.add_directory(b"smt").add_text(b"control", b"notsupported")
    for cpu in range(nr_cpus):
        mine_list, mine_mask = b"%d" % cpu, mask_words(1 << cpu, nr_cpus)
        topology = directory.add_directory(b"cpu%d/topology" % cpu)
        topology.add_text(b"physical_package_id", b"0")
        topology.add_text(b"die_id", b"0")
        topology.add_text(b"core_id", mine_list)
        for name in (b"thread_siblings", b"core_cpus"):
            topology.add_text(name, mine_mask)
            topology.add_text(name + b"_list", mine_list)
        for name in (b"core_siblings", b"die_cpus", b"package_cpus"):
            topology.add_text(name, all_mask)
            topology.add_text(name + b"_list", all_list)
        if cpu:
            directory.add_directory(b"cpu%d" % cpu).add_text(b"online", b"1")


def _add_node(fs: TreeFs, directory: FixedDirectory, nr_cpus: int) -> None:
    """One NUMA node."""
    everyone = (1 << nr_cpus) - 1
    for name in (b"has_cpu", b"has_memory", b"has_normal_memory", b"online", b"possible"):
        directory.add_text(name, b"0")
    node = directory.add_directory(b"node0")
    node.add_text(b"cpulist", range_list(everyone))
    node.add_text(b"cpumap", mask_words(everyone, nr_cpus))
    node.add_text(b"distance", b"10")
    node.add(b"meminfo", NodeMeminfo(fs, fs.take_ino(), 0o444))
    for cpu in range(nr_cpus):
        node.add_link(b"cpu%d" % cpu, b"../../cpu/cpu%d" % cpu)


class NodeMeminfo(AttributeNode):
    def render(self) -> bytes:
        kernel = self.pseudo.kernel
        total = kernel.host_info.total_bytes // 1024
        free = min(total, kernel.machine.nr_free_frames() * 4)
        rows = ((b"MemTotal", total), (b"MemFree", free), (b"MemUsed", total - free), (b"FilePages", 0), (b"AnonPages", total - free))
        return b"".join([b"Node 0 %-16s%8d kB\n" % (name + b":", value) for name, value in rows])


def _add_loopback(lo: FixedDirectory) -> None:
    for name, text in (
        (b"addr_assign_type", b"0"), (b"addr_len", b"6"), (b"address", b"00:00:00:00:00:00"), (b"broadcast", b"00:00:00:00:00:00"),
        (b"carrier", b"1"), (b"dev_id", b"0x0"), (b"flags", b"0x9"), (b"ifalias", b""), (b"ifindex", b"1"), (b"iflink", b"1"),
        (b"link_mode", b"0"), (b"mtu", b"65536"), (b"operstate", b"unknown"), (b"tx_queue_len", b"1000"), (b"type", b"772"),
    ):  # fmt: skip
        lo.add_text(name, text)
    statistics = lo.add_directory(b"statistics")
    for name in (b"rx_bytes", b"rx_packets", b"rx_errors", b"rx_dropped", b"tx_bytes", b"tx_packets", b"tx_errors", b"tx_dropped"):
        statistics.add_text(name, b"0")


def _add_kernel(directory: FixedDirectory) -> None:
    huge = directory.add_directory(b"mm/transparent_hugepage")
    huge.add_text(b"enabled", b"always madvise [never]")
    huge.add_text(b"defrag", b"always defer defer+madvise madvise [never]")
    huge.add_text(b"shmem_enabled", b"always within_size advise [never] deny force")
    huge.add_text(b"use_zero_page", b"0")
    huge.add_text(b"hpage_pmd_size", b"2097152")
    directory.add_directory(b"mm/hugepages")
    directory.add_directory(b"security")
    directory.add_directory(b"debug")
