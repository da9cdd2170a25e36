# SPDX-License-Identifier: MPL-2.0
"""What the kernel process of `cruck run` can no longer do, by effect; that a run says what its host lacks; that a library gives nothing up."""

import json
import os
import struct
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytest.importorskip("cruck.framework._machine")

from cruck.cli.doctor import GIVEN_UP, second_walls
from cruck.framework.confine import landlock_version

HERE = Path(__file__).parent
CRUCK = [sys.executable, "-m", "cruck"]
has_landlock = pytest.mark.skipif(landlock_version() < 1, reason="this host has no Landlock")

WORKS = {"memory", "socketpair", "read", "list", "import"}
WRITES = {"chmod", "write", "mkdir", "fifo", "rename"}
SOCKETS = {"socket inet", "socket inet6"}
BY_LANDLOCK = {"its environment", "its memory", "read outside", "list outside"}


@pytest.fixture
def trees(tmp_path: Path) -> tuple[str, str]:
    for name in ("readable", "writable"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    return str(tmp_path / "readable"), str(tmp_path / "writable")


def attempt(trees: tuple[str, str], *needs: str) -> dict[str, str]:
    result = subprocess.run([sys.executable, HERE / "attempts.py", *trees, *needs], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    answers = json.loads(result.stdout)
    missing = answers.pop("missing")
    assert missing == [] or landlock_version() < 1
    return answers


@pytest.mark.parametrize(
    ("needs", "more"),
    [((), set()), (("writing",), WRITES), (("connecting",), SOCKETS), (("resolving",), {"thread"}), (("terminal",), set())],
)
def test_only_what_was_granted_works(trees: tuple[str, str], needs: tuple[str, ...], more: set[str]) -> None:
    answers = attempt(trees, *needs)
    works = {name for name, answer in answers.items() if answer == "ok"}
    assert works - BY_LANDLOCK == WORKS | more
    if landlock_version() >= 1:
        assert not works & BY_LANDLOCK
        assert answers["read outside"] == "EACCES" and ("writing" not in needs or answers["write to readable"] == "EACCES")
    assert answers["execve"] == answers["ptrace"] == answers["fork"] == "EPERM"
    assert answers["unknown number"] == answers["x32"] == answers["clone3"] == "ENOSYS"
    assert Path(trees[0], "file").read_text() == "x" and not Path(trees[0], "new").exists()


def status_of_kernel(*options: str, command: tuple[str, ...] = ("sleep", "60")) -> dict[str, str]:
    """/proc/<pid>/status of a kernel process once its program runs."""
    process = subprocess.Popen([*CRUCK, "run", *options, "--", "sh", "-c", "echo up; exec sleep 60"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        text = Path(f"/proc/{process.pid}/status").read_text()
    finally:
        process.terminate()
        process.wait(20)
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_a_run_confines_its_kernel_process() -> None:
    status = status_of_kernel()
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert int(status["CapPrm"], 16) & ~0b100 == int(status["CapEff"], 16) & ~0b100 == int(status["CapInh"], 16) == 0


def test_a_run_that_may_write_keeps_what_writing_needs(tmp_path: Path) -> None:
    status = status_of_kernel("-v", f"{tmp_path}:/shared")
    assert int(status["CapPrm"], 16) & ~0b1111 == 0 and status["Seccomp"] == "2"


def test_the_library_gives_nothing_up() -> None:
    code = """
        import cruck
        before = open("/proc/self/status").read()
        assert cruck.run(["true"]).returncode == 0
        from cruck.cli.main import main
        assert main(["run", "-q", "true"]) == 0
        after = open("/proc/self/status").read()
        def kept(text):
            return [line for line in text.splitlines() if line.startswith(("Cap", "NoNewPrivs", "Seccomp"))]
        assert kept(before) == kept(after), after
        import subprocess
        assert subprocess.run(["true"]).returncode == 0
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)


def under_filter(refused: tuple[int, ...], *command: str) -> "subprocess.CompletedProcess[str]":
    """The command with some system calls answered by EPERM, as a container's profile does, and everything else as it is."""
    program = struct.pack("<HBBI", 0x20, 0, 0, 0)
    for nr in refused:
        program += struct.pack("<HBBI", 0x15, 0, 1, nr) + struct.pack("<HBBI", 0x06, 0, 0, 0x5_0001)
    program += struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF_0000)
    code = f"""
        import os, sys
        from cruck.framework import _machine
        assert _machine.confine(b"", b"", bytes.fromhex("{program.hex()}"), -1 & (1 << 64) - 1)[3] == 0
        os.execv(sys.argv[1], sys.argv[1:])
    """
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code), *command], capture_output=True, text=True, timeout=60)


# Docker's default profile: keyctl, add_key, request_key, process_vm_*, kcmp, bpf, userfaultfd, perf_event_open, personality, unshare, setns, mount.
DOCKER = (250, 248, 249, 310, 311, 312, 321, 323, 298, 135, 272, 308, 165)
LANDLOCK = (444, 445, 446)


def test_filters_stack_inside_a_containers_profile() -> None:
    result = under_filter(DOCKER, *CRUCK, "run", "--", "sh", "-c", "echo x")
    assert (result.returncode, result.stdout) == (0, "x\n"), result.stderr
    assert ("lacks" in result.stderr) == (landlock_version() < 1)


def test_a_run_says_once_what_its_host_lacks() -> None:
    result = under_filter((*DOCKER, *LANDLOCK), *CRUCK, "run", "--", "sh", "-c", "echo x; exit 3")
    assert (result.returncode, result.stdout) == (3, "x\n")
    assert result.stderr.count("this host lacks Landlock (operation not permitted)") == len(result.stderr.splitlines()) == 1
    assert under_filter(LANDLOCK, *CRUCK, "run", "-q", "--", "true").stderr == ""


def test_doctor_lists_every_wall() -> None:
    walls = second_walls()
    assert set(walls) == set(GIVEN_UP)
    assert {name for name, problem in walls.items() if problem} <= ({"Landlock"} if landlock_version() < 1 else set())
    result = under_filter(LANDLOCK, *CRUCK, "doctor", "--json")
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert result.returncode == 0 and checks["Landlock"]["ok"] is None and "lacks" in checks["Landlock"]["detail"]
    assert checks["seccomp"]["ok"] is True


@has_landlock
def test_a_shared_file_does_not_share_its_directory(tmp_path: Path) -> None:
    """A kernel process that is taken over reads what was granted: here by a service that plays the culprit."""
    (tmp_path / "shared").write_text("shared")
    (tmp_path / "secret").write_text("secret")
    code = f"""
        import os, sys
        from cruck.kernel import trap_loop
        turn = trap_loop.turn
        def hostile(kernel, may_wait):
            for name in ("shared", "secret"):
                try:
                    sys.stderr.write(open("{tmp_path}/" + name).read() + "\\n")
                except OSError as error:
                    sys.stderr.write(error.strerror + "\\n")
            trap_loop.turn = turn
            turn(kernel, may_wait)
        trap_loop.turn = hostile
        from cruck.cli.main import main
        sys.argv = ["cruck", "run", "-q", "-w", "/", "-v", "{tmp_path}/shared:/shared:ro", "--", "cat", "/shared"]
        sys.exit(main())
    """
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, cwd="/")
    assert (result.returncode, result.stdout) == (0, "shared"), result.stderr
    assert result.stderr == "shared\nPermission denied\n"


def test_root_still_reads_what_the_world_needs(tmp_path: Path) -> None:
    """Another user's private directory, shared by root: read, and with a writable share written and given away."""
    if os.getuid() != 0:
        pytest.skip("needs root")
    tmp_path.chmod(0o700)
    os.chown(tmp_path, 4321, 4321)
    (tmp_path / "note").write_text("x\n")
    (tmp_path / "note").chmod(0o600)
    os.chown(tmp_path / "note", 4321, 4321)
    read = subprocess.run([*CRUCK, "run", "-q", "-v", f"{tmp_path}:/s:ro", "--", "cat", "/s/note"], capture_output=True, text=True)
    assert read.stdout == "x\n", read.stderr
    script = "echo y > /s/note; echo z > /s/new; chown 4321:4321 /s/new; chmod 640 /s/note; mv /s/new /s/newer"
    subprocess.run([*CRUCK, "run", "-q", "-v", f"{tmp_path}:/s", "--", "sh", "-ec", script], check=True)
    assert (tmp_path / "note").read_text() == "y\n" and (tmp_path / "newer").stat().st_uid == 4321


def test_the_filter_adds_less_than_a_millisecond_to_a_start() -> None:
    """Measured exactly in docs/performance; this catches a slip of an order of magnitude."""
    code = """
        import time
        from cruck.sandbox import confinement as c
        start = time.perf_counter()
        c.apply([c.kernel_filter.BASE, c.kernel_filter.WRITING], c.own_paths(), 0)
        print(time.perf_counter() - start)
    """
    times = [float(subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=True).stdout) for _ in range(5)]
    assert min(times) < 0.005, time
