# SPDX-License-Identifier: MPL-2.0
"""The dentry cache: what names in directories mean, remembered, and kept true when names change.

Dentries are shared: an open file, a working directory and a mount point keep theirs, so renames show everywhere. Every
change of names goes through here or through names.py. Positive dentries stay for as long as their name does; negative
ones ("known to be absent") are swept when a directory has too many. Permission is not checked here.
"""

from typing import Final

from cruck.kernel.vfs.dentry import Dentry
from cruck.kernel.vfs.inode import Inode

MIN_SWEEP: Final = 1024
MAX_NEGATIVE: Final = 32_768  # of one file system; further ones are not remembered
MIN_LIVE_SWEEP: Final = 64  # of directories whose names come and go by themselves: a dead process's hold all it had


def lookup(parent: Dentry, name: bytes) -> Dentry:
    """The dentry of `name` (not "." or "..") in the directory `parent`; its inode is None if the name is absent.

    Errors: LinuxError of the file system's lookup. Cost: O(1) when cached.
    """
    directory = parent.inode
    assert directory is not None
    child = parent.children.get(name)
    if child is not None:
        if directory.fs.caches_names:
            return child
        inode = child.inode
        if inode is not None and inode.revalidate():
            return child
    if parent.is_unlinked:
        return child if child is not None else Dentry(parent, name, None)
    found = directory.lookup(name)
    if child is None:
        child = Dentry(parent, name, found)
        if found is not None or directory.fs.caches_names and directory.fs.nr_negative < MAX_NEGATIVE:
            insert(child)
        return child
    if found is child.inode or child.nr_mounts:
        return child
    # The name means something else now, behind our back: those who hold the old dentry keep it.
    del parent.children[name]
    if child.inode is not None:
        child.is_unlinked = True
    child = Dentry(parent, name, found)
    if found is not None:
        insert(child)
    return child


def insert(child: Dentry) -> None:
    """Makes `child` the cached dentry of its name."""
    parent = child.parent
    parent.children[child.name] = child
    directory = parent.inode
    assert directory is not None
    if child.inode is None:
        directory.fs.nr_negative += 1
    if len(parent.children) >= parent.sweep_at:
        is_live = not directory.fs.caches_names
        for name, other in list(parent.children.items()):
            if other is child or other.nr_mounts:
                continue
            if other.inode is None:
                directory.fs.nr_negative -= 1
                del parent.children[name]
            elif is_live and not other.inode.revalidate():
                del parent.children[name]
        parent.sweep_at = max(MIN_LIVE_SWEEP if is_live else MIN_SWEEP, 2 * len(parent.children))


def instantiate(child: Dentry, inode: Inode) -> None:
    """A name that was absent has been made."""
    was_negative = child.inode is None
    child.inode = inode
    child.is_unlinked = False
    if child.parent.children.get(child.name) is not child:
        insert(child)
    elif was_negative:
        inode.fs.nr_negative -= 1


def remove(child: Dentry) -> None:
    """The name is gone. The dentry keeps its inode for those who have it open."""
    if child.parent.children.get(child.name) is child:
        del child.parent.children[child.name]
    child.is_unlinked = True
    inode = child.inode
    if child.children and inode is not None:  # a directory: what is left in it are names that are absent
        for other in child.children.values():
            if other.inode is None:
                inode.fs.nr_negative -= 1
        child.children.clear()


def move(child: Dentry, new_parent: Dentry, new_name: bytes) -> None:
    """rename: `child` takes the place of whatever dentry has the new name."""
    if child.parent.children.get(child.name) is child:
        del child.parent.children[child.name]
    old = new_parent.children.get(new_name)
    if old is not None and old is not child:
        if old.inode is not None:
            remove(old)
        elif new_parent.inode is not None:
            new_parent.inode.fs.nr_negative -= 1
    child.parent = new_parent
    child.name = new_name
    insert(child)


def exchange(first: Dentry, second: Dentry) -> None:
    """RENAME_EXCHANGE."""
    first.parent, second.parent = second.parent, first.parent
    first.name, second.name = second.name, first.name
    first.parent.children[first.name] = first
    second.parent.children[second.name] = second


def is_ancestor(ancestor: Dentry, dentry: Dentry) -> bool:
    """Is `dentry` below `ancestor` or the same (within one file system)?"""
    while dentry is not ancestor:
        if dentry.parent is dentry:
            return False
        dentry = dentry.parent
    return True
