# SPDX-License-Identifier: MPL-2.0
"""POSIX access control lists (acl(5), Linux fs/posix_acl.c): what they permit, and how they go with mode bits.

An `Acl` is a tuple of entries in their fixed order: owner, named users, owning group, named groups, mask, others. An inode has two:
`acl_access`, and for directories `acl_default`, which what is made in it inherits. A list that says no more than the mode is not kept. Who may
change them is decided here too; the file system keeps them (`Inode.set_acl`). Their form in extended attributes: syscalls/acl_value.py.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EOPNOTSUPP, EPERM
from cruck.abi.stat import S_ISGID
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import CAP_FSETID, Credentials

if TYPE_CHECKING:
    from cruck.kernel.vfs.inode import Inode

USER_OBJ: Final = 0x01
USER: Final = 0x02
GROUP_OBJ: Final = 0x04
GROUP: Final = 0x08
MASK: Final = 0x10
OTHER: Final = 0x20
NO_ID: Final = -1


class Entry:
    def __init__(self, tag: int, bits: int, number: int) -> None:
        self.tag = tag
        self.bits = bits  # rwx
        self.number = number  # the kernel's user or group id for USER and GROUP, else NO_ID


Acl = tuple[Entry, ...]


def is_valid(acl: Acl) -> bool:
    """One owner, one owning group, one others, in order; a mask if anybody is named (posix_acl_valid)."""
    state = USER_OBJ
    needs_mask = False
    for entry in acl:
        if entry.bits & ~7:
            return False
        if entry.tag == USER_OBJ and state == USER_OBJ:
            state = USER
        elif entry.tag == USER and state == USER:
            needs_mask = True
        elif entry.tag == GROUP_OBJ and state == USER:
            state = GROUP
        elif entry.tag == GROUP and state == GROUP:
            needs_mask = True
        elif entry.tag == MASK and state == GROUP:
            state = OTHER
        elif entry.tag == OTHER and (state == OTHER or state == GROUP and not needs_mask):
            state = 0
        else:
            return False
    return state == 0


def permits(acl: Acl, creds: Credentials, inode: "Inode", wanted: int) -> bool:
    """posix_acl_permission: the first entry that fits decides; of several groups one is enough."""
    mask = 7
    for entry in acl:
        if entry.tag == MASK:
            mask = entry.bits
    is_in_group = False
    for entry in acl:
        if entry.tag == USER_OBJ:
            if creds.fsuid == inode.uid:
                return entry.bits & wanted == wanted
        elif entry.tag == USER:
            if creds.fsuid == entry.number:
                return entry.bits & mask & wanted == wanted
        elif entry.tag == GROUP_OBJ or entry.tag == GROUP:
            if creds.in_group(inode.gid if entry.tag == GROUP_OBJ else entry.number):
                is_in_group = True
                if entry.bits & mask & wanted == wanted:
                    return True
        elif entry.tag == OTHER and not is_in_group:
            return entry.bits & wanted == wanted
    return False


def mode_of(acl: Acl, mode: int) -> int:
    """The mode bits a list stands for; its mask, if it has one, is shown as the group's."""
    bits = mode & ~0o777
    mask = -1
    for entry in acl:
        if entry.tag == USER_OBJ:
            bits |= entry.bits << 6
        elif entry.tag == GROUP_OBJ:
            bits |= entry.bits << 3
        elif entry.tag == OTHER:
            bits |= entry.bits
        elif entry.tag == MASK:
            mask = entry.bits
    return bits & ~0o070 | mask << 3 if mask >= 0 else bits


def is_minimal(acl: Acl) -> bool:
    """Does it say no more than a mode?"""
    return len(acl) == 3


def _has_mask(acl: Acl) -> bool:
    for entry in acl:
        if entry.tag == MASK:
            return True
    return False


def with_mode(acl: Acl, mode: int) -> Acl:
    """After chmod: owner, others, and the mask (the owning group if there is none) are the mode's (__posix_acl_chmod_masq)."""
    is_masked = _has_mask(acl)
    changed: list[Entry] = []
    for entry in acl:
        bits = entry.bits
        if entry.tag == USER_OBJ:
            bits = mode >> 6 & 7
        elif entry.tag == OTHER:
            bits = mode & 7
        elif entry.tag == MASK or entry.tag == GROUP_OBJ and not is_masked:
            bits = mode >> 3 & 7
        changed.append(Entry(entry.tag, bits, entry.number))
    return tuple(changed)


def inherited(acl: Acl, mode: int) -> tuple[Acl, int]:
    """(list, mode) of a file made with `mode` in a directory whose default list is `acl` (posix_acl_create_masq)."""
    is_masked = _has_mask(acl)
    changed: list[Entry] = []
    allowed = mode
    for entry in acl:
        bits = entry.bits
        if entry.tag == USER_OBJ:
            bits &= mode >> 6 | ~7
            allowed &= bits << 6 | ~0o700
        elif entry.tag == OTHER:
            bits &= mode | ~7
            allowed &= bits | ~0o007
        elif entry.tag == MASK or entry.tag == GROUP_OBJ and not is_masked:
            bits &= mode >> 3 | ~7
            allowed &= bits << 3 | ~0o070
        changed.append(Entry(entry.tag, bits & 7, entry.number))
    return tuple(changed), allowed


def inherit(parent: "Inode", inode: "Inode") -> None:
    """A new file or directory gets what its directory's default list says. Its mode was not masked by umask then."""
    default = parent.acl_default
    if default is None or inode.is_symlink():
        return
    acl, mode = inherited(default, inode.mode)
    inode.set_acl(False, None if is_minimal(acl) else acl, mode & 0o7777)
    if inode.is_dir():
        inode.set_acl(True, default, -1)


def change(creds: Credentials, inode: "Inode", is_default: bool, acl: Acl | None) -> None:
    """setfacl: None takes the list away. Errors: LinuxError: EPERM (not the owner), EACCES (a default list for no directory),
    EOPNOTSUPP."""
    from cruck.kernel.vfs.permission import is_owner_or_capable

    if inode.is_symlink():
        raise LinuxError(EOPNOTSUPP)
    if is_default and not inode.is_dir():
        if acl is None:
            return
        raise LinuxError(EACCES)
    if not is_owner_or_capable(creds, inode):
        raise LinuxError(EPERM)
    if is_default:
        inode.set_acl(True, acl, -1)
        return
    mode = -1
    if acl is not None:
        mode = mode_of(acl, inode.mode) & 0o7777
        if mode & S_ISGID and not creds.in_group(inode.gid) and not creds.has_over(inode.uid, inode.gid, CAP_FSETID):
            mode &= ~S_ISGID
        if is_minimal(acl):
            acl = None
    inode.set_acl(False, acl, mode)
