# SPDX-License-Identifier: MPL-2.0
"""HostStream on real pipes, sockets, files and devices; HostTerminal on a real pseudoterminal. Nothing here waits."""

import errno
import fcntl
import os
import pickle
import pty
import socket
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from cruck.framework.io.host_stream import PIPE_BUF, POLLHUP, POLLIN, POLLOUT, HostStream
from cruck.framework.io.host_terminal import HostTerminal


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            pass


class PolledStream(HostStream):
    """As on a host where descriptors cannot be opened again."""

    def _open_again(self) -> None:
        pass


@pytest.fixture(params=[HostStream, PolledStream])
def way(request: pytest.FixtureRequest) -> type[HostStream]:
    kind: type[HostStream] = request.param
    return kind


def test_an_empty_pipe_does_not_block_and_its_flags_stay(pipe: tuple[int, int], way: type[HostStream]) -> None:
    stream = way(pipe[0])
    assert stream.read_nowait(10) == -errno.EAGAIN
    assert stream.poll_now(POLLIN) == 0
    os.write(pipe[1], b"abc")
    assert stream.poll_now(POLLIN) == POLLIN and stream.nr_readable() == 3
    assert stream.read_nowait(2) == b"ab"
    assert not fcntl.fcntl(pipe[0], fcntl.F_GETFL) & os.O_NONBLOCK
    assert stream.is_nonblocking == (way is HostStream)


def test_a_pipe_ends_when_its_writers_are_gone(pipe: tuple[int, int], way: type[HostStream]) -> None:
    stream = way(pipe[0])
    os.write(pipe[1], b"x")
    os.close(pipe[1])
    assert stream.read_nowait(10) == b"x"
    assert stream.read_nowait(10) == b""
    assert stream.poll_now(POLLIN) & POLLHUP


def test_a_full_pipe_does_not_block(pipe: tuple[int, int], way: type[HostStream]) -> None:
    stream = way(pipe[1])
    total = 0
    while stream.poll_now(POLLOUT) & POLLOUT:
        assert stream.write_nowait(b"x" * PIPE_BUF) == PIPE_BUF
        total += PIPE_BUF
    assert stream.write_nowait(b"x" * PIPE_BUF) == -errno.EAGAIN
    assert total == 65536
    os.read(pipe[0], 5000)
    assert stream.write_nowait(b"x" * PIPE_BUF) == PIPE_BUF


def test_writing_without_a_reader_is_epipe(pipe: tuple[int, int], way: type[HostStream]) -> None:
    stream = way(pipe[1])
    os.close(pipe[0])
    assert stream.write_nowait(b"x") == -errno.EPIPE


def test_closing_both_openings_lets_the_reader_see_the_end(pipe: tuple[int, int], way: type[HostStream]) -> None:
    stream = way(pipe[1])
    os.close(pipe[1])
    stream.close()
    stream.close()
    assert os.read(pipe[0], 1) == b""


def test_sockets_do_not_block() -> None:
    ours, theirs = socket.socketpair()
    stream = HostStream(ours.fileno())
    assert stream.read_nowait(1) == -errno.EAGAIN
    theirs.send(b"hi")
    assert stream.read_nowait(10) == b"hi"
    while (count := stream.write_nowait(b"x" * PIPE_BUF)) > 0:
        pass
    assert count == -errno.EAGAIN
    theirs.close()
    assert stream.write_nowait(b"x") == -errno.EPIPE
    assert ours.getblocking()
    stream.close()
    ours.close()


def test_a_file_is_read_at_the_shared_offset(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    fd = os.open(path, os.O_RDWR)
    os.lseek(fd, 3, os.SEEK_SET)
    stream = HostStream(fd)
    assert stream.is_always_ready and stream.read_nowait(2) == b"34"
    assert os.lseek(fd, 0, os.SEEK_CUR) == 5
    assert stream.write_nowait(b"X") == 1
    os.close(fd)
    assert path.read_bytes() == b"01234X6789"


def test_dev_null_is_ready() -> None:
    fd = os.open(os.devnull, os.O_RDWR)
    stream = HostStream(fd)
    assert stream.read_nowait(1) == b"" and stream.write_nowait(b"x") == 1
    os.close(fd)


def test_a_stream_pickles_as_its_number(pipe: tuple[int, int]) -> None:
    stream = pickle.loads(pickle.dumps(HostStream(pipe[0])))
    os.write(pipe[1], b"x")
    assert stream.read_nowait(1) == b"x"


def test_a_closed_number_is_an_error(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(OSError):
        HostStream(pipe[0])


class RealTerminal:
    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.terminal = HostTerminal(self.slave)

    def close(self) -> None:
        self.terminal.close()
        for fd in (self.master, self.slave):
            try:
                os.close(fd)
            except OSError:
                pass


@pytest.fixture
def real() -> Iterator[RealTerminal]:
    terminal = RealTerminal()
    yield terminal
    terminal.close()


def test_raw_mode_is_entered_and_left(real: RealTerminal) -> None:
    assert real.terminal.window_size() == (30, 100, 0, 0)
    assert real.terminal.enter_raw() == 0
    mode = termios.tcgetattr(real.slave)
    assert not mode[3] & (termios.ICANON | termios.ECHO | termios.ISIG) and not mode[1] & termios.OPOST
    assert real.terminal.restore() == 0
    assert termios.tcgetattr(real.slave) == real.before
    assert not fcntl.fcntl(real.slave, fcntl.F_GETFL) & os.O_NONBLOCK


def test_an_exception_restores(real: RealTerminal) -> None:
    with pytest.raises(RuntimeError), real.terminal as terminal:
        terminal.enter_raw()
        raise RuntimeError
    assert termios.tcgetattr(real.slave) == real.before


def test_a_forgotten_terminal_is_restored(real: RealTerminal) -> None:
    HostTerminal(real.slave).enter_raw()
    assert termios.tcgetattr(real.slave) == real.before


def test_bytes_go_both_ways_and_nothing_blocks(real: RealTerminal) -> None:
    terminal = real.terminal
    terminal.enter_raw()
    assert terminal.read_nowait(10) == -errno.EAGAIN
    assert terminal.write_nowait(b"a\n") == 2
    assert os.read(real.master, 10) == b"a\n"
    total = 0
    while (count := terminal.write_nowait(b"x" * 4096)) > 0:
        total += count
    assert count == -errno.EAGAIN and total > 0
    assert terminal.write_until(b"x" * 4096, 1) < 4096


def test_a_vanished_terminal_is_an_error_or_an_end(real: RealTerminal) -> None:
    os.close(real.master)
    answer = real.terminal.read_nowait(10)
    assert answer in (b"", -errno.EIO)


def test_the_users_control_characters_are_known(real: RealTerminal) -> None:
    characters = real.terminal.control_characters()
    assert len(characters) == 19 and characters[0] == 3 and characters[6] == 1


def test_a_pipe_is_no_terminal(pipe: tuple[int, int]) -> None:
    with pytest.raises(OSError) as caught:
        HostTerminal(pipe[0])
    assert caught.value.errno == errno.ENOTTY
