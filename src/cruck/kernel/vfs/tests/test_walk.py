# SPDX-License-Identifier: MPL-2.0
import pytest

from cruck.abi.errno import EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.tmpfs import TmpFs
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls import directory, link, mount
from cruck.kernel.syscalls import open as open_calls
from cruck.kernel.vfs.dentry import Path
from cruck.kernel.vfs.tests.world import AT_FDCWD, World, call
from cruck.kernel.vfs.walk import (
    LOOKUP_DIRECTORY,
    LOOKUP_EMPTY,
    LOOKUP_NOFOLLOW,
    Walker,
    lookup_path,
    make_path,
    path_string,
    resolve,
    resolve_parent,
)


def tree() -> Task:
    """/d/e/f (file), /l -> d, /d/up -> .., /abs -> /d/e, /loop -> loop, /dangling -> nowhere"""
    task = World().task()
    assert call(directory.sys_mkdir, task, b"/d", 0o755) == 0
    assert call(directory.sys_mkdir, task, b"/d/e", 0o755) == 0
    assert call(open_calls.sys_creat, task, b"/d/e/f", 0o644) == 0
    for name, target in (
        (b"/l", b"d"),
        (b"/d/up", b".."),
        (b"/abs", b"/d/e"),
        (b"/loop", b"loop"),
        (b"/dangling", b"nowhere"),
        (b"/slash", b"d/"),
    ):
        assert call(link.sys_symlink, task, target, name) == 0
    return task


def error_of(task: Task, path: bytes, flags: int = 0) -> int:
    with pytest.raises(LinuxError) as caught:
        resolve(task, AT_FDCWD, path, flags)
    return caught.value.errno


def text_of(task: Task, path: bytes, flags: int = 0) -> bytes:
    return path_string(task.fs.root, resolve(task, AT_FDCWD, path, flags))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"/", b"/"), (b"/..", b"/"), (b"//d///e/", b"/d/e"), (b"d/./e/../e/f", b"/d/e/f"), (b"/l/e", b"/d/e"),
        (b"/d/up/d", b"/d"), (b"/abs/f", b"/d/e/f"), (b"/l", b"/d"), (b"/slash/e", b"/d/e"), (b"/d/../../../d", b"/d"), (b".", b"/"),
    ],
)  # fmt: skip
def test_paths_lead_where_they_should(path: bytes, expected: bytes) -> None:
    assert text_of(tree(), path) == expected


def test_last_symlink_is_followed_or_not() -> None:
    task = tree()
    assert text_of(task, b"/l", LOOKUP_NOFOLLOW) == b"/l"
    assert text_of(task, b"/l/", LOOKUP_NOFOLLOW) == b"/d"


@pytest.mark.parametrize(
    ("path", "flags", "errno"),
    [
        (b"", 0, ENOENT), (b"/none", 0, ENOENT), (b"/none/x", 0, ENOENT), (b"/d/e/f/x", 0, ENOTDIR), (b"/d/e/f/", 0, ENOTDIR),
        (b"/d/e/f/.", 0, ENOTDIR), (b"/d/e/f/..", 0, ENOTDIR), (b"/loop", 0, ELOOP), (b"/dangling", 0, ENOENT),
        (b"/" + b"a" * 256, 0, ENAMETOOLONG), (b"/d/e/f", LOOKUP_DIRECTORY, ENOTDIR),
    ],
)  # fmt: skip
def test_refusals(path: bytes, flags: int, errno: int) -> None:
    assert error_of(tree(), path, flags) == errno


def test_forty_links_are_followed_and_no_more() -> None:
    task = tree()
    assert call(link.sys_symlink, task, b"d", b"/s0") == 0
    for number in range(1, 41):
        assert call(link.sys_symlink, task, b"s%d" % (number - 1), b"/s%d" % number) == 0
    assert text_of(task, b"/s39") == b"/d"
    assert error_of(task, b"/s40") == ELOOP


def test_search_permission_is_needed_on_each_directory() -> None:
    task = tree()
    resolve(task, AT_FDCWD, b"/d").inode().set_attributes(0o700)
    other = task.kernel.task(1000, 1000)  # type: ignore[attr-defined]
    assert error_of(other, b"/d/e") == EACCES
    assert error_of(other, b"/d/..") == EACCES
    assert text_of(other, b"/d") == b"/d"


def test_dotdot_leaves_a_mount_at_its_root_and_stops_at_chroot() -> None:
    task = tree()
    world = task.kernel
    place = resolve(task, AT_FDCWD, b"/d/e")
    fs = TmpFs(world, 99)
    world.namespace.mount(fs, place, 0, b"t")
    assert error_of(task, b"/d/e/f") == ENOENT
    assert resolve(task, AT_FDCWD, b"/d/e").inode() is fs.root
    assert text_of(task, b"/d/e/..") == b"/d"
    assert call(directory.sys_mkdir, task, b"/d/e/sub", 0o755) == 0
    assert text_of(task, b"/abs/sub") == b"/d/e/sub"
    assert call(directory.sys_chroot, task, b"/d/e/sub") == 0
    assert text_of(task, b"/../../..") == b"/"
    assert call(directory.sys_chdir, task, b"/") == 0


def test_resolve_parent_gives_the_last_name_unresolved() -> None:
    task = tree()
    place, name, has_slash = resolve_parent(task, AT_FDCWD, b"/l/new//")
    assert (path_string(task.fs.root, place), name, has_slash) == (b"/d", b"new", True)
    assert resolve_parent(task, AT_FDCWD, b"/")[1] == b""
    assert resolve_parent(task, AT_FDCWD, b"/d/..")[1] == b".."


def test_empty_path_means_the_descriptor() -> None:
    task = tree()
    fd = call(open_calls.sys_open, task, b"/d/e", 0, 0)
    assert path_string(task.fs.root, resolve(task, fd, b"", LOOKUP_EMPTY)) == b"/d/e"
    assert path_string(task.fs.root, resolve(task, fd, b"f")) == b"/d/e/f"


def test_deleted_directory_is_marked() -> None:
    task = tree()
    assert call(directory.sys_mkdir, task, b"/gone", 0o755) == 0
    assert call(directory.sys_chdir, task, b"/gone") == 0
    assert call(directory.sys_rmdir, task, b"/gone") == 0
    assert path_string(task.fs.root, task.fs.cwd) == b"/gone (deleted)"
    assert call(directory.sys_getcwd, task, 0x11000, 100) == -ENOENT
    assert call(open_calls.sys_creat, task, b"x", 0o644) == -ENOENT
    assert error_of(task, b"x") == ENOENT
    assert text_of(task, b"..") == b"/"


def test_beneath_refuses_every_way_out() -> None:
    task = tree()
    start = resolve(task, AT_FDCWD, b"/d")
    for path in (b"..", b"/d", b"up", b"e/../.."):
        with pytest.raises(LinuxError) as caught:
            Walker(task.fs.root, task.creds, 8).walk(start, path)
        assert caught.value.errno == EXDEV
    assert Walker(task.fs.root, task.creds, 8).walk(start, b"e/../e/f").dentry.name == b"f"


def test_in_root_treats_the_start_as_root() -> None:
    task = tree()
    start = resolve(task, AT_FDCWD, b"/d")
    assert Walker(task.fs.root, task.creds, 16).walk(start, b"up/../e").dentry.name == b"e"
    assert Walker(task.fs.root, task.creds, 16).walk(start, b"/e").dentry.name == b"e"


def test_kernel_makes_and_finds_paths() -> None:
    task = tree()
    namespace = task.kernel.namespace
    made = make_path(namespace, task.creds, b"/a/b/c")
    assert made.dentry.name == b"c"
    assert lookup_path(namespace, task.creds, b"/a/b/c") == made
    assert lookup_path(namespace, task.creds, b"/a/x") is None
    assert make_path(namespace, task.creds, b"/l/new") == lookup_path(namespace, task.creds, b"/d/new")


def test_names_that_come_behind_our_back_are_seen_if_names_are_not_cached() -> None:
    task = tree()
    fs = task.kernel.namespace.root.fs
    fs.caches_names = False
    assert error_of(task, b"/d/late") == ENOENT
    parent = resolve(task, AT_FDCWD, b"/d").inode()
    parent.create(b"late", 0o100644, 0, 0)
    assert text_of(task, b"/d/late") == b"/d/late"


def test_negative_entries_do_not_pile_up() -> None:
    task = tree()
    for number in range(5000):
        assert error_of(task, b"/d/%d" % number) == ENOENT
    assert len(resolve(task, AT_FDCWD, b"/d").dentry.children) < 1100


def test_a_bind_mount_shows_a_part() -> None:
    task = tree()
    assert call(directory.sys_mkdir, task, b"/m", 0o755) == 0
    assert call(mount.sys_mount, task, b"/d", b"/m", 0, 4096, 0) == 0
    assert text_of(task, b"/m/e/f") == b"/m/e/f"
    assert text_of(task, b"/m/..") == b"/"
    assert resolve(task, AT_FDCWD, b"/m/e").inode() is resolve(task, AT_FDCWD, b"/d/e").inode()
    assert call(mount.sys_umount2, task, b"/m", 0) == 0
    assert error_of(task, b"/m/e") == ENOENT


def test_paths_compare_by_place() -> None:
    task = tree()
    assert resolve(task, AT_FDCWD, b"/abs") == resolve(task, AT_FDCWD, b"/l/e")
    assert resolve(task, AT_FDCWD, b"/d") != Path(task.fs.root.mount, task.fs.root.dentry)
