# SPDX-License-Identifier: MPL-2.0
"""Terminals (tty_ioctl(4), pty(7), termios(3)): `Tty` in tty.py, its line discipline, job control, pseudoterminals.

    TtyFile (file.py, ioctl.py) → Tty → LineDiscipline + Echo (input), OutputProcessor (output) → TtyDriver (pty.py, drivers/host_tty.py)

Checked against Linux byte by byte. Not here: serial lines (breaks, parity, modem signals), other line disciplines, virtual consoles.
IXOFF is kept and has no effect, as on Linux's pseudoterminals.
"""
