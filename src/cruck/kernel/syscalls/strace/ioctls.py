# SPDX-License-Identifier: MPL-2.0
"""ioctl commands by name, and the arguments of those that programs use all day."""

from typing import Final

from cruck.kernel.syscalls.strace import xlat
from cruck.kernel.syscalls.strace.kinds import Call, Kind, addr_text

NAMES: Final = xlat.parse(
    "0x5401 TCGETS;0x5405 TCGETA;0x5406 TCSETA;0x5407 TCSETAW;0x5408 TCSETAF;0x5409 TCSBRK;"
    "0x540a TCXONC;0x540b TCFLSH;0x540c TIOCEXCL;0x540d TIOCNXCL;0x540e TIOCSCTTY;0x540f TIOCGPGRP;0x5410 TIOCSPGRP;0x5411 TIOCOUTQ;"
    "0x5412 TIOCSTI;0x5413 TIOCGWINSZ;0x5414 TIOCSWINSZ;0x5415 TIOCMGET;0x5416 TIOCMBIS;0x5417 TIOCMBIC;0x5418 TIOCMSET;"
    "0x541b FIONREAD;0x541c TIOCLINUX;0x541d TIOCCONS;0x5420 TIOCPKT;0x5421 FIONBIO;0x5422 TIOCNOTTY;0x5423 TIOCSETD;0x5424 TIOCGETD;"
    "0x5425 TCSBRKP;0x5427 TIOCSBRK;0x5428 TIOCCBRK;0x5429 TIOCGSID;0x802c542a TCGETS2;0x402c542b TCSETS2;0x402c542c TCSETSW2;"
    "0x402c542d TCSETSF2;0x80045430 TIOCGPTN;0x40045431 TIOCSPTLCK;0x80045432 TIOCGDEV;0x5437 TIOCVHANGUP;0x80045438 TIOCGPKT;"
    "0x80045439 TIOCGPTLCK;0x5441 TIOCGPTPEER;0x5450 FIONCLEX;0x5451 FIOCLEX;0x5452 FIOASYNC;0x5460 FIOQSIZE;0x8901 FIOSETOWN;"
    "0x8902 SIOCSPGRP;0x8903 FIOGETOWN;0x8904 SIOCGPGRP;0x8905 SIOCATMARK;0x8912 SIOCGIFCONF;0x8913 SIOCGIFFLAGS;0x8915 SIOCGIFADDR;"
    "0x891b SIOCGIFNETMASK;0x8921 SIOCGIFMTU;0x8927 SIOCGIFHWADDR;0x8933 SIOCGIFINDEX;0x40049409 FICLONE;0x4020940d FICLONERANGE;"
    "0x80086601 FS_IOC_GETFLAGS;0x40086602 FS_IOC_SETFLAGS;0xc020660b FS_IOC_FIEMAP;0x80081272 BLKGETSIZE64;0x1268 BLKSSZGET"
)
_INT_OUT: Final = (0x540F, 0x5411, 0x541B, 0x5424, 0x5429, 0x80045430, 0x80045432, 0x80045438, 0x80045439)
_INT_IN: Final = (0x5410, 0x5420, 0x5421, 0x5423, 0x40045431, 0x5452)
_NO_ARG: Final = (0x540C, 0x540D, 0x5422, 0x5427, 0x5428, 0x5437, 0x5450, 0x5451)
_DIRECTIONS: Final = ("_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE")


class IoctlCommandKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return command_text(call.u32(index))


def command_text(command: int) -> str:
    name = xlat.find(command, NAMES)
    if name:
        return name
    if 0x5402 <= command <= 0x5404:  # strace knows a sound card's name for these numbers too
        return ("SNDCTL_TMR_START or TCSETS", "SNDCTL_TMR_STOP or TCSETSW", "SNDCTL_TMR_CONTINUE or TCSETSF")[command - 0x5402]
    return f"_IOC({_DIRECTIONS[command >> 30]}, {_hex(command >> 8 & 0xFF)}, {_hex(command & 0xFF)}, {_hex(command >> 16 & 0x3FFF)})"


def _hex(value: int) -> str:
    return f"{value:#x}" if value else "0"


class IoctlArgKind(Kind):
    def needs_result(self, call: Call) -> bool:
        return call.u32(1) in _INT_OUT or call.u32(1) in (0x5401, 0x5413)

    def show(self, call: Call, index: int) -> str | None:
        command = call.u32(index - 1)
        addr = call.u64(index)
        if command in _NO_ARG:
            return None
        if command in _INT_OUT or command in _INT_IN:
            if addr == 0 or command in _INT_OUT and call.failed():
                return addr_text(addr)
            data = call.peek(addr, 4)
            return f"[{int.from_bytes(data, 'little', signed=True)}]" if data is not None else addr_text(addr)
        if command == 0x5413 or command == 0x5414:
            if command == 0x5413 and call.failed():
                return addr_text(addr)
            data = call.peek(addr, 8)
            if data is None:
                return addr_text(addr)
            row, col, x, y = [int.from_bytes(data[i : i + 2], "little") for i in (0, 2, 4, 6)]
            return f"{{ws_row={row}, ws_col={col}, ws_xpixel={x}, ws_ypixel={y}}}"
        if command in (0x5401, 0x5402, 0x5403, 0x5404):
            if command == 0x5401 and call.failed():
                return addr_text(addr)
            data = call.peek(addr, 36)
            return _termios_text(data) if data is not None else addr_text(addr)
        if command == 0x540B:
            return ("TCIFLUSH", "TCOFLUSH", "TCIOFLUSH")[addr] if addr < 3 else _hex(addr)
        if command == 0x540A:
            return ("TCOOFF", "TCOON", "TCIOFF", "TCION")[addr] if addr < 4 else _hex(addr)
        if command in (0x5409, 0x5425, 0x540E):
            return str(addr)
        if command == 0x40049409:
            return str(call.s32(index))
        return _hex(addr)


_IFLAG: Final = xlat.parse(
    "1 IGNBRK;2 BRKINT;4 IGNPAR;8 PARMRK;0x10 INPCK;0x20 ISTRIP;0x40 INLCR;0x80 IGNCR;0x100 ICRNL;0x200 IUCLC;0x400 IXON;0x800 IXANY;"
    "0x1000 IXOFF;0x2000 IMAXBEL;0x4000 IUTF8"
)
_OFLAG: Final = xlat.parse("1 OPOST;2 OLCUC;4 ONLCR;8 OCRNL;0x10 ONOCR;0x20 ONLRET;0x40 OFILL;0x80 OFDEL")
_CFLAG: Final = xlat.parse("0x40 CSTOPB;0x80 CREAD;0x100 PARENB;0x200 PARODD;0x400 HUPCL;0x800 CLOCAL;0x40000000 CMSPAR;0x80000000 CRTSCTS")
_LFLAG: Final = xlat.parse(
    "1 ISIG;2 ICANON;4 XCASE;8 ECHO;0x10 ECHOE;0x20 ECHOK;0x40 ECHONL;0x80 NOFLSH;0x100 TOSTOP;0x8000 IEXTEN;0x200 ECHOCTL;0x400 ECHOPRT;"
    "0x800 ECHOKE;0x1000 FLUSHO;0x4000 PENDIN;0x10000 EXTPROC"
)
_SPEEDS: Final = (
    "B0", "B50", "B75", "B110", "B134", "B150", "B200", "B300", "B600", "B1200", "B1800", "B2400", "B4800", "B9600", "B19200", "B38400"
)  # fmt: skip
_FAST_SPEEDS: Final = (
    "B57600", "B115200", "B230400", "B460800", "B500000", "B576000", "B921600", "B1000000", "B1152000", "B1500000", "B2000000",
    "B2500000", "B3000000", "B3500000", "B4000000",
)  # fmt: skip
_TABS: Final = ("TAB0", "TAB1", "TAB2", "TAB3")


def _termios_text(data: bytes) -> str:
    """{c_iflag=ICRNL|IXON, c_oflag=NL0|…|OPOST|ONLCR, c_cflag=B38400|CS8|CREAD, c_lflag=ISIG|…, ...}"""
    iflag, oflag, cflag, lflag = [int.from_bytes(data[i : i + 4], "little") for i in (0, 4, 8, 12)]
    baud = cflag & 0x100F
    if baud < 16:
        speed = _SPEEDS[baud]
    else:
        speed = _FAST_SPEEDS[(baud & 15) - 1] if baud & 15 else "BOTHER"
    size = ("CS5", "CS6", "CS7", "CS8")[cflag >> 4 & 3]
    delays = f"NL{oflag >> 8 & 1}|CR{oflag >> 9 & 3}|{_TABS[oflag >> 11 & 3]}|BS{oflag >> 13 & 1}|VT{oflag >> 14 & 1}|FF{oflag >> 15 & 1}"
    return (
        f"{{c_iflag={_words('', iflag, _IFLAG)}, c_oflag={_words(delays, oflag & ~0xFF00, _OFLAG)}, "
        f"c_cflag={_words(speed + '|' + size, cflag & ~0x103F, _CFLAG)}, c_lflag={_words('', lflag, _LFLAG)}, ...}}"
    )


def _words(head: str, value: int, table: xlat.Table) -> str:
    if value == 0:
        return head or "0"
    text = xlat.flags(value, table, "").removesuffix(" /*  */")
    return head + "|" + text if head else text
