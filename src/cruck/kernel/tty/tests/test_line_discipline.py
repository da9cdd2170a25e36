# SPDX-License-Identifier: MPL-2.0
"""The line discipline byte by byte: what is typed, what is shown, what is read."""

import pytest

from cruck.abi.signal import SIGINT, SIGQUIT, SIGTSTP
from cruck.abi.termios import (
    ECHO,
    ECHOCTL,
    ECHOE,
    ECHOK,
    ECHOKE,
    ECHONL,
    ECHOPRT,
    ICANON,
    ICRNL,
    IEXTEN,
    IGNCR,
    INLCR,
    ISIG,
    ISTRIP,
    IUTF8,
    IXANY,
    IXON,
    NOFLSH,
    OCRNL,
    OLCUC,
    ONLCR,
    ONLRET,
    ONOCR,
    OPOST,
    PARMRK,
    XTABS,
)
from cruck.framework.mm.user_memory import BytesReader
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.tty.file import TtyFile
from cruck.kernel.tty.tests.world import ListDriver, World, change, make_tty, read, with_cc
from cruck.kernel.tty.tty import Tty

COOKED = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN


class Screen:
    def __init__(self) -> None:
        self.world = World()
        self.tty: Tty
        self.driver: ListDriver
        self.tty, self.driver = make_tty(self.world)
        self.file = TtyFile(self.tty, 2)

    def type(self, data: bytes) -> bytes:
        """Types and returns what was shown."""
        self.tty.receive(data)
        return self.driver.take()

    def read(self, limit: int = 4096) -> bytes | int:
        return read(self.file, limit)

    def show(self, data: bytes) -> bytes:
        count = self.tty.write(BytesReader(data))
        assert count == len(data)
        return self.driver.take()


@pytest.fixture
def screen() -> Screen:
    return Screen()


def test_a_line_is_readable_only_when_it_is_complete(screen: Screen) -> None:
    assert screen.type(b"hel") == b"hel"
    assert screen.read() == WOULD_BLOCK
    assert screen.type(b"lo\r") == b"lo\r\n"
    assert screen.read() == b"hello\n"
    assert screen.read() == WOULD_BLOCK


def test_a_read_takes_one_line_and_short_reads_leave_the_rest(screen: Screen) -> None:
    screen.type(b"one\ntwo\n")
    assert screen.read(2) == b"on"
    assert screen.read() == b"e\n"
    assert screen.read() == b"two\n"


def test_end_of_file_ends_a_line_without_being_read(screen: Screen) -> None:
    assert screen.type(b"ab\x04") == b"ab"
    assert screen.read() == b"ab"
    assert screen.read() == WOULD_BLOCK
    screen.type(b"\x04")
    assert screen.read() == b""


def test_end_of_file_behind_a_full_read_goes_with_it(screen: Screen) -> None:
    screen.type(b"ab\x04")
    assert screen.read(2) == b"ab"
    assert screen.read() == WOULD_BLOCK


def test_a_newline_behind_a_full_read_stays(screen: Screen) -> None:
    screen.type(b"ab\n")
    assert screen.read(2) == b"ab"
    assert screen.read() == b"\n"


def test_erase_takes_a_character_off_the_line_and_the_screen(screen: Screen) -> None:
    assert screen.type(b"ax\x7fb\n") == b"ax\b \bb\r\n"
    assert screen.read() == b"ab\n"


def test_erase_stops_at_the_start_of_the_line(screen: Screen) -> None:
    screen.type(b"x\n")
    assert screen.type(b"\x7f\x7f") == b""
    assert screen.read() == b"x\n"


def test_erase_of_a_control_character_takes_two_columns(screen: Screen) -> None:
    assert screen.type(b"\x01") == b"^A"
    assert screen.type(b"\x7f") == b"\b \b\b \b"


def test_erase_of_a_utf8_character_takes_all_its_bytes(screen: Screen) -> None:
    change(screen.tty, iflag=screen.tty.termios.iflag | IUTF8)
    screen.type("aé€".encode())
    assert screen.type(b"\x7f\x7f") == b"\b \b\b \b"
    screen.type(b"\n")
    assert screen.read() == b"a\n"


def test_erase_of_a_tab_backs_up_to_where_it_began(screen: Screen) -> None:
    screen.show(b"$ ")
    assert screen.type(b"ab\t") == b"ab\t"
    assert screen.type(b"\x7f") == b"\b" * 4
    assert screen.type(b"\t\t\x7f") == b"\t\t" + b"\b" * 8


def test_word_erase_takes_spaces_and_then_a_word(screen: Screen) -> None:
    screen.type(b"foo bar_1  ")
    assert screen.type(b"\x17") == b"\b \b" * 7
    screen.type(b"\n")
    assert screen.read() == b"foo \n"


def test_kill_with_echoke_wipes_the_line(screen: Screen) -> None:
    screen.type(b"abc")
    assert screen.type(b"\x15") == b"\b \b" * 3
    screen.type(b"d\n")
    assert screen.read() == b"d\n"


def test_kill_without_echoke_shows_the_character_and_a_newline(screen: Screen) -> None:
    change(screen.tty, lflag=COOKED & ~ECHOKE)
    screen.type(b"abc")
    assert screen.type(b"\x15") == b"^U\r\n"
    change(screen.tty, lflag=COOKED & ~ECHOKE & ~ECHOK)
    screen.type(b"abc")
    assert screen.type(b"\x15") == b"^U"


def test_erase_without_echoe_shows_the_erase_character(screen: Screen) -> None:
    change(screen.tty, lflag=COOKED & ~ECHOE)
    screen.type(b"ab")
    assert screen.type(b"\x7f") == b"^?"


def test_echoprt_prints_what_it_erases(screen: Screen) -> None:
    change(screen.tty, lflag=COOKED | ECHOPRT)
    screen.type(b"abc")
    assert screen.type(b"\x7f\x7f") == b"\\cb"
    assert screen.type(b"x\n") == b"/x\r\n"
    assert screen.read() == b"ax\n"


def test_literal_next_keeps_a_special_character(screen: Screen) -> None:
    assert screen.type(b"\x16") == b"^\b"
    assert screen.type(b"\x03") == b"^C"
    screen.type(b"\x16\n\n")
    assert screen.read() == b"\x03\n\n"
    assert screen.world.signals() == []


def test_reprint_shows_the_line_again(screen: Screen) -> None:
    screen.type(b"ab\x01")
    assert screen.type(b"\x12") == b"^R\r\nab^A"


def test_echo_can_be_off_but_for_newlines(screen: Screen) -> None:
    change(screen.tty, lflag=ICANON | ECHONL)
    assert screen.type(b"secret\n") == b"\r\n"
    change(screen.tty, lflag=ICANON)
    assert screen.type(b"secret\n") == b""


def test_control_characters_are_shown_as_they_are_without_echoctl(screen: Screen) -> None:
    change(screen.tty, lflag=COOKED & ~ECHOCTL)
    assert screen.type(b"\x01") == b"\x01"


def test_the_end_of_line_characters_end_a_line(screen: Screen) -> None:
    change(screen.tty, cc=with_cc(screen.tty.termios, veol=ord(";"), veol2=ord(",")))  # type: ignore[arg-type]
    assert screen.type(b"a;b,") == b"a;b,"
    assert screen.read() == b"a;"
    assert screen.read() == b"b,"


def test_a_disabled_character_is_ordinary(screen: Screen) -> None:
    change(screen.tty, cc=with_cc(screen.tty.termios, vintr=0, veof=0))  # type: ignore[arg-type]
    assert screen.type(b"\x03\x04\x00\n") == b"^C^D^@\r\n"
    assert screen.read() == b"\x03\x04\x00\n"


@pytest.mark.parametrize(
    ("iflag", "typed", "got"),
    [
        (0, b"a\rb\n", b"a\rb\n"),
        (ICRNL, b"a\r", b"a\n"),
        (IGNCR, b"a\rb\n", b"ab\n"),
        (IGNCR | ICRNL, b"a\rb\n", b"ab\n"),
        (INLCR | ICRNL, b"a\nb\r", b"a\rb\n"),
        (ISTRIP, b"\xe1\n", b"a\n"),
        (PARMRK, b"\xff\n", b"\xff\xff\n"),
    ],
)
def test_input_is_translated(screen: Screen, iflag: int, typed: bytes, got: bytes) -> None:
    change(screen.tty, iflag=iflag)
    screen.type(typed)
    assert screen.read() == got


def test_a_line_keeps_4095_bytes_and_can_still_be_ended(screen: Screen) -> None:
    screen.type(b"x" * 5000)
    assert screen.read() == WOULD_BLOCK
    screen.type(b"\n")
    assert screen.read(5000) == b"x" * 4095 + b"\n"


def test_the_end_of_an_overlong_line_can_be_erased(screen: Screen) -> None:
    screen.type(b"x" * 4095 + b"\x7f\x7f" + b"\n")
    assert screen.read(5000) == b"x" * 4093 + b"\n"


def test_input_beyond_the_buffer_waits_while_lines_are_unread(screen: Screen) -> None:
    line = b"y" * 99 + b"\n"
    screen.type(line * 50)
    assert screen.tty.arrived
    for _ in range(50):
        assert screen.read() == line
    assert screen.read() == WOULD_BLOCK and not screen.tty.arrived


def test_raw_input_is_there_at_once(screen: Screen) -> None:
    change(screen.tty, iflag=0, lflag=0)
    assert screen.type(b"\x03\x04\r\n\x7f") == b""
    assert screen.read() == b"\x03\x04\r\n\x7f"


def test_unread_input_becomes_a_line_when_canonical_mode_begins(screen: Screen) -> None:
    change(screen.tty, lflag=0, iflag=0)
    screen.type(b"abc")
    change(screen.tty, lflag=COOKED)
    assert screen.read() == b"abc"


def test_a_half_typed_line_is_readable_when_canonical_mode_ends(screen: Screen) -> None:
    screen.type(b"abc")
    assert screen.read() == WOULD_BLOCK
    change(screen.tty, lflag=COOKED & ~ICANON)
    assert screen.read() == b"abc"


@pytest.mark.parametrize(("key", "signo", "shown"), [(3, SIGINT, b"^C"), (0x1C, SIGQUIT, b"^\\"), (0x1A, SIGTSTP, b"^Z")])
def test_keys_send_signals_to_the_foreground_and_flush(screen: Screen, key: int, signo: int, shown: bytes) -> None:
    leader = screen.world.task(new_session=True)
    screen.tty.session = leader.process.group.session
    leader.process.group.session.tty = screen.tty
    screen.tty.foreground_pgid = leader.process.group.pgid
    screen.type(b"abc")
    assert screen.type(bytes((key,))) == shown
    assert screen.world.signals() == [("group", leader.tid, signo)]
    screen.type(b"d\n")
    assert screen.read() == b"d\n"


def test_noflsh_keeps_what_was_typed(screen: Screen) -> None:
    change(screen.tty, lflag=COOKED | NOFLSH)
    screen.type(b"ab\x03c\n")
    assert screen.read() == b"abc\n"


def test_stop_holds_output_and_start_lets_it_go(screen: Screen) -> None:
    assert screen.type(b"\x13") == b""
    assert screen.tty.write(BytesReader(b"x")) == WOULD_BLOCK
    assert screen.type(b"ab") == b""
    assert not screen.file.poll() & 4
    assert screen.type(b"\x11") == b"ab"
    assert screen.show(b"x") == b"x"


def test_any_key_starts_output_with_ixany(screen: Screen) -> None:
    change(screen.tty, iflag=ICRNL | IXON | IXANY)
    screen.type(b"\x13")
    assert screen.type(b"q") == b"q"
    assert not screen.tty.is_stopped


def test_switching_ixon_off_starts_output(screen: Screen) -> None:
    screen.type(b"\x13")
    change(screen.tty, iflag=ICRNL)
    assert screen.show(b"x") == b"x"


@pytest.mark.parametrize(
    ("oflag", "data", "shown"),
    [
        (0, b"a\n\tb", b"a\n\tb"),
        (ONLCR, b"a\n", b"a\n"),
        (OPOST | ONLCR, b"a\nb\n", b"a\r\nb\r\n"),
        (OPOST, b"a\n", b"a\n"),
        (OPOST | XTABS, b"a\tb\t", b"a       b       "),
        (OPOST | OCRNL, b"a\r", b"a\n"),
        (OPOST | ONOCR, b"\ra\r", b"a\r"),
        (OPOST | ONOCR | ONLRET, b"a\n\rb", b"a\nb"),
        (OPOST | OLCUC, b"aBz\n", b"ABZ\n"),
    ],
)
def test_output_is_processed(screen: Screen, oflag: int, data: bytes, shown: bytes) -> None:
    change(screen.tty, oflag=oflag)
    assert screen.show(data) == shown


def test_a_write_takes_what_there_is_room_for(screen: Screen) -> None:
    screen.driver.room = 80
    data = BytesReader(b"\n" * 100)
    count = screen.tty.write(data)
    assert 0 < count < 100 and data.remaining == 100 - count
    assert screen.driver.take() == b"\r\n" * count
    while screen.driver.room >= 8:
        assert screen.tty.write(data) > 0
    assert screen.tty.write(data) == WOULD_BLOCK
    assert not screen.file.poll() & 4
