# SPDX-License-Identifier: MPL-2.0
"""sysinfo, syslog and reboot: include/uapi/linux/sysinfo.h, linux/reboot.h and include/linux/syslog.h."""

from typing import Final

from cruck.abi.layout import Layout

SI_LOAD_SHIFT: Final = 16
SYSINFO: Final = Layout(
    "sysinfo",
    (
        ("uptime", "s64"),
        ("loads", "u64[3]"),
        ("totalram", "u64"),
        ("freeram", "u64"),
        ("sharedram", "u64"),
        ("bufferram", "u64"),
        ("totalswap", "u64"),
        ("freeswap", "u64"),
        ("procs", "u16"),
        ("pad", "pad[2]"),
        ("totalhigh", "u64"),
        ("freehigh", "u64"),
        ("mem_unit", "u32"),
    ),
)

# syslog: actions
SYSLOG_ACTION_CLOSE: Final = 0
SYSLOG_ACTION_OPEN: Final = 1
SYSLOG_ACTION_READ: Final = 2
SYSLOG_ACTION_READ_ALL: Final = 3
SYSLOG_ACTION_READ_CLEAR: Final = 4
SYSLOG_ACTION_CLEAR: Final = 5
SYSLOG_ACTION_CONSOLE_OFF: Final = 6
SYSLOG_ACTION_CONSOLE_ON: Final = 7
SYSLOG_ACTION_CONSOLE_LEVEL: Final = 8
SYSLOG_ACTION_SIZE_UNREAD: Final = 9
SYSLOG_ACTION_SIZE_BUFFER: Final = 10

# reboot
LINUX_REBOOT_MAGIC1: Final = 0xFEE1DEAD
LINUX_REBOOT_MAGIC2: Final = 0x28121969
LINUX_REBOOT_MAGIC2A: Final = 0x05121996
LINUX_REBOOT_MAGIC2B: Final = 0x16041998
LINUX_REBOOT_MAGIC2C: Final = 0x20112000
LINUX_REBOOT_CMD_RESTART: Final = 0x01234567
LINUX_REBOOT_CMD_HALT: Final = 0xCDEF0123
LINUX_REBOOT_CMD_CAD_ON: Final = 0x89ABCDEF
LINUX_REBOOT_CMD_CAD_OFF: Final = 0x00000000
LINUX_REBOOT_CMD_POWER_OFF: Final = 0x4321FEDC
LINUX_REBOOT_CMD_RESTART2: Final = 0xA1B2C3D4
LINUX_REBOOT_CMD_SW_SUSPEND: Final = 0xD000FCE2
LINUX_REBOOT_CMD_KEXEC: Final = 0x45584543
