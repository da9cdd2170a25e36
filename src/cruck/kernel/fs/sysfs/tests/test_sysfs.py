# SPDX-License-Identifier: MPL-2.0
"""sysfs and cgroup2 as run-time systems read them."""

from cruck.framework.mm.user_memory import BytesWriter
from cruck.kernel.fs.procfs.inode import DirectoryNode, TextNode
from cruck.kernel.fs.procfs.task_text import mask_words, range_list
from cruck.kernel.fs.procfs.text_file import TextFile
from cruck.kernel.fs.sysfs.cgroup2 import Cgroup2Fs
from cruck.kernel.fs.sysfs.fs import SysFs
from cruck.kernel.vfs.inode import FileSystem, Inode
from cruck.testing.fake_machine import Spin
from cruck.testing.kernels import boot, spawn


def find(fs: FileSystem, path: bytes) -> Inode:
    inode: Inode | None = fs.root
    for name in path.split(b"/"):
        assert inode is not None
        inode = inode.lookup(name)
    assert inode is not None, path
    return inode


def read(fs: FileSystem, path: bytes) -> bytes:
    node = find(fs, path)
    assert isinstance(node, TextNode)
    writer = BytesWriter(65536)
    TextFile(node, 0).read(writer, 0)
    return writer.getvalue()


def test_cpus_are_those_of_the_run() -> None:
    fs = SysFs(boot(nr_cpus=3), 9)
    assert read(fs, b"devices/system/cpu/online") == b"0-2\n"
    assert read(fs, b"devices/system/cpu/cpu2/topology/core_id") == b"2\n"
    directory = find(fs, b"devices/system/cpu")
    assert isinstance(directory, DirectoryNode)
    assert {b"cpu0", b"cpu1", b"cpu2"} <= {entry.name for entry in directory.list(2)}
    assert directory.lookup(b"cpu3") is None


def test_listing_goes_on_from_any_cookie() -> None:
    root = SysFs(boot(), 9).root
    assert isinstance(root, DirectoryNode)
    entries = root.list(2)
    for index, entry in enumerate(entries):
        assert [other.name for other in root.list(entry.cookie)] == [other.name for other in entries[index + 1 :]]


def test_huge_pages_are_off_and_loopback_is_there() -> None:
    fs = SysFs(boot(), 9)
    assert read(fs, b"kernel/mm/transparent_hugepage/enabled") == b"always madvise [never]\n"
    assert find(fs, b"class/net/lo").readlink() == b"../../devices/virtual/net/lo"
    assert read(fs, b"devices/virtual/net/lo/mtu") == b"65536\n"


def test_cgroup_shows_the_limits_of_the_run() -> None:
    kernel = boot(nr_frames=1024)
    fs = Cgroup2Fs(kernel, 9)
    task = spawn(kernel, [Spin()])
    assert read(fs, b"memory.max") == b"4194304\n"
    assert read(fs, b"pids.max") == b"%d\n" % kernel.pids_limit
    assert read(fs, b"pids.current") == b"1\n"
    assert read(fs, b"cgroup.procs") == b"%d\n" % task.tid
    assert read(fs, b"cpu.max") == b"max 100000\n"


def test_masks_and_lists_as_linux_prints_them() -> None:
    assert range_list(0b1011101) == b"0,2-4,6"
    assert range_list(0) == b""
    assert mask_words(0b11, 2) == b"3"
    assert mask_words(1, 8) == b"01"
    assert mask_words(1 << 33, 40) == b"02,00000000"
