# SPDX-License-Identifier: MPL-2.0
"""Dentry, Mount, Path: the tree of names.

A dentry is a name in a directory and what it means (None: the name is known to be absent). A mount puts the root of a
file system over a dentry. A path is a place in the tree: dentry + the mount through which it is seen. The walk is in walk.py.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cruck.kernel.vfs.inode import FileSystem, Inode


class Dentry:
    parent: "Dentry"  # itself for the root of a file system
    name: bytes  # b"" for a root
    inode: "Inode | None"  # None: negative
    children: "dict[bytes, Dentry]"
    nr_mounts: int  # mounts whose mountpoint is this dentry (in any namespace)
    sweep_at: int  # number of children at which the cache drops negative ones (dcache.py)
    is_unlinked: bool  # the name is gone; " (deleted)" in /proc

    def __init__(self, parent: "Dentry | None", name: bytes, inode: "Inode | None") -> None:
        self.parent = parent if parent is not None else self
        self.name = name
        self.inode = inode
        self.children = {}
        self.nr_mounts = 0
        self.sweep_at = 1024
        self.is_unlinked = False


class Mount:
    fs: "FileSystem"
    root: Dentry  # what of the file system it shows (a bind mount may show a part)
    parent: "Mount | None"  # None: the root of the namespace
    mountpoint: Dentry | None  # the dentry in `parent` it covers
    flags: int  # MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME …
    source: bytes  # first field of /proc/mounts
    mount_id: int
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


class MountNamespace:
    """The mount table. `mounts` is in order of mounting; `covering` finds the mount over a (mount, dentry)."""

    root: Mount
    mounts: list[Mount]
    next_id: int

    def __init__(self, fs: "FileSystem", source: bytes, flags: int) -> None:
        self.next_id = 2
        self.root = Mount(fs, Dentry(None, b"", fs.root), None, None, flags, source, 1)
        self.mounts = [self.root]

    def mount(self, fs: "FileSystem", at: Path, flags: int, source: bytes) -> Mount:
        """Covers `at` (which must be of the same kind: directory or not, checked by the caller)."""
        return self.attach(fs, Dentry(None, b"", fs.root), at, flags, source)

    def attach(self, fs: "FileSystem", root: Dentry, at: Path, flags: int, source: bytes) -> Mount:
        """As mount(), for a given root dentry (bind mounts). A covered place is covered once more, on top."""
        at = self.top(at)
        mount = Mount(fs, root, at.mount, at.dentry, flags, source, self.next_id)
        self.next_id += 1
        at.dentry.nr_mounts += 1
        at.mount.covered[at.dentry] = mount
        self.mounts.append(mount)
        return mount

    def detach(self, mount: Mount) -> None:
        """Takes a mount (not the root) out of the tree; it lives on for those who are inside."""
        assert mount.mountpoint is not None and mount.parent is not None
        mount.mountpoint.nr_mounts -= 1
        del mount.parent.covered[mount.mountpoint]
        mount.parent = None
        mount.mountpoint = None
        self.mounts.remove(mount)

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
