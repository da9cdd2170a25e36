# SPDX-License-Identifier: MPL-2.0
"""What tmpfs does below the system calls: mappings, limits, listing, plain data."""

import pickle

import pytest

from cruck.abi.errno import EEXIST, EINVAL, ENOENT, ENOSPC, ENOTEMPTY, EPERM
from cruck.framework.hardware import PROT_READ, PROT_WRITE
from cruck.framework.mm.user_memory import BytesReader, BytesWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.overlay.whiteout import detached_path
from cruck.kernel.fs.tmpfs import TYPE, TmpFs
from cruck.kernel.fs.tmpfs.directory import TmpDirectory
from cruck.kernel.fs.tmpfs.regular import TmpRegular
from cruck.kernel.vfs.tests.world import World

ADDR = 0x100000


def make(max_pages: int = -1) -> tuple[World, TmpFs, TmpRegular]:
    world = World()
    fs = TmpFs(world, 70, max_pages)
    inode = fs.root.create(b"f", 0o100644, 0, 0)
    assert isinstance(inode, TmpRegular)
    return world, fs, inode


def test_a_mapping_and_the_file_are_the_same_bytes() -> None:
    world, fs, inode = make()
    inode.write(BytesReader(b"hello"), 0)
    space = world.machine.new_space()
    assert inode.mapping.map_pages(space, ADDR, 4096, 0, PROT_READ | PROT_WRITE, False) == 0
    assert space.read(ADDR, 5) == b"hello"
    space.write(ADDR, b"J")
    out = BytesWriter(10)
    assert inode.read(out, 0) == 5
    assert out.getvalue() == b"Jello"


def test_bytes_written_after_the_end_of_a_mapping_do_not_appear_when_the_file_grows() -> None:
    world, fs, inode = make()
    inode.write(BytesReader(b"abc"), 0)
    space = world.machine.new_space()
    inode.mapping.map_pages(space, ADDR, 4096, 0, PROT_READ | PROT_WRITE, False)
    space.write(ADDR + 3, b"junk")
    inode.truncate(10)
    assert inode.mapping.segment.read(0, 10) == b"abc" + bytes(7)


def test_a_full_file_system_refuses_faults() -> None:
    world, fs, inode = make(max_pages=2)
    inode.truncate(16384)
    space = world.machine.new_space()
    assert inode.mapping.map_pages(space, ADDR, 16384, 0, PROT_READ, False) == -ENOSPC
    assert inode.mapping.map_pages(space, ADDR, 8192, 0, PROT_READ, False) == 0
    assert fs.nr_pages == 2
    assert inode.mapping.map_pages(space, ADDR, 8192, 0, PROT_READ, False) == 0


def test_dropping_the_last_name_gives_pages_back() -> None:
    _, fs, inode = make()
    inode.write(BytesReader(b"x" * 5000), 0)
    assert fs.nr_pages == 2
    fs.root.unlink(b"f", inode)
    inode.forget()
    assert (fs.nr_pages, fs.nr_inodes) == (0, 1)
    inode.forget()
    assert fs.nr_inodes == 1


def test_seals_hold_below_system_calls_too() -> None:
    _, fs, inode = make()
    inode.write(BytesReader(b"abc"), 0)
    inode.seals = 2 | 4 | 8
    for length in (1, 10):
        with pytest.raises(LinuxError) as caught:
            inode.truncate(length)
        assert caught.value.errno == EPERM
    assert inode.write(BytesReader(b"x"), 0) == -EPERM


def test_directories_refuse_what_would_break_the_tree() -> None:
    _, fs, _ = make()
    root = fs.root
    sub = root.mkdir(b"d", 0o755, 0, 0)
    sub.create(b"x", 0o100644, 0, 0)
    with pytest.raises(LinuxError) as caught:
        root.rmdir(b"d", sub)
    assert caught.value.errno == ENOTEMPTY
    other = root.mkdir(b"e", 0o755, 0, 0)
    root.rmdir(b"e", other)
    with pytest.raises(LinuxError) as caught:
        other.create(b"x", 0o100644, 0, 0)
    assert caught.value.errno == ENOENT
    with pytest.raises(LinuxError) as caught:
        sub.setxattr(b"user.a", b"1", 2)
    assert caught.value.errno != EEXIST


def test_listing_goes_on_after_compaction() -> None:
    _, fs, _ = make()
    directory = fs.root.mkdir(b"d", 0o755, 0, 0)
    assert isinstance(directory, TmpDirectory)
    for number in range(1000):
        directory.create(b"%d" % number, 0o100644, 0, 0)
    file = directory.open(detached_path(directory), 0)
    first = file.readdir(0)
    for number in range(900):
        directory.unlink(b"%d" % number, directory.entries[b"%d" % number])
    rest = file.readdir(first[-1].cookie)
    assert [entry.name for entry in rest] == [b"%d" % number for number in range(900, 1000)]
    assert len(directory.order) < 300


@pytest.mark.parametrize(
    ("options", "errno"), [(b"size=1x", EINVAL), (b"mode=9", EINVAL), (b"nonsense", EINVAL), (b"size", EINVAL), (b"uid=-1", EINVAL)]
)
def test_bad_mount_options(options: bytes, errno: int) -> None:
    with pytest.raises(LinuxError) as caught:
        TYPE.create(World(), b"none", options)
    assert caught.value.errno == errno


def test_mount_options_and_statfs() -> None:
    fs = TYPE.create(World(), b"none", b"size=1m,nr_inodes=10,mode=0700,uid=5")
    assert fs.mount_options() == b"size=1024k,nr_inodes=10,mode=700,uid=5"
    assert fs.statfs() == (0x01021994, 4096, 256, 256, 256, 10, 9)
    half = TYPE.create(World(1000), b"none", b"size=50%")
    assert half.statfs()[2] == 500


def test_a_file_system_is_plain_data() -> None:
    _, fs, inode = make()
    inode.write(BytesReader(b"data"), 0)
    copy = pickle.loads(pickle.dumps(fs))
    again = copy.root.lookup(b"f")
    assert again.mapping.segment.read(0, 4) == b"data"
    assert again.stat().size == 4


def test_punching_beyond_the_largest_file_does_nothing() -> None:
    """Found by the fuzzer: fallocate at 2^62 raised in the framework."""
    _, fs, inode = make()
    inode.write(BytesReader(b"x" * 8192), 0)
    punch_keep_size = 3
    for offset, length in ((1 << 62, 1 << 32), (1 << 47, 4096), (8192, (1 << 63) - 1 - 8192), ((1 << 47) - 1, 4096)):
        assert inode.fallocate(punch_keep_size, offset, length) == 0
    assert fs.nr_pages == 2
    assert inode.fallocate(punch_keep_size, 0, (1 << 63) - 1) == 0
    assert fs.nr_pages == 0 and inode.mapping.size == 8192
