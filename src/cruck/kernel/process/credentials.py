# SPDX-License-Identifier: MPL-2.0
"""Credentials: whose task it is (credentials(7)). Copied, never shared, when changed: a task's are replaced whole."""

from typing import Final

ALL_CAPABILITIES: Final = (1 << 41) - 1

CAP_CHOWN: Final = 0
CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2
CAP_FOWNER: Final = 3
CAP_FSETID: Final = 4
CAP_KILL: Final = 5
CAP_SETGID: Final = 6
CAP_SETUID: Final = 7
CAP_IPC_LOCK: Final = 14
CAP_SYS_ADMIN: Final = 21
CAP_SYS_CHROOT: Final = 18
CAP_SYS_NICE: Final = 23
CAP_SYS_RESOURCE: Final = 24
CAP_SYS_TTY_CONFIG: Final = 26
CAP_MKNOD: Final = 27
CAP_NET_BIND_SERVICE: Final = 10
CAP_NET_ADMIN: Final = 12
CAP_SYS_PTRACE: Final = 19
CAP_WAKE_ALARM: Final = 35


class Credentials:
    def __init__(self, uid: int, gid: int, groups: tuple[int, ...]) -> None:
        self.uid = self.euid = self.suid = self.fsuid = uid
        self.gid = self.egid = self.sgid = self.fsgid = gid
        self.groups = groups
        caps = ALL_CAPABILITIES if uid == 0 else 0
        self.cap_effective = self.cap_permitted = caps
        self.cap_inheritable = 0
        self.cap_bounding = ALL_CAPABILITIES
        self.cap_ambient = 0
        self.securebits = 0
        self.no_new_privs = False

    def copy(self) -> "Credentials":
        other = Credentials(self.uid, self.gid, self.groups)
        other.euid, other.suid, other.fsuid = self.euid, self.suid, self.fsuid
        other.egid, other.sgid, other.fsgid = self.egid, self.sgid, self.fsgid
        other.cap_effective, other.cap_permitted = self.cap_effective, self.cap_permitted
        other.cap_inheritable, other.cap_bounding = self.cap_inheritable, self.cap_bounding
        other.cap_ambient = self.cap_ambient
        other.securebits, other.no_new_privs = self.securebits, self.no_new_privs
        return other

    def has(self, capability: int) -> bool:
        return bool(self.cap_effective >> capability & 1)

    def in_group(self, gid: int) -> bool:
        return gid == self.fsgid or gid in self.groups
