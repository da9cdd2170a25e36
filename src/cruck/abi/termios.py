# SPDX-License-Identifier: MPL-2.0
"""Terminals: include/uapi/asm-generic/termbits.h, termios.h and ioctls.h.

`TERMIOS` is the kernel's struct, with 19 control characters; glibc's, with 32, never reaches a system call.
"""

from typing import Final

from cruck.abi.layout import Layout

NCCS: Final = 19
TERMIOS: Final = Layout(
    "termios",
    (
        ("c_iflag", "u32"),
        ("c_oflag", "u32"),
        ("c_cflag", "u32"),
        ("c_lflag", "u32"),
        ("c_line", "u8"),
        ("c_cc", "char[19]"),
    ),
)
TERMIOS2: Final = Layout(
    "termios2",
    (
        ("c_iflag", "u32"),
        ("c_oflag", "u32"),
        ("c_cflag", "u32"),
        ("c_lflag", "u32"),
        ("c_line", "u8"),
        ("c_cc", "char[19]"),
        ("c_ispeed", "u32"),
        ("c_ospeed", "u32"),
    ),
)
TERMIO: Final = Layout(
    "termio",
    (
        ("c_iflag", "u16"),
        ("c_oflag", "u16"),
        ("c_cflag", "u16"),
        ("c_lflag", "u16"),
        ("c_line", "u8"),
        ("c_cc", "char[8]"),
    ),
)
WINSIZE: Final = Layout("winsize", (("ws_row", "u16"), ("ws_col", "u16"), ("ws_xpixel", "u16"), ("ws_ypixel", "u16")))

# c_cc: indices
VINTR: Final = 0
VQUIT: Final = 1
VERASE: Final = 2
VKILL: Final = 3
VEOF: Final = 4
VTIME: Final = 5
VMIN: Final = 6
VSWTC: Final = 7
VSTART: Final = 8
VSTOP: Final = 9
VSUSP: Final = 10
VEOL: Final = 11
VREPRINT: Final = 12
VDISCARD: Final = 13
VWERASE: Final = 14
VLNEXT: Final = 15
VEOL2: Final = 16

# c_iflag
IGNBRK: Final = 0o1
BRKINT: Final = 0o2
IGNPAR: Final = 0o4
PARMRK: Final = 0o10
INPCK: Final = 0o20
ISTRIP: Final = 0o40
INLCR: Final = 0o100
IGNCR: Final = 0o200
ICRNL: Final = 0o400
IUCLC: Final = 0o1000
IXON: Final = 0o2000
IXANY: Final = 0o4000
IXOFF: Final = 0o10000
IMAXBEL: Final = 0o20000
IUTF8: Final = 0o40000

# c_oflag
OPOST: Final = 0o1
OLCUC: Final = 0o2
ONLCR: Final = 0o4
OCRNL: Final = 0o10
ONOCR: Final = 0o20
ONLRET: Final = 0o40
OFILL: Final = 0o100
OFDEL: Final = 0o200
NLDLY: Final = 0o400
NL0: Final = 0
NL1: Final = 0o400
CRDLY: Final = 0o3000
CR0: Final = 0
CR1: Final = 0o1000
CR2: Final = 0o2000
CR3: Final = 0o3000
TABDLY: Final = 0o14000
TAB0: Final = 0
TAB1: Final = 0o4000
TAB2: Final = 0o10000
TAB3: Final = 0o14000
XTABS: Final = 0o14000
BSDLY: Final = 0o20000
BS0: Final = 0
BS1: Final = 0o20000
VTDLY: Final = 0o40000
VT0: Final = 0
VT1: Final = 0o40000
FFDLY: Final = 0o100000
FF0: Final = 0
FF1: Final = 0o100000

# c_cflag: size and control
CSIZE: Final = 0o60
CS5: Final = 0
CS6: Final = 0o20
CS7: Final = 0o40
CS8: Final = 0o60
CSTOPB: Final = 0o100
CREAD: Final = 0o200
PARENB: Final = 0o400
PARODD: Final = 0o1000
HUPCL: Final = 0o2000
CLOCAL: Final = 0o4000
CBAUD: Final = 0o10017
CBAUDEX: Final = 0o10000
CIBAUD: Final = 0o2003600000
IBSHIFT: Final = 0o20
BOTHER: Final = 0o10000
ADDRB: Final = 0o4000000000
CMSPAR: Final = 0o10000000000
CRTSCTS: Final = 0o20000000000

# c_cflag: speed
B0: Final = 0
B50: Final = 0o1
B75: Final = 0o2
B110: Final = 0o3
B134: Final = 0o4
B150: Final = 0o5
B200: Final = 0o6
B300: Final = 0o7
B600: Final = 0o10
B1200: Final = 0o11
B1800: Final = 0o12
B2400: Final = 0o13
B4800: Final = 0o14
B9600: Final = 0o15
B19200: Final = 0o16
B38400: Final = 0o17
EXTA: Final = 0o16
EXTB: Final = 0o17
B57600: Final = 0o10001
B115200: Final = 0o10002
B230400: Final = 0o10003
B460800: Final = 0o10004
B500000: Final = 0o10005
B576000: Final = 0o10006
B921600: Final = 0o10007
B1000000: Final = 0o10010
B1152000: Final = 0o10011
B1500000: Final = 0o10012
B2000000: Final = 0o10013
B2500000: Final = 0o10014
B3000000: Final = 0o10015
B3500000: Final = 0o10016
B4000000: Final = 0o10017

# c_lflag
ISIG: Final = 0o1
ICANON: Final = 0o2
XCASE: Final = 0o4
ECHO: Final = 0o10
ECHOE: Final = 0o20
ECHOK: Final = 0o40
ECHONL: Final = 0o100
NOFLSH: Final = 0o200
TOSTOP: Final = 0o400
ECHOCTL: Final = 0o1000
ECHOPRT: Final = 0o2000
ECHOKE: Final = 0o4000
FLUSHO: Final = 0o10000
PENDIN: Final = 0o40000
IEXTEN: Final = 0o100000
EXTPROC: Final = 0o200000

# tcflow, tcflush, tcsetattr
TCOOFF: Final = 0
TCOON: Final = 1
TCIOFF: Final = 2
TCION: Final = 3
TCIFLUSH: Final = 0
TCOFLUSH: Final = 1
TCIOFLUSH: Final = 2
TCSANOW: Final = 0
TCSADRAIN: Final = 1
TCSAFLUSH: Final = 2

# Line disciplines
N_TTY: Final = 0
N_SLIP: Final = 1
N_PPP: Final = 3

# A control character that is off
VDISABLE: Final = 0

# ioctls
TCGETS: Final = 0x5401
TCSETS: Final = 0x5402
TCSETSW: Final = 0x5403
TCSETSF: Final = 0x5404
TCGETA: Final = 0x5405
TCSETA: Final = 0x5406
TCSETAW: Final = 0x5407
TCSETAF: Final = 0x5408
TCSBRK: Final = 0x5409
TCXONC: Final = 0x540A
TCFLSH: Final = 0x540B
TIOCEXCL: Final = 0x540C
TIOCNXCL: Final = 0x540D
TIOCSCTTY: Final = 0x540E
TIOCGPGRP: Final = 0x540F
TIOCSPGRP: Final = 0x5410
TIOCOUTQ: Final = 0x5411
TIOCSTI: Final = 0x5412
TIOCGWINSZ: Final = 0x5413
TIOCSWINSZ: Final = 0x5414
TIOCMGET: Final = 0x5415
TIOCMBIS: Final = 0x5416
TIOCMBIC: Final = 0x5417
TIOCMSET: Final = 0x5418
TIOCGSOFTCAR: Final = 0x5419
TIOCSSOFTCAR: Final = 0x541A
TIOCINQ: Final = 0x541B
TIOCLINUX: Final = 0x541C
TIOCCONS: Final = 0x541D
TIOCGSERIAL: Final = 0x541E
TIOCSSERIAL: Final = 0x541F
TIOCPKT: Final = 0x5420
TIOCNOTTY: Final = 0x5422
TIOCSETD: Final = 0x5423
TIOCGETD: Final = 0x5424
TCSBRKP: Final = 0x5425
TIOCSBRK: Final = 0x5427
TIOCCBRK: Final = 0x5428
TIOCGSID: Final = 0x5429
TCGETS2: Final = 0x802C542A
TCSETS2: Final = 0x402C542B
TCSETSW2: Final = 0x402C542C
TCSETSF2: Final = 0x402C542D
TIOCGRS485: Final = 0x542E
TIOCSRS485: Final = 0x542F
TIOCGPTN: Final = 0x80045430
TIOCSPTLCK: Final = 0x40045431
TIOCGDEV: Final = 0x80045432
TCGETX: Final = 0x5432
TCSETX: Final = 0x5433
TCSETXF: Final = 0x5434
TCSETXW: Final = 0x5435
TIOCSIG: Final = 0x40045436
TIOCVHANGUP: Final = 0x5437
TIOCGPKT: Final = 0x80045438
TIOCGPTLCK: Final = 0x80045439
TIOCGEXCL: Final = 0x80045440
TIOCGPTPEER: Final = 0x5441
TIOCGISO7816: Final = 0x80285442
TIOCSISO7816: Final = 0xC0285443
TIOCSERCONFIG: Final = 0x5453
TIOCSERGETLSR: Final = 0x5459
TIOCMIWAIT: Final = 0x545C
TIOCGICOUNT: Final = 0x545D
TIOCGLCKTRMIOS: Final = 0x5456
TIOCSLCKTRMIOS: Final = 0x5457

# TIOCMGET: modem lines
TIOCM_LE: Final = 0x0001
TIOCM_DTR: Final = 0x0002
TIOCM_RTS: Final = 0x0004
TIOCM_ST: Final = 0x0008
TIOCM_SR: Final = 0x0010
TIOCM_CTS: Final = 0x0020
TIOCM_CAR: Final = 0x0040
TIOCM_RNG: Final = 0x0080
TIOCM_DSR: Final = 0x0100
TIOCM_CD: Final = 0x0040
TIOCM_RI: Final = 0x0080
TIOCM_OUT1: Final = 0x2000
TIOCM_OUT2: Final = 0x4000
TIOCM_LOOP: Final = 0x8000

# TIOCPKT: the first byte of a packet
TIOCPKT_DATA: Final = 0
TIOCPKT_FLUSHREAD: Final = 0x1
TIOCPKT_FLUSHWRITE: Final = 0x2
TIOCPKT_STOP: Final = 0x4
TIOCPKT_START: Final = 0x8
TIOCPKT_NOSTOP: Final = 0x10
TIOCPKT_DOSTOP: Final = 0x20
TIOCPKT_IOCTL: Final = 0x40
