# SPDX-License-Identifier: MPL-2.0
"""All environments that the benchmark knows. One that is not installed shows as `-`; peers/install.sh installs them on Debian bookworm."""

import os
import sys
from pathlib import Path

from benchmarks.peers.environment import Environment
from benchmarks.peers.uml import UserModeLinux

# What is not a Debian package of this release lies here: runsc of trixie, unpacked, and a virtual environment with sandlock.
PEERS_DIR = Path(os.environ.get("CRUCK_BENCH_PEERS", "/opt/peers"))
RUNSC = ("--network=none", "--ignore-cgroups")
START_ONLY = frozenset(
    ("calls", "files", "ipc", "threads", "signals", "memory", "processes", "compute", "programs", "redis", "nginx", "idle")
)
NO_WARM = frozenset(("warm_true",))
# qemu-user does not follow exec: a child would run natively.
QEMU = frozenset(
    ("fork_exec_wait", "sh_200_true", "sqlite_20k", "tar_include", "gcc_hello", "git_500", "redis", "nginx", "idle", "warm_true")
)
# Pinned to one CPU, whole programs of the peers would double the time of a full run.
PINNED_PEER = frozenset(("programs", "redis", "nginx", "idle", "startup"))

NATIVE = ("native", "native, 1 CPU")
CRUCK = ("cruck", "cruck, 1 CPU")


def cruck_command() -> str:
    """The one of the interpreter that runs the benchmark, or CRUCK."""
    return os.environ.get("CRUCK") or os.path.join(os.path.dirname(sys.executable), "cruck")


def known(scratch: str) -> list[Environment]:
    """In the order of columns. Args: scratch: a directory for their files."""
    runsc_trixie = str(PEERS_DIR / "trixie" / "root" / "usr" / "bin" / "runsc")
    cruck = [cruck_command(), "run", "-q", "--"]
    systrap = [runsc_trixie, *RUNSC, "--platform=systrap", "do"]
    ptrace = ["runsc", *RUNSC, "--platform=ptrace", "do"]
    return [
        Environment("native", [], NO_WARM | {"idle"}),
        Environment("native, 1 CPU", [], NO_WARM | {"idle"}, is_pinned=True),
        Environment("cruck", cruck),
        Environment("cruck, 1 CPU", cruck, frozenset(("idle",)), is_pinned=True),
        Environment("runsc systrap", systrap, NO_WARM),
        Environment("runsc systrap, 1 CPU", systrap, NO_WARM | PINNED_PEER, is_pinned=True),
        Environment("runsc ptrace", ptrace, NO_WARM),
        Environment("runsc ptrace, 1 CPU", ptrace, NO_WARM | PINNED_PEER, is_pinned=True),
        Environment("proot", ["proot"], NO_WARM),
        Environment("proot, 1 CPU", ["proot"], NO_WARM | PINNED_PEER, is_pinned=True),
        UserModeLinux("user-mode-linux", scratch),
        Environment("qemu-user", ["qemu-x86_64-static"], QEMU),
        Environment("bubblewrap", ["bwrap", "--dev-bind", "/", "/"], NO_WARM),
        Sandlock("sandlock", PEERS_DIR / "sandlock" / "bin" / "python"),
    ]


class Sandlock(Environment):
    """A library: measured for start-up only (startup/warm_sandlock.py)."""

    def __init__(self, name: str, python: Path) -> None:
        super().__init__(name, [str(python), str(Path(__file__).parent.parent / "startup" / "run_sandlock.py")], START_ONLY)
