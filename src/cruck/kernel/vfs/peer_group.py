# SPDX-License-Identifier: MPL-2.0
"""Who shares with whom: peer groups of mounts and their slaves (mount_namespaces(7), Linux fs/pnode.c).

Mounts of one group tell each other what is mounted and unmounted on them, and tell their slaves, which tell nobody back. A slave may be a
member of another group; it then passes on what it hears. What is passed on, and how: propagation.py.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cruck.kernel.vfs.dentry import Mount


class GroupNumbers:
    """The numbers of one kernel's groups, "shared:1" in mountinfo; the lowest that is free is next."""

    used: set[int]

    def __init__(self) -> None:
        self.used = set()

    def take(self) -> int:
        number = 1
        while number in self.used:
            number += 1
        self.used.add(number)
        return number


class PeerGroup:
    number: int
    numbers: GroupNumbers
    members: "list[Mount]"  # at least one: a mount whose `peers` this is
    slaves: "list[Mount]"  # mounts whose `master` this is

    def __init__(self, numbers: GroupNumbers) -> None:
        self.numbers = numbers
        self.number = numbers.take()
        self.members = []
        self.slaves = []


def share(mount: "Mount", numbers: GroupNumbers) -> None:
    """MS_SHARED: into a group of its own, if it is in none. Whose slave it is it stays."""
    if mount.peers is None:
        join(mount, PeerGroup(numbers))
    mount.is_unbindable = False


def join(mount: "Mount", group: PeerGroup) -> None:
    mount.peers = group
    group.members.append(mount)


def enslave(mount: "Mount", master: PeerGroup | None) -> None:
    if mount.master is not None:
        mount.master.slaves.remove(mount)
    mount.master = master
    if master is not None:
        master.slaves.append(mount)


def part(mount: "Mount", as_slave: bool) -> None:
    """Out of its group: as the slave of those who stay (MS_SLAVE), or on its own. The last of a group hands its slaves to its own master."""
    group = mount.peers
    master = mount.master
    if group is not None:
        group.members.remove(mount)
        mount.peers = None
        if not group.members:
            for slave in list(group.slaves):
                enslave(slave, mount.master)
            group.numbers.used.discard(group.number)
        else:
            master = group
    enslave(mount, master if as_slave else None)


def become_alike(new: "Mount", old: "Mount") -> None:
    """A copy of a mount is its peer and has the same master."""
    if old.peers is not None:
        join(new, old.peers)
    enslave(new, old.master)
