# SPDX-License-Identifier: MPL-2.0
"""Many sandboxes in one process: what the process holds of the host stays the same. 60 here, 1,000 by `make fuzz` (CRUCK_LEAK_RUNS)."""

import gc
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import cruck

RUNS = int(os.environ.get("CRUCK_LEAK_RUNS", "60"))
WARM_UP = 12


def plain(path: Path) -> None:
    assert cruck.run(["sh", "-c", "echo $((6 * 7))"], capture_output=True, text=True).stdout == "42\n"


def missing_program(path: Path) -> None:
    assert cruck.run(["/no/such/program"], capture_output=True).returncode == 127


def refused_config(path: Path) -> None:
    with pytest.raises(Exception, match="no such"):
        cruck.run(["true"], mounts={"/box": str(path / "no such directory")})


def timed_out(path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        cruck.run(["sh", "-c", "while :; do :; done"], timeout=0.1, capture_output=True)


def left_running(path: Path) -> None:
    """The program ends, its children would not."""
    assert cruck.run(["sh", "-c", "sleep 100 & (while :; do :; done) & exit 3"], capture_output=True).returncode == 3


def with_files(path: Path) -> None:
    script = "cat /box/file && echo new >/box/out && cp /box/file ./copy && ls -lR /box . >/dev/null && grep -c x /box/big"
    result = cruck.run(["sh", "-c", script], mounts={"/box": str(path)}, cwd=str(path), capture_output=True, text=True)
    assert result.stdout.endswith("1\n"), result


def killed(path: Path) -> None:
    assert cruck.run(["sh", "-c", "kill -9 $$"], capture_output=True).returncode == -9


def out_of_memory(path: Path) -> None:
    cruck.run(["sh", "-c", "x=x; while :; do x=$x$x; done"], memory="16M", capture_output=True)


def with_a_network(path: Path) -> None:
    code = "import socket; a, b = socket.socketpair(); a.send(b'x'); s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname())"
    assert cruck.run(["/usr/bin/python3", "-c", code], capture_output=True).returncode == 0


def in_a_thread(path: Path) -> None:
    thread = threading.Thread(target=plain, args=(path,))
    thread.start()
    plain(path)
    thread.join()


KINDS: tuple[Callable[[Path], None], ...] = (
    plain,
    missing_program,
    refused_config,
    timed_out,
    left_running,
    with_files,
    killed,
    out_of_memory,
    with_a_network,
    in_a_thread,
)


def held() -> dict[str, int]:
    gc.collect()
    with open("/proc/self/maps") as maps:
        nr_maps = sum(1 for _ in maps)
    with open("/proc/self/status") as status:
        anon_kib = next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))
    with open(f"/proc/self/task/{os.getpid()}/children") as children:
        nr_children = len(children.read().split())
    # Without the listing's own descriptor.
    return {"descriptors": len(os.listdir("/proc/self/fd")) - 1, "mappings": nr_maps, "children": nr_children, "KiB": anon_kib,
            "threads": threading.active_count()}  # fmt: skip


def test_a_thousand_sandboxes_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content\n")
    (tmp_path / "big").write_text("x" * (1 << 20) + "\n")
    for index in range(WARM_UP):
        KINDS[index % len(KINDS)](tmp_path)
    before = held()
    half: dict[str, int] = {}
    for index in range(RUNS):
        KINDS[index % len(KINDS)](tmp_path)
        if index == RUNS // 2:
            half = held()
    after = held()
    print(f"figures: {RUNS} sandboxes: {before} became {after}")
    for name in ("descriptors", "children", "threads"):
        assert after[name] == before[name], (name, before, half, after)
    # The allocator keeps some: a leak would grow with each run.
    assert after["mappings"] <= before["mappings"] + 8, (before, half, after)
    assert after["KiB"] <= before["KiB"] + (8 << 10), (before, half, after)
    assert after["KiB"] <= half["KiB"] + (4 << 10), (before, half, after)
