# SPDX-License-Identifier: MPL-2.0
"""A terminal on the host to drive an interactive program with: `Terminal` starts it on a pty, sends keys, waits for output."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence

import pytest

ROWS, COLUMNS = 24, 100


class Terminal:
    """A program that leads a session on its own pty; use as a context manager: at the end it is killed if it still runs."""

    pid: int
    master: int
    transcript: bytes  # all output so far
    seen: int  # of it, `expect` has consumed

    def __init__(self, command: Sequence[str], cwd: str, env: Mapping[str, str]) -> None:
        self.transcript = b""
        self.seen = 0
        self.status: int | None = None
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                os.execvpe(command[0], list(command), dict(env))
            finally:
                os._exit(126)
        self.resize(ROWS, COLUMNS)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *exception: object) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)

    def resize(self, rows: int, columns: int) -> None:
        """As a window does: sets the size, which sends SIGWINCH."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text: str) -> None:
        os.write(self.master, text.encode())

    def expect(self, pattern: str, timeout: float = 20.0) -> re.Match[bytes]:
        """Waits for output that matches, after what was matched before. Fails with the transcript at the timeout or at the end."""
        expression = re.compile(pattern.encode())
        deadline = time.monotonic() + timeout
        while True:
            match = expression.search(self.transcript, self.seen)
            if match is not None:
                self.seen = match.end()
                return match
            if not self._read(deadline):
                pytest.fail(
                    f"{pattern!r} did not come; the terminal shows\n{self.transcript.decode(errors='backslashreplace')}", pytrace=False
                )

    def wait(self, timeout: float = 20.0) -> int:
        """The exit status, as a shell's $?, after reading all output."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
                code = os.waitstatus_to_exitcode(status)
                return 128 - code if code < 0 else code
            time.sleep(0.01)
        pytest.fail(f"no end; the terminal shows\n{self.transcript.decode(errors='backslashreplace')}", pytrace=False)

    def _read(self, deadline: float) -> bool:
        """False: no more output will come (in time)."""
        ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other side open any more
            return False
        self.transcript += data
        return bool(data)
