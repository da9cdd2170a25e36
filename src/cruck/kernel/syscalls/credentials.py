# SPDX-License-Identifier: MPL-2.0
"""User and group identities and capabilities at the edge (credentials(7), capabilities(7)).

Linux changes credentials per thread; libc makes all threads agree. A task's Credentials object is replaced, never changed.
"""

import struct
from typing import Final

from cruck.abi.errno import EINVAL, EPERM, ESRCH
from cruck.kernel.process.credentials import ALL_CAPABILITIES, CAP_SETGID, CAP_SETUID, Credentials
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.types import CInt, Gid, Uid, UserAddr

NO_ID: Final = 0xFFFF_FFFF
NGROUPS_MAX: Final = 65536
CAP_VERSION_1: Final = 0x1998_0330
CAP_VERSION_2: Final = 0x2007_1026
CAP_VERSION_3: Final = 0x2008_0522
SECURE_NO_SETUID_FIXUP: Final = 1 << 2
SECURE_KEEP_CAPS: Final = 1 << 4


def sys_getuid(task: Task) -> int:
    return task.creds.uid


def sys_geteuid(task: Task) -> int:
    return task.creds.euid


def sys_getgid(task: Task) -> int:
    return task.creds.gid


def sys_getegid(task: Task) -> int:
    return task.creds.egid


def _fix_capabilities(old: Credentials, new: Credentials) -> None:
    """capabilities(7), "Effect of user ID changes on capabilities"."""
    if new.securebits & SECURE_NO_SETUID_FIXUP:
        return
    had_root = 0 in (old.uid, old.euid, old.suid)
    has_root = 0 in (new.uid, new.euid, new.suid)
    if had_root and not has_root:
        if not new.securebits & SECURE_KEEP_CAPS:
            new.cap_permitted = 0
        new.cap_effective = new.cap_ambient = 0
    if old.euid == 0 and new.euid != 0:
        new.cap_effective = 0
    elif old.euid != 0 and new.euid == 0:
        new.cap_effective = new.cap_permitted


def _commit(task: Task, new: Credentials) -> int:
    old = task.creds
    _fix_capabilities(old, new)
    if (old.euid, old.egid) != (new.euid, new.egid):
        task.process.dumpable = 0
        task.pdeath_signal = 0
    task.creds = new
    return 0


def sys_setuid(task: Task, uid: Uid) -> int:
    """Errors: EPERM, EINVAL."""
    if uid == NO_ID:
        return -EINVAL
    old = task.creds
    new = old.copy()
    if old.has(CAP_SETUID):
        new.uid = new.suid = uid
    elif uid not in (old.uid, old.suid):
        return -EPERM
    new.euid = new.fsuid = uid
    return _commit(task, new)


def sys_setgid(task: Task, gid: Gid) -> int:
    if gid == NO_ID:
        return -EINVAL
    old = task.creds
    new = old.copy()
    if old.has(CAP_SETGID):
        new.gid = new.sgid = gid
    elif gid not in (old.gid, old.sgid):
        return -EPERM
    new.egid = new.fsgid = gid
    return _commit(task, new)


def sys_setreuid(task: Task, ruid: Uid, euid: Uid) -> int:
    old = task.creds
    new = old.copy()
    is_privileged = old.has(CAP_SETUID)
    if ruid != NO_ID:
        if not is_privileged and ruid not in (old.uid, old.euid):
            return -EPERM
        new.uid = ruid
    if euid != NO_ID:
        if not is_privileged and euid not in (old.uid, old.euid, old.suid):
            return -EPERM
        new.euid = euid
    if ruid != NO_ID or (euid != NO_ID and euid != old.uid):
        new.suid = new.euid
    new.fsuid = new.euid
    return _commit(task, new)


def sys_setregid(task: Task, rgid: Gid, egid: Gid) -> int:
    old = task.creds
    new = old.copy()
    is_privileged = old.has(CAP_SETGID)
    if rgid != NO_ID:
        if not is_privileged and rgid not in (old.gid, old.egid):
            return -EPERM
        new.gid = rgid
    if egid != NO_ID:
        if not is_privileged and egid not in (old.gid, old.egid, old.sgid):
            return -EPERM
        new.egid = egid
    if rgid != NO_ID or (egid != NO_ID and egid != old.gid):
        new.sgid = new.egid
    new.fsgid = new.egid
    return _commit(task, new)


def sys_setresuid(task: Task, ruid: Uid, euid: Uid, suid: Uid) -> int:
    old = task.creds
    allowed = (old.uid, old.euid, old.suid, NO_ID)
    if not old.has(CAP_SETUID) and not (ruid in allowed and euid in allowed and suid in allowed):
        return -EPERM
    new = old.copy()
    new.uid = old.uid if ruid == NO_ID else ruid
    new.euid = old.euid if euid == NO_ID else euid
    new.suid = old.suid if suid == NO_ID else suid
    new.fsuid = new.euid
    return _commit(task, new)


def sys_setresgid(task: Task, rgid: Gid, egid: Gid, sgid: Gid) -> int:
    old = task.creds
    allowed = (old.gid, old.egid, old.sgid, NO_ID)
    if not old.has(CAP_SETGID) and not (rgid in allowed and egid in allowed and sgid in allowed):
        return -EPERM
    new = old.copy()
    new.gid = old.gid if rgid == NO_ID else rgid
    new.egid = old.egid if egid == NO_ID else egid
    new.sgid = old.sgid if sgid == NO_ID else sgid
    new.fsgid = new.egid
    return _commit(task, new)


def sys_getresuid(task: Task, ruid: UserAddr, euid: UserAddr, suid: UserAddr) -> int:
    creds = task.creds
    task.user.write_u32(ruid, creds.uid)
    task.user.write_u32(euid, creds.euid)
    task.user.write_u32(suid, creds.suid)
    return 0


def sys_getresgid(task: Task, rgid: UserAddr, egid: UserAddr, sgid: UserAddr) -> int:
    creds = task.creds
    task.user.write_u32(rgid, creds.gid)
    task.user.write_u32(egid, creds.egid)
    task.user.write_u32(sgid, creds.sgid)
    return 0


def sys_setfsuid(task: Task, uid: Uid) -> int:
    """Returns the old value, whether it changed or not."""
    old = task.creds
    if uid in (old.uid, old.euid, old.suid, old.fsuid) or (old.has(CAP_SETUID) and uid != NO_ID):
        task.creds = old.copy()
        task.creds.fsuid = uid
    return old.fsuid


def sys_setfsgid(task: Task, gid: Gid) -> int:
    old = task.creds
    if gid in (old.gid, old.egid, old.sgid, old.fsgid) or (old.has(CAP_SETGID) and gid != NO_ID):
        task.creds = old.copy()
        task.creds.fsgid = gid
    return old.fsgid


def sys_getgroups(task: Task, gidsetsize: CInt, grouplist: UserAddr) -> int:
    """Errors: EINVAL (too small), EFAULT."""
    groups = task.creds.groups
    if gidsetsize < 0 or 0 < gidsetsize < len(groups):
        return -EINVAL
    if gidsetsize:
        task.user.write(grouplist, struct.pack(f"<{len(groups)}I", *groups))
    return len(groups)


def sys_setgroups(task: Task, gidsetsize: CInt, grouplist: UserAddr) -> int:
    """Errors: EPERM, EINVAL, EFAULT."""
    if not task.creds.has(CAP_SETGID):
        return -EPERM
    if not 0 <= gidsetsize <= NGROUPS_MAX:
        return -EINVAL
    values = struct.unpack(f"<{gidsetsize}I", task.user.read(grouplist, gidsetsize * 4))
    task.creds = task.creds.copy()
    task.creds.groups = tuple(sorted(values))
    return 0


def _capability_words(task: Task, header: int) -> tuple[int, int]:
    """(number of 32-bit words, pid); writes back the preferred version for an unknown one (then words = 0)."""
    version, pid = struct.unpack("<Ii", task.user.read(header, 8))
    if version in (CAP_VERSION_2, CAP_VERSION_3):
        return 2, pid
    if version == CAP_VERSION_1:
        return 1, pid
    task.user.write_u32(header, CAP_VERSION_3)
    return 0, pid


def sys_capget(task: Task, header: UserAddr, dataptr: UserAddr) -> int:
    """Errors: EINVAL, ESRCH, EFAULT."""
    words, pid = _capability_words(task, header)
    if words == 0:
        return 0 if dataptr == 0 else -EINVAL
    if pid < 0:
        return -EINVAL
    other = task if pid == 0 else task.kernel.tasks.get(pid)
    if other is None:
        return -ESRCH
    creds = other.creds
    data = b""
    for word in range(words):
        shift = 32 * word
        data += struct.pack(
            "<III", creds.cap_effective >> shift & NO_ID, creds.cap_permitted >> shift & NO_ID, creds.cap_inheritable >> shift & NO_ID
        )
    if dataptr:
        task.user.write(dataptr, data)
    return 0


def sys_capset(task: Task, header: UserAddr, data: UserAddr) -> int:
    """Errors: EINVAL, EPERM (more than permitted, or another process), EFAULT."""
    words, pid = _capability_words(task, header)
    if words == 0:
        return -EINVAL
    if pid not in (0, task.tid):
        return -EPERM
    effective = permitted = inheritable = 0
    for word, (e, p, i) in enumerate(struct.iter_unpack("<III", task.user.read(data, 12 * words))):
        effective |= e << 32 * word
        permitted |= p << 32 * word
        inheritable |= i << 32 * word
    old = task.creds
    effective, permitted, inheritable = effective & ALL_CAPABILITIES, permitted & ALL_CAPABILITIES, inheritable & ALL_CAPABILITIES
    if permitted & ~old.cap_permitted or effective & ~permitted:
        return -EPERM
    if inheritable & ~(old.cap_inheritable | old.cap_permitted):
        return -EPERM
    new = old.copy()
    new.cap_effective, new.cap_permitted, new.cap_inheritable = effective, permitted, inheritable
    new.cap_ambient &= permitted & inheritable
    task.creds = new
    return 0
