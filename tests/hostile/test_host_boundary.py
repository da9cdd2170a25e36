# SPDX-License-Identifier: MPL-2.0
"""Shared directories through a whole kernel: whatever the guest names and whatever the host does meanwhile, nothing outside is reached.

Beside the share lies `outside/secret`, whose content must never appear in what the guest prints and whose directory must stay as it is.
"""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CRUCK = "import sys; from cruck.cli.main import main; sys.exit(main(sys.argv[1:]))"
SECRET = b"THE SECRET OF THE HOST"
PYTHON = "/usr/bin/python3"


class Host:
    def __init__(self, base: Path) -> None:
        self.base = base
        self.share = base / "share"
        self.outside = base / "outside"
        for directory in (self.share / "nested", self.share / "swap" / "inner", self.share / "leaving" / "deep", self.outside / "inner"):
            directory.mkdir(parents=True)
        for place in (self.outside / "secret", self.outside / "inner" / "secret"):
            place.write_bytes(SECRET)
        (self.share / "file").write_bytes(b"a file of the share")
        (self.share / "leaving" / "deep" / "here").write_bytes(b"here")
        (self.share / "shrinking").write_bytes(b"x" * 65536)
        links = {"absolute": self.outside / "secret", "relative": "../outside/secret", "through": "../outside", "magic": f"/proc/{os.getpid()}/root{self.outside}/secret",
                 "self": "/proc/self/fd/0", "loop": "loop", "nested/up": "../../outside", "long": "../" * 100 + str(self.outside)[1:] + "/secret",
                 "chain0": "../outside/secret"}  # fmt: skip
        for name, target in links.items():
            (self.share / name).symlink_to(target)
        for number in range(1, 6):
            (self.share / f"chain{number}").symlink_to(f"chain{number - 1}")
        os.mkfifo(self.share / "fifo")
        listener = socket.socket(socket.AF_UNIX)
        directory = os.getcwd()
        os.chdir(self.share)  # a socket's path must be short
        listener.bind("socket")
        os.chdir(directory)
        listener.listen()
        listener.setblocking(False)
        self.listener = listener
        if os.getuid() == 0:
            for name, mode, device in (("null", 0o20666, os.makedev(1, 3)), ("block", 0o60666, os.makedev(7, 0))):
                try:
                    os.mknod(self.share / name, mode, device)
                except OSError:
                    pass
        self.before = self.tree()

    def tree(self) -> list[tuple[str, int, int, bytes]]:
        found = []
        for path in sorted(self.outside.rglob("*")):
            status = path.lstat()
            found.append((str(path), status.st_mode, status.st_nlink, path.read_bytes() if path.is_file() else b""))
        return found

    def run(self, attack: str, seconds: float = 1.0) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", CRUCK, "run", "-v", f"{self.share}:/share", "-v", f"{self.share}:/fixed:ro", "-v", f"{HERE / 'guest'}:/box:ro",
                   "-w", "/tmp", "-u", "0", "--timeout", "60", PYTHON, "/box/host_files.py", attack, str(seconds)]  # fmt: skip
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.base / "share" / "nested")

    def check(self, process: subprocess.Popen[bytes]) -> bytes:
        """Its output, when it has ended as it should and nothing outside has been reached."""
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0 and out.endswith(b"done\n"), out[-3000:] + err[-3000:]
        assert b"oops" not in err and b"Traceback" not in err, err
        assert SECRET not in out
        assert self.tree() == self.before
        with pytest.raises(BlockingIOError):
            self.listener.accept()
        return out


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    pytest.importorskip("cruck.framework._machine")
    if not os.path.exists(PYTHON):
        pytest.skip("needs the host's python3")
    host = Host(tmp_path)
    yield host
    host.listener.close()


def test_links_lead_into_the_guests_own_tree(host: Host) -> None:
    host.check(host.run("links"))


def test_no_name_and_no_call_leads_out(host: Host) -> None:
    out = host.check(host.run("names"))
    assert b"mknod EPERM EPERM" in out
    assert (host.share / "file").stat().st_mode & 0o6000 == 0
    assert not (host.base / "escaped").exists() and not (host.share / "escaped").exists()


def test_links_swapped_in_a_race_are_not_followed(host: Host) -> None:
    process = host.run("races", 3.0)
    stop = threading.Event()

    def swap() -> None:
        link, spare = host.share / ".link", host.share / ".spare"
        link.symlink_to("../outside")
        while not stop.is_set():
            os.rename(host.share / "swap", spare)
            os.rename(link, host.share / "swap")
            os.rename(host.share / "swap", link)
            os.rename(spare, host.share / "swap")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        host.check(process)
    finally:
        stop.set()
        thread.join()


def test_a_directory_that_leaves_the_share_is_out_of_reach(host: Host) -> None:
    process = host.run("moved", 0.5)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    time.sleep(0.1)
    (host.share / "leaving" / "deep" / "secret").write_bytes(SECRET)
    host.before = []
    os.rename(host.share / "leaving", host.outside / "left")
    host.before = host.tree()
    host.check(process)


def test_files_that_shrink_under_their_mappings(host: Host) -> None:
    process = host.run("truncated")
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    os.truncate(host.share / "shrinking", 0)
    out = host.check(process)
    assert b"b'private!'" in out and b"touching it: 7" in out  # SIGBUS, as on Linux


def test_the_hosts_proc_inside_a_share_is_not_entered(host: Host) -> None:
    """Its /proc/self is the kernel process."""
    if os.getuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs to mount")
    for name in ("proc", "mounted"):
        (host.share / name).mkdir()
    script = f'mount -t proc proc {host.share}/proc && mount -t tmpfs none {host.share}/mounted && touch {host.share}/mounted/inside && exec "$@"'
    plain = host.run("links")
    plain.communicate(timeout=60)
    command = ["unshare", "-m", "sh", "-c", script, "sh", *plain.args]  # type: ignore[misc]
    command[command.index("links")] = "names"
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=host.share / "nested")
    out, err = process.communicate(timeout=90)
    if b"mount:" in err:
        pytest.skip("cannot mount here")
    assert process.returncode == 0 and b"Traceback" not in err, out + err
    line = next(line for line in out.splitlines() if line.startswith(b"mounts inside:"))
    assert line == b"mounts inside: ['inside'] EACCES EACCES EACCES"
