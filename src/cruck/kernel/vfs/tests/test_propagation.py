# SPDX-License-Identifier: MPL-2.0
"""Plans and groups; what programs see of them is compared with Linux in tests/conformance/process/propagation.c."""

import pytest

from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.tmpfs import TYPE
from cruck.kernel.vfs import mount_tree, peer_group, propagation
from cruck.kernel.vfs.dentry import Dentry, Mount, MountNamespace, Path
from cruck.testing.kernels import boot


def place(mount: Mount, name: bytes) -> Path:
    """A new directory in the root of a mount."""
    return Path(mount, Dentry(mount.root, name, mount.fs.root.mkdir(name, 0o755, 0, 0)))


def shared_pair() -> tuple[MountNamespace, Mount, Mount]:
    """Two mounts of one file system, peers."""
    kernel = boot()
    ns = MountNamespace(TYPE.create(kernel, b"none", b""), b"none", 0)
    one = ns.mount(TYPE.create(kernel, b"none", b""), place(ns.root, b"one"), 0, b"none")
    peer_group.share(one, ns.group_numbers)
    two = mount_tree.copy_onto(ns, Path(one, one.root), [], place(ns.root, b"two"))
    return ns, one, two


def test_a_mount_appears_at_the_peer_and_both_are_peers() -> None:
    ns, one, two = shared_pair()
    at = place(one, b"x")
    steps = propagation.plan(at)
    new = ns.mount(ns.root.fs, at, 0, b"none")
    propagation.spread(new, steps)
    other = two.covered[at.dentry]
    assert other.peers is new.peers is not None and len(new.peers.members) == 2
    assert propagation.others_that_go([new]) == [other]


def test_no_namespace_gets_more_mounts_than_it_may_have() -> None:
    ns, one, _ = shared_pair()
    steps = propagation.plan(place(one, b"x"))
    assert len(steps) == 1
    propagation.check_room(steps, 1, len(ns.mounts) + 2)
    with pytest.raises(LinuxError):
        propagation.check_room(steps, 1, len(ns.mounts) + 1)


def test_numbers_are_given_back_and_slaves_handed_up() -> None:
    ns, one, two = shared_pair()
    group = one.peers
    assert group is not None and group.number == 1
    peer_group.part(two, True)
    assert two.master is group and two.peers is None
    peer_group.share(two, ns.group_numbers)
    assert two.peers is not None and two.peers.number == 2 and two.master is group
    peer_group.part(one, False)
    assert two.master is None and ns.group_numbers.used == {2}


def test_a_mount_that_leaves_the_tree_leaves_its_group() -> None:
    ns, one, two = shared_pair()
    ns.detach(two)
    assert one.peers is not None and one.peers.members == [one] and two.peers is None and two.ns is None
