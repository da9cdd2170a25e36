# SPDX-License-Identifier: MPL-2.0
"""Listings of trees that do not change within a run are kept; those of live and of writable trees are not."""

from pathlib import Path

from cruck.framework.io.host_directory import HostDirectory
from cruck.kernel.fs.hostfs.file import HostDirectoryFile
from cruck.kernel.fs.hostfs.file_system import HostFs
from cruck.kernel.fs.hostfs.inode import HostInode
from cruck.kernel.vfs.inode import Inode
from cruck.testing.kernels import boot


def names(fs: HostFs, *path: bytes) -> list[bytes]:
    node: Inode | None = fs.root
    for name in path:
        assert node is not None
        node = node.lookup(name)
    assert isinstance(node, HostInode)
    return sorted(entry.name for entry in HostDirectoryFile(node, 0).readdir(0))


def test_a_quiet_tree_is_listed_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    fs = HostFs(boot(), 9, HostDirectory(tmp_path), is_live=False)
    assert names(fs) == [b".", b"..", b"a"]
    (tmp_path / "b").write_text("")
    assert names(fs) == [b".", b"..", b"a"]


def test_live_and_writable_trees_are_listed_anew(tmp_path: Path) -> None:
    live = HostFs(boot(), 9, HostDirectory(tmp_path), is_live=True)
    writable = HostFs(boot(), 9, HostDirectory(tmp_path, is_writable=True), is_live=False)
    for fs in (live, writable):
        assert names(fs) == [b".", b".."]
    (tmp_path / "b").write_text("")
    for fs in (live, writable):
        assert names(fs) == [b".", b"..", b"b"]


def test_old_listings_go_when_there_are_too_many(tmp_path: Path) -> None:
    for directory in (b"one", b"two", b"three"):
        (tmp_path / directory.decode()).mkdir()
        (tmp_path / directory.decode() / "file").write_text("")
    fs = HostFs(boot(), 9, HostDirectory(tmp_path), is_live=False)
    fs.max_listed = 7
    for directory in (b"one", b"two", b"three"):
        assert names(fs, directory) == [b".", b"..", b"file"]
    assert fs.nr_listed == 6 and [inode.name for inode in fs.listings] == [b"two", b"three"]
