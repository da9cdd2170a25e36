# SPDX-License-Identifier: MPL-2.0
"""/dev/pts and /dev."""

import pytest

from cruck.abi.errno import EINVAL, EISDIR, EPERM
from cruck.abi.fcntl import O_NOCTTY, O_RDONLY, O_RDWR
from cruck.abi.stat import S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs import devpts, devtmpfs
from cruck.kernel.fs.devpts import DevPtsFs
from cruck.kernel.fs.devtmpfs import DevTmpFs
from cruck.kernel.tty.pty import open_tty
from cruck.kernel.tty.tests.world import World
from cruck.kernel.vfs.dentry import Dentry, Mount, Path


class Pts:
    def __init__(self) -> None:
        self.world = World()
        self.kernel = self.world.kernel
        self.fs = DevPtsFs(self.kernel, 50, gid=5, mode=0o620)
        self.task = self.world.task()
        self.table = self.kernel.devices.ptys

    def names(self) -> list[bytes]:
        dentry = Dentry(None, b"", self.fs.root)
        file = self.fs.root.open(Path(Mount(self.fs, dentry, None, None, 0, b"devpts", 1), dentry), O_RDONLY)
        names: list[bytes] = []
        cookie = 0
        while entries := file.readdir(cookie):
            names += [entry.name for entry in entries]
            cookie = entries[-1].cookie
        return names


@pytest.fixture
def pts() -> Pts:
    return Pts()


def test_slaves_appear_with_their_master_and_go_with_it(pts: Pts) -> None:
    assert pts.names() == [b".", b"..", b"ptmx"]
    master = pts.table.open_master(pts.task, O_RDWR)
    master.get()
    assert pts.names() == [b".", b"..", b"ptmx", b"0"]
    inode = pts.fs.root.lookup(b"0")
    assert inode is not None and inode.revalidate()
    stat = inode.stat()
    assert (stat.mode, stat.uid, stat.gid, stat.rdev) == (S_IFCHR | 0o620, 1000, 5, 0x8800)
    master.put()
    assert pts.fs.root.lookup(b"0") is None and not inode.revalidate()


def test_a_slave_opened_without_a_name_is_the_named_one(pts: Pts) -> None:
    driver = pts.table.open_master(pts.task, O_RDWR).driver
    driver.is_locked = False
    inode = pts.fs.root.lookup(b"0")
    assert inode is not None
    named, unnamed = inode.stat(), open_tty(pts.task, driver.tty, O_RDWR, False).stat()
    assert (named.dev, named.ino, named.rdev) == (unnamed.dev, unnamed.ino, unnamed.rdev)


@pytest.mark.parametrize("name", [b"00", b"1", b"x", b"-1", b"123456", "²".encode()])
def test_other_names_do_not_exist(pts: Pts, name: bytes) -> None:
    pts.table.open_master(pts.task, O_RDWR)
    assert pts.fs.root.lookup(name) is None


def test_attributes_belong_to_the_terminal(pts: Pts) -> None:
    pts.table.open_master(pts.task, O_RDWR)
    first = pts.fs.root.lookup(b"0")
    assert first is not None
    first.set_attributes(mode=0o600, uid=7, gid=8)
    again = pts.fs.root.lookup(b"0")
    assert again is not None
    assert (again.mode, again.uid, again.gid) == (S_IFCHR | 0o600, 7, 8)


def test_nothing_is_made_or_removed_here(pts: Pts) -> None:
    root = pts.fs.root
    pts.table.open_master(pts.task, O_RDWR)
    node = root.lookup(b"0")
    assert node is not None
    for refused in (lambda: root.mkdir(b"d", 0, 0, 0), lambda: root.unlink(b"0", node), lambda: root.symlink(b"s", b"t", 0, 0)):
        with pytest.raises(LinuxError) as caught:
            refused()
        assert caught.value.errno == EPERM
    dentry = Dentry(None, b"", root)
    with pytest.raises(LinuxError) as caught:
        root.open(Path(Mount(pts.fs, dentry, None, None, 0, b"devpts", 1), dentry), O_RDWR)
    assert caught.value.errno == EISDIR


def test_mount_options(pts: Pts) -> None:
    fs = devpts.TYPE.create(pts.kernel, b"devpts", b"gid=4,mode=600,newinstance,ptmxmode=0666")
    assert fs.mount_options() == b"gid=4,mode=600,ptmxmode=666"
    with pytest.raises(LinuxError) as caught:
        devpts.TYPE.create(pts.kernel, b"devpts", b"bogus=1")
    assert caught.value.errno == EINVAL


def test_dev_has_the_usual_nodes(pts: Pts) -> None:
    fs = DevTmpFs(pts.kernel, 51)
    for name, rdev in ((b"null", 0x103), (b"zero", 0x105), (b"full", 0x107), (b"urandom", 0x109), (b"tty", 0x500)):
        inode = fs.root.lookup(name)
        assert inode is not None and inode.mode == S_IFCHR | 0o666 and inode.rdev == rdev
        if name != b"tty":
            pts.kernel.devices.open(pts.task, inode.mode, inode.rdev, None, O_RDWR | O_NOCTTY)
    for name, target in ((b"ptmx", b"pts/ptmx"), (b"fd", b"/proc/self/fd"), (b"stdin", b"/proc/self/fd/0")):
        inode = fs.root.lookup(name)
        assert inode is not None and inode.mode & S_IFMT == S_IFLNK and inode.readlink() == target
    for name in (b"pts", b"shm"):
        inode = fs.root.lookup(name)
        assert inode is not None and inode.mode & S_IFMT == S_IFDIR
    assert devtmpfs.TYPE.name == b"devtmpfs"
