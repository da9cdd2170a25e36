# SPDX-License-Identifier: MPL-2.0
"""/proc/[pid]/{mounts,mountinfo,mountstats}: the mount table as one process sees it from its root."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.vfs.dentry import Dentry, Mount, Path
from cruck.kernel.vfs.peer_group import PeerGroup

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task

MS_RDONLY: Final = 1
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_NOATIME: Final = 1024
MS_NODIRATIME: Final = 2048
MS_RELATIME: Final = 1 << 21
MS_STRICTATIME: Final = 1 << 24


def mounts(kernel: "Kernel", task: "Task") -> bytes:
    """fstab(5) format."""
    lines: list[bytes] = []
    for mount in task.ns.mnt.mounts:
        point = _point_seen_from(task.fs.root, mount)
        if point is None:
            continue
        options = _mount_options(mount)
        if mount.fs.is_read_only and not mount.flags & MS_RDONLY:
            options = b"ro" + options[2:]
        lines.append(b"%s %s %s %s%s 0 0\n" % (escape(mount.source), escape(point), escape(mount.fs.name), options, _fs_options(mount)))
    return b"".join(lines)


def mountinfo(kernel: "Kernel", task: "Task") -> bytes:
    """One line a mount: id, parent, device, root, mount point, options, who shares with it, separator, type, source, super options."""
    lines: list[bytes] = []
    for mount in task.ns.mnt.mounts:
        point = _point_seen_from(task.fs.root, mount)
        if point is None:
            continue
        dev = mount.fs.dev
        parent_id = mount.parent.mount_id if mount.parent is not None else mount.mount_id
        lines.append(
            b"%d %d %d:%d %s %s %s%s - %s %s %s%s\n"
            % (
                mount.mount_id,
                parent_id,
                dev >> 8 & 0xFFF,
                dev & 0xFF | dev >> 12 & 0xFFF00,
                escape(_path_in_fs(mount.root)),
                escape(point),
                _mount_options(mount),
                _propagation(mount, task.fs.root),
                escape(mount.fs.name),
                escape(mount.source),
                b"ro" if mount.fs.is_read_only else b"rw",
                _fs_options(mount),
            )
        )
    return b"".join(lines)


def mountstats(kernel: "Kernel", task: "Task") -> bytes:
    lines: list[bytes] = []
    for mount in task.ns.mnt.mounts:
        point = _point_seen_from(task.fs.root, mount)
        if point is not None:
            lines.append(b"device %s mounted on %s with fstype %s\n" % (escape(mount.source), escape(point), escape(mount.fs.name)))
    return b"".join(lines)


def _mount_options(mount: Mount) -> bytes:
    flags = mount.flags
    options = b"ro" if flags & MS_RDONLY else b"rw"
    if flags & MS_NOSUID:
        options += b",nosuid"
    if flags & MS_NODEV:
        options += b",nodev"
    if flags & MS_NOEXEC:
        options += b",noexec"
    if flags & MS_NOATIME:
        options += b",noatime"
    elif not flags & MS_STRICTATIME:
        options += b",relatime"
    if flags & MS_NODIRATIME:
        options += b",nodiratime"
    return options


def _propagation(mount: Mount, root: Path) -> bytes:
    """The optional fields (proc_pid_mountinfo(5)). propagate_from: the nearest group above that can be seen, if that is not the master."""
    text = b" shared:%d" % mount.peers.number if mount.peers is not None else b""
    master = mount.master
    if master is not None:
        text += b" master:%d" % master.number
        seen: PeerGroup | None = master
        while seen is not None and not any(peer.ns is mount.ns and _point_seen_from(root, peer) is not None for peer in seen.members):
            seen = seen.members[0].master
        if seen is not None and seen is not master:
            text += b" propagate_from:%d" % seen.number
    return text + b" unbindable" if mount.is_unbindable else text


def _fs_options(mount: Mount) -> bytes:
    options = mount.fs.mount_options()
    return b"," + options if options else b""


def _path_in_fs(dentry: Dentry) -> bytes:
    parts: list[bytes] = []
    while dentry.parent is not dentry:
        parts.append(dentry.name)
        dentry = dentry.parent
    parts.reverse()
    return b"/" + b"/".join(parts)


def _point_seen_from(root: Path, mount: Mount) -> bytes | None:
    """The mount point's path below `root`; None: it cannot be reached from there."""
    if mount is root.mount and mount.root is root.dentry:
        return b"/"
    if mount.mountpoint is None or mount.parent is None:
        return None
    return path_below(root, Path(mount.parent, mount.mountpoint))


def path_below(root: Path, path: Path) -> bytes | None:
    """`path` as seen from `root`; None if it is not below it."""
    parts: list[bytes] = []
    mount, dentry = path.mount, path.dentry
    while not (mount is root.mount and dentry is root.dentry):
        if dentry is mount.root or dentry.parent is dentry:
            if mount.parent is None or mount.mountpoint is None:
                return None
            dentry = mount.mountpoint
            mount = mount.parent
            continue
        parts.append(dentry.name)
        dentry = dentry.parent
    parts.reverse()
    return b"/" + b"/".join(parts)


def escape(text: bytes) -> bytes:
    r"""Space, tab, newline, backslash and # as \ooo, so that fields stay fields."""
    out = bytearray()
    for byte in text:
        if byte in b" \t\n\\#":
            out += b"\\%03o" % byte
        else:
            out.append(byte)
    return bytes(out)
