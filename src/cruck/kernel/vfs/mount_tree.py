# SPDX-License-Identifier: MPL-2.0
"""Copies of whole mount trees: a new mount namespace (fs/namespace.c copy_tree, copy_mnt_ns).

In a namespace that a less privileged user namespace owns, what was copied is locked: mounts stay where they are, and flags that
protect stay set.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.mount import MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_RELATIME, MS_STRICTATIME
from cruck.kernel.vfs.dcache import is_ancestor
from cruck.kernel.vfs.dentry import Dentry, Mount, MountNamespace, Path
from cruck.kernel.vfs.peer_group import become_alike, enslave

if TYPE_CHECKING:
    from cruck.kernel.process.user_namespace import UserNamespace

DETACHED_ID: Final = 1 << 20  # mount_id of the root of a tree that is mounted nowhere; others count from 1
ATIME_FLAGS: Final = MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME


def copy_namespace(
    old: MountNamespace, ino: int, owner: "UserNamespace | None", root: Path, cwd: Path
) -> tuple[MountNamespace, Path, Path]:
    """(copy of the namespace, `root` and `cwd` in it)."""
    new = MountNamespace(old.root.fs, old.root.source, old.root.flags)
    new.ino, new.owner = ino, owner
    new.group_numbers = old.group_numbers
    new.root.root = old.root.root
    new.root.locked_flags = old.root.locked_flags
    is_locked = owner is not old.owner
    _copy_groups(new.root, old.root, is_locked)
    if is_locked:
        lock(new.root, False)
    copies: dict[Mount, Mount] = {old.root: new.root}
    todo = [old.root]
    while todo:
        parent = todo.pop(0)
        for dentry, mount in parent.covered.items():
            copy = new.attach_copy(mount, copies[parent], dentry)
            copy.locked_flags, copy.is_locked = mount.locked_flags, mount.is_locked
            _copy_groups(copy, mount, is_locked)
            if is_locked:
                lock(copy, True)
            copies[mount] = copy
            todo.append(mount)
    return new, _translate(copies, root), _translate(copies, cwd)


def _copy_groups(new: Mount, old: Mount, is_less_privileged: bool) -> None:
    """A copy is a peer; in a namespace of another owner it only hears."""
    new.is_unbindable = old.is_unbindable
    if is_less_privileged and old.peers is not None:
        enslave(new, old.peers)
    else:
        become_alike(new, old)


def lock(mount: Mount, in_place: bool) -> None:
    """What a less privileged owner of the copy must not undo."""
    mount.is_locked = mount.is_locked or in_place
    mount.locked_flags |= mount.flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC) | ATIME_FLAGS


def _translate(copies: dict[Mount, Mount], path: Path) -> Path:
    """A place outside of the tree (a detached mount) stays what it is."""
    copy = copies.get(path.mount)
    return Path(copy, path.dentry) if copy is not None else path


def mounts_below(origin: Path) -> list[Mount]:
    """Mounts under a place, parents first."""
    found: list[Mount] = []
    for dentry, mount in origin.mount.covered.items():
        if is_ancestor(origin.dentry, dentry):
            found.append(mount)
    index = 0
    while index < len(found):
        found.extend(found[index].covered.values())
        index += 1
    return found


def has_locked_below(origin: Path) -> bool:
    """Directly: what is below a mount that is not taken along does not show."""
    for dentry, mount in origin.mount.covered.items():
        if mount.is_locked and is_ancestor(origin.dentry, dentry):
            return True
    return False


def copy_onto(ns: MountNamespace, origin: Path, below: list[Mount], place: Path) -> Mount:
    """A bind mount of `origin` at `place`, with copies of `below` (from mounts_below())."""
    new = ns.attach(origin.mount.fs, origin.dentry, place, origin.mount.flags, origin.mount.source)
    new.locked_flags = origin.mount.locked_flags
    become_alike(new, origin.mount)
    copies: dict[Mount, Mount] = {origin.mount: new}
    for mount in below:
        parent = copies.get(mount.parent) if mount.parent is not None else None
        if parent is None or mount.mountpoint is None or mount.is_unbindable:
            continue
        copy = ns.attach_copy(mount, parent, mount.mountpoint)
        copy.locked_flags, copy.is_locked = mount.locked_flags, mount.is_locked
        become_alike(copy, mount)
        copies[mount] = copy
    return new


def is_above(mount: Mount, other: Mount) -> bool:
    """Is `other` the mount itself, or somewhere on top of it?"""
    above: Mount | None = other
    while above is not None:
        if above is mount:
            return True
        above = above.parent
    return False


def take_off(mount: Mount) -> None:
    """From where it is, for put_on() or put_at() right after."""
    assert mount.parent is not None and mount.mountpoint is not None
    mount.mountpoint.nr_mounts -= 1
    del mount.parent.covered[mount.mountpoint]


def put_on(ns: MountNamespace, mount: Mount, place: Path) -> None:
    place = ns.top(place)
    put_at(mount, place.mount, place.dentry)


def put_at(mount: Mount, parent: Mount, mountpoint: Dentry) -> None:
    mount.parent = parent
    mount.mountpoint = mountpoint
    mountpoint.nr_mounts += 1
    parent.covered[mountpoint] = mount


def detached_copy(origin: Path, below: list[Mount]) -> MountNamespace:
    """As copy_onto(), into a namespace of its own (open_tree)."""
    ns = MountNamespace(origin.mount.fs, origin.mount.source, origin.mount.flags)
    ns.root.root = origin.dentry
    ns.root.mount_id = DETACHED_ID
    if origin.mount.ns is not None:
        ns.group_numbers = origin.mount.ns.group_numbers
    ns.root.locked_flags = origin.mount.locked_flags
    become_alike(ns.root, origin.mount)
    copies: dict[Mount, Mount] = {origin.mount: ns.root}
    for mount in below:
        parent = copies.get(mount.parent) if mount.parent is not None else None
        if parent is None or mount.mountpoint is None or mount.is_unbindable:
            continue
        copy = ns.attach_copy(mount, parent, mount.mountpoint)
        copy.locked_flags, copy.is_locked = mount.locked_flags, mount.is_locked
        become_alike(copy, mount)
        copies[mount] = copy
    return ns


def adopt(ns: MountNamespace, tree: MountNamespace, place: Path) -> None:
    """A detached tree is mounted at `place`; its own namespace is left with nothing."""
    root = tree.root
    for mount in tree.mounts:
        mount.mount_id = ns.next_id
        mount.ns = ns
        ns.next_id += 1
        ns.mounts.append(mount)
    tree.mounts = []
    put_on(ns, root, place)
