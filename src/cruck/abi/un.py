# SPDX-License-Identifier: MPL-2.0
"""Unix domain sockets: include/uapi/linux/un.h. Their address may be shorter than the struct: its length counts."""

from typing import Final

from cruck.abi.layout import Layout

UNIX_PATH_MAX: Final = 108
SOCKADDR_UN: Final = Layout("sockaddr_un", (("sun_family", "u16"), ("sun_path", "char[108]")))
SIOCUNIXFILE: Final = 0x89E0  # SIOCPROTOPRIVATE
