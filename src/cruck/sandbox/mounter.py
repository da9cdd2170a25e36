# SPDX-License-Identifier: MPL-2.0
"""Mounter: puts file systems into a namespace before the first task runs."""

import os

from cruck.framework.io.host_directory import HostDirectory
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.hostfs.file_system import HostFs, OwnerMap
from cruck.kernel.fs.overlay.file_system import OverlayFs
from cruck.kernel.fs.tmpfs import TmpFs, TmpFsType
from cruck.kernel.kernel import Kernel
from cruck.kernel.process.credentials import ALL_CAPABILITIES, Credentials
from cruck.kernel.vfs import dcache
from cruck.kernel.vfs.dentry import Dentry, Mount, MountNamespace, Path
from cruck.kernel.vfs.inode import FileSystem
from cruck.kernel.vfs.walk import Walker, lookup_path, make_path
from cruck.sandbox.config import ConfigError, RunConfig

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
HOST_FLAGS = MS_NOSUID | MS_NODEV
S_IFREG = 0o100000


class Mounter:
    namespace: MountNamespace

    def __init__(self, kernel: Kernel, config: RunConfig, root: FileSystem, source: bytes, flags: int) -> None:
        self.kernel = kernel
        self.config = config
        self.namespace = MountNamespace(root, source, flags)
        self.root_creds = Credentials(0, 0, ())
        # Makes directories that belong to the run's user, wherever they are.
        self.user_creds = Credentials(config.uid, config.gid, ())
        self.user_creds.cap_effective = ALL_CAPABILITIES
        self.host_trees: list[HostFs] = []
        self.owners = OwnerMap(os.geteuid(), os.getegid(), config.uid, config.gid)

    # File systems.

    def tmpfs(self, options: bytes) -> FileSystem:
        return TmpFsType().create(self.kernel, b"tmpfs", options)

    def hostfs(self, host: HostDirectory, is_live: bool, is_shared: bool) -> HostFs:
        """is_shared: the user's own files, shown as the run's user's; else the system's, with their true owners."""
        fs = HostFs(self.kernel, self.kernel.next_anon_dev(), host, is_live, self.owners if is_shared else None)
        self.host_trees.append(fs)
        return fs

    def overlay(self, lower: HostFs, upper: FileSystem | None) -> OverlayFs:
        upper_root = upper.root if upper is not None else None
        return OverlayFs(self.kernel, self.kernel.next_anon_dev(), [lower.root], upper_root)

    def memory_upper(self, lower: HostFs) -> FileSystem:
        """An upper tree in memory whose root looks like the lower one. Limited as a tmpfs is: by half of RAM."""
        upper = TmpFsType().create(self.kernel, b"tmpfs", b"")
        assert isinstance(upper, TmpFs)
        st = lower.root.stat()
        upper.root.set_attributes(st.mode & 0o7777, st.uid, st.gid, st.atime_ns, st.mtime_ns)
        return upper

    # Places.

    def find(self, path: str) -> Path | None:
        try:
            return lookup_path(self.namespace, self.root_creds, os.fsencode(path))
        except LinuxError:
            return None

    def directory(self, path: str, is_users: bool = False, mode: int = 0o755) -> Path:
        """The directory, made with what is missing above it. Errors: ConfigError."""
        creds = self.user_creds if is_users else self.root_creds
        try:
            return make_path(self.namespace, creds, os.fsencode(path), mode)
        except LinuxError as error:
            raise ConfigError(f"cannot make {path} inside the sandbox: {os.strerror(error.errno)}") from None

    def file(self, path: str) -> Path:
        """The file to mount a single file on; made if it is missing. Errors: ConfigError."""
        parent, name = os.path.split(path)
        directory = self.directory(parent)
        root = self.namespace.top(Path(self.namespace.root, self.namespace.root.root))
        try:
            found = self.find(path)
            if found is None:
                place = Walker(root, self.root_creds).child(directory, os.fsencode(name))
                dcache.instantiate(place.dentry, directory.inode().create(os.fsencode(name), S_IFREG | 0o644, 0, 0))
                found = place
        except LinuxError as error:
            raise ConfigError(f"cannot make {path} inside the sandbox: {os.strerror(error.errno)}") from None
        if found.inode().is_dir():
            raise ConfigError(f"{path} is a directory inside the sandbox: a file cannot be mounted there")
        return found

    # Mounting.

    def mount(self, fs: FileSystem, path: str, flags: int, source: bytes, is_users: bool = False) -> Mount:
        """On a directory. Errors: ConfigError."""
        return self.namespace.mount(fs, self.directory(path, is_users), flags, source)

    def mount_file(self, fs: FileSystem, name: bytes, path: str, flags: int, source: bytes) -> Mount:
        """Shows the file `name` in the root of `fs` at `path`. Errors: ConfigError."""
        inode = fs.root.lookup(name)
        if inode is None:
            raise ConfigError(f"{os.fsdecode(source)} does not exist")
        dentry = Dentry(Dentry(None, b"", fs.root), name, inode)
        return self.namespace.attach(fs, dentry, self.file(path), flags, source)


def open_host(
    path: str, is_writable: bool = False, only_world_readable: bool = False, hides_dotfiles: bool = False, only_entry: bytes = b""
) -> HostDirectory:
    """Errors: ConfigError."""
    try:
        return HostDirectory(path, is_writable, only_world_readable, hides_dotfiles, only_entry)
    except OSError as error:
        raise ConfigError(f"cannot use the host's {path}: {error.strerror}") from None
