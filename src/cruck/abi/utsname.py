# SPDX-License-Identifier: MPL-2.0
"""uname: include/uapi/linux/utsname.h."""

from typing import Final

from cruck.abi.layout import Layout

__NEW_UTS_LEN: Final = 64
NEW_UTSNAME: Final = Layout(
    "new_utsname",
    (
        ("sysname", "char[65]"),
        ("nodename", "char[65]"),
        ("release", "char[65]"),
        ("version", "char[65]"),
        ("machine", "char[65]"),
        ("domainname", "char[65]"),
    ),
)
