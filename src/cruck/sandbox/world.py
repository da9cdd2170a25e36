# SPDX-License-Identifier: MPL-2.0
"""The world a run sees: which file systems are where. `build` makes it; changes.py tells afterwards what the run
changed.

Without --rootfs: a root in memory; the host's system directories, read-only, and only what everybody may read of them;
an /etc that works; our /proc, /sys and /dev; empty /tmp, /run, /var and home; and the current directory at its own
path, copy-on-write. With --rootfs: that directory as the root, copy-on-write, with /proc, /sys and /dev. Nothing of the
host can be changed but what -v and --overlay none or DIR name.
"""

import os
import pwd
import stat

from cruck.framework.io.host_directory import HostDirectory
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.hostfs.file_system import HostFs
from cruck.kernel.fs.overlay.file_system import OverlayFs
from cruck.kernel.kernel import Kernel
from cruck.kernel.vfs.dentry import MountNamespace, Path
from cruck.kernel.vfs.inode import FileSystem
from cruck.sandbox import etc_files
from cruck.sandbox.changes import Change, collect_changes, commit, select
from cruck.sandbox.config import ConfigError, RunConfig
from cruck.sandbox.config import Mount as AskedMount
from cruck.sandbox.environment import DEFAULT_PATH, environment
from cruck.sandbox.kernel_mounts import mount_kernel_file_systems
from cruck.sandbox.mounter import HOST_FLAGS, MS_NODEV, MS_NOSUID, MS_RDONLY, Mounter, open_host

# Of the host's root; those that exist. Symbolic links among them (/bin -> usr/bin) stay symbolic links.
SYSTEM_DIRECTORIES = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix", "gnu", "snap")
# Directories that are ours, whatever the host has there.
OUR_DIRECTORIES = ("proc", "sys", "dev", "run", "etc")


class WorldOverlay:
    """A copy-on-write tree whose changes can be listed and committed."""

    target: str  # where the run sees it
    source: str  # the host directory below it
    fs: OverlayFs
    hides_dotfiles: bool  # the run does not see the dot files in `source`, nor can a commit touch them
    made_at_boot: set[bytes]  # paths in it that `build` made: mount points

    def __init__(self, target: str, source: str, fs: OverlayFs, hides_dotfiles: bool) -> None:
        self.target = target
        self.source = source
        self.fs = fs
        self.hides_dotfiles = hides_dotfiles
        self.made_at_boot = set()

    def changes(self) -> list[Change]:
        """What the run changed."""
        return [change for change in collect_changes(self.fs) if change.path not in self.made_at_boot]

    def guest_path(self, change: Change) -> str:
        """Where the run sees it."""
        return os.path.join(self.target, os.fsdecode(change.path))

    def commit(self, changes: list[Change]) -> list[tuple[Change, str]]:
        """Applies them to the host directory. Returns those that failed, with the reason. Errors: ConfigError."""
        host = open_host(self.source, is_writable=True, hides_dotfiles=self.hides_dotfiles)
        try:
            return commit(self.fs, changes, host)
        finally:
            host.close()

    def select(self, paths: list[str]) -> list[Change]:
        """The changes at or below `paths`: absolute as the run sees them, or relative to the tree."""
        wanted: list[bytes] = []
        for path in paths:
            inside = os.path.normpath(os.path.join(self.target, path))
            if _is_below(inside, self.target):
                wanted.append(os.fsencode(os.path.relpath(inside, self.target)))
            elif _is_below(self.target, inside):
                wanted.append(b".")
        return select(self.changes(), wanted)


class World:
    namespace: MountNamespace
    root: Path
    cwd: Path
    overlays: list[WorldOverlay]
    environment: dict[str, str]

    def __init__(self, mounter: Mounter, cwd: Path, overlays: list[WorldOverlay], variables: dict[str, str]) -> None:
        self._mounter = mounter
        self.namespace = mounter.namespace
        self.root = self.namespace.top(Path(self.namespace.root, self.namespace.root.root))
        self.cwd = cwd
        self.overlays = overlays
        self.environment = variables

    def close(self) -> None:
        """Gives back the host descriptors. The changes can be neither listed nor committed afterwards."""
        for fs in self._mounter.host_trees:
            fs.close_host()

    def host_directories(self) -> list[HostDirectory]:
        """Every tree of the host that the run was granted."""
        return [fs.host for fs in self._mounter.host_trees]

    def explain_missing(self, program: str) -> str | None:
        """A sentence for the user if the host has `program` but the run cannot see it."""
        config = self._mounter.config
        if config.rootfs is not None:
            return None
        if "/" in program:
            found = program if os.path.isabs(program) else os.path.join(config.cwd, program)
            if not os.path.exists(found):
                return None
        else:
            import shutil

            located = shutil.which(program, path=config.host_environment.get("PATH", DEFAULT_PATH))
            if located is None:
                return None
            found = located
        found = os.path.abspath(found)
        if self._mounter.find(found) is None:
            return _advice(f"the host has it at {found}", found)
        target = os.path.realpath(found)
        if self._mounter.find(target) is None:
            return _advice(f"{found} leads to {target}", target)
        interpreter = _interpreter(target)
        if interpreter is not None and self._mounter.find(interpreter) is None and os.path.exists(interpreter):
            return _advice(f"its interpreter is {interpreter}", os.path.realpath(interpreter))
        return None


def _advice(fact: str, path: str) -> str:
    directory = os.path.dirname(path)
    if os.path.basename(directory) in ("bin", "sbin", "shims"):
        directory = os.path.dirname(directory)
    return f"{fact}, which is outside of the sandbox; show it with -v {directory}:{directory}:ro"


def _interpreter(path: str) -> str | None:
    """What a script names after #!."""
    try:
        with open(path, "rb") as file:
            line = file.readline(256)
    except OSError:
        return None
    words = line[2:].split() if line.startswith(b"#!") else []
    return os.fsdecode(words[0]) if words else None


def build(kernel: Kernel, config: RunConfig) -> World:
    """Makes the world and sets `kernel.namespace`. Errors: ConfigError."""
    builder = _RootfsBuilder(kernel, config) if config.rootfs is not None else _DefaultBuilder(kernel, config)
    try:
        return builder.build()
    except LinuxError as error:
        reason = f"{os.strerror(error.errno)} {error.why}".rstrip()
        raise ConfigError(f"cannot build the sandbox's files: {reason}") from error


class _Builder:
    mounter: Mounter

    def __init__(self, kernel: Kernel, config: RunConfig) -> None:
        self.kernel = kernel
        self.config = config
        self.overlays: list[WorldOverlay] = []
        self.home = "/"
        self.start = os.path.realpath(config.cwd)  # the caller's directory, as getcwd() would name it

    def build(self) -> World:
        raise NotImplementedError

    def copy_on_write(self, mounter: Mounter, lower: HostFs) -> OverlayFs:
        """--overlay and --read-only decide where changes of `lower` go."""
        config = self.config
        upper: FileSystem | None
        if config.read_only:
            upper = None
        elif config.overlay == "memory":
            upper = mounter.memory_upper(lower)
        else:
            directory = os.path.join(os.path.abspath(config.overlay), "upper")
            try:
                os.makedirs(directory, mode=0o700, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"cannot keep changes in {config.overlay}: {error.strerror}") from None
            upper = mounter.hostfs(open_host(directory, is_writable=True), True, True)
        return mounter.overlay(lower, upper)

    def mount_asked(self) -> None:
        """-v, --mount and --tmpfs, outer ones first."""
        for asked in sorted(self.config.mounts, key=_depth):
            if asked.kind == "tmpfs":
                self.mounter.mount(self.mounter.tmpfs(b"mode=1777"), asked.target, MS_NOSUID | MS_NODEV, b"tmpfs")
            else:
                self._mount_shared(asked)

    def _mount_shared(self, asked: AskedMount) -> None:
        flags = HOST_FLAGS | (MS_RDONLY if asked.is_read_only else 0)
        source = os.path.realpath(asked.source)
        name = os.fsencode(source)
        if os.path.isdir(source):
            host = open_host(source, is_writable=not asked.is_read_only)
            fs = self.mounter.hostfs(host, True, True)
            self.mounter.mount(fs, asked.target, flags, name, self.is_users(asked.target))
        elif os.path.isfile(source):
            base = os.fsencode(os.path.basename(source))
            host = open_host(os.path.dirname(source), is_writable=not asked.is_read_only, only_entry=base)
            fs = self.mounter.hostfs(host, True, True)
            self.mounter.mount_file(fs, base, asked.target, flags, name)
        else:
            reason = "it is neither a file nor a directory" if os.path.exists(source) else "it does not exist"
            raise ConfigError(f"cannot show {asked.source} at {asked.target}: {reason}")

    def is_users(self, path: str) -> bool:
        """Does what is made at this place belong to the run's user?"""
        return self.home != "/" and _is_below(path, self.home)

    def finish(self, start: str, search_path: str) -> World:
        config = self.config
        self.mount_asked()
        cwd = self.mounter.find(start)
        if config.workdir is not None:
            cwd = self.mounter.directory(os.path.normpath(os.path.join(start, config.workdir)), True)
        if cwd is None or not cwd.inode().is_dir():
            cwd = self.mounter.find("/")
            assert cwd is not None
        if config.read_only:
            self.mounter.namespace.root.flags |= MS_RDONLY
        for overlay in self.overlays:
            overlay.made_at_boot = {change.path for change in overlay.changes()} - overlay.made_at_boot
        user = etc_files.user_name(config)
        variables = environment(config, self.home, user, search_path)
        self.kernel.namespace = self.mounter.namespace
        return World(self.mounter, cwd, self.overlays, variables)

    def add_overlay(self, target: str, source: str, fs: OverlayFs, hides_dotfiles: bool) -> None:
        overlay = WorldOverlay(target, source, fs, hides_dotfiles)
        # What an earlier run left (--overlay DIR) is listed again; finish() takes it out of this set.
        overlay.made_at_boot = {change.path for change in overlay.changes()}
        self.overlays.append(overlay)


class _DefaultBuilder(_Builder):
    def build(self) -> World:
        kernel = self.kernel
        config = self.config
        mounter = self.mounter = Mounter(kernel, config, _root_tmpfs(kernel), b"tmpfs", 0)
        self.home = home_directory(config)
        for name in ("mnt", "media", "srv", "home"):
            mounter.directory("/" + name)
        mounter.directory("/root", mode=0o700)
        for name in SYSTEM_DIRECTORIES:
            self._mount_system(name)
        self._mount_etc()
        self._make_var()
        for path, options in (("/tmp", b"mode=1777"), ("/run", b"mode=755")):
            mounter.mount(mounter.tmpfs(options), path, MS_NOSUID | MS_NODEV, b"tmpfs")
        mounter.directory("/run/lock", mode=0o1777)
        mount_kernel_file_systems(mounter)
        self._make_home()
        self._mount_current_directory()
        return self.finish(self.start, self._search_path())

    def _mount_system(self, name: str) -> None:
        path = "/" + name
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return
        if stat.S_ISLNK(mode):
            root = self.mounter.namespace.root.root.inode
            assert root is not None
            root.symlink(os.fsencode(name), os.fsencode(os.readlink(path)), 0, 0)
        elif stat.S_ISDIR(mode):
            host = open_host(path, only_world_readable=True)
            self.mounter.mount(self.mounter.hostfs(host, False, False), path, HOST_FLAGS | MS_RDONLY, os.fsencode(path))

    def _mount_etc(self) -> None:
        mounter = self.mounter
        if not os.path.isdir("/etc"):
            etc_files.write_etc(mounter.directory("/etc").inode(), None, self.config, self.home, self.kernel.namespaces.uts.hostname)
            return
        host = open_host("/etc", only_world_readable=True)
        lower = mounter.hostfs(host, False, False)
        etc = mounter.overlay(lower, mounter.memory_upper(lower))
        etc_files.write_etc(etc.root, host, self.config, self.home, self.kernel.namespaces.uts.hostname)
        mounter.mount(etc, "/etc", HOST_FLAGS | (MS_RDONLY if self.config.read_only else 0), b"overlay")

    def _make_var(self) -> None:
        for name in ("cache", "lib", "log", "spool", "opt", "mail"):
            self.mounter.directory("/var/" + name)
        self.mounter.directory("/var/tmp", mode=0o1777)
        var = self.mounter.directory("/var").inode()
        var.symlink(b"run", b"/run", 0, 0)
        var.symlink(b"lock", b"/run/lock", 0, 0)

    def _make_home(self) -> None:
        """Empty and the user's own: nothing of the host's home."""
        if self.home == "/" or _top(self.home) in (*SYSTEM_DIRECTORIES, *OUR_DIRECTORIES):
            return
        place = self.mounter.directory(self.home)
        place.inode().set_attributes(0o700, self.config.uid, self.config.gid)

    def _mount_current_directory(self) -> None:
        config = self.config
        path = self.start
        top = _top(path)
        is_ours = top in OUR_DIRECTORIES and not path.startswith(("/run/", "/dev/shm/"))
        if path == "/" or is_ours or path.strip("/") in SYSTEM_DIRECTORIES:
            return  # it is there already
        mounter = self.mounter
        is_system = top in SYSTEM_DIRECTORIES
        hides_dotfiles = path == self.home
        if config.overlay == "none" and not config.read_only:
            host = open_host(path, is_writable=True, only_world_readable=is_system, hides_dotfiles=hides_dotfiles)
            fs: FileSystem = mounter.hostfs(host, True, True)
        else:
            host = open_host(path, only_world_readable=is_system, hides_dotfiles=hides_dotfiles)
            overlay = self.copy_on_write(mounter, mounter.hostfs(host, False, True))
            self.add_overlay(path, path, overlay, hides_dotfiles)
            fs = overlay
        flags = HOST_FLAGS | (MS_RDONLY if config.read_only else 0)
        mounter.mount(fs, path, flags, os.fsencode(path), self.is_users(path))
        if path != "/" and self.home != path and _is_below(self.home, path):
            # Running above the home must not show it.
            options = b"mode=700,uid=%d,gid=%d" % (config.uid, config.gid)
            mounter.mount(mounter.tmpfs(options), self.home, MS_NOSUID | MS_NODEV, b"tmpfs", True)

    def _search_path(self) -> str:
        """The caller's PATH as far as it exists in here, then the usual directories."""
        entries: list[str] = []
        for entry in self.config.host_environment.get("PATH", "").split(":") + DEFAULT_PATH.split(":"):
            if not entry.startswith("/") or entry in entries:
                continue
            found = self.mounter.find(entry)
            if found is not None and found.inode().is_dir():
                entries.append(entry)
        return ":".join(entries) or DEFAULT_PATH


class _RootfsBuilder(_Builder):
    def build(self) -> World:
        config = self.config
        kernel = self.kernel
        assert config.rootfs is not None
        source = os.path.realpath(config.rootfs)
        # The overlay needs a mounter's tools before there is a root: a first one with an empty root lends them.
        tools = Mounter(kernel, config, _root_tmpfs(kernel), b"none", 0)
        if config.overlay == "none" and not config.read_only:
            root: FileSystem = tools.hostfs(open_host(source, is_writable=True), True, True)
        else:
            overlay = self.copy_on_write(tools, tools.hostfs(open_host(source), False, True))
            self.add_overlay("/", source, overlay, False)
            root = overlay
        mounter = self.mounter = Mounter(kernel, config, root, os.fsencode(source), 0)
        mounter.host_trees = tools.host_trees
        mount_kernel_file_systems(mounter)
        if config.read_only:
            for path in ("/tmp", "/run"):
                if mounter.find(path) is not None:
                    mounter.mount(mounter.tmpfs(b"mode=1777"), path, MS_NOSUID | MS_NODEV, b"tmpfs")
        self._mount_generated()
        image = open_host(source)
        self.home = self._home(image)
        image.close()
        return self.finish("/", DEFAULT_PATH)

    def _mount_generated(self) -> None:
        """hosts, hostname and resolv.conf of the run, over the image's: mounts, so that they are no change of it."""
        files = {
            b"hosts": etc_files.hosts(self.kernel.namespaces.uts.hostname, self.config),
            b"hostname": self.kernel.namespaces.uts.hostname + b"\n",
            b"resolv.conf": etc_files.resolv_conf(self.config),
        }
        fs = self.mounter.tmpfs(b"mode=755")
        for name, data in files.items():
            etc_files.put_file(fs.root, name, data)
            path = "/etc/" + os.fsdecode(name)
            found = self.mounter.find(path)
            if found is not None and found.inode().is_regular():
                self.mounter.mount_file(fs, name, path, 0, b"tmpfs")

    def _home(self, host: HostDirectory) -> str:
        """From the image's passwd."""
        for line in (etc_files.read_file(host, b"etc/passwd") or b"").split(b"\n"):
            fields = line.split(b":")
            if len(fields) == 7 and fields[2] == b"%d" % self.config.uid and fields[5].startswith(b"/"):
                return os.path.normpath(os.fsdecode(fields[5]))
        return "/root" if self.config.uid == 0 else "/"


def home_directory(config: RunConfig) -> str:
    """The run's HOME: the caller's path if it runs as the caller, else what the host's user database says."""
    home = config.host_environment.get("HOME", "")
    if config.uid != os.getuid() or not home.startswith("/"):
        try:
            home = pwd.getpwuid(config.uid).pw_dir
        except KeyError:
            home = f"/home/user{config.uid}"
    home = os.path.normpath(home)
    return os.path.realpath(home) if os.path.exists(home) else home


def _root_tmpfs(kernel: Kernel) -> FileSystem:
    from cruck.kernel.fs.tmpfs import TmpFsType

    return TmpFsType().create(kernel, b"tmpfs", b"mode=755")


def _top(path: str) -> str:
    return path.strip("/").partition("/")[0]


def _is_below(path: str, directory: str) -> bool:
    """Below it, or the same."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _depth(asked: AskedMount) -> int:
    return asked.target.count("/") if asked.target != "/" else 0
