# SPDX-License-Identifier: MPL-2.0
"""overlay over a host directory, with upper trees in memory and on the host: the lower tree never changes."""

import os
from pathlib import Path

import pytest

from cruck.abi.errno import ENODATA, ENOTEMPTY, EPERM, EROFS, EXDEV
from cruck.abi.fcntl import O_TRUNC
from cruck.abi.stat import S_IFCHR, S_IFIFO, S_IFREG
from cruck.framework.io.host_directory import HostDirectory
from cruck.framework.mm.user_memory import BytesWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.hostfs.file_system import HostFs
from cruck.kernel.fs.hostfs.tests.fakes import fake_kernel, names, read_all, write_at
from cruck.kernel.fs.overlay.file_system import OverlayFs
from cruck.kernel.fs.overlay.inode import OverlayInode
from cruck.kernel.fs.overlay.whiteout import detached_path
from cruck.kernel.fs.tmpfs import TmpFs
from cruck.kernel.vfs.inode import Inode


class Fixture:
    def __init__(self, tmp_path: Path, is_disk: bool) -> None:
        self.lower = tmp_path / "lower"
        self.upper = tmp_path / "upper"
        self.is_disk = is_disk
        (self.lower / "dir" / "sub").mkdir(parents=True)
        (self.lower / "dir" / "file").write_bytes(b"lower")
        (self.lower / "dir" / "other").write_bytes(b"other")
        (self.lower / "link").symlink_to("dir/file")
        self.upper.mkdir()
        self.kernel = fake_kernel()
        self.memory = TmpFs(self.kernel, 20)
        self.fs = self.mount()

    def mount(self) -> OverlayFs:
        """Called again: a later run over the same upper tree."""
        lower = HostFs(self.kernel, 21, HostDirectory(self.lower), False)
        if self.is_disk:
            upper: Inode = HostFs(self.kernel, 22, HostDirectory(self.upper, True), True).root
        else:
            upper = self.memory.root
        self.fs = OverlayFs(self.kernel, 30, [lower.root], upper)
        return self.fs

    def at(self, path: bytes) -> OverlayInode:
        inode: Inode | None = self.fs.root
        for name in path.split(b"/"):
            assert inode is not None
            inode = inode.lookup(name)
        assert isinstance(inode, OverlayInode)
        return inode


@pytest.fixture(params=["memory", "disk"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Fixture:
    return Fixture(tmp_path, request.param == "disk")


def refusal(action: object, *arguments: object) -> int:
    assert callable(action)
    with pytest.raises(LinuxError) as caught:
        action(*arguments)
    return caught.value.errno


def test_shows_the_lower_tree(box: Fixture) -> None:
    assert read_all(box.at(b"dir/file")) == b"lower"
    assert names(box.fs.root) == [b"dir", b"link"]
    assert box.at(b"link").readlink() == b"dir/file"
    assert box.at(b"dir/file").stat().dev == 30
    assert box.fs.root.lookup(b"absent") is None


def test_write_copies_up_and_keeps_the_inode_number(box: Fixture) -> None:
    file = box.at(b"dir/file")
    ino, mtime = file.stat().ino, box.at(b"dir").stat().mtime_ns
    assert write_at(file, 5, b" and upper") == 10
    assert read_all(file) == b"lower and upper"
    assert (box.lower / "dir" / "file").read_bytes() == b"lower"
    assert file.stat().ino == ino == {e[0]: e[1] for e in box.at(b"dir").collect_entries()}[b"file"]  # type: ignore[attr-defined]
    assert box.at(b"dir").stat().mtime_ns == mtime
    box.mount()
    assert read_all(box.at(b"dir/file")) == b"lower and upper"
    assert box.at(b"dir/file").ino != 0 and names(box.at(b"dir")) == [b"file", b"other", b"sub"]


def test_attributes_copy_up(box: Fixture) -> None:
    file = box.at(b"dir/file")
    file.set_attributes(mode=0o600, mtime_ns=77_000_000_000)
    assert file.mode == S_IFREG | 0o600 and file.stat().mtime_ns == 77_000_000_000
    assert read_all(file) == b"lower" and (box.lower / "dir" / "file").stat().st_mtime_ns != 77_000_000_000


def test_truncation_copies_no_more_than_it_keeps(box: Fixture) -> None:
    file = box.at(b"dir/file")
    file.truncate(3)
    assert read_all(file) == b"low"
    other = box.at(b"dir/other")
    opened = other.open(detached_path(other), 1 | O_TRUNC).get()
    opened.put()
    assert other.stat().size == 0


def test_a_sparse_file_stays_sparse(box: Fixture) -> None:
    with open(box.lower / "sparse", "wb") as file:
        file.truncate(8 << 20)
        file.seek(4 << 20)
        file.write(b"middle")
    inode = box.at(b"sparse")
    inode.set_attributes(mode=0o600)
    assert inode.stat().size == 8 << 20
    assert inode.stat().blocks < 4000
    content = read_all(inode)
    assert content[4 << 20 :][:6] == b"middle" and len(content) == 8 << 20


def test_file_opened_before_the_copy_up_keeps_the_old_content(box: Fixture) -> None:
    inode = box.at(b"dir/file")
    before = inode.open(detached_path(inode), 0).get()
    write_at(inode, 0, b"UPPER")
    out = BytesWriter(9)
    assert before.read(out, 0) == 5 and out.getvalue() == b"lower"
    before.put()


def test_unlink_makes_a_whiteout_that_lasts(box: Fixture) -> None:
    directory, file = box.at(b"dir"), box.at(b"dir/file")
    directory.unlink(b"file", file)
    assert file.nlink == 0
    for _ in range(2):
        assert box.at(b"dir").lookup(b"file") is None
        assert names(box.at(b"dir")) == [b"other", b"sub"]
        box.mount()
    assert (box.lower / "dir" / "file").exists()
    again = box.at(b"dir").create(b"file", S_IFREG | 0o644, os.getuid(), os.getgid())
    assert again.stat().size == 0 and names(box.at(b"dir")) == [b"file", b"other", b"sub"]
    box.at(b"dir").unlink(b"file", again)
    assert box.at(b"dir").lookup(b"file") is None


def test_removed_and_remade_directory_is_empty(box: Fixture) -> None:
    directory = box.at(b"dir")
    assert refusal(box.fs.root.rmdir, b"dir", directory) == ENOTEMPTY
    for name in (b"file", b"other"):
        directory.unlink(name, box.at(b"dir/" + name))
    directory.rmdir(b"sub", box.at(b"dir/sub"))
    assert names(directory) == []
    box.fs.root.rmdir(b"dir", directory)
    assert box.fs.root.lookup(b"dir") is None and names(box.fs.root) == [b"link"]
    made = box.fs.root.mkdir(b"dir", 0o755, os.getuid(), os.getgid())
    assert names(made) == [] and made.lookup(b"file") is None
    box.mount()
    assert names(box.at(b"dir")) == []


def test_rename_of_files(box: Fixture) -> None:
    directory = box.at(b"dir")
    file, other = box.at(b"dir/file"), box.at(b"dir/other")
    directory.rename(b"file", file, box.fs.root, b"moved", None, False)
    assert read_all(box.at(b"moved")) == b"lower" and directory.lookup(b"file") is None
    box.fs.root.rename(b"moved", file, directory, b"other", other, False)
    assert other.nlink == 0
    for _ in range(2):
        assert read_all(box.at(b"dir/other")) == b"lower"
        assert names(box.fs.root) == [b"dir", b"link"] and names(box.at(b"dir")) == [b"other", b"sub"]
        box.mount()


def test_rename_over_a_whiteout(box: Fixture) -> None:
    directory = box.at(b"dir")
    directory.unlink(b"file", box.at(b"dir/file"))
    directory.rename(b"other", box.at(b"dir/other"), directory, b"file", None, False)
    assert read_all(box.at(b"dir/file")) == b"other" and names(directory) == [b"file", b"sub"]


def test_rename_of_directories(box: Fixture) -> None:
    root = box.fs.root
    assert refusal(root.rename, b"dir", box.at(b"dir"), root, b"new", None, False) == EXDEV
    full = root.mkdir(b"full", 0o755, 0, 0)
    full.create(b"inside", 0o100644, 0, 0)
    assert refusal(root.rename, b"dir", box.at(b"dir"), root, b"full", full, False) == ENOTEMPTY
    mine = root.mkdir(b"mine", 0o755, os.getuid(), os.getgid())
    mine.create(b"x", S_IFREG | 0o644, os.getuid(), os.getgid())
    assert refusal(root.rename, b"mine", mine, root, b"dir", box.at(b"dir"), False) == ENOTEMPTY
    sub = box.at(b"dir/sub")
    root.rename(b"mine", mine, box.at(b"dir"), b"sub", sub, False)
    for _ in range(2):
        assert names(box.at(b"dir/sub")) == [b"x"] and root.lookup(b"mine") is None
        box.mount()


def test_exchange_in_memory(tmp_path: Path) -> None:
    box = Fixture(tmp_path, False)
    directory = box.at(b"dir")
    directory.rename(b"file", box.at(b"dir/file"), directory, b"other", box.at(b"dir/other"), True)
    assert read_all(box.at(b"dir/file")) == b"other" and read_all(box.at(b"dir/other")) == b"lower"


def test_hard_links(box: Fixture) -> None:
    file = box.at(b"dir/file")
    box.fs.root.link(b"second", file)
    assert box.at(b"second") is file and file.nlink == 2
    write_at(file, 0, b"LOWER")
    box.mount()
    assert read_all(box.at(b"second")) == b"LOWER" and box.at(b"second") is box.at(b"dir/file")


def test_special_files(box: Fixture) -> None:
    fifo = box.fs.root.create(b"fifo", S_IFIFO | 0o644, os.getuid(), os.getgid())
    assert box.at(b"fifo") is fifo
    assert refusal(box.fs.root.create, b"mark", S_IFCHR | 0o644, 0, 0, 0) == EPERM


def test_marks_are_not_shown(box: Fixture) -> None:
    assert refusal(box.at(b"dir").getxattr, b"user.overlay.opaque") == ENODATA
    assert refusal(box.at(b"dir").setxattr, b"user.overlay.opaque", b"y", 0) == EPERM


def test_without_an_upper_tree_nothing_changes(tmp_path: Path) -> None:
    box = Fixture(tmp_path, False)
    lower = HostFs(box.kernel, 21, HostDirectory(box.lower), False)
    fs = box.fs = OverlayFs(box.kernel, 31, [lower.root], None)
    assert fs.is_read_only
    assert refusal(fs.root.create, b"x", S_IFREG | 0o644, 0, 0) == EROFS
    assert refusal(write_at, box.at(b"dir/file"), 0, b"x") == EROFS
    assert refusal(fs.root.mkdir, b"x", 0o755, 0, 0) == EROFS


def test_failed_copy_up_leaves_nothing(tmp_path: Path) -> None:
    box = Fixture(tmp_path, False)
    (box.lower / "big").write_bytes(b"x" * (1 << 20))
    box.memory.max_pages = 10
    refusal(write_at, box.at(b"big"), 0, b"y")
    assert box.memory.root.lookup(b"big") is None
    assert read_all(box.at(b"big")) == b"x" * (1 << 20)


def test_deleted_lower_file_that_is_open_can_still_be_changed(tmp_path: Path) -> None:
    box = Fixture(tmp_path, False)
    file = box.at(b"dir/file")
    box.at(b"dir").unlink(b"file", file)
    file.set_attributes(mode=0o600)
    assert read_all(file) == b"lower" and file.nlink == 0
    assert box.at(b"dir").lookup(b"file") is None


def test_two_lower_trees_merge(tmp_path: Path) -> None:
    box = Fixture(tmp_path, False)
    (tmp_path / "top" / "dir").mkdir(parents=True)
    (tmp_path / "top" / "dir" / "file").write_bytes(b"top")
    (tmp_path / "top" / "dir" / "new").write_bytes(b"new")
    top = HostFs(box.kernel, 40, HostDirectory(tmp_path / "top"), False)
    bottom = HostFs(box.kernel, 41, HostDirectory(box.lower), False)
    box.fs = OverlayFs(box.kernel, 42, [top.root, bottom.root], box.memory.root)
    assert read_all(box.at(b"dir/file")) == b"top" and read_all(box.at(b"dir/other")) == b"other"
    assert names(box.at(b"dir")) == [b"file", b"new", b"other", b"sub"]
