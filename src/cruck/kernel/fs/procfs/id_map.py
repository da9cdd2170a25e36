# SPDX-License-Identifier: MPL-2.0
"""/proc/[pid]/{uid_map,gid_map,setgroups}: how a user namespace translates ids (user_namespaces(7), kernel/user_namespace.c map_write)."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, EPERM
from cruck.kernel.process.credentials import CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN, Credentials
from cruck.kernel.process.user_namespace import Extent, UserNamespace, from_kernel, parse_map, range_to_kernel

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task

NO_ID: Final = 0xFFFF_FFFF
ALL_IDS: Final[list[Extent]] = [(0, 0, NO_ID)]


def render(kernel: "Kernel", task: "Task | None", name: bytes) -> bytes:
    """Outside ids are those of the reader's namespace; for the namespace's own members, of its parent."""
    ns = task.creds.user_ns if task is not None else None
    if name == b"setgroups":
        return b"allow\n" if ns is None or ns.may_setgroups else b"deny\n"
    if ns is None:
        return b"%10d %10d %10d\n" % ALL_IDS[0]
    reader = kernel.current.creds.user_ns if kernel.current is not None else None
    lower = ns.parent if reader is ns else reader
    lines: list[bytes] = []
    for first, kernel_first, count in _map(ns, name):
        outside = kernel_first
        if lower is not None:
            outside = from_kernel(_map(lower, name), kernel_first)
        lines.append(b"%10d %10d %10d\n" % (first, outside if outside >= 0 else NO_ID, count))
    return b"".join(lines)


def _map(ns: UserNamespace, name: bytes) -> list[Extent]:
    return ns.uid_map if name == b"uid_map" else ns.gid_map


def store(writer: "Task | None", task: "Task | None", name: bytes, data: bytes, offset: int) -> int:
    """A write: bytes taken, or −EPERM, −EINVAL."""
    ns = task.creds.user_ns if task is not None else None
    if writer is None or ns is None:
        return -EPERM
    creds = writer.creds
    if not creds.has_in(ns, CAP_SYS_ADMIN):
        return -EPERM
    if offset:
        return -EINVAL
    if name == b"setgroups":
        return _store_setgroups(ns, data)
    if creds.user_ns is not ns and creds.user_ns is not ns.parent:
        return -EPERM
    if _map(ns, name):
        return -EPERM
    extents = parse_map(data.split(b"\0", 1)[0])
    if extents is None:
        return -EINVAL
    if not _may_map(creds, ns, name, extents):
        return -EPERM
    translated: list[Extent] = []
    for first, outside, count in extents:
        kernel_first = range_to_kernel(_map(ns.parent, name), outside, count) if ns.parent is not None else outside
        if kernel_first < 0:
            return -EPERM
        translated.append((first, kernel_first, count))
    if name == b"uid_map":
        ns.uid_map = translated
    else:
        ns.gid_map = translated
    return len(data)


def _may_map(creds: Credentials, ns: UserNamespace, name: bytes, extents: list[Extent]) -> bool:
    """new_idmap_permitted: one's own id alone, or any with the capability to become it in the parent."""
    is_user = name == b"uid_map"
    capability = CAP_SETUID if is_user else CAP_SETGID
    _, outside, count = extents[0]
    if len(extents) == 1 and count == 1 and creds.euid == ns.owner_uid:
        own = creds.euid if is_user else creds.egid
        wanted = range_to_kernel(_map(ns.parent, name), outside, 1) if ns.parent is not None else outside
        if wanted == own and (is_user or not ns.may_setgroups):
            return True
    return creds.has_in(ns.parent, capability)


def _store_setgroups(ns: UserNamespace, data: bytes) -> int:
    word = data.split(b"\0", 1)[0].strip()
    if word == b"allow":
        if not ns.may_setgroups:
            return -EPERM
    elif word == b"deny":
        if ns.may_setgroups and ns.gid_map:
            return -EPERM
        ns.may_setgroups = False
    else:
        return -EINVAL
    return len(data)
