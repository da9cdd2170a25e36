# SPDX-License-Identifier: MPL-2.0
"""The marks an overlay leaves in a layer: whiteouts ("deleted") and opaque directories ("nothing below counts")."""

from typing import Final

from cruck.abi.errno import EOPNOTSUPP
from cruck.abi.stat import S_IFCHR, S_IFMT, S_IFREG
from cruck.kernel.errors import LinuxError
from cruck.kernel.vfs.dentry import Dentry, Mount, Path
from cruck.kernel.vfs.file import DirEntry
from cruck.kernel.vfs.inode import Inode

OPAQUE_XATTR: Final = b"user.overlay.opaque"
PRIVATE_XATTRS: Final = b"user.overlay."
OPAQUE_FILE: Final = b".wh..wh..opq"  # the OCI layer format's word for it
DT_CHR: Final = 2


def is_whiteout(inode: Inode) -> bool:
    return inode.mode & S_IFMT == S_IFCHR and inode.rdev == 0


def make_whiteout(directory: Inode, name: bytes) -> None:
    """Errors: LinuxError (ENOSPC; EPERM: a host that does not allow character device 0/0)."""
    directory.create(name, S_IFCHR, 0, 0, 0)


def clear_whiteout(directory: Inode, name: bytes) -> bool:
    """Was there one?"""
    found = directory.lookup(name)
    if found is None or not is_whiteout(found):
        return False
    directory.unlink(name, found)
    found.forget()
    return True


def is_opaque(directory: Inode) -> bool:
    try:
        return directory.getxattr(OPAQUE_XATTR) == b"y"
    except LinuxError as error:
        return error.errno == EOPNOTSUPP and directory.lookup(OPAQUE_FILE) is not None


def set_opaque(directory: Inode) -> None:
    try:
        directory.setxattr(OPAQUE_XATTR, b"y", 0)
    except LinuxError as error:
        if error.errno != EOPNOTSUPP:
            raise
        if directory.lookup(OPAQUE_FILE) is None:
            directory.create(OPAQUE_FILE, S_IFREG | 0o600, 0, 0)


def clear_marks(directory: Inode) -> None:
    """Empties a layer's directory that has nothing but marks in it."""
    for entry in list_entries(directory):
        found = directory.lookup(entry.name)
        if found is not None and (is_whiteout(found) or entry.name == OPAQUE_FILE):
            directory.unlink(entry.name, found)
            found.forget()


def list_entries(directory: Inode) -> list[DirEntry]:
    """All but "." and "..". Errors: LinuxError."""
    file = directory.open(detached_path(directory), 0).get()
    entries: list[DirEntry] = []
    cookie = 0
    try:
        while True:
            batch = file.readdir(cookie)
            if not batch:
                return entries
            cookie = batch[-1].cookie
            for entry in batch:
                if entry.name != b"." and entry.name != b"..":
                    entries.append(entry)
    finally:
        file.put()


def detached_path(inode: Inode) -> Path:
    """A place for an inode of a layer, which is mounted nowhere: what Inode.open asks for."""
    dentry = Dentry(None, b"", inode)
    return Path(Mount(inode.fs, dentry, None, None, 0, b"none", 0), dentry)
