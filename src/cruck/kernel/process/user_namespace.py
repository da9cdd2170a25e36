# SPDX-License-Identifier: MPL-2.0
"""User namespaces: identities as a group of tasks sees them, and where capabilities count (user_namespaces(7), kernel/user_namespace.c).

The kernel keeps ids of the initial namespace everywhere (credentials, inodes); a namespace translates at the edge. The initial one has
no object: it is None wherever a user namespace is named, so that its tasks pay nothing.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.sched import CLONE_NEWUSER

if TYPE_CHECKING:
    from cruck.kernel.process.credentials import Credentials

OVERFLOW_ID: Final = 65534
MAX_LEVEL: Final = 32
MAX_EXTENTS: Final = 340
U32: Final = 0xFFFF_FFFF

Extent = tuple[int, int, int]  # (first id inside, first id of the kernel, count)


class Namespace:
    """What the namespaces of all kinds have."""

    kind: int  # CLONE_NEW*
    ino: int  # of /proc/[pid]/ns/*
    owner: "UserNamespace | None"  # capabilities in it count for this namespace

    def __init__(self, kind: int, ino: int, owner: "UserNamespace | None") -> None:
        self.kind = kind
        self.ino = ino
        self.owner = owner

    # Descriptors and bind mounts keep a namespace that has something to be kept (MountNamespace).
    def hold(self) -> None:
        """One more who wants it to stay."""

    def let_go(self) -> None:
        """One less."""

    def parent_ns(self) -> "Namespace | None":
        """NS_GET_PARENT; None: none that could be shown."""
        return None


class UserNamespace(Namespace):
    parent: "UserNamespace | None"
    level: int  # 1: child of the initial one
    owner_uid: int  # who made it, and has every capability in it as long as they are in the parent
    owner_gid: int
    uid_map: list[Extent]  # empty: not yet written
    gid_map: list[Extent]
    may_setgroups: bool

    def __init__(self, ino: int, creator: "Credentials") -> None:
        super().__init__(CLONE_NEWUSER, ino, creator.user_ns)
        self.parent = creator.user_ns
        self.level = 1 if self.parent is None else self.parent.level + 1
        self.owner_uid = creator.euid
        self.owner_gid = creator.egid
        self.uid_map = []
        self.gid_map = []
        self.may_setgroups = self.parent is None or self.parent.may_setgroups


def to_kernel(extents: list[Extent], value: int) -> int:
    """The kernel's id of one inside; −1: none."""
    for first, kernel_first, count in extents:
        if first <= value < first + count:
            return kernel_first + value - first
    return -1


def from_kernel(extents: list[Extent], value: int) -> int:
    for first, kernel_first, count in extents:
        if kernel_first <= value < kernel_first + count:
            return first + value - kernel_first
    return -1


def range_to_kernel(extents: list[Extent], first: int, count: int) -> int:
    """As to_kernel(), if the whole range lies in one extent."""
    for start, kernel_start, length in extents:
        if start <= first and first + count <= start + length:
            return kernel_start + first - start
    return -1


def parse_map(text: bytes) -> list[Extent] | None:
    """Lines "inside outside count"; the outside ids are the parent's still. None: not a map (EINVAL)."""
    extents: list[Extent] = []
    for line in text.split(b"\n"):
        words = line.split()
        if not words and not line and extents:
            continue
        if len(words) != 3 or not all(word.isdigit() and len(word) < 11 for word in words):
            return None
        first, outside, count = int(words[0]), int(words[1]), int(words[2])
        if count == 0 or first + count > U32 or outside + count > U32:
            return None
        for other_first, other_outside, other_count in extents:
            if first < other_first + other_count and other_first < first + count:
                return None
            if outside < other_outside + other_count and other_outside < outside + count:
                return None
        extents.append((first, outside, count))
    return extents if 0 < len(extents) <= MAX_EXTENTS else None
