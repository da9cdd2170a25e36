# SPDX-License-Identifier: MPL-2.0
"""The path walk: from a name to a place in the tree (path_resolution(7), Linux fs/namei.c).

`resolve` and `resolve_parent` are what system calls use; `Walker` is one walk, for callers without a task and for
open(2),
which continues a walk after it has looked at the last component. `path_string` goes the other way. The walk itself
knows no guest memory (`read_path` is the only function that does) and changes nothing but the dentry cache.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EAGAIN, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV
from cruck.abi.fcntl import (
    AT_FDCWD,
    RESOLVE_BENEATH,
    RESOLVE_CACHED,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
)
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.vfs import dcache
from cruck.kernel.vfs.dentry import Dentry, Mount, MountNamespace, Path
from cruck.kernel.vfs.inode import S_IFDIR, S_IFLNK, S_IFMT
from cruck.kernel.vfs.permission import MAY_EXEC, check_access

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

LOOKUP_NOFOLLOW: Final = 1  # a symbolic link as last component is the result
LOOKUP_DIRECTORY: Final = 2  # the result must be a directory
LOOKUP_EMPTY: Final = 4  # an empty path means dirfd itself (AT_EMPTY_PATH)
LOOKUP_NO_MAGIC: Final = 8  # magic links are refused (ELOOP)

NAME_MAX: Final = 255
PATH_MAX: Final = 4096  # with the NUL
MAX_LINKS: Final = 40
MS_NOSYMFOLLOW: Final = 256

_SEARCH_BY_ALL: Final = 0o111


def read_path(task: "Task", addr: int) -> bytes:
    """A path from guest memory. Errors: UserFault; LinuxError(ENAMETOOLONG)."""
    path = task.user.read_cstring(addr, PATH_MAX)
    if path is None:
        raise LinuxError(ENAMETOOLONG)
    return path


def resolve(task: "Task", dirfd: int, path: bytes, flags: int = 0) -> Path:
    """Where `path` leads, seen from dirfd (AT_FDCWD: the working directory) for relative paths.

    Errors: LinuxError: ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EBADF.
    """
    if not path:
        if not flags & LOOKUP_EMPTY:
            raise LinuxError(ENOENT)
        result = empty_path_start(task, dirfd)
        if flags & LOOKUP_DIRECTORY and not result.inode().is_dir():
            raise LinuxError(ENOTDIR)
        return result
    walker = Walker(task.fs.root, task.creds)
    if flags & LOOKUP_NO_MAGIC:
        walker.resolve = RESOLVE_NO_MAGICLINKS
    return walker.walk(start_of(task, dirfd, path), path, flags)


def resolve_parent(task: "Task", dirfd: int, path: bytes) -> tuple[Path, bytes, bool]:
    """(directory, last name, had a trailing slash). The last name is b"" for "/", and may be b"." or b"..";
    it has not been looked up. Errors: as resolve()."""
    if not path:
        raise LinuxError(ENOENT)
    walker = Walker(task.fs.root, task.creds)
    directory = walker.walk_parent(start_of(task, dirfd, path), path)
    return directory, walker.last, walker.has_slash


def start_of(task: "Task", dirfd: int, path: bytes) -> Path:
    """Where the walk of a non-empty path starts. Errors: LinuxError(EBADF, ENOTDIR)."""
    if dirfd == AT_FDCWD or path[0] == 47:
        return task.fs.cwd
    start = task.files.get_any(dirfd).path
    if start is None or not start.inode().is_dir():
        raise LinuxError(ENOTDIR)
    return start


def empty_path_start(task: "Task", dirfd: int) -> Path:
    """AT_EMPTY_PATH: dirfd itself. Errors: LinuxError(EBADF; ENOENT: a file that has no place in the tree)."""
    if dirfd == AT_FDCWD:
        return task.fs.cwd
    path = task.files.get_any(dirfd).path
    if path is None:
        raise LinuxError(ENOENT)
    return path


class Walker:
    """One walk. `walk_parent` may be continued with `follow_last` (the count of links is one for all)."""

    root: Path
    creds: Credentials
    resolve: int  # RESOLVE_* of openat2
    nr_links: int  # symbolic links followed
    mount: Mount  # where it is
    dentry: Dentry
    last: bytes  # walk_parent: the component it stopped at
    has_slash: bool  # … with slashes after it

    def __init__(self, root: Path, creds: Credentials, resolve: int = 0) -> None:
        self.root = root
        self.creds = creds
        self.resolve = resolve
        self.nr_links = 0
        self.mount = root.mount
        self.dentry = root.dentry
        self.last = b""
        self.has_slash = False

    def walk(self, start: Path, path: bytes, flags: int = 0) -> Path:
        """The place `path` (not empty) names. Errors: LinuxError."""
        self._run(start, path, False, not flags & LOOKUP_NOFOLLOW)
        inode = self.dentry.inode
        assert inode is not None
        if (flags & LOOKUP_DIRECTORY or self.has_slash) and not inode.is_dir():
            raise LinuxError(ENOTDIR)
        return Path(self.mount, self.dentry)

    def walk_parent(self, start: Path, path: bytes) -> Path:
        """The directory that has the last component, which is left in `last`. Errors: LinuxError."""
        self._run(start, path, True, False)
        return Path(self.mount, self.dentry)

    def child(self, directory: Path, name: bytes) -> Path:
        """The last component (not ".", ".." or empty) of walk_parent(): what is mounted there, if anything. Its inode
        may be
        None: absent."""
        if len(name) > NAME_MAX:
            raise LinuxError(ENAMETOOLONG)
        return self._down(directory.mount, dcache.lookup(directory.dentry, name))

    def follow_last(self, directory: Path, link: Path) -> Path | None:
        """Continues at the symbolic link `link`, which is the last component in `directory`: its target's last
        component is in `last` then and the directory of that is returned by the next walk_parent(). Returns the end
        of a magic link, or None after an ordinary one (then `self.mount/dentry` is the new directory)."""
        magic, target = self._read_link(link.mount, link.dentry)
        if magic is not None:
            return magic
        slash = self.has_slash
        self._run(directory, target, True, False)
        self.has_slash = self.has_slash or slash
        return None

    def _run(self, start: Path, path: bytes, wants_parent: bool, follows_last: bool) -> None:
        resolve = self.resolve
        if resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) and self.nr_links == 0:
            self.root = start
        mount = start.mount
        dentry = start.dentry
        if path[0] == 47:
            if resolve & RESOLVE_BENEATH:
                raise LinuxError(EXDEV)
            root = self.root
            if resolve & RESOLVE_NO_XDEV and root.mount is not mount:
                raise LinuxError(EXDEV)
            mount = root.mount
            dentry = root.dentry
        rest = [name for name in path.split(b"/") if name]
        rest.reverse()
        has_slash = path[-1] == 47
        self.last = b""
        while rest:
            inode = dentry.inode
            assert inode is not None
            mode = inode.mode
            if mode & S_IFMT != S_IFDIR:
                raise LinuxError(ENOTDIR)
            if mode & _SEARCH_BY_ALL != _SEARCH_BY_ALL:
                check_access(self.creds, inode, MAY_EXEC)
            name = rest.pop()
            if wants_parent and not rest:
                self.last = name
                break
            if name == b".":
                continue
            if name == b"..":
                self._up(mount, dentry)
                mount = self.mount
                dentry = self.dentry
                continue
            if len(name) > NAME_MAX:
                raise LinuxError(ENAMETOOLONG)
            child: Dentry | None = None
            if inode.fs.caches_names:
                child = dentry.children.get(name)
            if child is None:
                if resolve & RESOLVE_CACHED:
                    raise LinuxError(EAGAIN)
                child = dcache.lookup(dentry, name)
            inode = child.inode
            if inode is None:
                raise LinuxError(ENOENT)
            if child.nr_mounts:
                below = self._down(mount, child)
                if below.mount is not mount and resolve & RESOLVE_NO_XDEV:
                    raise LinuxError(EXDEV)
                mount = below.mount
                dentry = below.dentry
                continue
            if inode.mode & S_IFMT != S_IFLNK or not (rest or follows_last or has_slash):
                dentry = child
                continue
            magic, target = self._read_link(mount, child)
            if magic is not None:
                if resolve & RESOLVE_NO_XDEV and magic.mount is not mount:
                    raise LinuxError(EXDEV)
                mount = magic.mount
                dentry = magic.dentry
                continue
            if target[0] == 47:
                root = self.root
                if resolve & RESOLVE_BENEATH or resolve & RESOLVE_NO_XDEV and root.mount is not mount:
                    raise LinuxError(EXDEV)
                mount = root.mount
                dentry = root.dentry
            if not rest and target[-1] == 47:
                has_slash = True
            names = [part for part in target.split(b"/") if part]
            names.reverse()
            rest += names
        self.mount = mount
        self.dentry = dentry
        self.has_slash = has_slash

    def _read_link(self, mount: Mount, link: Dentry) -> tuple[Path | None, bytes]:
        """(end of a magic link, b"") or (None, target: not empty). Counts the link."""
        resolve = self.resolve
        self.nr_links += 1
        if self.nr_links > MAX_LINKS or resolve & RESOLVE_NO_SYMLINKS or mount.flags & MS_NOSYMFOLLOW:
            raise LinuxError(ELOOP)
        inode = link.inode
        assert inode is not None
        magic = inode.follow()
        if magic is not None:
            if resolve & RESOLVE_NO_MAGICLINKS:
                raise LinuxError(ELOOP)
            if resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT):
                raise LinuxError(EXDEV)
            return magic, b""
        target = inode.readlink()
        if not target:
            raise LinuxError(ENOENT)
        return None, target

    def _down(self, mount: Mount, dentry: Dentry) -> Path:
        """The root of the topmost mount over (mount, dentry), or the place itself."""
        while dentry.nr_mounts:
            over = mount.covered.get(dentry)
            if over is None:
                break
            mount = over
            dentry = over.root
        return Path(mount, dentry)

    def _up(self, mount: Mount, dentry: Dentry) -> None:
        """Sets the position to ".." of a place: never above the root; out of a mount at its root."""
        start = mount
        while True:
            if mount is self.root.mount and dentry is self.root.dentry:
                if self.resolve & RESOLVE_BENEATH:
                    raise LinuxError(EXDEV)
                self.mount = mount
                self.dentry = dentry
                return
            if dentry is not mount.root:
                break
            if mount.parent is None or mount.mountpoint is None:
                self.mount = mount
                self.dentry = dentry
                return
            dentry = mount.mountpoint
            mount = mount.parent
        above = self._down(mount, dentry.parent)
        if self.resolve & RESOLVE_NO_XDEV and above.mount is not start:
            raise LinuxError(EXDEV)
        self.mount = above.mount
        self.dentry = above.dentry


def path_string(root: Path, path: Path) -> bytes:
    """The absolute path of a place as seen from `root`, as /proc shows it: with " (deleted)" when its name is gone. A
    place outside of `root` is given from the root of its own tree."""
    text = path_names(root, path)[0]
    if path.dentry.is_unlinked:
        return text + b" (deleted)"
    return text


def path_names(root: Path, path: Path) -> tuple[bytes, bool]:
    """(path, is it below `root`?), without marks."""
    names: list[bytes] = []
    mount = path.mount
    dentry = path.dentry
    is_reachable = True
    while not (mount is root.mount and dentry is root.dentry):
        if dentry is mount.root:
            if mount.parent is None or mount.mountpoint is None:
                is_reachable = False
                break
            dentry = mount.mountpoint
            mount = mount.parent
            continue
        if dentry.parent is dentry:
            is_reachable = False
            break
        names.append(dentry.name)
        dentry = dentry.parent
    names.reverse()
    return b"/" + b"/".join(names), is_reachable


def lookup_path(namespace: MountNamespace, creds: Credentials, path: bytes) -> Path | None:
    """For the kernel itself: an absolute path from the root of the namespace; None if there is no such place."""
    root = namespace.top(Path(namespace.root, namespace.root.root))
    try:
        return Walker(root, creds).walk(root, path)
    except LinuxError as error:
        if error.errno in (ENOENT, ENOTDIR):
            return None
        raise


def make_path(namespace: MountNamespace, creds: Credentials, path: bytes, mode: int = 0o755) -> Path:
    """mkdir -p of an absolute path, for boot: makes missing directories, owned by `creds`. Errors: LinuxError."""
    root = namespace.top(Path(namespace.root, namespace.root.root))
    walker = Walker(root, creds)
    place = root
    for name in path.split(b"/"):
        if name in (b"", b"."):
            continue
        if name == b"..":
            place = walker.walk(place, name, LOOKUP_DIRECTORY)
            continue
        below = walker.child(place, name)
        if below.dentry.inode is None:
            dcache.instantiate(below.dentry, place.inode().mkdir(name, mode, creds.fsuid, creds.fsgid))
            place = below
        else:
            place = walker.walk(place, name, LOOKUP_DIRECTORY)
    return place
