# SPDX-License-Identifier: MPL-2.0
"""Credentials: whose task it is (credentials(7)). Copied, never shared, when changed: a task's are replaced whole."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.process.user_namespace import OVERFLOW_ID, from_kernel, to_kernel

if TYPE_CHECKING:
    from cruck.kernel.process.user_namespace import UserNamespace

ALL_CAPABILITIES: Final = (1 << 41) - 1

CAP_CHOWN: Final = 0
CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2
CAP_FOWNER: Final = 3
CAP_FSETID: Final = 4
CAP_KILL: Final = 5
CAP_SETGID: Final = 6
CAP_SETUID: Final = 7
CAP_SETPCAP: Final = 8
CAP_IPC_LOCK: Final = 14
CAP_SYS_ADMIN: Final = 21
CAP_SYS_CHROOT: Final = 18
CAP_SYS_NICE: Final = 23
CAP_SYS_RESOURCE: Final = 24
CAP_SYS_TTY_CONFIG: Final = 26
CAP_MKNOD: Final = 27
CAP_NET_BIND_SERVICE: Final = 10
CAP_NET_ADMIN: Final = 12
CAP_NET_RAW: Final = 13
CAP_SYS_PTRACE: Final = 19
CAP_WAKE_ALARM: Final = 35


class Credentials:
    """All ids are the kernel's; what programs are shown is shown_uid() and shown_gid()."""

    user_ns: "UserNamespace | None"  # where the capabilities count; None: the initial one

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
        self.user_ns = None

    def copy(self) -> "Credentials":
        other = Credentials(self.uid, self.gid, self.groups)
        other.euid, other.suid, other.fsuid = self.euid, self.suid, self.fsuid
        other.egid, other.sgid, other.fsgid = self.egid, self.sgid, self.fsgid
        other.cap_effective, other.cap_permitted = self.cap_effective, self.cap_permitted
        other.cap_inheritable, other.cap_bounding = self.cap_inheritable, self.cap_bounding
        other.cap_ambient = self.cap_ambient
        other.securebits, other.no_new_privs = self.securebits, self.no_new_privs
        other.user_ns = self.user_ns
        return other

    def has(self, capability: int) -> bool:
        """In the initial user namespace: for what concerns the whole kernel."""
        return self.user_ns is None and bool(self.cap_effective >> capability & 1)

    def has_own(self, capability: int) -> bool:
        """In its own user namespace."""
        return bool(self.cap_effective >> capability & 1)

    def has_in(self, ns: "UserNamespace | None", capability: int) -> bool:
        """In the namespace `ns`: by a capability in it or above it, or as its maker (security/commoncap.c cap_capable)."""
        while ns is not self.user_ns:
            if ns is None:
                return False
            if ns.parent is self.user_ns and ns.owner_uid == self.euid:
                return True
            ns = ns.parent
        return bool(self.cap_effective >> capability & 1)

    def has_over(self, uid: int, gid: int, capability: int) -> bool:
        """Over a file of these owners: in its own namespace, if that knows both (capable_wrt_inode_uidgid)."""
        return bool(self.cap_effective >> capability & 1) and self.knows(uid, gid)

    def knows(self, uid: int, gid: int) -> bool:
        """Has its namespace numbers for both?"""
        ns = self.user_ns
        return ns is None or (from_kernel(ns.uid_map, uid) >= 0 and from_kernel(ns.gid_map, gid) >= 0)

    def shown_uid(self, uid: int) -> int:
        ns = self.user_ns
        if ns is None:
            return uid
        shown = from_kernel(ns.uid_map, uid)
        return shown if shown >= 0 else OVERFLOW_ID

    def shown_gid(self, gid: int) -> int:
        ns = self.user_ns
        if ns is None:
            return gid
        shown = from_kernel(ns.gid_map, gid)
        return shown if shown >= 0 else OVERFLOW_ID

    def kernel_uid(self, uid: int) -> int:
        """−1: its namespace has no such user."""
        ns = self.user_ns
        return uid if ns is None else to_kernel(ns.uid_map, uid)

    def kernel_gid(self, gid: int) -> int:
        ns = self.user_ns
        return gid if ns is None else to_kernel(ns.gid_map, gid)

    def in_group(self, gid: int) -> bool:
        return gid == self.fsgid or gid in self.groups
