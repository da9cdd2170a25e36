# SPDX-License-Identifier: MPL-2.0
"""What a run changed in a copy-on-write tree (`--diff`), and applying it to the host (`--commit`).

`collect_changes` compares the upper tree of an overlay with its lower one. `commit` applies a list of changes through a
writable HostDirectory: a file is written beside its place and renamed into it, so that nobody sees half of one;
deletions come first, directories get their modes and times last. What fails is reported and does not stop the rest.
"""

import os
import stat

from cruck.framework.io.host_directory import HostDirectory
from cruck.framework.mm.user_memory import BytesWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.hostfs.file_system import HostFs, OwnerMap
from cruck.kernel.fs.overlay.directory import OverlayDirectory
from cruck.kernel.fs.overlay.file_system import OverlayFs
from cruck.kernel.fs.overlay.inode import OverlayInode
from cruck.kernel.fs.overlay.whiteout import OPAQUE_FILE, detached_path, is_whiteout, list_entries
from cruck.kernel.vfs.file import DirEntry
from cruck.kernel.vfs.inode import Inode

CHUNK_BYTES = 1 << 20
KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
ADDED, MODIFIED, DELETED = "A", "M", "D"


class Change:
    """One path. A deleted directory is one change, without those of what was in it."""

    kind: str  # A, M or D
    path: bytes  # relative to the tree
    file_type: str  # file, directory, symlink, fifo, socket, device; of what was there for D
    size: int  # bytes, of a file or link that is there now; else 0
    is_replacement: bool  # M: something of another kind, or a new directory, has taken the place

    def __init__(self, kind: str, path: bytes, inode: Inode, is_replacement: bool = False) -> None:
        self.kind = kind
        self.path = path
        self.file_type = KINDS.get(stat.S_IFMT(inode.mode), "other")
        self.size = inode.stat().size if kind != DELETED and self.file_type in ("file", "symlink") else 0
        self.is_replacement = is_replacement

    def __repr__(self) -> str:
        return f"<Change {self.kind} {os.fsdecode(self.path)}>"

    def describe(self) -> str:
        """A line of `--diff`: "M notes.txt"; directories end with a slash."""
        return f"{self.kind} {os.fsdecode(self.path)}{'/' if self.file_type == 'directory' else ''}"


def collect_changes(fs: OverlayFs) -> list[Change]:
    """All changes, a directory before what is in it, otherwise by name. Errors: LinuxError.
    Cost: of what was changed, not of the tree."""
    found: list[Change] = []
    root = fs.root
    assert isinstance(root, OverlayDirectory)
    if root.upper is not None:
        _collect(root, b"", found)
    return found


def _collect(directory: OverlayDirectory, prefix: bytes, found: list[Change]) -> None:
    upper = directory.upper
    if upper is None:
        return
    lower_names = _names_below(directory)
    for entry in sorted(list_entries(upper), key=_entry_name):
        name = entry.name
        if name == OPAQUE_FILE:
            continue
        path = prefix + name
        inode = upper.lookup(name)
        if inode is None:
            continue
        before = lower_names.get(name)
        if is_whiteout(inode):
            if before is not None:
                found.append(Change(DELETED, path, before))
            continue
        child = directory.lookup(name)
        if child is None:
            continue
        if isinstance(child, OverlayDirectory):
            if before is None:
                found.append(Change(ADDED, path, child))
            elif not child.lowers:
                found.append(Change(MODIFIED, path, child, True))
            elif _attributes(child) != _attributes(before):
                found.append(Change(MODIFIED, path, child))
            _collect(child, path + b"/", found)
        elif before is None:
            found.append(Change(ADDED, path, child))
        elif (child.mode ^ before.mode) & 0o170000:
            found.append(Change(MODIFIED, path, child, True))
        elif _differs(child, before):
            found.append(Change(MODIFIED, path, child))


def _entry_name(entry: DirEntry) -> bytes:
    return entry.name


def _names_below(directory: OverlayDirectory) -> dict[bytes, Inode]:
    """What the lower trees show of this directory."""
    if not directory.lowers:
        return {}
    below = OverlayDirectory(directory.overlay, None, b"", None, directory.lowers)
    upper = directory.upper
    assert upper is not None
    names: dict[bytes, Inode] = {}
    for entry in list_entries(upper):
        inode = below.lookup(entry.name)
        if inode is not None:
            names[entry.name] = inode
    return names


def _attributes(inode: Inode) -> tuple[int, int, int]:
    return (inode.mode, inode.uid, inode.gid)


def _differs(after: OverlayInode, before: Inode) -> bool:
    """False for a copy-up that changed nothing in the end, such as opening for writing and not writing."""
    if _attributes(after) != _attributes(before):
        return True
    if after.is_symlink():
        return after.readlink() != before.readlink()
    new, old = after.stat(), before.stat()
    if new.size != old.size or new.mtime_ns != old.mtime_ns:
        return True
    return after.is_regular() and not _same_content(after, before, new.size)


def _same_content(after: Inode, before: Inode, size: int) -> bool:
    first = after.open(detached_path(after), os.O_RDONLY).get()
    second = before.open(detached_path(before), os.O_RDONLY).get()
    try:
        position = 0
        while position < size:
            left, right = BytesWriter(CHUNK_BYTES), BytesWriter(CHUNK_BYTES)
            count = first.read(left, position)
            if count <= 0 or second.read(right, position) != count or left.getvalue() != right.getvalue():
                return False
            position += count
        return True
    finally:
        first.put()
        second.put()


def select(changes: list[Change], paths: list[bytes]) -> list[Change]:
    """Those at or below one of `paths`, with the added directories they need."""
    chosen: list[Change] = []
    wanted = [path.strip(b"/").removeprefix(b"./") for path in paths]
    for change in changes:
        for path in wanted:
            is_selected = path in (b"", b".", change.path) or change.path.startswith(path + b"/")
            is_above = change.file_type == "directory" and change.kind != DELETED and path.startswith(change.path + b"/")
            if is_selected or is_above:
                chosen.append(change)
                break
    return chosen


def commit(fs: OverlayFs, changes: list[Change], host: HostDirectory) -> list[tuple[Change, str]]:
    """Applies `changes` (from collect_changes, in its order) to the tree `host`, which must be writable.
    Returns: those that could not be applied, with the reason."""
    failures: list[tuple[Change, str]] = []
    directories: list[tuple[Change, OverlayInode]] = []
    lower = fs.lower_roots[0].fs
    owners = lower.owners if isinstance(lower, HostFs) else OwnerMap(0, 0, 0, 0)
    links: dict[Inode, bytes] = {}  # files with several names → the first one made
    for change in changes:
        result = _remove(host, change.path) if change.kind == DELETED or change.is_replacement else 0
        if result < 0:
            failures.append((change, os.strerror(-result)))
    for change in changes:
        if change.kind == DELETED:
            continue
        try:
            inode = _find(fs, change.path)
            if inode.is_dir():
                result = host.mkdir(change.path, 0o700)
                result = 0 if result == -17 else result  # EEXIST: its attributes changed
                directories.append((change, inode))
            else:
                result = _put(host, change.path, inode, links, owners)
        except LinuxError as error:
            result = -error.errno
        if result < 0:
            failures.append((change, os.strerror(-result)))
    for change, inode in reversed(directories):
        result = _put_attributes(host, change.path, inode, owners)
        if result < 0:
            failures.append((change, os.strerror(-result)))
    return failures


def _find(fs: OverlayFs, path: bytes) -> OverlayInode:
    inode = fs.root
    assert isinstance(inode, OverlayInode)
    for name in path.split(b"/"):
        below = inode.lookup(name)
        if not isinstance(below, OverlayInode):
            raise LinuxError(2)
        inode = below
    return inode


def _remove(host: HostDirectory, path: bytes) -> int:
    """Whatever is there, with all that is in it. 0 if nothing is."""
    st = host.stat(path)
    if isinstance(st, int):
        return 0 if st in (-2, -20) else st  # ENOENT, ENOTDIR
    if not stat.S_ISDIR(st[0]):
        return host.unlink(path)
    entries = host.list_entries(path)
    if isinstance(entries, int):
        return entries
    for name, _ino, _kind in entries:
        result = _remove(host, path + b"/" + name)
        if result < 0:
            return result
    return host.rmdir(path)


def _put(host: HostDirectory, path: bytes, inode: OverlayInode, links: dict[Inode, bytes], owners: OwnerMap) -> int:
    """Makes a file, link or FIFO beside its place, then moves it there."""
    directory, _, name = path.rpartition(b"/")
    beside = (directory + b"/" if directory else b"") + b".cruck-" + os.urandom(6).hex().encode()
    real = inode.real()
    if inode.is_regular() and inode.nlink > 1 and real in links:
        result = host.link(links[real], beside)
    elif inode.is_regular():
        result = _write(host, beside, inode)
        if result == 0:
            result = _put_attributes(host, beside, inode, owners)
    elif inode.is_symlink():
        result = host.symlink(beside, inode.readlink())
        if result == 0:
            st = inode.stat()
            host.utimens(beside, st.atime_ns, st.mtime_ns)
    elif stat.S_ISFIFO(inode.mode):
        result = host.make_node(beside, stat.S_IFIFO | inode.mode & 0o777)
    else:
        return -1  # EPERM: sockets are dead names by now, devices are not ours to make
    if result == 0:
        result = host.rename(beside, path)
    if result < 0:
        host.unlink(beside)
    elif inode.is_regular() and inode.nlink > 1:
        links.setdefault(real, path)
    return result


def _write(host: HostDirectory, path: bytes, inode: OverlayInode) -> int:
    target = host.create(path, 0o600)
    if isinstance(target, int):
        return target
    source = inode.open(detached_path(inode), os.O_RDONLY).get()
    try:
        size = inode.stat().size
        position = 0
        while position < size:
            part = BytesWriter(CHUNK_BYTES)
            count = source.read(part, position)
            if count <= 0:
                return count if count < 0 else -5
            data = part.getvalue()
            if data.strip(b"\0"):  # else a hole
                written = 0
                while written < len(data):
                    result = target.pwrite(data[written:], position + written)
                    if result <= 0:
                        return result if result < 0 else -5
                    written += result
            position += count
        result = target.truncate(size)
        return result if result < 0 else target.fsync(True)
    finally:
        source.put()
        target.close()


def _put_attributes(host: HostDirectory, path: bytes, inode: OverlayInode, owners: OwnerMap) -> int:
    """Mode and times, and the owner where we may give files away. Set-user-id bits stay behind."""
    st = inode.stat()
    before = host.stat(path)
    if isinstance(before, int):
        return before
    uid, gid = owners.uid_to_host(st.uid), owners.gid_to_host(st.gid)
    if os.geteuid() == 0 and (before[2], before[3]) != (uid, gid):
        host.chown(path, uid, gid)
    result = host.chmod(path, st.mode & 0o1777)
    return result if result < 0 else host.utimens(path, st.atime_ns, st.mtime_ns)
