# SPDX-License-Identifier: MPL-2.0
"""hostfs: data, names and identity of host files; the host's own changes; few descriptors."""

import gc
import os
import pickle
from pathlib import Path

import pytest

from cruck.abi.errno import EACCES, EBADF, EFBIG, EINVAL, ENOTEMPTY, ENXIO, EPERM, EROFS
from cruck.abi.fcntl import O_APPEND, SEEK_DATA, SEEK_END
from cruck.abi.stat import S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG
from cruck.framework.hardware import PROT_READ, PROT_WRITE
from cruck.framework.io.host_directory import HostDirectory
from cruck.framework.io.host_file import HostFile
from cruck.framework.mm.user_memory import BytesReader, BytesWriter, VmWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.hostfs.file_system import MAX_READERS, HostFs, OwnerMap
from cruck.kernel.fs.hostfs.inode import HostInode
from cruck.kernel.fs.hostfs.tests.fakes import FakeSegment, FakeSpace, fake_kernel, names, read_all, write_at
from cruck.kernel.fs.overlay.whiteout import detached_path
from cruck.kernel.vfs.inode import Inode


def make(path: Path, is_writable: bool = True, is_live: bool = True, owners: OwnerMap | None = None) -> HostFs:
    return HostFs(fake_kernel(), 9, HostDirectory(path, is_writable), is_live, owners)


def down(fs: HostFs, path: bytes) -> HostInode:
    inode: Inode | None = fs.root
    for name in path.split(b"/"):
        assert inode is not None
        inode = inode.lookup(name)
    assert isinstance(inode, HostInode)
    return inode


def test_reads_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"hello")
    (tmp_path / "l").symlink_to("d/f")
    fs = make(tmp_path, False, False)
    inode = down(fs, b"d/f")
    assert read_all(inode) == b"hello"
    st = inode.stat()
    assert (st.size, st.dev, st.mode & S_IFMT) == (5, 9, S_IFREG)
    assert down(fs, b"l").readlink() == b"d/f"
    assert fs.root.lookup(b"absent") is None
    assert names(fs.root) == [b"d", b"l"]
    assert fs.is_read_only and fs.caches_names


def test_read_only_tree_refuses(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    fs = make(tmp_path, False)
    inode = down(fs, b"f")
    for attempt in ("create", "chmod", "open", "unlink"):
        with pytest.raises(LinuxError) as caught:
            if attempt == "create":
                fs.root.create(b"x", S_IFREG | 0o644, 0, 0)
            elif attempt == "chmod":
                inode.set_attributes(mode=0o600)
            elif attempt == "open":
                inode.open(detached_path(inode), 2)
            else:
                fs.root.unlink(b"f", inode)
        assert caught.value.errno == EROFS


def test_writes_reach_the_host(tmp_path: Path) -> None:
    fs = make(tmp_path)
    inode = fs.root.create(b"new", S_IFREG | 0o640, os.getuid(), os.getgid())
    assert write_at(inode, 3, b"abc") == 3
    assert write_at(inode, 0, b"end", 1 | O_APPEND) == 3
    assert (tmp_path / "new").read_bytes() == b"\0\0\0abcend"
    assert inode.stat().size == 9 and inode.stat().mode == S_IFREG | 0o640
    inode.truncate(4)
    assert (tmp_path / "new").read_bytes() == b"\0\0\0a"
    inode.set_attributes(mode=0o600, mtime_ns=5_000_000_000)
    assert inode.stat().mtime_ns == 5_000_000_000 and (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_file_made_without_write_permission_can_be_written_by_its_maker(tmp_path: Path) -> None:
    """git makes its objects with mode 0444 and writes through that first descriptor."""
    fs = make(tmp_path)
    inode = fs.root.create(b"object", S_IFREG | 0o444, os.getuid(), os.getgid())
    (tmp_path / "object").chmod(0o000)
    assert write_at(inode, 0, b"data", 2) == 4
    assert not fs.writers


def test_deleted_open_file_lives_on(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"still here")
    fs = make(tmp_path)
    inode = down(fs, b"f")
    file = inode.open(detached_path(inode), 0).get()
    inode.close_reader()  # the shared set of descriptors was full meanwhile
    fs.root.unlink(b"f", inode)
    assert not (tmp_path / "f").exists() and inode.nlink == 0
    out = BytesWriter(100)
    assert file.read(out, 0) == 10 and out.getvalue() == b"still here"
    assert inode.stat().size == 10
    assert list(fs.pinned) == [inode]
    file.put()
    assert inode.reader is None and not fs.pinned
    assert fs.root.lookup(b"f") is None


def test_renaming_a_directory_moves_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "f").write_bytes(b"x")
    fs = make(tmp_path)
    a, inode = down(fs, b"a"), down(fs, b"a/b/f")
    fs.root.rename(b"a", a, fs.root, b"z", None, False)
    assert read_all(inode) == b"x" and inode.host_path() == b"z/b/f"
    assert fs.root.lookup(b"a") is None and down(fs, b"z/b/f") is inode


def test_rename_over_an_open_file(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "new").write_bytes(b"new")
    fs = make(tmp_path)
    old, new = down(fs, b"old"), down(fs, b"new")
    file = old.open(detached_path(old), 0).get()
    fs.root.rename(b"new", new, fs.root, b"old", old, False)
    out = BytesWriter(9)
    assert file.read(out, 0) == 3 and out.getvalue() == b"old"
    assert read_all(down(fs, b"old")) == b"new" and old.nlink == 0
    with pytest.raises(LinuxError) as caught:
        fs.root.rename(b"old", new, fs.root, b"old", old, True)
    assert caught.value.errno == EINVAL
    file.put()


def test_hard_links_are_one_inode(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x")
    os.link(tmp_path / "one", tmp_path / "two")
    fs = make(tmp_path)
    one = down(fs, b"one")
    assert down(fs, b"two") is one and one.nlink == 2
    fs.root.link(b"three", one)
    assert one.nlink == 3 and down(fs, b"three") is one
    fs.root.unlink(b"one", one)
    assert one.nlink == 2 and not one.is_gone and read_all(one) == b"x"
    fs.root.unlink(b"two", one)
    fs.root.unlink(b"three", one)
    assert one.nlink == 0 and one.is_gone


def test_live_tree_sees_the_hosts_changes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_bytes(b"old")
    fs = make(tmp_path)
    inode, directory, inner = down(fs, b"f"), down(fs, b"d"), down(fs, b"d/x")
    (tmp_path / "f").write_bytes(b"123")
    assert inode.revalidate() and inode.stat().size == 3
    (tmp_path / "d").rename(tmp_path / "moved")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_bytes(b"other")
    assert not directory.revalidate()
    assert down(fs, b"d") is not directory
    assert read_all(down(fs, b"d/x")) == b"other" and inner.is_regular()
    (tmp_path / "f").unlink()
    assert not inode.revalidate() and fs.root.lookup(b"f") is None


def test_remembered_tree_is_asked_once(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1")
    fs = make(tmp_path, False, False)
    inode = down(fs, b"f")
    (tmp_path / "f").write_bytes(b"123")
    assert inode.revalidate() and inode.stat().size == 1


def test_special_files_have_their_names_on_the_host(tmp_path: Path) -> None:
    fs = make(tmp_path)
    fifo = fs.root.create(b"fifo", S_IFIFO | 0o644, 0, 0)
    assert down(fs, b"fifo") is fifo and (tmp_path / "fifo").is_fifo()
    with pytest.raises(LinuxError) as caught:
        fifo.open(detached_path(fifo), 0)
    assert caught.value.errno == ENXIO
    with pytest.raises(LinuxError) as caught:
        fs.root.create(b"null", S_IFCHR | 0o666, 0, 0, 0x103)
    assert caught.value.errno == EPERM


def test_directories(tmp_path: Path) -> None:
    fs = make(tmp_path)
    directory = fs.root.mkdir(b"d", 0o750, os.getuid(), os.getgid())
    assert directory.mode == S_IFDIR | 0o750
    directory.create(b"f", S_IFREG | 0o644, os.getuid(), os.getgid())
    with pytest.raises(LinuxError) as caught:
        fs.root.rmdir(b"d", directory)
    assert caught.value.errno == ENOTEMPTY
    file = directory.open(detached_path(directory), 0).get()
    first = file.readdir(0)
    assert [entry.name for entry in first] == [b".", b"..", b"f"]
    directory.unlink(b"f", down(fs, b"d/f"))
    assert [entry.name for entry in file.readdir(first[1].cookie)] == [b"f"]  # this listing began before
    assert [entry.name for entry in file.readdir(0)] == [b".", b".."]
    fs.root.rmdir(b"d", directory)
    assert fs.root.lookup(b"d") is None


def test_readers_share_few_descriptors(tmp_path: Path) -> None:
    for index in range(3 * MAX_READERS):
        (tmp_path / str(index)).write_bytes(b"%d" % index)
    fs = make(tmp_path, False, False)
    files = []
    for index in range(3 * MAX_READERS):
        inode = down(fs, b"%d" % index)
        files.append(inode.open(detached_path(inode), 0).get())
    assert len(fs.readers) == MAX_READERS
    for index, file in enumerate(files):
        out = BytesWriter(9)
        assert file.read(out, 0) > 0 and out.getvalue() == b"%d" % index
    for file in files:
        file.put()


def test_unreadable_is_eacces(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    tmp_path.chmod(0o755)
    (tmp_path / "secret").chmod(0o600)
    fs = HostFs(fake_kernel(), 9, HostDirectory(tmp_path, only_world_readable=True), False)
    inode = down(fs, b"secret")
    with pytest.raises(LinuxError) as caught:
        inode.open(detached_path(inode), 0)
    assert caught.value.errno == EACCES


def test_owner_map(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    fs = make(tmp_path, owners=OwnerMap(os.getuid(), os.getgid(), 4242, 4343))
    assert (down(fs, b"f").uid, down(fs, b"f").gid) == (4242, 4343)
    made = fs.root.create(b"g", S_IFREG | 0o644, 4242, 4343)
    assert (tmp_path / "g").stat().st_uid == os.getuid() and made.uid == 4242


def test_seek_and_append_position(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    fs = make(tmp_path)
    inode = down(fs, b"f")
    file = inode.open(detached_path(inode), 2 | O_APPEND).get()
    assert file.lseek(-2, SEEK_END) == 3 and file.pos == 3
    assert file.lseek(-9, SEEK_END) == -EINVAL
    assert file.lseek(9, SEEK_DATA) == -ENXIO
    assert file.write(BytesReader(b"67"), 0) == 2 and file.append_pos() == 7
    file.put()


def test_offsets_beyond_what_the_machine_takes(tmp_path: Path) -> None:
    """Found by the fuzzer: pread at 2^62 raised in the framework."""

    class Far(VmWriter):
        def __init__(self, capacity: int) -> None:
            self.remaining = capacity

        def read_from_host(self, host: HostFile, host_offset: int, length: int, flags: int) -> int:
            assert host_offset + length <= 1 << 47
            return BytesWriter(self.remaining).read_from_host(host, host_offset, length, flags)

    (tmp_path / "f").write_bytes(b"12345")
    inode = down(make(tmp_path), b"f")
    file = inode.open(detached_path(inode), 2).get()
    for offset in (1 << 62, 1 << 47, (1 << 47) - 1, (1 << 47) - 4096):
        assert file.read(Far(8), offset) == 0
    assert file.write(BytesReader(b"67"), 1 << 62) == -EFBIG
    assert file.read(Far(8), 0) == 5
    file.put()


def test_mapping_uses_the_page_cache_and_falls_back_to_a_copy(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"A" * 5000)
    fs = make(tmp_path)
    inode = down(fs, b"f")
    file = inode.open(detached_path(inode), 2).get()
    mapping = file.mapping()
    assert mapping is not None and mapping.length() == 5000
    space = FakeSpace()
    assert mapping.map_pages(space, 0x1000, 8192, 0, PROT_READ | PROT_WRITE, False) == 0
    assert space.calls[0][0] == "host" and space.calls[0][3] is inode.writer and space.calls[0][6] is True
    refusing = FakeSpace(-EPERM)
    assert mapping.map_pages(refusing, 0x1000, 8192, 0, PROT_READ | PROT_WRITE, False) == -EPERM
    assert mapping.map_pages(refusing, 0x1000, 8192, 0, PROT_READ, True) == 0
    segment = refusing.calls[-1][3]
    assert isinstance(segment, FakeSegment) and segment.read(0, 5001) == b"A" * 5000 + b"\0"
    file.put()


def test_close_gives_every_descriptor_back(tmp_path: Path) -> None:
    gc.collect()  # what other tests have left
    before = len(os.listdir("/proc/self/fd"))
    for name in (b"a", b"b", b"c"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    fs = make(tmp_path)
    files = [down(fs, name).open(detached_path(fs.root), flags).get() for name, flags in ((b"a", 0), (b"b", 2), (b"c", 0))]
    fs.root.unlink(b"c", down(fs, b"c"))
    fs.close_host()
    assert len(os.listdir("/proc/self/fd")) == before
    assert files[0].read(BytesWriter(1), 0) == -EBADF


def test_pickles_with_open_files(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"data")
    fs = make(tmp_path)
    inode = down(fs, b"f")
    file = inode.open(detached_path(inode), 2).get()
    again = pickle.loads(pickle.dumps(file))
    out = BytesWriter(9)
    assert again.read(out, 0) == 4 and out.getvalue() == b"data"
    file.put()
    again.put()
