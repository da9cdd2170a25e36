# SPDX-License-Identifier: MPL-2.0
"""Listing and committing changes: what the overlay shows is what the host gets, and nothing else moves."""

import os
from pathlib import Path

from cruck.abi.stat import S_IFIFO, S_IFREG
from cruck.framework.io.host_directory import HostDirectory
from cruck.kernel.fs.hostfs.file_system import HostFs
from cruck.kernel.fs.hostfs.tests.fakes import fake_kernel, read_all, write_at
from cruck.kernel.fs.overlay.file_system import OverlayFs
from cruck.kernel.fs.overlay.inode import OverlayInode
from cruck.kernel.fs.tmpfs import TmpFs
from cruck.kernel.vfs.inode import Inode
from cruck.sandbox.changes import collect_changes, commit, select

UID, GID = os.getuid(), os.getgid()


class Work:
    def __init__(self, path: Path) -> None:
        self.path = path / "work"
        (self.path / "src" / "deep").mkdir(parents=True)
        (self.path / "src" / "a.c").write_bytes(b"int a;")
        (self.path / "src" / "deep" / "b.c").write_bytes(b"int b;")
        (self.path / "old").write_bytes(b"old")
        kernel = fake_kernel()
        lower = HostFs(kernel, 1, HostDirectory(self.path), False)
        self.fs = OverlayFs(kernel, 3, [lower.root], TmpFs(kernel, 2, mode=0o755).root)

    def at(self, path: bytes) -> OverlayInode:
        inode: Inode | None = self.fs.root
        for name in path.split(b"/"):
            assert inode is not None
            inode = inode.lookup(name)
        assert isinstance(inode, OverlayInode)
        return inode

    def put(self, directory: Inode, name: bytes, data: bytes, mode: int = 0o644) -> Inode:
        inode = directory.create(name, S_IFREG | mode, UID, GID)
        write_at(inode, 0, data)
        return inode

    def changes(self) -> list[str]:
        return [change.describe() for change in collect_changes(self.fs)]

    def commit(self) -> list[str]:
        host = HostDirectory(self.path, is_writable=True)
        return [f"{change.describe()}: {why}" for change, why in commit(self.fs, collect_changes(self.fs), host)]


def test_nothing_changed(tmp_path: Path) -> None:
    work = Work(tmp_path)
    read_all(work.at(b"src/a.c"))
    assert work.changes() == []
    # Opened for writing, but nothing written: copied up, yet no change.
    write_at(work.at(b"src/a.c"), 0, b"")
    assert work.changes() == []


def test_lists_added_modified_and_deleted(tmp_path: Path) -> None:
    work = Work(tmp_path)
    write_at(work.at(b"src/a.c"), 0, b"int A;")
    made = work.fs.root.mkdir(b"out", 0o755, UID, GID)
    work.put(made, b"a.o", b"code")
    work.fs.root.unlink(b"old", work.at(b"old"))
    work.at(b"src/deep").unlink(b"b.c", work.at(b"src/deep/b.c"))
    work.at(b"src").rmdir(b"deep", work.at(b"src/deep"))
    work.fs.root.symlink(b"latest", b"out/a.o", UID, GID)
    assert work.changes() == ["A latest", "D old", "A out/", "A out/a.o", "M src/a.c", "D src/deep/"]
    assert [change.size for change in collect_changes(work.fs) if change.path == b"out/a.o"] == [4]


def test_made_and_removed_again_is_no_change(tmp_path: Path) -> None:
    work = Work(tmp_path)
    work.put(work.fs.root, b"temporary", b"x")
    work.fs.root.unlink(b"temporary", work.at(b"temporary"))
    assert work.changes() == []


def test_commit_makes_the_host_look_the_same(tmp_path: Path) -> None:
    work = Work(tmp_path)
    write_at(work.at(b"src/a.c"), 0, b"int A;")
    work.at(b"src/a.c").set_attributes(mode=0o600, mtime_ns=9_000_000_000)
    made = work.fs.root.mkdir(b"out", 0o750, UID, GID)
    work.put(made, b"run", b"#!/bin/sh\n", 0o755)
    work.fs.root.link(b"run2", work.at(b"out/run"))
    made.create(b"fifo", S_IFIFO | 0o600, UID, GID)
    work.fs.root.unlink(b"old", work.at(b"old"))
    work.fs.root.symlink(b"latest", b"out/run", UID, GID)
    assert work.commit() == []
    assert (work.path / "src" / "a.c").read_bytes() == b"int A;"
    assert (work.path / "src" / "a.c").stat().st_mtime_ns == 9_000_000_000
    assert (work.path / "src" / "a.c").stat().st_mode & 0o777 == 0o600
    assert (work.path / "out").stat().st_mode & 0o777 == 0o750 and (work.path / "out" / "run").stat().st_mode & 0o777 == 0o755
    assert (work.path / "run2").samefile(work.path / "out" / "run")
    assert (work.path / "out" / "fifo").is_fifo()
    assert not (work.path / "old").exists() and os.readlink(work.path / "latest") == "out/run"
    assert sorted(os.listdir(work.path)) == ["latest", "out", "run2", "src"]  # no temporary files


def test_commit_of_replaced_kinds(tmp_path: Path) -> None:
    work = Work(tmp_path)
    root = work.fs.root
    root.unlink(b"old", work.at(b"old"))
    work.put(root.mkdir(b"old", 0o755, UID, GID), b"inside", b"1")
    src = work.at(b"src")
    deep = work.at(b"src/deep")
    deep.unlink(b"b.c", work.at(b"src/deep/b.c"))
    src.rmdir(b"deep", deep)
    src.symlink(b"deep", b"..", UID, GID)
    assert work.changes() == ["M old/", "A old/inside", "M src/deep"]
    assert work.commit() == []
    assert (work.path / "old" / "inside").read_bytes() == b"1"
    assert os.readlink(work.path / "src" / "deep") == ".."


def test_remade_directory_replaces_the_old_contents(tmp_path: Path) -> None:
    work = Work(tmp_path)
    deep = work.at(b"src/deep")
    deep.unlink(b"b.c", work.at(b"src/deep/b.c"))
    work.at(b"src").rmdir(b"deep", deep)
    work.put(work.at(b"src").mkdir(b"deep", 0o755, UID, GID), b"c.c", b"c")
    assert work.changes() == ["M src/deep/", "A src/deep/c.c"]
    assert work.commit() == []
    assert os.listdir(work.path / "src" / "deep") == ["c.c"]


def test_selection_takes_the_directories_it_needs(tmp_path: Path) -> None:
    work = Work(tmp_path)
    made = work.fs.root.mkdir(b"out", 0o755, UID, GID)
    inner = made.mkdir(b"bin", 0o755, UID, GID)
    work.put(inner, b"prog", b"1")
    work.put(made, b"log", b"2")
    work.put(work.fs.root, b"outer", b"3")
    chosen = select(collect_changes(work.fs), [b"out/bin"])
    assert [change.path for change in chosen] == [b"out", b"out/bin", b"out/bin/prog"]
    assert commit(work.fs, chosen, HostDirectory(work.path, is_writable=True)) == []
    assert sorted(os.listdir(work.path / "out")) == ["bin"]


def test_a_link_planted_on_the_way_is_not_followed(tmp_path: Path) -> None:
    """The host's tree was changed meanwhile: a directory became a link to elsewhere."""
    work = Work(tmp_path)
    write_at(work.at(b"src/a.c"), 0, b"evil")
    changes = collect_changes(work.fs)
    elsewhere = tmp_path / "elsewhere"
    (work.path / "src").rename(elsewhere)
    (work.path / "src").symlink_to(elsewhere)
    assert len(commit(work.fs, changes, HostDirectory(work.path, is_writable=True))) == 1
    assert (elsewhere / "a.c").read_bytes() == b"int a;"


def test_sockets_are_reported(tmp_path: Path) -> None:
    work = Work(tmp_path)
    work.fs.root.create(b"sock", 0o140755, UID, GID)
    assert work.commit() == ["A sock: Operation not permitted"]
