# SPDX-License-Identifier: MPL-2.0
"""read, write, open, descriptors and copies on tmpfs files and pipes."""

import struct

import pytest

from cruck.abi import errno as e
from cruck.abi import fcntl as f
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls import attributes, copy, descriptor, directory, ioctl, link, memfd, read_write
from cruck.kernel.syscalls import fcntl as fcntl_calls
from cruck.kernel.syscalls import open as open_calls
from cruck.kernel.syscalls import stat as stat_calls
from cruck.kernel.vfs.open import open_exec
from cruck.kernel.vfs.tests.world import AT_FDCWD, BUFFER, World, call

BLOCKED = -2_000_000
O_RDWR_CREAT = f.O_RDWR | f.O_CREAT


def opened(task: Task, path: bytes, flags: int = O_RDWR_CREAT, mode: int = 0o644) -> int:
    return call(open_calls.sys_open, task, path, flags, mode)


def write(task: Task, fd: int, data: bytes) -> int:
    task.user.write(BUFFER, data)
    return call(read_write.sys_write, task, fd, BUFFER, len(data))


def read(task: Task, fd: int, count: int = 4096) -> bytes | int:
    result = call(read_write.sys_read, task, fd, BUFFER, count)
    return task.user.read(BUFFER, result) if result >= 0 else result


def pread(task: Task, fd: int, count: int, offset: int) -> bytes | int:
    result = call(read_write.sys_pread64, task, fd, BUFFER, count, offset)
    return task.user.read(BUFFER, result) if result >= 0 else result


def size_of(task: Task, fd: int) -> int:
    return task.files.get_any(fd).stat().size


def test_what_is_written_can_be_read_back() -> None:
    task = World().task()
    fd = opened(task, b"/a")
    assert fd == 0
    assert write(task, fd, b"hello world") == 11
    assert read(task, fd) == b""
    assert call(read_write.sys_lseek, task, fd, 6, 0) == 6
    assert read(task, fd) == b"world"
    assert pread(task, fd, 5, 0) == b"hello"


def test_access_mode_and_directories() -> None:
    task = World().task()
    fd = opened(task, b"/a", f.O_WRONLY | f.O_CREAT)
    assert read(task, fd) == -e.EBADF
    assert write(task, fd, b"") == 0
    assert opened(task, b"/", f.O_RDWR) == -e.EISDIR
    fd = opened(task, b"/", f.O_RDONLY)
    assert read(task, fd) == -e.EISDIR
    assert call(read_write.sys_read, task, fd, BUFFER, 0) == -e.EISDIR
    assert write(task, fd, b"x") == -e.EBADF
    assert read(task, 55) == -e.EBADF


def test_addresses_that_are_not_the_guests() -> None:
    task = World().task()
    fd = opened(task, b"/a")
    assert call(read_write.sys_write, task, fd, 0x100, 10) == -e.EFAULT
    assert call(read_write.sys_write, task, fd, 1 << 63, 10) == -e.EFAULT
    # A fault in the middle: what came before counts.
    task.user.write(BUFFER, b"x" * 100)
    end = 0x10000 + (1 << 20)
    assert call(read_write.sys_write, task, fd, end - 50, 100) == 50
    assert call(open_calls.sys_open, task, 0x100, 0, 0) == -e.EFAULT


def test_append_writes_at_the_end_whatever_the_position() -> None:
    task = World().task()
    fd = opened(task, b"/a", O_RDWR_CREAT | f.O_APPEND)
    other = opened(task, b"/a", f.O_RDWR)
    write(task, other, b"12345")
    call(read_write.sys_lseek, task, fd, 0, 0)
    assert write(task, fd, b"67") == 2
    assert task.files.get(fd).pos == 7
    assert pread(task, fd, 100, 0) == b"1234567"


def test_vectors_skip_empty_entries_and_check_lengths() -> None:
    task = World().task()
    fd = opened(task, b"/a")
    task.user.write(BUFFER, b"abcdef")
    vector = BUFFER + 0x100
    task.user.write(vector, struct.pack("<6Q", BUFFER, 3, 0, 0, BUFFER + 3, 3))
    assert call(read_write.sys_writev, task, fd, vector, 3) == 6
    assert pread(task, fd, 10, 0) == b"abcdef"
    call(read_write.sys_lseek, task, fd, 0, 0)
    assert call(read_write.sys_readv, task, fd, vector, 3) == 6
    assert call(read_write.sys_readv, task, fd, vector, 1025) == -e.EINVAL
    task.user.write(vector, struct.pack("<2Q", BUFFER, 1 << 63))
    assert call(read_write.sys_readv, task, fd, vector, 1) == -e.EINVAL
    assert call(read_write.sys_preadv2, task, fd, vector, 0, 0, 0, 64) == -e.EOPNOTSUPP


def test_holes_read_as_zeros_and_are_found() -> None:
    task = World().task()
    fd = opened(task, b"/a")
    call(read_write.sys_lseek, task, fd, 3 * 4096, 0)
    write(task, fd, b"x")
    assert pread(task, fd, 4, 4096) == bytes(4)
    assert call(read_write.sys_lseek, task, fd, 0, f.SEEK_DATA) == 3 * 4096
    assert call(read_write.sys_lseek, task, fd, 3 * 4096, f.SEEK_HOLE) == 3 * 4096 + 1
    assert call(read_write.sys_lseek, task, fd, 3 * 4096 + 1, f.SEEK_DATA) == -e.ENXIO
    assert call(read_write.sys_lseek, task, fd, -1, 0) == -e.EINVAL
    assert task.files.get(fd).stat().blocks == 8


def test_truncate_zeroes_the_tail() -> None:
    task = World().task()
    fd = opened(task, b"/a")
    write(task, fd, b"abcdef")
    assert call(attributes.sys_ftruncate, task, fd, 2) == 0
    assert call(attributes.sys_ftruncate, task, fd, 6) == 0
    assert pread(task, fd, 10, 0) == b"ab" + bytes(4)
    assert call(attributes.sys_truncate, task, b"/a", -1) == -e.EINVAL
    assert call(attributes.sys_truncate, task, b"/", 0) == -e.EISDIR
    assert call(attributes.sys_truncate, task, b"/a", 0) == 0
    assert size_of(task, fd) == 0


def test_file_size_limit_cuts_and_then_signals() -> None:
    world = World()
    task = world.task()
    task.process.rlimits[1] = (4, 4)
    fd = opened(task, b"/a")
    assert write(task, fd, b"123456") == 4
    assert world.signals == []
    assert write(task, fd, b"5") == -e.EFBIG
    assert call(attributes.sys_ftruncate, task, fd, 5) == -e.EFBIG
    assert world.signals == [(task.tid, 25), (task.tid, 25)]


def test_fallocate() -> None:
    task = World().task()
    fd = opened(task, b"/a")
    write(task, fd, b"x" * 8192)
    punch = f.FALLOC_FL_PUNCH_HOLE | f.FALLOC_FL_KEEP_SIZE
    assert call(attributes.sys_fallocate, task, fd, punch, 100, 4096) == 0
    assert pread(task, fd, 8192, 0) == b"x" * 100 + bytes(4096) + b"x" * 3996
    assert call(attributes.sys_fallocate, task, fd, 0, 0, 20000) == 0
    assert size_of(task, fd) == 20000
    assert call(attributes.sys_fallocate, task, fd, f.FALLOC_FL_KEEP_SIZE, 0, 40960) == 0
    assert size_of(task, fd) == 20000
    assert task.files.get(fd).stat().blocks == 80
    assert call(attributes.sys_fallocate, task, fd, f.FALLOC_FL_PUNCH_HOLE, 0, 1) == -e.EOPNOTSUPP
    assert call(attributes.sys_fallocate, task, fd, f.FALLOC_FL_COLLAPSE_RANGE, 0, 4096) == -e.EOPNOTSUPP
    assert call(attributes.sys_fallocate, task, fd, 0, 0, 0) == -e.EINVAL


@pytest.mark.parametrize(
    ("path", "flags", "errno"),
    [
        (b"/none", f.O_RDONLY, e.ENOENT), (b"/file", f.O_CREAT | f.O_EXCL, e.EEXIST), (b"/file/", f.O_RDONLY, e.ENOTDIR),
        (b"/new/", f.O_CREAT, e.EISDIR), (b"/dir", f.O_CREAT, e.EISDIR), (b"/file", f.O_DIRECTORY, e.ENOTDIR),
        (b"/link", f.O_NOFOLLOW, e.ELOOP), (b"/link", f.O_NOFOLLOW | f.O_CREAT, e.ELOOP),
        (b"/link", f.O_CREAT | f.O_EXCL, e.EEXIST), (b"/file", f.O_TMPFILE | f.O_RDWR, e.ENOTDIR),
        (b"/dir", f.O_TMPFILE, e.EINVAL), (b"/dir", f.O_CREAT | f.O_DIRECTORY, e.EINVAL), (b"/", f.O_CREAT, e.EISDIR),
        (b"/dir/..", f.O_CREAT | f.O_EXCL, e.EEXIST),
        (b"", f.O_RDONLY, e.ENOENT), (b"x" * 5000, f.O_RDONLY, e.ENAMETOOLONG), (b"/sock", f.O_RDWR, e.ENXIO),
    ],
)  # fmt: skip
def test_open_refuses(path: bytes, flags: int, errno: int) -> None:
    task = World().task()
    opened(task, b"/file")
    call(directory.sys_mkdir, task, b"/dir", 0o755)
    call(link.sys_symlink, task, b"file", b"/link")
    call(link.sys_mknod, task, b"/sock", 0o140644, 0)
    assert opened(task, path, flags) == -errno


def test_open_creates_through_a_dangling_link() -> None:
    task = World().task()
    call(directory.sys_mkdir, task, b"/dir", 0o755)
    call(link.sys_symlink, task, b"dir/target", b"/link")
    fd = opened(task, b"/link")
    write(task, fd, b"x")
    assert task.files.get(opened(task, b"/dir/target", 0)).stat().size == 1


def test_new_files_get_the_umask_and_may_be_written_whatever_their_mode() -> None:
    task = World().task(uid=1000, gid=1000)
    task.kernel.namespace.root.fs.root.set_attributes(0o777)
    fd = opened(task, b"/a", O_RDWR_CREAT, 0o444)
    assert write(task, fd, b"x") == 1
    stat = task.files.get(fd).stat()
    assert (stat.mode, stat.uid, stat.gid) == (0o100444, 1000, 1000)
    assert opened(task, b"/a", f.O_RDWR) == -e.EACCES
    assert task.files.get(opened(task, b"/b", O_RDWR_CREAT, 0o7777)).stat().mode == 0o107755


def test_truncation_needs_the_right_to_write() -> None:
    world = World()
    root = world.task()
    fd = opened(root, b"/a")
    write(root, fd, b"data")
    task = world.task(uid=1000, gid=1000)
    assert opened(task, b"/a", f.O_RDONLY | f.O_TRUNC) == -e.EACCES
    assert size_of(root, fd) == 4
    assert opened(root, b"/a", f.O_RDONLY | f.O_TRUNC) >= 0
    assert size_of(root, fd) == 0


def test_read_only_mounts_refuse_changes() -> None:
    task = World().task()
    opened(task, b"/a")
    task.kernel.namespace.root.flags |= 1
    assert opened(task, b"/a", f.O_RDWR) == -e.EROFS
    assert opened(task, b"/new") == -e.EROFS
    assert opened(task, b"/a", f.O_RDONLY) >= 0
    assert call(directory.sys_mkdir, task, b"/d", 0o755) == -e.EROFS
    assert call(link.sys_unlink, task, b"/a") == -e.EROFS
    assert call(attributes.sys_chmod, task, b"/a", 0) == -e.EROFS
    assert call(stat_calls.sys_access, task, b"/a", 2) == -e.EROFS


def test_o_path_is_a_place_only() -> None:
    task = World().task()
    opened(task, b"/a")
    fd = opened(task, b"/a", f.O_PATH | f.O_RDWR)
    assert read(task, fd) == -e.EBADF
    assert call(fcntl_calls.sys_fcntl, task, fd, f.F_GETFL, 0) & f.O_PATH
    assert call(fcntl_calls.sys_fcntl, task, fd, f.F_SETFL, 0) == -e.EBADF
    assert call(stat_calls.sys_fstat, task, fd, BUFFER) == 0
    assert call(attributes.sys_fchmod, task, fd, 0o600) == -e.EBADF


def test_tmpfile_has_no_name_until_it_is_linked() -> None:
    task = World().task()
    call(directory.sys_mkdir, task, b"/d", 0o755)
    fd = opened(task, b"/d", f.O_TMPFILE | f.O_RDWR)
    assert write(task, fd, b"secret") == 6
    assert task.files.get(fd).stat().nlink == 0
    assert call(link.sys_linkat, task, fd, b"", AT_FDCWD, b"/d/named", f.AT_EMPTY_PATH) == 0
    assert read(task, opened(task, b"/d/named", 0)) == b"secret"
    other = opened(task, b"/d", f.O_TMPFILE | f.O_RDWR | f.O_EXCL)
    assert call(link.sys_linkat, task, other, b"", AT_FDCWD, b"/d/second", f.AT_EMPTY_PATH) == -e.ENOENT


def test_executing_and_writing_exclude_each_other() -> None:
    task = World().task()
    fd = opened(task, b"/prog", O_RDWR_CREAT, 0o755)
    with pytest.raises(Exception) as caught:
        open_exec(task, AT_FDCWD, b"/prog")
    assert caught.value.args[0] == e.ETXTBSY
    call(descriptor.sys_close, task, fd)
    program = open_exec(task, AT_FDCWD, b"/prog").get()
    assert opened(task, b"/prog", f.O_RDWR) == -e.ETXTBSY
    assert call(attributes.sys_truncate, task, b"/prog", 0) == -e.ETXTBSY
    program.put()
    assert opened(task, b"/prog", f.O_RDWR) >= 0


def test_deleted_files_live_until_they_are_closed() -> None:
    world = World()
    task = world.task()
    fd = opened(task, b"/a")
    write(task, fd, b"x" * 8192)
    assert call(link.sys_unlink, task, b"/a") == 0
    assert pread(task, fd, 3, 0) == b"xxx"
    assert world.root_fs.nr_pages == 2
    call(descriptor.sys_close, task, fd)
    assert (world.root_fs.nr_pages, world.root_fs.nr_inodes) == (0, 1)


def test_no_descriptor_no_file() -> None:
    task = World().task()
    task.process.rlimits[7] = (1, 1)
    assert opened(task, b"/a") == 0
    assert opened(task, b"/b") == -e.EMFILE
    assert opened(task, b"/b", 0) == -e.EMFILE
    assert call(descriptor.sys_close, task, 0) == 0
    assert opened(task, b"/b", 0) == -e.ENOENT


def test_duplicates_share_the_position() -> None:
    task = World().task()
    fd = opened(task, b"/a")
    write(task, fd, b"abc")
    assert call(descriptor.sys_dup2, task, fd, 7) == 7
    call(read_write.sys_lseek, task, 7, 1, 0)
    assert read(task, fd) == b"bc"
    assert call(descriptor.sys_dup3, task, fd, fd, 0) == -e.EINVAL
    assert call(descriptor.sys_dup2, task, fd, fd) == fd
    assert call(descriptor.sys_dup2, task, 99, 99) == -e.EBADF
    assert call(descriptor.sys_dup2, task, fd, 5000) == -e.EBADF
    assert call(descriptor.sys_dup3, task, fd, 8, f.O_CLOEXEC) == 8
    assert call(fcntl_calls.sys_fcntl, task, 8, f.F_GETFD, 0) == 1
    assert call(fcntl_calls.sys_fcntl, task, 8, f.F_DUPFD, 20) == 20
    assert call(fcntl_calls.sys_fcntl, task, 8, f.F_DUPFD, 5000) == -e.EINVAL
    assert call(descriptor.sys_close_range, task, 5, 0xFFFF_FFFF, 0) == 0
    assert task.files.open_fds() == [fd]
    assert call(descriptor.sys_close_range, task, 5, 4, 0) == -e.EINVAL


def test_status_flags_change_only_where_they_may() -> None:
    task = World().task()
    fd = opened(task, b"/a")
    assert call(fcntl_calls.sys_fcntl, task, fd, f.F_SETFL, f.O_NONBLOCK | f.O_WRONLY | f.O_CREAT) == 0
    assert call(fcntl_calls.sys_fcntl, task, fd, f.F_GETFL, 0) == f.O_RDWR | f.O_NONBLOCK | f.O_LARGEFILE


def test_memfd_and_its_seals() -> None:
    task = World().task()
    fd = call(memfd.sys_memfd_create, task, b"name", 2)
    assert write(task, fd, b"abcdef") == 6
    stat = task.files.get(fd).stat()
    assert (stat.mode, stat.nlink) == (0o100777, 0)
    assert call(fcntl_calls.sys_fcntl, task, fd, f.F_ADD_SEALS, f.F_SEAL_SHRINK | f.F_SEAL_GROW) == 0
    assert call(attributes.sys_ftruncate, task, fd, 1) == -e.EPERM
    assert call(attributes.sys_ftruncate, task, fd, 100) == -e.EPERM
    assert call(read_write.sys_pwrite64, task, fd, BUFFER, 10, 4) == 2
    assert call(fcntl_calls.sys_fcntl, task, fd, f.F_ADD_SEALS, f.F_SEAL_WRITE | f.F_SEAL_SEAL) == 0
    assert write(task, fd, b"x") == -e.EPERM
    assert call(fcntl_calls.sys_fcntl, task, fd, f.F_ADD_SEALS, f.F_SEAL_GROW) == -e.EPERM
    assert call(fcntl_calls.sys_fcntl, task, fd, f.F_GET_SEALS, 0) == 15
    plain = call(memfd.sys_memfd_create, task, b"", 0)
    assert call(fcntl_calls.sys_fcntl, task, plain, f.F_GET_SEALS, 0) == f.F_SEAL_SEAL
    assert call(memfd.sys_memfd_create, task, b"x" * 250, 0) == -e.EINVAL
    assert call(memfd.sys_memfd_create, task, b"x" * 249, 0) > 0
    assert call(memfd.sys_memfd_create, task, b"x", 1 << 12) == -e.EINVAL


def test_openat2_is_strict() -> None:
    task = World().task()
    opened(task, b"/a")

    def how(flags: int, mode: int = 0, resolve: int = 0, size: int = 24, extra: bytes = b"") -> int:
        task.user.write(BUFFER, struct.pack("<3Q", flags, mode, resolve) + extra)
        return call(open_calls.sys_openat2, task, AT_FDCWD, b"/a", BUFFER, size + len(extra))

    assert how(0) > 0
    assert how(1 << 40) == -e.EINVAL
    assert how(0, 0o644) == -e.EINVAL
    assert how(0, 0, 1 << 20) == -e.EINVAL
    assert how(0, 0, f.RESOLVE_BENEATH) == -e.EXDEV
    assert how(0, 0, f.RESOLVE_IN_ROOT) > 0
    assert how(0, size=16) == -e.EINVAL
    assert how(0, extra=bytes(8)) > 0
    assert how(0, extra=b"\1" * 8) == -e.E2BIG


def test_generic_ioctls() -> None:
    task = World().task()
    fd = opened(task, b"/a")
    write(task, fd, b"12345")
    call(read_write.sys_lseek, task, fd, 2, 0)
    assert call(ioctl.sys_ioctl, task, fd, ioctl.FIONREAD, BUFFER) == 0
    assert task.user.read_u32(BUFFER) == 3
    assert call(ioctl.sys_ioctl, task, fd, 0x5401, BUFFER) == -e.ENOTTY
    assert call(ioctl.sys_ioctl, task, fd, ioctl.FIOCLEX, 0) == 0
    assert fd in task.files.cloexec


def test_copies_between_files() -> None:
    task = World().task()
    source = opened(task, b"/a")
    write(task, source, bytes(range(256)) * 1000)
    out = opened(task, b"/b")
    task.user.write_u64(BUFFER, 10)
    assert call(copy.sys_sendfile, task, out, source, BUFFER, 200_000) == 200_000
    assert task.user.read_u64(BUFFER) == 200_010
    assert pread(task, out, 5, 0) == bytes(range(10, 15))
    call(read_write.sys_lseek, task, source, 255_999, 0)
    assert call(copy.sys_copy_file_range, task, source, 0, out, 0, 100, 0) == 1
    assert size_of(task, out) == 200_001
    assert call(copy.sys_copy_file_range, task, source, 0, out, 0, 100, 1) == -e.EINVAL
    assert call(copy.sys_splice, task, source, 0, out, 0, 100, 0) == -e.EINVAL
    assert call(copy.sys_sendfile, task, opened(task, b"/c", O_RDWR_CREAT | f.O_APPEND), source, 0, 1) == -e.EINVAL


def test_file_system_limits_are_enospc() -> None:
    world = World()
    world.root_fs.max_pages = 3
    world.root_fs.max_inodes = 2
    task = world.task()
    fd = opened(task, b"/a")
    task.user.write(BUFFER, b"x" * 20000)
    assert call(read_write.sys_write, task, fd, BUFFER, 20000) == 12288
    assert call(read_write.sys_write, task, fd, BUFFER, 1) == -e.ENOSPC
    assert call(read_write.sys_pwrite64, task, fd, BUFFER, 5000, 100) == 5000
    assert opened(task, b"/b") == -e.ENOSPC
    assert call(attributes.sys_fallocate, task, fd, 0, 0, 16384) == -e.ENOSPC
    assert call(attributes.sys_ftruncate, task, fd, 0) == 0
    assert call(read_write.sys_write, task, fd, BUFFER, 1) == 1


def test_exhausted_memory_is_enospc() -> None:
    world = World(nr_frames=300)
    task = world.task()
    fd = opened(task, b"/a")
    written = call(read_write.sys_write, task, fd, BUFFER, 600_000)
    assert 0 < written < 600_000
    assert call(read_write.sys_write, task, fd, BUFFER, 4096) == -e.ENOSPC


def test_truncation_to_the_same_size_frees_what_was_kept_after_the_end() -> None:
    task = World().task()
    fd = opened(task, b"/a")
    write(task, fd, b"x")
    assert call(attributes.sys_fallocate, task, fd, f.FALLOC_FL_KEEP_SIZE, 0, 12288) == 0
    assert task.files.get(fd).stat().blocks == 24
    assert call(attributes.sys_ftruncate, task, fd, 1) == 0
    assert task.files.get(fd).stat().blocks == 8


def test_a_file_copied_to_its_own_end_does_not_grow_for_ever() -> None:
    task = World().task()
    fd = opened(task, b"/a")
    write(task, fd, b"x" * 100)
    other = opened(task, b"/a", f.O_RDWR)
    assert call(copy.sys_copy_file_range, task, other, 0, fd, 0, 5000, 0) == 100
    assert size_of(task, fd) == 200
