# SPDX-License-Identifier: MPL-2.0
"""What is mounted on a shared mount, or unmounted from it, is so on its peers and their slaves (Linux fs/pnode.c propagate_mnt,
propagate_umount; Documentation/filesystems/sharedsubtree.rst).

Everything is planned before anything is done: the plan says who gets a copy and of what. Groups: peer_group.py.
"""

from cruck.abi.errno import ENOSPC
from cruck.kernel.errors import LinuxError
from cruck.kernel.vfs import mount_tree, peer_group
from cruck.kernel.vfs.dcache import is_ancestor
from cruck.kernel.vfs.dentry import Dentry, Mount, MountNamespace, Path
from cruck.kernel.vfs.peer_group import PeerGroup


class Step:
    """One copy of the tree."""

    target: Mount  # on which it goes
    source: int  # the step whose copy it is a copy of; −1: the tree itself
    is_peer: bool  # of the source, or its slave
    is_shared: bool  # with others of the target's group

    def __init__(self, target: Mount, source: int, is_peer: bool, is_shared: bool) -> None:
        self.target = target
        self.source = source
        self.is_peer = is_peer
        self.is_shared = is_shared


def plan(at: Path) -> list[Step]:
    """Where a tree that is mounted at `at` (the topmost there) has to appear, too."""
    steps: list[Step] = []
    group = at.mount.peers
    if group is None:
        return steps
    seen: list[PeerGroup] = [group]
    todo: list[tuple[PeerGroup, int, bool]] = [(group, -1, True)]
    while todo:
        group, source, is_peer = todo.pop(0)
        for mount in group.members:
            if mount is not at.mount and _is_visible(mount, at.dentry):
                steps.append(Step(mount, source, is_peer, True))
                if not is_peer:
                    source, is_peer = len(steps) - 1, True
        for slave in group.slaves:
            if slave.peers is None:
                if _is_visible(slave, at.dentry):
                    steps.append(Step(slave, source, False, False))
            elif not any(other is slave.peers for other in seen):
                seen.append(slave.peers)
                todo.append((slave.peers, source, False))
    return steps


def _is_visible(mount: Mount, dentry: Dentry) -> bool:
    return mount.ns is not None and is_ancestor(mount.root, dentry)


def check_room(steps: list[Step], nr_mounts: int, limit: int) -> None:
    """Errors: LinuxError(ENOSPC): a namespace would get more mounts than `limit`."""
    added: dict[MountNamespace, int] = {}
    for step in steps:
        ns = step.target.ns
        if ns is not None:
            added[ns] = added.get(ns, 0) + nr_mounts
            if len(ns.mounts) + nr_mounts + added[ns] > limit:
                raise LinuxError(ENOSPC)


def spread(root: Mount, steps: list[Step]) -> None:
    """Carries out a plan for the tree below `root`, which is mounted now. On a shared mount all of the tree is shared."""
    parent, mountpoint = root.parent, root.mountpoint
    if parent is None or mountpoint is None or parent.peers is None or root.ns is None:
        return
    tree = [root, *mount_tree.mounts_below(Path(root, root.root))]
    for mount in tree:
        peer_group.share(mount, root.ns.group_numbers)
    copies: list[list[Mount]] = []
    for step in steps:
        source = tree if step.source < 0 else copies[step.source]
        copies.append(_copy(source, step, mountpoint, root.ns))


def _copy(source: list[Mount], step: Step, mountpoint: Dentry, origin: MountNamespace) -> list[Mount]:
    ns = step.target.ns
    assert ns is not None
    below = step.target.covered.get(mountpoint)
    if below is not None:
        mount_tree.take_off(below)
    made: list[Mount] = []
    places: dict[Mount, Mount] = {}
    for old in source:
        if made:
            assert old.parent is not None and old.mountpoint is not None
            new = ns.attach_copy(old, places[old.parent], old.mountpoint)
        else:
            new = ns.attach_copy(old, step.target, mountpoint)
        places[old] = new
        made.append(new)
        if step.is_peer:
            peer_group.become_alike(new, old)
        else:
            peer_group.enslave(new, old.peers)
            if step.is_shared:
                peer_group.share(new, ns.group_numbers)
        new.locked_flags, new.is_locked = old.locked_flags, old.is_locked
        if ns.owner is not origin.owner:
            mount_tree.lock(new, len(made) > 1)
    if below is not None:  # what was there lies on top of what has come
        mount_tree.put_on(ns, below, Path(made[0], made[0].root))
    return made


def others_that_go(going: list[Mount]) -> list[Mount]:
    """Mounts that go with those of `going` (a mount and those below it, parents first): the deepest last. One that is locked, or covered by
    what stays, stays."""
    found: list[Mount] = []
    for mount in going:
        if mount.parent is not None and mount.mountpoint is not None:
            for receiver in _receivers(mount.parent):
                other = receiver.covered.get(mount.mountpoint)
                if other is not None and other not in going and other not in found and not other.is_locked:
                    found.append(other)
    has_changed = True
    while has_changed:
        staying = [mount for mount in found if any(above not in found and above not in going for above in mount.covered.values())]
        has_changed = bool(staying)
        found = [mount for mount in found if mount not in staying]
    return found


def _receivers(mount: Mount) -> list[Mount]:
    if mount.peers is None:
        return []
    result: list[Mount] = []
    groups: list[PeerGroup] = [mount.peers]
    index = 0
    while index < len(groups):
        group = groups[index]
        index += 1
        result.extend([member for member in group.members if member is not mount])
        for slave in group.slaves:
            if slave.peers is None:
                result.append(slave)
            elif not any(other is slave.peers for other in groups):
                groups.append(slave.peers)
    return result
