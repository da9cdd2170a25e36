# SPDX-License-Identifier: MPL-2.0
"""Who may do what to an inode: fs/namei.c's generic_permission(), may_create(), may_delete() and their kin.

`has_access` answers, the other functions raise. The user is `fsuid`/`fsgid` of the credentials, the powers are its
effective capabilities (capabilities(7)). Access control lists are vfs/acl.py's.
"""

from typing import Final

from cruck.abi.errno import EACCES, EBUSY, EISDIR, ENOENT, ENOTDIR, EPERM, EROFS
from cruck.abi.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_ISVTX, S_IXGRP
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import (
    ALL_CAPABILITIES,
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    CAP_FOWNER,
    CAP_FSETID,
    Credentials,
)
from cruck.kernel.vfs.acl import permits
from cruck.kernel.vfs.dentry import Dentry, Mount, Path
from cruck.kernel.vfs.inode import Inode

MAY_EXEC: Final = 1
MAY_WRITE: Final = 2
MAY_READ: Final = 4


def has_access(creds: Credentials, inode: Inode, mask: int) -> bool:
    """May `creds` do all of `mask` (MAY_*) to the inode?"""
    mode = inode.mode
    if creds.fsuid == inode.uid:
        bits = mode >> 6
    elif inode.acl_access is not None and mode & 0o070:  # without bits in its mask a list is not even looked at
        bits = 7 if permits(inode.acl_access, creds, inode, mask & 7) else 0
    elif creds.in_group(inode.gid):
        bits = mode >> 3
    else:
        bits = mode
    if mask & ~bits & 7 == 0:
        return True
    if not creds.cap_effective:
        return False
    if mode & S_IFMT == S_IFDIR:
        if not mask & MAY_WRITE and creds.has_over(inode.uid, inode.gid, CAP_DAC_READ_SEARCH):
            return True
        return creds.has_over(inode.uid, inode.gid, CAP_DAC_OVERRIDE)
    if mask == MAY_READ and creds.has_over(inode.uid, inode.gid, CAP_DAC_READ_SEARCH):
        return True
    # Even root executes only what somebody may execute.
    if not mask & MAY_EXEC or mode & 0o111:
        return creds.has_over(inode.uid, inode.gid, CAP_DAC_OVERRIDE)
    return False


def check_access(creds: Credentials, inode: Inode, mask: int) -> None:
    """Errors: LinuxError(EACCES). Read-only file systems are check_writable()'s."""
    if not has_access(creds, inode, mask):
        raise LinuxError(EACCES)


def check_mount_writable(mount: Mount) -> None:
    """Errors: LinuxError(EROFS)."""
    if mount.is_read_only():
        raise LinuxError(EROFS)


def check_path_access(creds: Credentials, path: Path, mask: int) -> None:
    """As check_access(), and EROFS for writing to a file, directory or link on a read-only mount (devices and FIFOs
    there may be written to)."""
    inode = path.inode()
    if mask & MAY_WRITE and inode.mode & S_IFMT in (S_IFREG, S_IFDIR, S_IFLNK):
        check_mount_writable(path.mount)
    check_access(creds, inode, mask)


def is_owner_or_capable(creds: Credentials, inode: Inode) -> bool:
    return creds.fsuid == inode.uid or creds.has_over(inode.uid, inode.gid, CAP_FOWNER)


def check_create(creds: Credentials, directory: Path, is_dead: bool) -> None:
    """May a name be made in `directory`? Errors: LinuxError(ENOENT: the directory itself is deleted, EROFS, EACCES)."""
    check_mount_writable(directory.mount)
    if is_dead:
        raise LinuxError(ENOENT)
    check_access(creds, directory.inode(), MAY_WRITE | MAY_EXEC)


def check_delete(creds: Credentials, directory: Path, victim: Dentry, must_be_dir: bool) -> None:
    """May the existing name `victim` go (fs/namei.c may_delete)?

    Errors: LinuxError: EACCES, EROFS; EPERM (sticky directory); ENOTDIR/EISDIR (kind); EBUSY (root of a file system).
    """
    check_mount_writable(directory.mount)
    parent = directory.inode()
    inode = victim.inode
    assert inode is not None
    check_access(creds, parent, MAY_WRITE | MAY_EXEC)
    if is_sticky_refusal(creds, parent, inode):
        raise LinuxError(EPERM)
    if must_be_dir:
        if not inode.is_dir():
            raise LinuxError(ENOTDIR)
        if victim.parent is victim:
            raise LinuxError(EBUSY)
    elif inode.is_dir():
        raise LinuxError(EISDIR)


def is_sticky_refusal(creds: Credentials, parent: Inode, inode: Inode) -> bool:
    return (
        bool(parent.mode & S_ISVTX)
        and creds.fsuid != inode.uid
        and creds.fsuid != parent.uid
        and not creds.has_over(inode.uid, inode.gid, CAP_FOWNER)
    )


def new_inode_owner(creds: Credentials, parent: Inode, mode: int, umask: int) -> tuple[int, int, int]:
    """(mode, uid, gid) of a file made in `parent`: set-group-ID directories pass their group on (inode_init_owner); a default access
    control list takes the place of the umask (acl.inherit() is called once the file is there)."""
    if parent.acl_default is None:
        mode &= ~(umask & 0o777)
    gid = creds.fsgid
    if parent.mode & S_ISGID:
        gid = parent.gid
        if mode & S_IFMT == S_IFDIR:
            mode |= S_ISGID
        elif mode & (S_ISGID | S_IXGRP) == S_ISGID | S_IXGRP and not creds.in_group(gid) and not creds.has_own(CAP_FSETID):
            mode &= ~S_ISGID
    return mode, creds.fsuid, gid


def mode_after_write(creds: Credentials, mode: int) -> int:
    """The mode once someone has written to a regular file: set-ID bits fall (file_remove_privs)."""
    if mode & S_IFMT != S_IFREG or not mode & (S_ISUID | S_ISGID) or creds.has_own(CAP_FSETID):
        return mode
    return mode_without_setid(mode)


def mode_without_setid(mode: int) -> int:
    """Set-group-ID without group execution is a mark for mandatory locking, and stays."""
    mode &= ~S_ISUID
    if mode & S_IXGRP:
        mode &= ~S_ISGID
    return mode


def real_credentials(creds: Credentials) -> Credentials:
    """What access(2) checks with: the real user and group, and the capabilities that user would have."""
    if creds.fsuid == creds.uid and creds.fsgid == creds.gid and (creds.uid == 0 or not creds.cap_effective):
        return creds
    real = creds.copy()
    real.fsuid = creds.uid
    real.fsgid = creds.gid
    if creds.uid == 0:
        real.cap_effective = creds.cap_permitted & ALL_CAPABILITIES
    else:
        real.cap_effective = 0
    return real


def is_device(mode: int) -> bool:
    return mode & S_IFMT in (S_IFCHR, S_IFBLK)
