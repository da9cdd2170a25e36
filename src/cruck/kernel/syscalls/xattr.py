# SPDX-License-Identifier: MPL-2.0
"""Extended attributes (xattr(7), Linux fs/xattr.c): namespaces, permission and sizes; the values are the file
system's."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import E2BIG, EINVAL, ENODATA, EOPNOTSUPP, EPERM, ERANGE
from cruck.abi.fcntl import AT_FDCWD
from cruck.abi.inotify import IN_ATTRIB
from cruck.abi.limits import XATTR_LIST_MAX, XATTR_NAME_MAX, XATTR_SIZE_MAX
from cruck.abi.stat import S_IFDIR, S_IFMT, S_IFREG, S_ISVTX
from cruck.abi.xattr import XATTR_NAME_POSIX_ACL_DEFAULT
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import CAP_SYS_ADMIN
from cruck.kernel.syscalls import acl_value
from cruck.kernel.syscalls.types import CInt, Fd, InBuffer, OutBuffer, Size, UserPath, UserString
from cruck.kernel.vfs import acl
from cruck.kernel.vfs.fsnotify import fsnotify, notify_dentry
from cruck.kernel.vfs.permission import MAY_READ, MAY_WRITE, check_access, check_mount_writable, is_owner_or_capable
from cruck.kernel.vfs.walk import LOOKUP_NOFOLLOW, read_path, resolve

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Path
    from cruck.kernel.vfs.inode import Inode

XATTR_CREATE: Final = 1
XATTR_REPLACE: Final = 2


def sys_setxattr(task: "Task", path: UserPath, name: UserString, value: InBuffer, size: Size, flags: CInt) -> int:
    """Errors: the path's (EACCES also: no right to write), ERANGE (name empty or longer than 255 bytes), E2BIG (more than 64 KiB), EINVAL
    (flags), EEXIST (XATTR_CREATE), ENODATA (XATTR_REPLACE), EOPNOTSUPP (no such namespace, none kept here), EPERM (trusted. and security.
    without CAP_SYS_ADMIN; user. on what is no regular file or directory; sticky directory), ENOSPC, EROFS."""
    inode, place = _at(task, path, 0)
    return _set(task, inode, place, name, value, size, flags)


def sys_lsetxattr(task: "Task", path: UserPath, name: UserString, value: InBuffer, size: Size, flags: CInt) -> int:
    """As setxattr, of a symbolic link itself."""
    inode, place = _at(task, path, LOOKUP_NOFOLLOW)
    return _set(task, inode, place, name, value, size, flags)


def sys_fsetxattr(task: "Task", fd: Fd, name: UserString, value: InBuffer, size: Size, flags: CInt) -> int:
    """Errors: EBADF, EFAULT, EACCES, ERANGE, E2BIG, EINVAL, EEXIST, ENODATA, EOPNOTSUPP, EPERM, ENOSPC, EROFS, all as setxattr."""
    inode, place = _of_fd(task, fd)
    return _set(task, inode, place, name, value, size, flags)


def sys_getxattr(task: "Task", path: UserPath, name: UserString, value: OutBuffer, size: Size) -> int:
    """The value's length; size 0 asks for it. Errors: the path's (EACCES also: no right to read), ERANGE (name empty or longer than 255
    bytes; value longer than `size`), ENODATA, EOPNOTSUPP (no such namespace)."""
    return _get(task, _at(task, path, 0)[0], name, value, size)


def sys_lgetxattr(task: "Task", path: UserPath, name: UserString, value: OutBuffer, size: Size) -> int:
    """As getxattr, of a symbolic link itself."""
    return _get(task, _at(task, path, LOOKUP_NOFOLLOW)[0], name, value, size)


def sys_fgetxattr(task: "Task", fd: Fd, name: UserString, value: OutBuffer, size: Size) -> int:
    """Errors: EBADF, EFAULT, EACCES, ERANGE, ENODATA, EOPNOTSUPP, all as getxattr."""
    return _get(task, _of_fd(task, fd)[0], name, value, size)


def sys_listxattr(task: "Task", path: UserPath, names: OutBuffer, size: Size) -> int:
    """Bytes of names, each with its NUL; size 0 asks for them. Errors: the path's, ERANGE (more than `size`)."""
    return _list(task, _at(task, path, 0)[0], names, size)


def sys_llistxattr(task: "Task", path: UserPath, names: OutBuffer, size: Size) -> int:
    """As listxattr, of a symbolic link itself."""
    return _list(task, _at(task, path, LOOKUP_NOFOLLOW)[0], names, size)


def sys_flistxattr(task: "Task", fd: Fd, names: OutBuffer, size: Size) -> int:
    """Errors: EBADF, EFAULT, ERANGE, all as listxattr."""
    return _list(task, _of_fd(task, fd)[0], names, size)


def sys_removexattr(task: "Task", path: UserPath, name: UserString) -> int:
    """Errors: the path's (EACCES also: no right to write), ERANGE (name), ENODATA, EOPNOTSUPP, EPERM, EROFS, all as setxattr."""
    inode, place = _at(task, path, 0)
    return _remove(task, inode, place, name)


def sys_lremovexattr(task: "Task", path: UserPath, name: UserString) -> int:
    """As removexattr, of a symbolic link itself."""
    inode, place = _at(task, path, LOOKUP_NOFOLLOW)
    return _remove(task, inode, place, name)


def sys_fremovexattr(task: "Task", fd: Fd, name: UserString) -> int:
    """Errors: EBADF, EFAULT, EACCES, ERANGE, ENODATA, EOPNOTSUPP, EPERM, EROFS, all as setxattr."""
    inode, place = _of_fd(task, fd)
    return _remove(task, inode, place, name)


def _at(task: "Task", addr: int, flags: int) -> "tuple[Inode, Path | None]":
    place = resolve(task, AT_FDCWD, read_path(task, addr), flags)
    return place.inode(), place


def _of_fd(task: "Task", fd: int) -> "tuple[Inode, Path | None]":
    file = task.files.get(fd)
    inode = file.inode()
    if inode is None:
        raise LinuxError(EOPNOTSUPP)
    return inode, file.path


def _read_name(task: "Task", addr: int) -> bytes:
    """Errors: LinuxError(ERANGE: empty or longer than 255 bytes)."""
    name = task.user.read_cstring(addr, XATTR_NAME_MAX + 1)
    if not name:
        raise LinuxError(ERANGE)
    return name


def _check(task: "Task", inode: "Inode", name: bytes, is_write: bool) -> None:
    """xattr_permission(). Errors: LinuxError: EPERM, EACCES, ENODATA, EOPNOTSUPP (no such namespace)."""
    creds = task.creds
    if name.startswith(b"trusted."):
        if not creds.has(CAP_SYS_ADMIN):
            raise LinuxError(EPERM if is_write else ENODATA)
        return
    if name.startswith(b"security."):
        if is_write and not creds.has(CAP_SYS_ADMIN):
            raise LinuxError(EPERM)
        return
    if not name.startswith(b"user.") or len(name) == 5:
        raise LinuxError(EINVAL if name == b"user." else EOPNOTSUPP)
    kind = inode.mode & S_IFMT
    if kind not in (S_IFREG, S_IFDIR):
        raise LinuxError(EPERM if is_write else ENODATA)
    if kind == S_IFDIR and inode.mode & S_ISVTX and is_write and not is_owner_or_capable(creds, inode):
        raise LinuxError(EPERM)
    check_access(creds, inode, MAY_WRITE if is_write else MAY_READ)


def _set(task: "Task", inode: "Inode", place: "Path | None", name_addr: int, value_addr: int, size: int, flags: int) -> int:
    if flags & ~(XATTR_CREATE | XATTR_REPLACE):
        return -EINVAL
    name = _read_name(task, name_addr)
    if size > XATTR_SIZE_MAX:
        return -E2BIG
    value = task.user.read(value_addr, size)
    if place is not None:
        check_mount_writable(place.mount)
    if name in acl_value.NAMES:
        _set_acl(task, inode, name, value, flags)
    else:
        _check(task, inode, name, True)
        inode.setxattr(name, value, flags)
    _notify(inode, place)
    return 0


def _acl_of(inode: "Inode", name: bytes) -> "acl.Acl | None":
    return inode.acl_default if name == XATTR_NAME_POSIX_ACL_DEFAULT else inode.acl_access


def _check_acl(inode: "Inode") -> None:
    """Errors: LinuxError(EOPNOTSUPP): the file system keeps none, or it is a symbolic link."""
    if not inode.supports_acl() or inode.is_symlink():
        raise LinuxError(EOPNOTSUPP)


def _set_acl(task: "Task", inode: "Inode", name: bytes, value: bytes, flags: int) -> None:
    """The flags have never counted for lists."""
    _check_acl(inode)
    acl.change(task.creds, inode, name == XATTR_NAME_POSIX_ACL_DEFAULT, acl_value.parse(task.creds, value))


def _get_acl(task: "Task", inode: "Inode", name: bytes) -> bytes:
    """Errors: LinuxError(EOPNOTSUPP, ENODATA)."""
    _check_acl(inode)
    found = _acl_of(inode, name)
    if found is None:
        raise LinuxError(ENODATA)
    return acl_value.pack(task.creds, found)


def _notify(inode: "Inode", place: "Path | None") -> None:
    if place is not None:
        notify_dentry(place.dentry, IN_ATTRIB)
    else:
        fsnotify(inode, IN_ATTRIB)


def _get(task: "Task", inode: "Inode", name_addr: int, out: int, size: int) -> int:
    """The value's length. Errors: ERANGE (size > 0 and too small), ENODATA, EOPNOTSUPP, …"""
    name = _read_name(task, name_addr)
    if name in acl_value.NAMES:
        value = _get_acl(task, inode, name)
    else:
        _check(task, inode, name, False)
        value = inode.getxattr(name)
    if size:
        if len(value) > size:
            return -ERANGE
        task.user.write(out, value)
    return len(value)


def _list(task: "Task", inode: "Inode", out: int, size: int) -> int:
    is_admin = task.creds.has(CAP_SYS_ADMIN)
    parts: list[bytes] = []
    for name in inode.listxattr():
        if is_admin or not name.startswith(b"trusted."):
            parts.append(name + b"\0")
    for name in acl_value.NAMES:
        if _acl_of(inode, name) is not None:
            parts.append(name + b"\0")
    data = b"".join(parts)
    if len(data) > XATTR_LIST_MAX:
        return -E2BIG
    if size:
        if len(data) > size:
            return -ERANGE
        task.user.write(out, data)
    return len(data)


def _remove(task: "Task", inode: "Inode", place: "Path | None", name_addr: int) -> int:
    name = _read_name(task, name_addr)
    if place is not None:
        check_mount_writable(place.mount)
    if name in acl_value.NAMES:
        _check_acl(inode)
        acl.change(task.creds, inode, name == XATTR_NAME_POSIX_ACL_DEFAULT, None)
    else:
        _check(task, inode, name, True)
        inode.removexattr(name)
    _notify(inode, place)
    return 0
