# SPDX-License-Identifier: MPL-2.0
"""RunConfig: everything that is asked of a run, as plain data; and the parsers of its values."""

import os


class ConfigError(Exception):
    """A wrong option: the message is a sentence for the user."""


class Mount:
    """type bind: the host's `source` at `target`; type tmpfs: an empty one."""

    def __init__(self, kind: str, source: str, target: str, is_read_only: bool) -> None:
        if not target.startswith("/"):
            raise ConfigError(f"the target of a mount must be an absolute path, not {target!r}")
        self.kind = kind
        self.source = source
        self.target = os.path.normpath(target)
        self.is_read_only = is_read_only

    @classmethod
    def from_volume(cls, text: str) -> "Mount":
        """SRC:DST[:ro|rw]"""
        parts = text.split(":")
        if len(parts) not in (2, 3) or not parts[0] or (len(parts) == 3 and parts[2] not in ("ro", "rw")):
            raise ConfigError(f"-v takes SRC:DST[:ro], not {text!r}")
        return cls("bind", os.path.abspath(os.path.expanduser(parts[0])), parts[1], len(parts) == 3 and parts[2] == "ro")

    @classmethod
    def from_mount(cls, text: str) -> "Mount":
        """type=bind|tmpfs,src=…,dst=…[,ro]"""
        values: dict[str, str] = {}
        for item in text.split(","):
            key, _, value = item.partition("=")
            values[{"source": "src", "target": "dst", "destination": "dst", "readonly": "ro"}.get(key, key)] = value
        unknown = set(values) - {"type", "src", "dst", "ro"}
        kind = values.get("type", "bind")
        if unknown or kind not in ("bind", "tmpfs") or "dst" not in values or (kind == "bind") != ("src" in values):
            raise ConfigError(f"--mount takes type=bind,src=DIR,dst=DIR[,ro] or type=tmpfs,dst=DIR, not {text!r}")
        source = os.path.abspath(values["src"]) if kind == "bind" else ""
        return cls(kind, source, values["dst"], "ro" in values and values["ro"] not in ("false", "0"))


class RunConfig:
    def __init__(self, command: list[str]) -> None:
        self.command = command
        # Files.
        self.cwd = "/"  # of the caller, on the host
        self.rootfs: str | None = None
        self.mounts: list[Mount] = []
        self.overlay = "memory"  # "none", "memory" or a host directory
        self.read_only = False
        self.show_diff = False
        self.commit: str | None = None  # None: drop; "*": all; else comma-separated paths
        # Process.
        self.workdir: str | None = None
        self.env: dict[str, str] = {}
        self.unset_env: list[str] = []
        self.clear_env = False
        self.host_environment: dict[str, str] = {}
        self.uid = os.getuid()
        self.gid = os.getgid()
        self.groups = tuple(os.getgroups())
        self.hostname: str | None = None
        self.tty: bool | None = None  # None: if standard input and output are a terminal
        # Network.
        self.network: str | None = None  # "none", "loopback" or "proxy"; None: proxy if one of the others asks for it, else loopback
        self.net_allow: list[str] = []
        self.net_deny: list[str] = []
        self.published: list[str] = []
        # Limits.
        self.memory_bytes: int | None = None
        self.nr_cpus: int | None = None
        self.pids_limit: int | None = None
        self.timeout_s: float | None = None
        # Output.
        self.strace: str | None = None
        self.strace_output: str | None = None
        self.quiet = False
        self.log_file: str | None = None
        self.debug = False

    def network_mode(self) -> str:
        """none, loopback or proxy."""
        asks = self.net_allow or self.net_deny or self.published
        return self.network if self.network is not None else "proxy" if asks else "loopback"

    def add_env(self, text: str) -> None:
        """K=V, or K: the value in the caller's environment, if there is one (as docker's -e)."""
        name, equals, value = text.partition("=")
        if not name:
            raise ConfigError(f"-e takes NAME or NAME=VALUE, not {text!r}")
        if equals:
            self.env[name] = value
        elif name in self.host_environment:
            self.env[name] = self.host_environment[name]

    def read_env_file(self, path: str) -> None:
        """Lines of K=V or K; empty lines and # comments are skipped."""
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read().splitlines()
        except OSError as error:
            raise ConfigError(f"cannot read the environment file {path}: {error.strerror}") from None
        for line in lines:
            if line.strip() and not line.lstrip().startswith("#"):
                self.add_env(line)


def parse_size(text: str) -> int:
    """Bytes of "512", "64k", "1.5G" (powers of 1024). Errors: ConfigError."""
    units = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
    lowered = text.strip().lower().removesuffix("ib") if len(text) > 2 else text.strip().lower()
    number = lowered.rstrip("bkmgt")
    unit = lowered[len(number) :].removesuffix("b") if len(lowered) - len(number) > 1 else lowered[len(number) :]
    try:
        size = int(float(number) * units[unit])
    except (ValueError, KeyError):
        raise ConfigError(f"not a size: {text!r}; write for example 512M or 2G") from None
    if size < 4 << 20:
        raise ConfigError(f"{text!r} is too little memory for any program; give at least 4M")
    return size


def parse_duration(text: str) -> float:
    """Seconds of "10", "1.5s", "500ms", "2m", "1h". Errors: ConfigError."""
    for suffix, factor in (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0)):
        if text.endswith(suffix):
            try:
                value = float(text.removesuffix(suffix)) * factor
            except ValueError:
                break
            if value > 0:
                return value
            break
    raise ConfigError(f"not a duration: {text!r}; write for example 30, 500ms or 2m")


def parse_user(text: str) -> tuple[int, int]:
    """(uid, gid) of "UID" or "UID:GID"; the gid is the uid's if left out. Errors: ConfigError."""
    uid, _, gid = text.partition(":")
    try:
        values = int(uid), int(gid or uid)
    except ValueError:
        raise ConfigError(f"-u takes numbers, UID or UID:GID, not {text!r}") from None
    if not all(0 <= value < 0xFFFF_FFFF for value in values):
        raise ConfigError(f"not a user or group id: {text!r}")
    return values
