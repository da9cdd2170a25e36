# SPDX-License-Identifier: MPL-2.0
"""How values are shown; each expectation is output of strace 6.1."""

import pytest

from cruck.kernel.syscalls.strace import signals, xlat
from cruck.kernel.syscalls.strace.kinds import mode_text
from cruck.kernel.syscalls.strace.sockets import address_text
from cruck.kernel.syscalls.strace.text import quote
from cruck.kernel.syscalls.strace.times import date_text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"hello\n", r'"hello\n"'),
        (b'\t"\\', r'"\t\"\\"'),
        (b"\x7fELF\x02\x01", r'"\177ELF\2\1"'),
        (b"\0001", r'"\0001"'),
        (b"\x008", r'"\08"'),
        (b"a" * 33, '"' + "a" * 32 + '"...'),
        (b"a" * 32, '"' + "a" * 32 + '"'),
        (b"", '""'),
    ],
)
def test_quoting(data: bytes, text: str) -> None:
    assert quote(data, 32) == text


def test_flags_show_names_then_the_rest() -> None:
    assert xlat.flags(0, xlat.PROT, "PROT_???") == "PROT_NONE"
    assert xlat.flags(3, xlat.PROT, "PROT_???") == "PROT_READ|PROT_WRITE"
    assert xlat.flags(0x1001, xlat.PROT, "PROT_???") == "PROT_READ|0x1000"
    assert xlat.flags(0x1000, xlat.PROT, "PROT_???") == "0x1000 /* PROT_??? */"
    assert xlat.flags(0, xlat.MSG_FLAGS, "MSG_???") == "0"
    assert xlat.open_flags(0o2100101) == "O_WRONLY|O_CREAT|O_LARGEFILE|O_CLOEXEC"


def test_modes() -> None:
    assert mode_text(0o100644) == "S_IFREG|0644"
    assert mode_text(0o041777) == "S_IFDIR|S_ISVTX|0777"
    assert mode_text(0o644) == "0644"
    assert mode_text(0o100000) == "S_IFREG|000"


def test_signal_sets_turn_round_when_most_are_in() -> None:
    assert signals.mask_text(0) == "[]"
    assert signals.mask_text(1 << 1 | 1 << 16 | 1 << 31 | 1 << 32) == "[INT CHLD RTMIN RT_1]"
    assert signals.mask_text((1 << 64) - 1) == "~[]"
    assert signals.mask_text((1 << 64) - 1 & ~(1 << 8) & ~(1 << 18)) == "~[KILL STOP]"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0, "{WIFEXITED(s) && WEXITSTATUS(s) == 0}"),
        (0x0B, "{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV}"),
        (0x8B, "{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}"),
        (0x137F, "{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}"),
        (0xFFFF, "{WIFCONTINUED(s)}"),
    ],
)
def test_wait_statuses(status: int, text: str) -> None:
    assert signals.wait_status_text(status) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\1\0/run/x\0junk", '{sa_family=AF_UNIX, sun_path="/run/x"}'),
        (b"\1\0\0abc", '{sa_family=AF_UNIX, sun_path=@"abc"}'),
        (b"\1\0", "{sa_family=AF_UNIX}"),
        (b"\2\0\0\x50\x7f\0\0\1" + bytes(8), '{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}'),
        (
            b"\x0a\0\0\1" + bytes(4) + bytes(15) + b"\1" + bytes(4),
            '{sa_family=AF_INET6, sin6_port=htons(1), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}',
        ),
    ],
)
def test_socket_addresses(data: bytes, text: str) -> None:
    assert address_text(data) == text


def test_dates() -> None:
    assert date_text(1, 2, 9) == " /* 1970-01-01T00:00:01.000000002+0000 */"
    assert date_text(1709210096, 0, 9) == " /* 2024-02-29T12:34:56+0000 */"
    assert date_text(-1, 0, 9) == ""
