# SPDX-License-Identifier: MPL-2.0
"""Runs a hostile program under `cruck run` and measures what it does to the kernel process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CRUCK = "import sys; from cruck.cli.main import main; sys.exit(main())"


class Outcome:
    """status: of cruck; stdout, stderr; peak_rss_kib: of the kernel process and the guest's stubs together is not known, of the
    kernel process alone it is; seconds."""

    def __init__(self, status: int, stdout: str, stderr: str, peak_rss_kib: int, seconds: float) -> None:
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.peak_rss_kib = peak_rss_kib
        self.seconds = seconds


def build(source: Path, directory: Path, *options: str) -> Path:
    """The static program of a C source."""
    program = directory / source.stem
    subprocess.run(["gcc", "-O1", "-w", "-static", "-pthread", *options, "-o", str(program), str(source)], check=True)
    return program


def run(
    program: Path, *arguments: str, options: tuple[str, ...] = (), limit_s: float = 60, signals: tuple[int, ...] = (), after_s: float = 0
) -> Outcome:
    """Runs it; sends each of `signals` to cruck, `after_s` seconds after the last; `seconds` then counts from the last one on. Asserts
    that it ends in limit_s and leaves no process."""
    command = [
        sys.executable,
        "-c",
        CRUCK,
        "run",
        "-q",
        "-v",
        f"{program.parent}:/box:ro",
        "-w",
        "/tmp",
        *options,
        f"/box/{program.name}",
        *arguments,
    ]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True)
    peak = 0
    out = b""
    err = b""
    first = b""
    if signals:  # once it has said something
        assert process.stdout is not None
        first = os.read(process.stdout.fileno(), 64)
    for signo in signals:
        time.sleep(after_s)
        peak = peak_rss_kib(process.pid)
        os.kill(process.pid, signo)
        started = time.monotonic()
    while True:
        try:
            out, err = process.communicate(timeout=0.1)
            break
        except subprocess.TimeoutExpired:
            peak = max(peak, peak_rss_kib(process.pid))
            if time.monotonic() - started > limit_s:
                os.killpg(process.pid, signal.SIGKILL)
                out, err = process.communicate()
                raise AssertionError(f"still running after {limit_s} s\n{out[-500:]!r}\n{err[-2000:]!r}") from None
    seconds = time.monotonic() - started
    left = processes_of_session(process.pid)
    assert not left, f"left behind: {left}"
    stderr = err.decode("utf-8", "replace")
    assert "oops" not in stderr and "Traceback" not in stderr, stderr
    return Outcome(process.returncode, (first + out).decode("utf-8", "replace"), stderr, peak, seconds)


def peak_rss_kib(pid: int) -> int:
    """VmHWM without shared pages would be better; the arena of guest memory is shared and counted when the kernel touches it."""
    try:
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return int(fields["RssAnon"].split()[0])
    except (OSError, KeyError):
        return 0


def processes_of_session(sid: int) -> list[str]:
    """Live processes of a session, given a moment to die."""
    for _ in range(20):
        left = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(fields[3]) == sid and fields[0] != "Z":
                        left.append((entry / "cmdline").read_bytes().decode("utf-8", "replace") or entry.name)
                except OSError:
                    continue
        if not left:
            return []
        time.sleep(0.1)
    return left
