# SPDX-License-Identifier: MPL-2.0
"""Copying up: before the first change, a lower file or directory gets its place in the upper tree, with the directories
above it, contents, mode, owner, times and user attributes. Source: Linux fs/overlayfs/copy_up.c.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, EIO, ENOENT, ENOSPC, ENXIO, EPERM, EROFS
from cruck.abi.fcntl import SEEK_DATA, SEEK_HOLE
from cruck.abi.stat import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from cruck.framework.mm.user_memory import BytesReader, BytesWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.overlay.whiteout import PRIVATE_XATTRS, detached_path
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.inode import Inode
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.fs.overlay.inode import OverlayInode

CHUNK_BYTES: Final = 1 << 20
O_RDONLY: Final = 0
O_WRONLY: Final = 1
WHOLE: Final = (1 << 63) - 1


def copy_up(node: "OverlayInode", max_bytes: int = WHOLE) -> None:
    """Makes sure that `node` has an upper inode. Of a regular file at most `max_bytes` are copied (it is to be
    truncated).

    Errors: LinuxError: EROFS (no upper tree), ENOSPC, or why the lower file cannot be read. Nothing is left half
    copied.
    """
    chain: list[OverlayInode] = []
    at = node
    while at.upper is None:
        chain.append(at)
        if at.parent is None:
            break
        at = at.parent
    while chain:
        one = chain.pop()
        _copy_one(one, max_bytes if one is node else WHOLE)


def _copy_one(node: "OverlayInode", max_bytes: int) -> None:
    parent = node.parent
    root = node.overlay.upper_root
    if root is None:
        raise LinuxError(EROFS)
    lower = node.lowers[0]
    st = lower.stat()
    if parent is None:
        # Its name is gone, but somebody has it open: a nameless copy.
        if st.mode & S_IFMT != S_IFREG:
            raise LinuxError(ENOENT)
        upper = root.tmpfile(st.mode, st.uid, st.gid)
        _fill(upper, lower, st, max_bytes)
        node.copied_up(upper)
        return
    directory = parent.upper
    assert directory is not None
    before = directory.stat()
    upper = _make(directory, node.name, lower, st)
    try:
        _fill(upper, lower, st, max_bytes)
    except LinuxError:
        if st.mode & S_IFMT == S_IFDIR:
            directory.rmdir(node.name, upper)
        else:
            directory.unlink(node.name, upper)
        upper.forget()
        raise
    directory.set_attributes(-1, -1, -1, before.atime_ns, before.mtime_ns)
    node.copied_up(upper)


def _make(directory: Inode, name: bytes, lower: Inode, st: Stat) -> Inode:
    kind = st.mode & S_IFMT
    if kind == S_IFLNK:
        return directory.symlink(name, lower.readlink(), st.uid, st.gid)
    if kind == S_IFDIR:
        return directory.mkdir(name, st.mode & 0o7777, st.uid, st.gid)
    try:
        return directory.create(name, st.mode, st.uid, st.gid, st.rdev)
    except LinuxError as error:
        if error.errno != EPERM or not st.mode & 0o6000:
            raise
    # An upper tree on the host takes no set-user-id files: a changed copy loses these bits, as it would by the write.
    return directory.create(name, st.mode & ~0o6000, st.uid, st.gid, st.rdev)


def _fill(upper: Inode, lower: Inode, st: Stat, max_bytes: int) -> None:
    if st.mode & S_IFMT == S_IFREG:
        length = min(st.size, max_bytes)
        if length:
            copy_data(lower, upper, length)
    for name in lower.listxattr():
        if name.startswith(b"user.") and not name.startswith(PRIVATE_XATTRS):
            try:
                upper.setxattr(name, lower.getxattr(name), 0)
            except LinuxError as error:
                if error.errno == ENOSPC:
                    raise
    upper.set_attributes(-1, -1, -1, st.atime_ns, st.mtime_ns)


def copy_data(lower: Inode, upper: Inode, length: int) -> None:
    """Copies the first `length` bytes, holes as holes. Errors: LinuxError."""
    source = lower.open(detached_path(lower), O_RDONLY).get()
    target = upper.open(detached_path(upper), O_WRONLY).get()
    try:
        position = 0
        while position < length:
            start = _next_data(source, position)
            if start >= length:
                break
            end = min(_next_hole(source, start), length)
            position = _copy_range(source, target, start, end)
            if position < end:
                break  # the file became shorter behind our back
        upper.truncate(length)
    finally:
        source.put()
        target.put()


def _next_data(source: File, position: int) -> int:
    found = source.lseek(position, SEEK_DATA)
    if found == -ENXIO:
        return WHOLE
    if found == -EINVAL:
        return position
    if found < 0:
        raise LinuxError(-found)
    return found


def _next_hole(source: File, position: int) -> int:
    found = source.lseek(position, SEEK_HOLE)
    return WHOLE if found < 0 or found <= position else found


def _copy_range(source: File, target: File, start: int, end: int) -> int:
    """Where it stopped: `end`, or the end of the file."""
    while start < end:
        room = BytesWriter(min(CHUNK_BYTES, end - start))
        count = source.read(room, start)
        if count < 0:
            raise LinuxError(-count)
        if count == 0:
            return start
        data = BytesReader(room.getvalue())
        while data.remaining:
            written = target.write(data, start)
            if written <= 0:
                raise LinuxError(-written if written else EIO)
            start += written
    return start
