# SPDX-License-Identifier: MPL-2.0
"""User and group identities and capabilities at the edge (credentials(7), capabilities(7)).

Linux changes credentials per thread; libc makes all threads agree. A task's Credentials object is replaced, never changed.
"""

import struct
from typing import Final

from cruck.abi.errno import EINVAL, EPERM, ESRCH
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import ALL_CAPABILITIES, CAP_SETGID, CAP_SETPCAP, CAP_SETUID, Credentials
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.types import CInt, Gid, Uid, UserAddr

NO_ID: Final = 0xFFFF_FFFF
NGROUPS_MAX: Final = 65536
CAP_VERSION_1: Final = 0x1998_0330
CAP_VERSION_2: Final = 0x2007_1026
CAP_VERSION_3: Final = 0x2008_0522
SECURE_NO_SETUID_FIXUP: Final = 1 << 2
SECURE_KEEP_CAPS: Final = 1 << 4
# CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, LINUX_IMMUTABLE, MKNOD, MAC_OVERRIDE
FILE_CAPABILITIES: Final = 0x1F | 1 << 9 | 1 << 27 | 1 << 32


def sys_getuid(task: Task) -> int:
    return task.creds.shown_uid(task.creds.uid)


def sys_geteuid(task: Task) -> int:
    return task.creds.shown_uid(task.creds.euid)


def sys_getgid(task: Task) -> int:
    return task.creds.shown_gid(task.creds.gid)


def sys_getegid(task: Task) -> int:
    return task.creds.shown_gid(task.creds.egid)


def _fix_capabilities(old: Credentials, new: Credentials) -> None:
    """capabilities(7), "Effect of user ID changes on capabilities"."""
    if new.securebits & SECURE_NO_SETUID_FIXUP:
        return
    root = new.kernel_uid(0)
    had_root = root in (old.uid, old.euid, old.suid)
    has_root = root in (new.uid, new.euid, new.suid)
    if had_root and not has_root:
        if not new.securebits & SECURE_KEEP_CAPS:
            new.cap_permitted = new.cap_effective = 0
        new.cap_ambient = 0
    if old.euid == root and new.euid != root:
        new.cap_effective = 0
    elif old.euid != root and new.euid == root:
        new.cap_effective = new.cap_permitted


def _commit(task: Task, new: Credentials) -> int:
    old = task.creds
    _fix_capabilities(old, new)
    if (old.euid, old.egid) != (new.euid, new.egid):
        task.process.dumpable = 0
        task.pdeath_signal = 0
    task.creds = new
    return 0


def _uid(task: Task, uid: int) -> int:
    """The kernel's id for one of the caller's namespace; NO_ID stays. Errors: LinuxError(EINVAL): there is no such user in it."""
    if uid == NO_ID:
        return uid
    uid = task.creds.kernel_uid(uid)
    if uid < 0:
        raise LinuxError(EINVAL)
    return uid


def _gid(task: Task, gid: int) -> int:
    if gid == NO_ID:
        return gid
    gid = task.creds.kernel_gid(gid)
    if gid < 0:
        raise LinuxError(EINVAL)
    return gid


def sys_setuid(task: Task, uid: Uid) -> int:
    """Errors: EPERM, EINVAL."""
    if uid == NO_ID:
        return -EINVAL
    uid = Uid(_uid(task, uid))
    old = task.creds
    new = old.copy()
    if old.has_own(CAP_SETUID):
        new.uid = new.suid = uid
    elif uid not in (old.uid, old.suid):
        return -EPERM
    new.euid = new.fsuid = uid
    return _commit(task, new)


def sys_setgid(task: Task, gid: Gid) -> int:
    """Errors: EPERM, EINVAL."""
    if gid == NO_ID:
        return -EINVAL
    gid = Gid(_gid(task, gid))
    old = task.creds
    new = old.copy()
    if old.has_own(CAP_SETGID):
        new.gid = new.sgid = gid
    elif gid not in (old.gid, old.sgid):
        return -EPERM
    new.egid = new.fsgid = gid
    return _commit(task, new)


def sys_setreuid(task: Task, ruid: Uid, euid: Uid) -> int:
    """Errors: EPERM, EINVAL. NO_ID: no change."""
    ruid, euid = Uid(_uid(task, ruid)), Uid(_uid(task, euid))
    old = task.creds
    new = old.copy()
    is_privileged = old.has_own(CAP_SETUID)
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
    """As setreuid."""
    rgid, egid = Gid(_gid(task, rgid)), Gid(_gid(task, egid))
    old = task.creds
    new = old.copy()
    is_privileged = old.has_own(CAP_SETGID)
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
    """Errors: EPERM, EINVAL. NO_ID: no change."""
    ruid, euid, suid = Uid(_uid(task, ruid)), Uid(_uid(task, euid)), Uid(_uid(task, suid))
    old = task.creds
    allowed = (old.uid, old.euid, old.suid, NO_ID)
    if not old.has_own(CAP_SETUID) and not (ruid in allowed and euid in allowed and suid in allowed):
        return -EPERM
    new = old.copy()
    new.uid = old.uid if ruid == NO_ID else ruid
    new.euid = old.euid if euid == NO_ID else euid
    new.suid = old.suid if suid == NO_ID else suid
    new.fsuid = new.euid
    return _commit(task, new)


def sys_setresgid(task: Task, rgid: Gid, egid: Gid, sgid: Gid) -> int:
    """As setresuid."""
    rgid, egid, sgid = Gid(_gid(task, rgid)), Gid(_gid(task, egid)), Gid(_gid(task, sgid))
    old = task.creds
    allowed = (old.gid, old.egid, old.sgid, NO_ID)
    if not old.has_own(CAP_SETGID) and not (rgid in allowed and egid in allowed and sgid in allowed):
        return -EPERM
    new = old.copy()
    new.gid = old.gid if rgid == NO_ID else rgid
    new.egid = old.egid if egid == NO_ID else egid
    new.sgid = old.sgid if sgid == NO_ID else sgid
    new.fsgid = new.egid
    return _commit(task, new)


def sys_getresuid(task: Task, ruid: UserAddr, euid: UserAddr, suid: UserAddr) -> int:
    """Errors: EFAULT."""
    creds = task.creds
    task.user.write_u32(ruid, creds.shown_uid(creds.uid))
    task.user.write_u32(euid, creds.shown_uid(creds.euid))
    task.user.write_u32(suid, creds.shown_uid(creds.suid))
    return 0


def sys_getresgid(task: Task, rgid: UserAddr, egid: UserAddr, sgid: UserAddr) -> int:
    """Errors: EFAULT."""
    creds = task.creds
    task.user.write_u32(rgid, creds.shown_gid(creds.gid))
    task.user.write_u32(egid, creds.shown_gid(creds.egid))
    task.user.write_u32(sgid, creds.shown_gid(creds.sgid))
    return 0


def sys_setfsuid(task: Task, uid: Uid) -> int:
    """Returns the old value, whether it changed or not."""
    old = task.creds
    kuid = old.kernel_uid(uid) if uid != NO_ID else -1
    if kuid >= 0 and (kuid in (old.uid, old.euid, old.suid, old.fsuid) or old.has_own(CAP_SETUID)):
        new = old.copy()
        new.fsuid = kuid
        _fix_file_capabilities(old, new)
        task.creds = new
    return old.shown_uid(old.fsuid)


def sys_setfsgid(task: Task, gid: Gid) -> int:
    old = task.creds
    kgid = old.kernel_gid(gid) if gid != NO_ID else -1
    if kgid >= 0 and (kgid in (old.gid, old.egid, old.sgid, old.fsgid) or old.has_own(CAP_SETGID)):
        task.creds = old.copy()
        task.creds.fsgid = kgid
    return old.shown_gid(old.fsgid)


def _fix_file_capabilities(old: Credentials, new: Credentials) -> None:
    """What a change of the file-system user does to the capabilities that concern files (cap_task_fix_setuid, LSM_SETID_FS)."""
    if new.securebits & SECURE_NO_SETUID_FIXUP:
        return
    root = new.kernel_uid(0)
    if old.fsuid == root and new.fsuid != root:
        new.cap_effective &= ~FILE_CAPABILITIES
    elif old.fsuid != root and new.fsuid == root:
        new.cap_effective |= new.cap_permitted & FILE_CAPABILITIES


def sys_getgroups(task: Task, gidsetsize: CInt, grouplist: UserAddr) -> int:
    """Errors: EINVAL (too small), EFAULT."""
    groups = task.creds.groups
    if gidsetsize < 0 or 0 < gidsetsize < len(groups):
        return -EINVAL
    if gidsetsize:
        shown = [task.creds.shown_gid(gid) for gid in groups]
        task.user.write(grouplist, struct.pack(f"<{len(shown)}I", *shown))
    return len(groups)


def sys_setgroups(task: Task, gidsetsize: CInt, grouplist: UserAddr) -> int:
    """Errors: EPERM, EINVAL, EFAULT."""
    creds = task.creds
    ns = creds.user_ns
    if not creds.has_own(CAP_SETGID) or (ns is not None and (not ns.may_setgroups or not ns.gid_map)):
        return -EPERM
    if not 0 <= gidsetsize <= NGROUPS_MAX:
        return -EINVAL
    values = struct.unpack(f"<{gidsetsize}I", task.user.read(grouplist, gidsetsize * 4))
    groups = [creds.kernel_gid(gid) for gid in values]
    if -1 in groups or NO_ID in groups:
        return -EINVAL
    task.creds = creds.copy()
    task.creds.groups = tuple(sorted(groups))
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
    other = task if pid == 0 else task.find_task(pid)
    if other is not None:
        creds = other.creds
    elif task.find_process(pid) is task.kernel.init:
        creds = Credentials(0, 0, ())  # pid 1 has no thread; it may everything
    else:
        return -ESRCH
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
    if pid not in (0, task.own_number()):
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
    if inheritable & ~(old.cap_inheritable | old.cap_permitted) and not old.has_own(CAP_SETPCAP):
        return -EPERM
    if inheritable & ~(old.cap_inheritable | old.cap_bounding):
        return -EPERM
    new = old.copy()
    new.cap_effective, new.cap_permitted, new.cap_inheritable = effective, permitted, inheritable
    new.cap_ambient &= permitted & inheritable
    task.creds = new
    return 0
