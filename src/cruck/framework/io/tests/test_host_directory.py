# SPDX-License-Identifier: MPL-2.0
"""HostDirectory: nothing outside of the tree is reached, nothing special is opened, refusals are errnos."""

import errno
import os
import pickle
import stat
from pathlib import Path

import pytest

from cruck.framework.io.host_directory import MAX_CACHED, HostDirectory
from cruck.framework.io.host_tree_file import HostTreeFile


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "file").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    (root / "up").symlink_to("..")
    (root / "out").symlink_to(tmp_path / "secret")
    return root


def opened(result: HostTreeFile | int) -> HostTreeFile:
    assert isinstance(result, HostTreeFile), result
    return result


def test_reads_beneath(tree: Path) -> None:
    host = HostDirectory(tree)
    assert opened(host.open(b"sub/file", os.O_RDONLY)).pread(100, 0) == b"inside"
    st = host.stat(b"sub/file")
    assert not isinstance(st, int) and st[5] == 6
    assert host.readlink(b"up") == b".."
    entries = host.list_entries(b"")
    assert not isinstance(entries, int)
    assert {(name, kind) for name, _, kind in entries} == {(b"sub", 4), (b"up", 10), (b"out", 10)}


@pytest.mark.parametrize(
    "path",
    [
        b"..",
        b"../secret",
        b"sub/../../secret",
        b"/etc/passwd",
        b"/x",
        b"/sub",
        b"sub//file",
        b".",
        b"sub/.",
        b"sub/",
        b"a\0b",
        b"sub/./file",
    ],
)
def test_refuses_paths_that_are_not_plain(tree: Path, path: bytes) -> None:
    host = HostDirectory(tree, is_writable=True)
    for result in (
        host.stat(path),
        host.open(path, os.O_RDONLY),
        host.unlink(path),
        host.mkdir(path, 0o755),
        host.create(path, 0o644),
        host.rename(path, b"x"),
        host.rename(b"sub", path),
        host.link(path, b"x"),
        host.chmod(path, 0),
        host.readlink(path),
    ):
        assert isinstance(result, int) and result < 0
    assert (tree / "sub" / "file").exists() and (tree.parent / "secret").read_bytes() == b"outside"


@pytest.mark.parametrize("path", [b"up/secret", b"out", b"up/tree/sub/file"])
def test_follows_no_symbolic_link(tree: Path, path: bytes) -> None:
    host = HostDirectory(tree, is_writable=True)
    for result in (
        host.open(path, os.O_RDONLY),
        host.open(path, os.O_WRONLY),
        host.truncate(path, 0),
        host.getxattr(path, b"user.x") if path != b"out" else -1,
        host.list_entries(path),
    ):
        assert isinstance(result, int) and result < 0
    host.chmod(path, 0o777)
    assert (tree.parent / "secret").read_bytes() == b"outside"
    assert not (tree.parent / "secret").stat().st_mode & 0o111


def test_opens_no_fifo_and_no_directory(tree: Path) -> None:
    os.mkfifo(tree / "fifo")
    host = HostDirectory(tree, is_writable=True)
    assert host.open(b"fifo", os.O_RDONLY) == -errno.EINVAL  # and does not hang
    assert host.open(b"fifo", os.O_WRONLY) == -errno.EINVAL
    assert host.open(b"sub", os.O_RDONLY) == -errno.EINVAL


def test_read_only_tree_refuses_changes(tree: Path) -> None:
    host = HostDirectory(tree)
    results = (
        host.open(b"sub/file", os.O_RDWR),
        host.create(b"new", 0o644),
        host.mkdir(b"d", 0o755),
        host.unlink(b"up"),
        host.rmdir(b"sub"),
        host.rename(b"up", b"x"),
        host.link(b"sub/file", b"x"),
        host.symlink(b"x", b"y"),
        host.chmod(b"sub", 0o700),
        host.chown(b"sub", -1, -1),
        host.utimens(b"sub", 0, 0),
        host.truncate(b"sub/file", 0),
        host.setxattr(b"sub", b"user.a", b"", 0),
        host.removexattr(b"sub", b"user.a"),
        host.make_node(b"p", stat.S_IFIFO),
    )
    assert set(results) == {-errno.EROFS}
    file = opened(host.open(b"sub/file", os.O_RDONLY))
    assert file.chmod(0o777) == -errno.EROFS and file.utimens(0, 0) == -errno.EROFS
    assert file.pwrite(b"x", 0) == -errno.EBADF


def test_changes(tree: Path) -> None:
    host = HostDirectory(tree, is_writable=True)
    old = os.umask(0o077)
    try:
        file = opened(host.create(b"new", 0o666))
        assert file.pwrite(b"data", 0) == 4
        assert host.create(b"new", 0o644) == -errno.EEXIST
        assert host.mkdir(b"dir", 0o755) == 0
        assert host.make_node(b"pipe", stat.S_IFIFO | 0o622) == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE((tree / "new").stat().st_mode) == 0o666
    assert stat.S_IMODE((tree / "dir").stat().st_mode) == 0o755
    assert (tree / "pipe").stat().st_mode == stat.S_IFIFO | 0o622
    assert host.link(b"new", b"dir/second") == 0 and host.symlink(b"link", b"target") == 0
    assert (tree / "dir" / "second").read_bytes() == b"data"
    assert host.chmod(b"new", 0o600) == 0 and host.utimens(b"new", 5, 7_000_000_000) == 0
    assert (tree / "new").stat().st_mtime_ns == 7_000_000_000
    assert host.rename(b"dir", b"moved") == 0 and host.truncate(b"moved/second", 2) == 0
    assert host.stat(b"dir/second") == -errno.ENOENT
    assert host.rmdir(b"moved") == -errno.ENOTEMPTY
    assert host.unlink(b"moved/second") == 0 and host.rmdir(b"moved") == 0 and host.stat(b"moved") == -errno.ENOENT


def test_a_guest_cannot_plant_privileged_programs_or_devices(tree: Path) -> None:
    host = HostDirectory(tree, is_writable=True)
    assert host.create(b"suid", 0o4755) == -errno.EPERM
    assert host.chmod(b"sub/file", 0o4755) == -errno.EPERM
    assert host.chmod(b"sub/file", 0o2755) == -errno.EPERM
    assert opened(host.open(b"sub/file", os.O_RDWR)).chmod(0o4755) == -errno.EPERM
    assert host.make_node(b"sda", stat.S_IFBLK | 0o666) == -errno.EPERM
    assert host.setxattr(b"sub/file", b"security.capability", b"x", 0) == -errno.EOPNOTSUPP


def test_only_world_readable_hides_what_others_may_not_read(tree: Path) -> None:
    (tree / "shadow").write_bytes(b"hash")
    (tree / "shadow").chmod(0o640)
    (tree / "private").mkdir()
    (tree / "private" / "key").write_bytes(b"key")
    (tree / "private").chmod(0o750)
    (tree / "listless").mkdir()
    (tree / "listless" / "known").write_bytes(b"known")
    (tree / "listless").chmod(0o711)
    host = HostDirectory(tree, only_world_readable=True)
    assert host.open(b"shadow", os.O_RDONLY) == -errno.EACCES
    assert host.stat(b"private/key") == -errno.EACCES
    assert host.open(b"private/key", os.O_RDONLY) == -errno.EACCES
    assert host.list_entries(b"private") == -errno.EACCES
    assert host.list_entries(b"listless") == -errno.EACCES
    assert opened(host.open(b"listless/known", os.O_RDONLY)).pread(9, 0) == b"known"


def test_filters_on_the_root(tree: Path) -> None:
    (tree / ".ssh").mkdir()
    (tree / ".ssh" / "id").write_bytes(b"key")
    (tree / "sub" / ".dot").write_bytes(b"")
    host = HostDirectory(tree, is_writable=True, hides_dotfiles=True)
    assert host.stat(b".ssh") == host.stat(b".ssh/id") == host.open(b".ssh/id", os.O_RDONLY) == -errno.ENOENT
    assert host.list_entries(b".ssh") == -errno.ENOENT
    assert host.rename(b".ssh", b"x") == host.create(b".new", 0o644) == -errno.ENOENT
    assert isinstance(host.stat(b"sub/.dot"), tuple)
    listed = host.list_entries(b"")
    assert not isinstance(listed, int) and b".ssh" not in [name for name, _, _ in listed]
    single = HostDirectory(tree, only_entry=b"out")
    assert single.stat(b"sub") == single.list_entries(b"sub") == -errno.ENOENT and isinstance(single.stat(b"out"), tuple)


def test_keeps_few_descriptors(tree: Path) -> None:
    deep = b"/".join(b"d%d" % index for index in range(2 * MAX_CACHED))
    os.makedirs(os.path.join(os.fsencode(tree), deep))
    host = HostDirectory(tree, is_writable=True)
    before = len(os.listdir("/proc/self/fd"))
    assert isinstance(host.stat(deep), tuple)
    assert isinstance(host.create(deep + b"/f", 0o644), HostTreeFile)
    assert host.rename(deep + b"/f", b"sub/moved") == 0 and host.rename(b"sub/moved", deep + b"/g") == 0
    assert isinstance(host.stat(deep + b"/g"), tuple)
    assert len(os.listdir("/proc/self/fd")) - before <= MAX_CACHED
    host.close()
    assert host.stat(b"sub") == -errno.EBADF


def test_pickled_objects_are_opened_again(tree: Path) -> None:
    host = HostDirectory(tree, is_writable=True)
    file = opened(host.open(b"sub/file", os.O_RDWR))
    again: HostTreeFile = pickle.loads(pickle.dumps(file))
    assert again.pread(100, 0) == b"inside" and again.pwrite(b"I", 0) == 1
    data = pickle.dumps(file)
    (tree / "sub" / "file").unlink()
    (tree / "sub" / "file").write_bytes(b"another")
    file_gone: HostTreeFile = pickle.loads(data)
    assert file_gone.pread(100, 0) in (-errno.EBADF, b"another")  # never a foreign descriptor


def test_concurrent_link_swap_is_not_followed(tree: Path) -> None:
    host = HostDirectory(tree, is_writable=True)
    assert isinstance(host.stat(b"sub/file"), tuple)
    (tree / "sub" / "file").unlink()
    (tree / "sub" / "file").symlink_to(tree.parent / "secret")
    assert host.open(b"sub/file", os.O_RDONLY) == -errno.EINVAL
    assert host.chmod(b"sub/file", 0o777) == -errno.EOPNOTSUPP


def test_the_hosts_processes_are_no_directory_to_share() -> None:
    with pytest.raises(OSError, match="processes are not shared"):
        HostDirectory("/proc/self")
    root = HostDirectory("/")
    for path in (b"proc/self", b"proc/1/environ", b"proc/self/mem", b"sys/kernel"):
        assert root.open(path, os.O_RDONLY) == root.list_entries(path) == -errno.EACCES
    assert root.list_entries(b"proc") == -errno.EACCES
    assert not isinstance(root.stat(b"proc"), int)
    root.close()
