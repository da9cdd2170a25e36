# SPDX-License-Identifier: MPL-2.0
"""Dentry, Mount, Path: the tree of names.

A dentry is a name in a directory and what it means (None: the name is known to be absent). A mount puts the root of a
file system over a dentry. A path is a place in the tree: dentry + the mount through which it is seen. The walk is in walk.py.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.sched import CLONE_NEWNS
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process.user_namespace import Namespace
from cruck.kernel.vfs.peer_group import GroupNumbers, PeerGroup, part

POLLPRI: Final = 2
POLLERR: Final = 8

if TYPE_CHECKING:
    from cruck.kernel.vfs.inode import FileSystem, Inode


class Dentry:
    parent: "Dentry"  # itself for the root of a file system
    name: bytes  # b"" for a root
    inode: "Inode | None"  # None: negative
    children: "dict[bytes, Dentry]"
    nr_mounts: int  # mounts whose mountpoint is this dentry (in any namespace)
    sweep_at: int  # number of children at which the cache drops negative and dead ones (dcache.py)
    is_unlinked: bool  # the name is gone; " (deleted)" in /proc

    def __init__(self, parent: "Dentry | None", name: bytes, inode: "Inode | None") -> None:
        self.parent = parent if parent is not None else self
        self.name = name
        self.inode = inode
        self.children = {}
        self.nr_mounts = 0
        self.sweep_at = 64
        self.is_unlinked = False


class Mount:
    fs: "FileSystem"
    root: Dentry  # what of the file system it shows (a bind mount may show a part)
    parent: "Mount | None"  # None: the root of the namespace
    mountpoint: Dentry | None  # the dentry in `parent` it covers
    flags: int  # MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME …
    source: bytes  # first field of /proc/mounts
    mount_id: int
    is_locked: bool  # copied into a less privileged namespace with what it covers: it may not be taken away
    locked_flags: int  # MS_* it must keep there; any atime flag: the choice among them
    ns: "MountNamespace | None"  # None: it was taken out
    peers: PeerGroup | None  # with whom it shares what is mounted on it; None: private, or a slave
    master: PeerGroup | None  # whose slave it is
    is_unbindable: bool
    covered: "dict[Dentry, Mount]"  # dentries seen through this mount that another mount covers

    def __init__(
        self, fs: "FileSystem", root: Dentry, parent: "Mount | None", mountpoint: Dentry | None, flags: int, source: bytes, mount_id: int
    ) -> None:
        self.fs = fs
        self.root = root
        self.parent = parent
        self.mountpoint = mountpoint
        self.flags = flags
        self.source = source
        self.mount_id = mount_id
        self.is_locked = False
        self.locked_flags = 0
        self.ns = None
        self.peers = None
        self.master = None
        self.is_unbindable = False
        self.covered = {}

    def is_read_only(self) -> bool:
        return bool(self.flags & 1) or self.fs.is_read_only  # MS_RDONLY


class Path:
    """Immutable; compare with ==."""

    mount: Mount
    dentry: Dentry

    def __init__(self, mount: Mount, dentry: Dentry) -> None:
        self.mount = mount
        self.dentry = dentry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and other.mount is self.mount and other.dentry is self.dentry

    def __hash__(self) -> int:
        return hash((id(self.mount), id(self.dentry)))

    def inode(self) -> "Inode":
        inode = self.dentry.inode
        assert inode is not None
        return inode


class MountNamespace(Namespace):
    """The mount table. `mounts` is in order of mounting; `covering` finds the mount over a (mount, dentry)."""

    root: Mount
    mounts: list[Mount]
    next_id: int
    nr_changes: int  # of the table
    changes: WaitQueue  # woken at each: poll of /proc/mounts
    group_numbers: GroupNumbers  # one object for all namespaces that came of each other by copying
    nr_holders: int  # tasks, descriptors, bind mounts of it; at 0 it dissolves

    def __init__(self, fs: "FileSystem", source: bytes, flags: int) -> None:
        super().__init__(CLONE_NEWNS, 0, None)
        self.nr_holders = self.nr_changes = 0
        self.changes = WaitQueue()
        self.next_id = 2
        self.root = Mount(fs, Dentry(None, b"", fs.root), None, None, flags, source, 1)
        self.root.ns = self
        self.group_numbers = GroupNumbers()
        self.mounts = [self.root]

    def hold(self) -> None:
        self.nr_holders += 1

    def let_go(self) -> None:
        """The last who was interested has left: the mounts cover nothing any more."""
        self.nr_holders -= 1
        if self.nr_holders == 0:
            for mount in list(reversed(self.mounts)):
                if mount.parent is not None:
                    self.detach(mount)
                else:
                    part(mount, False)

    def mount(self, fs: "FileSystem", at: Path, flags: int, source: bytes) -> Mount:
        """Covers `at` (which must be of the same kind: directory or not, checked by the caller)."""
        return self.attach(fs, Dentry(None, b"", fs.root), at, flags, source)

    def attach(self, fs: "FileSystem", root: Dentry, at: Path, flags: int, source: bytes) -> Mount:
        """As mount(), for a given root dentry (bind mounts). A covered place is covered once more, on top."""
        at = self.top(at)
        return self._enter(Mount(fs, root, at.mount, at.dentry, flags, source, self.next_id), at.mount, at.dentry)

    def attach_copy(self, mount: Mount, parent: Mount, mountpoint: Dentry) -> Mount:
        """The same of the same file system, over a dentry seen through `parent`, which covers nothing there yet."""
        return self._enter(Mount(mount.fs, mount.root, parent, mountpoint, mount.flags, mount.source, self.next_id), parent, mountpoint)

    def _enter(self, mount: Mount, parent: Mount, mountpoint: Dentry) -> Mount:
        self.next_id += 1
        mount.ns = self
        mountpoint.nr_mounts += 1
        parent.covered[mountpoint] = mount
        self.mounts.append(mount)
        mount.fs.nr_mounts += 1
        self.has_changed()
        if mount.root.inode is not None:
            mount.root.inode.on_mount(1)
        return mount

    def detach(self, mount: Mount) -> None:
        """Takes a mount (not the root) out of the tree; it lives on for those who are inside."""
        assert mount.mountpoint is not None and mount.parent is not None
        mount.mountpoint.nr_mounts -= 1
        del mount.parent.covered[mount.mountpoint]
        mount.parent = None
        mount.mountpoint = None
        mount.ns = None
        part(mount, False)
        self.mounts.remove(mount)
        if mount.root.inode is not None:
            mount.root.inode.on_mount(-1)
        mount.fs.nr_mounts -= 1
        self.has_changed()
        if mount.fs.nr_mounts == 0:
            from cruck.kernel.vfs.fsnotify import notify_unmount

            notify_unmount(mount.root)

    def has_changed(self) -> None:
        self.nr_changes += 1
        self.changes.wake(POLLPRI | POLLERR)

    def covering(self, path: Path) -> Mount | None:
        """The mount directly on `path`."""
        return path.mount.covered.get(path.dentry) if path.dentry.nr_mounts else None

    def top(self, path: Path) -> Path:
        """What is seen at `path`: the root of the topmost mount there, or `path` itself."""
        while path.dentry.nr_mounts:
            mount = path.mount.covered.get(path.dentry)
            if mount is None:
                break
            path = Path(mount, mount.root)
        return path
