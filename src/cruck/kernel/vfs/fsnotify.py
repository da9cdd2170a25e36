# SPDX-License-Identifier: MPL-2.0
"""Where the VFS says what happens to files, for those who watch (Linux: fsnotify). Who watches is inotify.py.

Every function returns at once if neither the inode nor its directory is watched. A change behind our back (on the host) is
not seen.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.inotify import (
    IN_ATTRIB,
    IN_CREATE,
    IN_DELETE,
    IN_DELETE_SELF,
    IN_ISDIR,
    IN_MOVE_SELF,
    IN_MOVED_FROM,
    IN_MOVED_TO,
)

RENAMED_WITHIN: Final = 1 << 28  # FS_RENAME: a name of the directory became another of it; for dnotify only

if TYPE_CHECKING:
    from cruck.kernel.vfs.dentry import Dentry
    from cruck.kernel.vfs.inode import Inode


def fsnotify(inode: "Inode", mask: int, name: bytes = b"", cookie: int = 0) -> None:
    """Tells the watchers of `inode` itself. `mask`: IN_*, with IN_ISDIR if the subject is a directory; `name`: of the entry, when
    `inode` is a directory and the event is about what is in it."""
    watches = inode.watches
    if watches:
        for watch in list(watches.values()):
            watch.tell(mask, name, cookie)


def notify_dentry(dentry: "Dentry", mask: int) -> None:
    """Something happened to the file at `dentry`: tells who watches its directory (with its name), then who watches it."""
    inode = dentry.inode
    if inode is None:
        return
    parent = dentry.parent.inode if dentry.parent is not dentry else None
    above = parent.watches if parent is not None else None
    if not above and not inode.watches:
        return
    if inode.is_dir():
        mask |= IN_ISDIR
    if above:
        for watch in list(above.values()):
            if not (dentry.is_unlinked and watch.excludes_unlinked()):
                watch.tell(mask, dentry.name, 0)
    fsnotify(inode, mask)


def notify_create(dentry: "Dentry") -> None:
    """A name was made."""
    _notify_parent(dentry, IN_CREATE)


def notify_link(dentry: "Dentry") -> None:
    """One more name for a file."""
    inode = dentry.inode
    if inode is not None:
        fsnotify(inode, IN_ATTRIB)
    _notify_parent(dentry, IN_CREATE)


def notify_delete(dentry: "Dentry") -> None:
    """A name was removed; the file itself may live on."""
    inode = dentry.inode
    if inode is not None and not inode.is_dir():
        fsnotify(inode, IN_ATTRIB)
    _notify_parent(dentry, IN_DELETE)


def notify_gone(inode: "Inode") -> None:
    """The last name and the last open file are gone: its watches end."""
    watches = inode.watches
    if watches:
        for watch in list(watches.values()):
            watch.tell(IN_DELETE_SELF, b"", 0)
            watch.end()


def notify_unmount(root: "Dentry") -> None:
    """The last mount of a file system is gone: the watches of what is in it end (IN_UNMOUNT, IN_IGNORED)."""
    todo = [root]
    while todo:
        dentry = todo.pop()
        todo += dentry.children.values()
        inode = dentry.inode
        if inode is not None and inode.watches:
            for watch in list(inode.watches.values()):
                watch.unmounted()


def notify_rename(
    old_dir: "Inode", old_name: bytes, new_dir: "Inode", new_name: bytes, source: "Inode", target: "Inode | None", cookie: int
) -> None:
    """`target` was replaced. `cookie` ties the two names together."""
    is_dir = IN_ISDIR if source.is_dir() else 0
    fsnotify(old_dir, IN_MOVED_FROM | is_dir, old_name, cookie)
    fsnotify(new_dir, IN_MOVED_TO | is_dir, new_name, cookie)
    if old_dir is new_dir:
        fsnotify(old_dir, RENAMED_WITHIN)
    if target is not None and not target.is_dir():
        fsnotify(target, IN_ATTRIB)
    fsnotify(source, IN_MOVE_SELF)


def _notify_parent(dentry: "Dentry", mask: int) -> None:
    parent = dentry.parent.inode
    if parent is not None and parent.watches:
        inode = dentry.inode
        fsnotify(parent, mask | (IN_ISDIR if inode is not None and inode.is_dir() else 0), dentry.name)
