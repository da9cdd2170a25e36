# SPDX-License-Identifier: MPL-2.0
"""HostTerminal: the terminal cruck runs on, in raw mode while a guest owns it (`cruck run -t`).

The line discipline is our kernel's (kernel/tty), so the host's is switched off: `enter_raw()`; `restore()` puts everything back and is
also run at exit and on collection. (Killed by SIGKILL, the terminal stays raw: `stty sane`. For other deadly signals
the program that owns this object turns them into an exit.) It is opened a second time, non-blocking, so that the description that is
shared with the shell keeps its flags.

Safety: as HostStream; all operations return −errno instead of raising, but the constructor.
"""

import array
import atexit
import errno
import fcntl
import os
import select
import termios
import time
import weakref
from typing import Final

from cruck.framework.io.host_file import HostFile

POLLIN: Final = 0x001
POLLOUT: Final = 0x004
POLLERR: Final = 0x008
POLLHUP: Final = 0x010

# What a terminal that is ready takes even if its description blocks.
BLOCKING_CHUNK: Final = 128
MAX_TRANSFER: Final = 16384


class HostTerminal(HostFile):
    number: int  # the descriptor it was made from
    is_raw: bool
    _saved: list[object]  # tcgetattr() from before
    _is_nonblocking: bool

    def __init__(self, number: int) -> None:
        """The terminal behind descriptor `number`. Errors: OSError(ENOTTY: it is none; EBADF)."""
        super().__init__(-1)
        self.is_raw = False
        self.number = number
        try:
            self._saved = list(termios.tcgetattr(number))
        except termios.error as error:
            raise OSError(errno.ENOTTY, "not a terminal") from error
        self._is_nonblocking = False
        try:
            fd = os.open(f"/proc/self/fd/{number}", os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            self._is_nonblocking = True
        except OSError:
            # Its name is not in this container, or it belongs to another user.
            fd = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 100)
        self._fd = fd
        atexit.register(_restore_at_exit, weakref.ref(self))

    def __reduce__(self) -> tuple[object, ...]:
        return (_reopen, (self.number, self.tag))

    # Mode.
    def enter_raw(self) -> int:
        """Every key comes as it is, every byte goes out as it is. 0 or −errno."""
        mode = list(self._saved)
        iflag, oflag, cflag, lflag = _word(mode[0]), _word(mode[1]), _word(mode[2]), _word(mode[3])
        iflag &= ~(
            termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INLCR | termios.IGNCR | termios.ICRNL
            | termios.IXON | termios.IXOFF | termios.IXANY
        )  # fmt: skip
        oflag &= ~termios.OPOST
        lflag &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
        cflag = cflag & ~(termios.CSIZE | termios.PARENB) | termios.CS8
        characters = mode[6]
        assert isinstance(characters, list)
        characters = list(characters)
        characters[termios.VMIN] = 1
        characters[termios.VTIME] = 0
        result = self._set([iflag, oflag, cflag, lflag, mode[4], mode[5], characters])
        self.is_raw = result == 0
        return result

    def restore(self) -> int:
        """As it was before. Idempotent. 0 or −errno."""
        if not self.is_raw:
            return 0
        self.is_raw = False
        return self._set(self._saved)

    def _set(self, mode: list[object]) -> int:
        try:
            termios.tcsetattr(self._fd, termios.TCSANOW, mode)  # type: ignore[arg-type]
        except termios.error as error:
            code = error.args[0]
            return -code if isinstance(code, int) else -errno.EIO
        except ValueError:
            return -errno.EBADF  # closed
        return 0

    def close(self) -> None:
        if self._fd >= 0:
            self.restore()
        super().close()

    def __enter__(self) -> "HostTerminal":
        return self

    def __exit__(self, *exc: object) -> None:
        self.restore()

    # What the guest's terminal starts with.
    def control_characters(self) -> bytes:
        """The user's c_cc, 19 bytes by V* index."""
        characters = self._saved[6]
        assert isinstance(characters, list)
        out = bytearray()
        for value in characters[:19]:
            out += value if isinstance(value, bytes) else bytes((int(value) & 0xFF,))
        return bytes(out).ljust(19, b"\0")

    def is_utf8(self) -> bool:
        """IUTF8 of the user's terminal."""
        return bool(_word(self._saved[0]) & 0o40000)

    def window_size(self) -> tuple[int, int, int, int]:
        """(rows, columns, width, height in pixels); zeros if unknown."""
        size = array.array("H", [0, 0, 0, 0])
        try:
            fcntl.ioctl(self._fd, termios.TIOCGWINSZ, size)
        except (OSError, ValueError):  # ValueError: closed
            return (0, 0, 0, 0)
        return (size[0], size[1], size[2], size[3])

    # Bytes.
    def poll_now(self, events: int) -> int:
        """Which of poll(2)'s `events` (and POLLERR, POLLHUP) hold now."""
        if self._fd < 0:
            return POLLERR | POLLHUP
        poll = select.poll()
        poll.register(self._fd, events)
        try:
            ready = poll.poll(0)
        except OSError:
            return 0
        return ready[0][1] if ready else 0

    def read_nowait(self, length: int) -> bytes | int:
        """At most `length` bytes; b"": the terminal is gone; −EAGAIN; −errno (−EIO: gone too)."""
        try:
            if not self._is_nonblocking and not self.poll_now(POLLIN):
                return -errno.EAGAIN
            return os.read(self._fd, min(length, MAX_TRANSFER))
        except OSError as error:
            return -(error.errno or errno.EIO)

    def write_nowait(self, data: bytes) -> int:
        """Bytes taken, perhaps fewer than given; −EAGAIN; −errno."""
        try:
            if not self._is_nonblocking:
                if not self.poll_now(POLLOUT):
                    return -errno.EAGAIN
                data = data[:BLOCKING_CHUNK]
            return os.write(self._fd, data[:MAX_TRANSFER])
        except OSError as error:
            return -(error.errno or errno.EIO)

    def write_until(self, data: bytes, timeout_ms: int) -> int:
        """Waits until all of `data` is written, at most `timeout_ms`: for the end of a run. Bytes written."""
        deadline = time.monotonic() + timeout_ms / 1000
        done = 0
        while done < len(data):
            count = self.write_nowait(data[done:])
            if count > 0:
                done += count
                continue
            left_ms = (deadline - time.monotonic()) * 1000
            if count != -errno.EAGAIN or left_ms <= 0:
                break
            poll = select.poll()
            poll.register(self._fd, POLLOUT)
            poll.poll(left_ms)
        return done


def _word(value: object) -> int:
    assert isinstance(value, int)
    return value


def _restore_at_exit(reference: "weakref.ReferenceType[HostTerminal]") -> None:
    terminal = reference()
    if terminal is not None:
        terminal.restore()


def _reopen(number: int, tag: int) -> HostTerminal:
    """A restored snapshot goes on with the descriptor of that number of its new process."""
    terminal = HostTerminal(number)
    terminal.tag = tag
    return terminal
