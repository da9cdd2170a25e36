# SPDX-License-Identifier: MPL-2.0
"""Names, directories, attributes, locks, extended attributes and mounts, on tmpfs."""

import struct

import pytest

from cruck.abi import errno as e
from cruck.abi import fcntl as f
from cruck.abi import mount as m
from cruck.abi.stat import STAT, STATX
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls import attributes, descriptor, directory, handle, link, mount, read_write, sync, xattr
from cruck.kernel.syscalls import fcntl as fcntl_calls
from cruck.kernel.syscalls import open as open_calls
from cruck.kernel.syscalls import stat as stat_calls
from cruck.kernel.vfs.tests.world import AT_FDCWD, BUFFER, World, call

BLOCKED = -2_000_000


def make(task: Task, *paths: bytes) -> None:
    """Files; directories are given with a trailing slash."""
    for path in paths:
        if path.endswith(b"/"):
            assert call(directory.sys_mkdir, task, path, 0o755) == 0
        else:
            fd = call(open_calls.sys_creat, task, path, 0o644)
            assert call(descriptor.sys_close, task, fd) == 0


def stat(task: Task, path: bytes) -> dict[str, int]:
    result = call(stat_calls.sys_lstat, task, path, BUFFER)
    assert result == 0, result
    return dict(zip(STAT.field_names, STAT.unpack(task.user.read(BUFFER, STAT.size)), strict=True))


def exists(task: Task, path: bytes) -> bool:
    return call(stat_calls.sys_lstat, task, path, BUFFER) == 0


def names_in(task: Task, path: bytes, size: int = 4096) -> list[bytes]:
    fd = call(open_calls.sys_open, task, path, f.O_DIRECTORY, 0)
    names: list[bytes] = []
    while True:
        count = call(directory.sys_getdents64, task, fd, BUFFER, size)
        assert count >= 0, count
        if count == 0:
            break
        data = task.user.read(BUFFER, count)
        while data:
            reclen = struct.unpack_from("<H", data, 16)[0]
            names.append(data[19:reclen].split(b"\0")[0])
            data = data[reclen:]
    call(descriptor.sys_close, task, fd)
    return names


def test_directories_list_what_they_have_in_small_steps_too() -> None:
    task = World().task()
    make(task, b"/a", b"/d/", *[b"/file%d" % i for i in range(50)])
    expected = sorted([b".", b"..", b"a", b"d"] + [b"file%d" % i for i in range(50)])
    assert sorted(names_in(task, b"/")) == expected
    assert sorted(names_in(task, b"/", 64)) == expected
    fd = call(open_calls.sys_open, task, b"/", 0, 0)
    assert call(directory.sys_getdents64, task, fd, BUFFER, 10) == -e.EINVAL
    fd = call(open_calls.sys_open, task, b"/a", 0, 0)
    assert call(directory.sys_getdents64, task, fd, BUFFER, 1000) == -e.ENOTDIR


def test_a_listing_neither_skips_nor_repeats_while_names_come_and_go() -> None:
    task = World().task()
    make(task, b"/d/", *[b"/d/%d" % i for i in range(300)])
    fd = call(open_calls.sys_open, task, b"/d", 0, 0)
    seen: list[bytes] = []
    round_nr = 0
    while (count := call(directory.sys_getdents64, task, fd, BUFFER, 200)) > 0:
        data = task.user.read(BUFFER, count)
        while data:
            reclen = struct.unpack_from("<H", data, 16)[0]
            name = data[19:reclen].split(b"\0")[0]
            data = data[reclen:]
            if name not in (b".", b".."):
                seen.append(name)
                # The classic: rename everything that is found.
                assert call(link.sys_rename, task, b"/d/" + name, b"/d/new" + name) == 0
        round_nr += 1
        assert round_nr < 1000
    assert seen == [b"%d" % i for i in range(300)]


def test_old_getdents_has_the_type_at_the_end() -> None:
    task = World().task()
    make(task, b"/d/")
    fd = call(open_calls.sys_open, task, b"/", 0, 0)
    count = call(directory.sys_getdents, task, fd, BUFFER, 1000)
    data = task.user.read(BUFFER, count)
    reclen = struct.unpack_from("<H", data, 16)[0]
    assert data[18:20] == b".\0" and data[reclen - 1] == 4


def test_link_counts() -> None:
    task = World().task()
    make(task, b"/d/", b"/d/e/", b"/a")
    assert stat(task, b"/d")["st_nlink"] == 3
    assert call(link.sys_link, task, b"/a", b"/b") == 0
    assert stat(task, b"/a")["st_nlink"] == 2
    assert stat(task, b"/a")["st_ino"] == stat(task, b"/b")["st_ino"]
    assert call(link.sys_unlink, task, b"/a") == 0
    assert stat(task, b"/b")["st_nlink"] == 1
    assert call(directory.sys_rmdir, task, b"/d/e") == 0
    assert stat(task, b"/d")["st_nlink"] == 2


@pytest.mark.parametrize(
    ("handler", "args", "errno"),
    [
        (directory.sys_mkdir, (b"/d", 0o755), e.EEXIST), (directory.sys_mkdir, (b"/", 0o755), e.EEXIST),
        (directory.sys_mkdir, (b"/none/x", 0o755), e.ENOENT), (directory.sys_mkdir, (b"/f/x", 0o755), e.ENOTDIR),
        (directory.sys_mkdir, (b"/.", 0o755), e.EEXIST),
        (directory.sys_rmdir, (b"/d",), e.ENOTEMPTY), (directory.sys_rmdir, (b"/f",), e.ENOTDIR),
        (directory.sys_rmdir, (b"/d/.",), e.EINVAL), (directory.sys_rmdir, (b"/d/..",), e.ENOTEMPTY),
        (directory.sys_rmdir, (b"/",), e.EBUSY), (directory.sys_rmdir, (b"/none",), e.ENOENT),
        (directory.sys_rmdir, (b"/s/",), e.ENOTDIR),
        (link.sys_unlink, (b"/d",), e.EISDIR), (link.sys_unlink, (b"/d/",), e.EISDIR), (link.sys_unlink, (b"/f/",), e.ENOTDIR),
        (link.sys_unlink, (b"/none",), e.ENOENT), (link.sys_unlink, (b"/",), e.EISDIR),
        (link.sys_unlinkat, (AT_FDCWD, b"/f", 1), e.EINVAL),
        (link.sys_link, (b"/d", b"/x"), e.EPERM), (link.sys_link, (b"/f", b"/d"), e.EEXIST), (link.sys_link, (b"/f", b"/x/"), e.ENOENT),
        (link.sys_symlink, (b"", b"/x"), e.ENOENT), (link.sys_symlink, (b"t", b"/s"), e.EEXIST),
        (link.sys_rename, (b"/none", b"/x"), e.ENOENT), (link.sys_rename, (b"/d", b"/d/in/x"), e.EINVAL),
        (link.sys_rename, (b"/d", b"/f"), e.ENOTDIR), (link.sys_rename, (b"/f", b"/d"), e.EISDIR),
        (link.sys_rename, (b"/f", b"/x/"), e.ENOTDIR), (link.sys_rename, (b"/empty", b"/d"), e.ENOTEMPTY),
        (link.sys_rename, (b"/d/in", b"/d"), e.ENOTEMPTY), (link.sys_rename, (b"/", b"/x"), e.EBUSY),
        (link.sys_rename, (b"/d/.", b"/x"), e.EBUSY),
        (link.sys_renameat2, (AT_FDCWD, b"/f", AT_FDCWD, b"/d", f.RENAME_NOREPLACE), e.EEXIST),
        (link.sys_renameat2, (AT_FDCWD, b"/f", AT_FDCWD, b"/x", f.RENAME_EXCHANGE), e.ENOENT),
        (link.sys_renameat2, (AT_FDCWD, b"/f", AT_FDCWD, b"/x", 3), e.EINVAL),
        (link.sys_renameat2, (AT_FDCWD, b"/f", AT_FDCWD, b"/x", 64), e.EINVAL),
        (link.sys_readlink, (b"/f", BUFFER, 10), e.EINVAL), (link.sys_readlink, (b"/s", BUFFER, 0), e.EINVAL),
        (link.sys_mknod, (b"/x", 0o040755, 0), e.EPERM), (link.sys_mknod, (b"/x", 0o110755, 0), e.EINVAL),
        (stat_calls.sys_access, (b"/f", 8), e.EINVAL), (stat_calls.sys_newfstatat, (AT_FDCWD, b"/f", BUFFER, 1), e.EINVAL),
        (handle.sys_name_to_handle_at, (AT_FDCWD, b"/f", BUFFER, BUFFER, 0), e.EOPNOTSUPP),
    ],
)  # fmt: skip
def test_refusals(handler: object, args: tuple[int | bytes, ...], errno: int) -> None:
    task = World().task()
    make(task, b"/d/", b"/d/in/", b"/f", b"/empty/")
    call(link.sys_symlink, task, b"d", b"/s")
    before = sorted(names_in(task, b"/"))
    assert call(handler, task, *args) == -errno  # type: ignore[arg-type]
    assert sorted(names_in(task, b"/")) == before


def test_rename_moves_replaces_and_keeps_open_files() -> None:
    world = World()
    task = world.task()
    make(task, b"/d/", b"/a", b"/b", b"/sub/", b"/sub/x")
    fd = call(open_calls.sys_open, task, b"/a", f.O_RDWR, 0)
    old_b = call(open_calls.sys_open, task, b"/b", f.O_RDWR, 0)
    assert call(link.sys_rename, task, b"/a", b"/b") == 0
    assert not exists(task, b"/a")
    call(stat_calls.sys_fstat, task, fd, BUFFER)
    assert STAT.unpack(task.user.read(BUFFER, STAT.size))[1] == stat(task, b"/b")["st_ino"]
    assert task.files.get(old_b).stat().nlink == 0
    assert call(link.sys_rename, task, b"/sub", b"/d/sub") == 0
    assert stat(task, b"/d")["st_nlink"] == 3
    assert exists(task, b"/d/sub/x")
    assert call(directory.sys_chdir, task, b"/d/sub") == 0
    assert call(link.sys_rename, task, b"/d/sub", b"/again") == 0
    assert call(directory.sys_getcwd, task, BUFFER, 100) == 7
    assert task.user.read(BUFFER, 7) == b"/again\0"
    assert exists(task, b"../b")
    assert call(link.sys_link, task, b"/b", b"/c") == 0
    assert call(link.sys_rename, task, b"/b", b"/c") == 0
    assert exists(task, b"/b") and exists(task, b"/c")


def test_exchange_swaps_a_file_and_a_directory() -> None:
    task = World().task()
    make(task, b"/d/", b"/d/x", b"/p/", b"/p/f")
    assert call(link.sys_renameat2, task, AT_FDCWD, b"/d", AT_FDCWD, b"/p/f", f.RENAME_EXCHANGE) == 0
    assert exists(task, b"/p/f/x")
    assert stat(task, b"/d")["st_mode"] == 0o100644
    assert stat(task, b"/")["st_nlink"] == 3 and stat(task, b"/p")["st_nlink"] == 3


def test_sticky_directories_protect_others_files() -> None:
    world = World()
    root = world.task()
    make(root, b"/tmp/")
    assert call(attributes.sys_chmod, root, b"/tmp", 0o1777) == 0
    alice = world.task(uid=1000, gid=1000)
    bob = world.task(uid=1001, gid=1001)
    make(alice, b"/tmp/mine")
    assert call(link.sys_unlink, bob, b"/tmp/mine") == -e.EPERM
    assert call(link.sys_rename, bob, b"/tmp/mine", b"/tmp/his") == -e.EPERM
    assert call(link.sys_unlink, bob, b"/tmp") == -e.EACCES
    assert call(link.sys_unlink, alice, b"/tmp/mine") == 0


def test_set_group_id_directories_pass_their_group_on() -> None:
    task = World().task()
    make(task, b"/d/")
    assert call(attributes.sys_chown, task, b"/d", 5, 50) == 0
    assert call(attributes.sys_chmod, task, b"/d", 0o2775) == 0
    make(task, b"/d/f", b"/d/sub/")
    assert stat(task, b"/d/f")["st_gid"] == 50
    assert (stat(task, b"/d/sub")["st_gid"], stat(task, b"/d/sub")["st_mode"]) == (50, 0o042755)


def test_owners_and_modes() -> None:
    world = World()
    root = world.task()
    make(root, b"/home/")
    call(attributes.sys_chown, root, b"/home", 1000, 1000)
    user = world.task(uid=1000, gid=1000, groups=(7,))
    make(user, b"/home/f")
    assert call(attributes.sys_chown, user, b"/home/f", 1001, 0xFFFF_FFFF) == -e.EPERM
    assert call(attributes.sys_chown, user, b"/home/f", 0xFFFF_FFFF, 8) == -e.EPERM
    assert call(attributes.sys_chmod, user, b"/home/f", 0o6755) == 0
    assert stat(user, b"/home/f")["st_mode"] == 0o106755
    assert call(attributes.sys_chown, user, b"/home/f", 1000, 7) == 0
    assert stat(user, b"/home/f")["st_mode"] == 0o100755
    assert call(attributes.sys_chown, root, b"/home/f", 0, 0) == 0
    assert call(attributes.sys_chmod, user, b"/home/f", 0) == -e.EPERM
    assert call(attributes.sys_fchmodat2, root, AT_FDCWD, b"/home/f", 0, 1) == -e.EINVAL
    assert call(attributes.sys_umask, user, 0o7777) == 0o022
    assert call(attributes.sys_umask, user, 0) == 0o777


def test_writing_drops_set_id_bits() -> None:
    world = World()
    root = world.task()
    make(root, b"/f")
    call(attributes.sys_chmod, root, b"/f", 0o6777)
    user = world.task(uid=1000, gid=1000)
    fd = call(open_calls.sys_open, user, b"/f", f.O_WRONLY, 0)
    assert call(read_write.sys_write, user, fd, BUFFER, 1) == 1
    assert stat(user, b"/f")["st_mode"] == 0o100777


def test_access_asks_for_the_real_user() -> None:
    world = World()
    task = world.task()
    make(task, b"/f")
    call(attributes.sys_chmod, task, b"/f", 0o600)
    assert call(stat_calls.sys_access, task, b"/f", 6) == 0
    assert call(stat_calls.sys_access, task, b"/f", 1) == -e.EACCES  # even root
    task.creds.uid = task.creds.gid = 1000
    assert call(stat_calls.sys_access, task, b"/f", 4) == -e.EACCES
    assert call(stat_calls.sys_access, task, b"/f", 0) == 0
    assert call(stat_calls.sys_faccessat2, task, AT_FDCWD, b"/f", 4, f.AT_EACCESS) == 0


def test_times() -> None:
    world = World()
    task = world.task()
    make(task, b"/f")
    now = world.clock.realtime_ns() // 10**9
    assert stat(task, b"/f")["st_mtime"] == now
    task.user.write(BUFFER, struct.pack("<4q", 5, 7, 0, 0x3FFFFFFE))
    world.clock.advance(10 * 10**9)
    assert call(attributes.sys_utimensat, task, AT_FDCWD, b"/f", BUFFER, 0) == 0
    values = stat(task, b"/f")
    assert (values["st_atime"], values["st_atime_nsec"], values["st_mtime"], values["st_ctime"]) == (5, 7, now, now + 10)
    task.user.write(BUFFER, struct.pack("<4q", 5, 10**9, 0, 0))
    assert call(attributes.sys_utimensat, task, AT_FDCWD, b"/f", BUFFER, 0) == -e.EINVAL
    other = world.task(uid=1000, gid=1000)
    assert call(attributes.sys_utimensat, other, AT_FDCWD, b"/f", 0, 0) == -e.EACCES
    other.user.write(BUFFER, struct.pack("<4q", 5, 7, 5, 7))
    assert call(attributes.sys_utimensat, other, AT_FDCWD, b"/f", BUFFER, 0) == -e.EPERM


def test_statx_and_statfs() -> None:
    task = World().task()
    make(task, b"/f")
    assert call(stat_calls.sys_statx, task, AT_FDCWD, b"/f", 0, 0xFFF, BUFFER) == 0
    values = dict(zip(STATX.field_names, STATX.unpack(task.user.read(BUFFER, STATX.size)), strict=True))
    assert values["stx_mode"] == 0o100644 and values["stx_mask"] & 0xFFF == 0xFFF and values["stx_mnt_id"] == 1
    assert values["stx_mtime.tv_sec"] == values["stx_btime.tv_sec"] == 1_700_000_000
    assert call(stat_calls.sys_statx, task, AT_FDCWD, b"/f", 0, 1 << 31, BUFFER) == -e.EINVAL
    assert call(stat_calls.sys_statfs, task, b"/f", BUFFER) == 0
    assert task.user.read_u64(BUFFER) == 0x01021994
    assert call(stat_calls.sys_statx, task, 77, b"", f.AT_EMPTY_PATH, 0, BUFFER) == -e.EBADF


def flock(kind: int, start: int, length: int) -> bytes:
    return struct.pack("<hhxxxxqqixxxx", kind, 0, start, length, 0)


def test_posix_locks_split_wait_and_go_with_any_close() -> None:
    world = World()
    one = world.task()
    two = world.task(share=one)
    make(one, b"/f")
    fd1 = call(open_calls.sys_open, one, b"/f", f.O_RDWR, 0)
    fd2 = call(open_calls.sys_open, two, b"/f", f.O_RDWR, 0)
    one.user.write(BUFFER, flock(f.F_WRLCK, 0, 100))
    assert call(fcntl_calls.sys_fcntl, one, fd1, f.F_SETLK, BUFFER) == 0
    assert call(fcntl_calls.sys_fcntl, two, fd2, f.F_SETLK, BUFFER) == -e.EAGAIN
    assert call(fcntl_calls.sys_fcntl, two, fd2, f.F_GETLK, BUFFER) == 0
    assert struct.unpack("<hhxxxxqqixxxx", one.user.read(BUFFER, 32)) == (f.F_WRLCK, 0, 0, 100, one.process.pid)
    one.user.write(BUFFER, flock(f.F_UNLCK, 40, 20))
    assert call(fcntl_calls.sys_fcntl, one, fd1, f.F_SETLK, BUFFER) == 0
    one.user.write(BUFFER, flock(f.F_RDLCK, 45, 5))
    assert call(fcntl_calls.sys_fcntl, two, fd2, f.F_SETLK, BUFFER) == 0
    one.user.write(BUFFER, flock(f.F_RDLCK, 45, 0))
    assert call(fcntl_calls.sys_fcntl, two, fd2, f.F_SETLKW, BUFFER) == BLOCKED
    other = call(open_calls.sys_open, one, b"/f", f.O_RDONLY, 0)
    assert call(descriptor.sys_close, one, other) == 0
    assert two.state == 3 and world.ready == [two]
    assert call(fcntl_calls.sys_fcntl, two, fd2, f.F_SETLKW, BUFFER) == 0


def test_posix_lock_deadlock_is_found() -> None:
    world = World()
    one = world.task()
    two = world.task(share=one)
    make(one, b"/f")
    fd1 = call(open_calls.sys_open, one, b"/f", f.O_RDWR, 0)
    fd2 = call(open_calls.sys_open, two, b"/f", f.O_RDWR, 0)
    first, second = BUFFER, BUFFER + 64
    one.user.write(first, flock(f.F_WRLCK, 0, 1))
    one.user.write(second, flock(f.F_WRLCK, 1, 1))
    assert call(fcntl_calls.sys_fcntl, one, fd1, f.F_SETLK, first) == 0
    assert call(fcntl_calls.sys_fcntl, two, fd2, f.F_SETLK, second) == 0
    assert call(fcntl_calls.sys_fcntl, one, fd1, f.F_SETLKW, second) == BLOCKED
    assert call(fcntl_calls.sys_fcntl, two, fd2, f.F_SETLKW, first) == -e.EDEADLK
    two.files.release(two)
    assert one.state == 3
    assert call(fcntl_calls.sys_fcntl, one, fd1, f.F_SETLKW, second) == 0


def test_ofd_locks_and_flock_belong_to_the_open_file() -> None:
    task = World().task()
    make(task, b"/f")
    fd1 = call(open_calls.sys_open, task, b"/f", f.O_RDWR, 0)
    fd2 = call(open_calls.sys_open, task, b"/f", f.O_RDWR, 0)
    task.user.write(BUFFER, flock(f.F_WRLCK, 0, 0))
    assert call(fcntl_calls.sys_fcntl, task, fd1, f.F_OFD_SETLK, BUFFER) == 0
    assert call(fcntl_calls.sys_fcntl, task, fd2, f.F_OFD_SETLK, BUFFER) == -e.EAGAIN
    assert call(fcntl_calls.sys_flock, task, fd1, f.LOCK_EX) == 0
    assert call(fcntl_calls.sys_flock, task, fd2, f.LOCK_SH | f.LOCK_NB) == -e.EAGAIN
    assert call(fcntl_calls.sys_flock, task, fd2, f.LOCK_SH) == BLOCKED
    dup = task.files.install(task.files.get(fd1), 1024, False)
    task.files.close(fd1, task)
    assert task.state == 2
    task.files.close(dup, task)
    assert task.state == 3
    assert call(fcntl_calls.sys_flock, task, fd2, f.LOCK_SH) == 0
    assert call(fcntl_calls.sys_fcntl, task, fd2, f.F_OFD_SETLK, BUFFER) == 0
    assert call(fcntl_calls.sys_flock, task, fd2, 77) == -e.EINVAL


def test_extended_attributes() -> None:
    world = World()
    task = world.task()
    make(task, b"/f")
    task.user.write(BUFFER, b"value")
    assert call(xattr.sys_setxattr, task, b"/f", b"user.a", BUFFER, 5, 0) == 0
    assert call(xattr.sys_setxattr, task, b"/f", b"user.a", BUFFER, 5, 1) == -e.EEXIST
    assert call(xattr.sys_setxattr, task, b"/f", b"user.b", BUFFER, 5, 2) == -e.ENODATA
    assert call(xattr.sys_setxattr, task, b"/f", b"trusted.t", BUFFER, 5, 0) == 0
    assert call(xattr.sys_setxattr, task, b"/f", b"other.t", BUFFER, 5, 0) == -e.EOPNOTSUPP
    assert call(xattr.sys_setxattr, task, b"/f", b"user." + b"x" * 251, BUFFER, 5, 0) == -e.ERANGE
    assert call(xattr.sys_setxattr, task, b"/f", b"user.a", BUFFER, 70000, 0) == -e.E2BIG
    assert call(xattr.sys_getxattr, task, b"/f", b"user.a", BUFFER, 0) == 5
    assert call(xattr.sys_getxattr, task, b"/f", b"user.a", BUFFER, 4) == -e.ERANGE
    assert call(xattr.sys_getxattr, task, b"/f", b"user.none", BUFFER, 4) == -e.ENODATA
    assert call(xattr.sys_listxattr, task, b"/f", BUFFER, 100) == 17
    user = world.task(uid=1000, gid=1000)
    assert call(xattr.sys_listxattr, user, b"/f", BUFFER, 100) == 7
    assert call(xattr.sys_setxattr, user, b"/f", b"user.a", BUFFER, 1, 0) == -e.EACCES
    assert call(xattr.sys_setxattr, user, b"/f", b"security.x", BUFFER, 1, 0) == -e.EPERM
    assert call(xattr.sys_removexattr, task, b"/f", b"user.a") == 0
    assert call(xattr.sys_removexattr, task, b"/f", b"user.a") == -e.ENODATA


def test_mounting_covers_and_uncovers() -> None:
    world = World()
    task = world.task()
    make(task, b"/m/", b"/m/below", b"/f")
    assert call(mount.sys_mount, task, b"none", b"/m", b"nofs", 0, 0) == -e.ENODEV
    assert call(mount.sys_mount, task, b"none", b"/f", b"tmpfs", 0, 0) == -e.ENOTDIR
    assert call(mount.sys_mount, task, b"none", b"/m", b"tmpfs", 0, b"size=x") == -e.EINVAL
    assert call(mount.sys_mount, task, b"none", b"/m", b"tmpfs", m.MS_NODEV, b"size=8k,mode=700") == 0
    assert not exists(task, b"/m/below")
    assert stat(task, b"/m")["st_mode"] == 0o040700
    make(task, b"/m/top")
    assert call(link.sys_rename, task, b"/m/top", b"/top") == -e.EXDEV
    assert call(link.sys_link, task, b"/m/top", b"/top") == -e.EXDEV
    assert call(directory.sys_rmdir, task, b"/m") == -e.EBUSY
    assert call(link.sys_rename, task, b"/m", b"/n") == -e.EBUSY
    fd = call(open_calls.sys_open, task, b"/m/top", f.O_RDWR, 0)
    assert call(mount.sys_umount2, task, b"/m", 0) == -e.EBUSY
    assert call(mount.sys_mount, task, 0, b"/m", 0, m.MS_REMOUNT | m.MS_RDONLY, 0) == -e.EBUSY
    call(descriptor.sys_close, task, fd)
    assert call(mount.sys_mount, task, 0, b"/m", 0, m.MS_REMOUNT | m.MS_RDONLY, 0) == 0
    assert call(open_calls.sys_creat, task, b"/m/x", 0o644) == -e.EROFS
    user = world.task(uid=1000, gid=1000)
    assert call(mount.sys_umount2, user, b"/m", 0) == -e.EPERM
    assert call(mount.sys_umount2, task, b"/m", 0) == 0
    assert exists(task, b"/m/below")
    assert call(mount.sys_umount2, task, b"/m", 0) == -e.EINVAL
    assert call(mount.sys_mount, user, b"none", b"/m", b"tmpfs", 0, 0) == -e.EPERM
    assert call(sync.sys_sync, task) == 0


def test_detached_mounts_live_for_those_inside() -> None:
    task = World().task()
    make(task, b"/m/")
    call(mount.sys_mount, task, b"none", b"/m", b"tmpfs", 0, 0)
    make(task, b"/m/d/")
    call(directory.sys_chdir, task, b"/m/d")
    assert call(mount.sys_umount2, task, b"/m", m.MNT_DETACH) == 0
    assert call(directory.sys_getcwd, task, BUFFER, 100) > 0
    assert task.user.read(BUFFER, 16) == b"(unreachable)/d\0"
    make(task, b"still")


def test_pivot_root() -> None:
    task = World().task()
    make(task, b"/new/", b"/f")
    call(mount.sys_mount, task, b"none", b"/new", b"tmpfs", 0, 0)
    make(task, b"/new/old/")
    assert call(mount.sys_pivot_root, task, b"/new", b"/new/old") == 0
    assert exists(task, b"/old/f")
    assert not exists(task, b"/f")
    assert call(mount.sys_umount2, task, b"/old", m.MNT_DETACH) == 0
    assert names_in(task, b"/old") == [b".", b".."]


def test_chroot_needs_a_capability() -> None:
    world = World()
    task = world.task()
    make(task, b"/d/")
    user = world.task(uid=1000, gid=1000)
    assert call(directory.sys_chroot, user, b"/d") == -e.EPERM
    assert call(directory.sys_chdir, task, b"/none") == -e.ENOENT
    assert call(directory.sys_getcwd, task, BUFFER, 1) == -e.ERANGE


def test_links_to_others_files_need_the_right_to_read_and_write_them() -> None:
    world = World()
    root = world.task()
    make(root, b"/f", b"/d/")
    call(attributes.sys_chmod, root, b"/d", 0o777)
    user = world.task(uid=1000, gid=1000)
    assert call(link.sys_link, user, b"/f", b"/d/f") == -e.EPERM
    call(attributes.sys_chmod, root, b"/f", 0o666)
    assert call(link.sys_link, user, b"/f", b"/d/f") == 0
    # Changing nothing is allowed to everybody, unless it would drop a set-ID bit.
    assert call(attributes.sys_chown, user, b"/f", 0xFFFF_FFFF, 0xFFFF_FFFF) == 0
    call(attributes.sys_chmod, root, b"/f", 0o4777)
    assert call(attributes.sys_chown, user, b"/f", 0xFFFF_FFFF, 0xFFFF_FFFF) == -e.EPERM
