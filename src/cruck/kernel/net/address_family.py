# SPDX-License-Identifier: MPL-2.0
"""AddressFamily: the base class of address families (Linux: struct net_proto_family)."""

from typing import TYPE_CHECKING

from cruck.abi.errno import EOPNOTSUPP
from cruck.kernel.errors import LinuxError

if TYPE_CHECKING:
    from cruck.kernel.net.socket import Socket
    from cruck.kernel.process.task import Task


class AddressFamily:
    number: int  # AF_*

    def create(self, task: "Task", kind: int, protocol: int) -> "Socket":
        """socket(2). kind: SOCK_* without flags.
        Errors: LinuxError(ESOCKTNOSUPPORT, EPROTONOSUPPORT, EACCES, EPERM)."""
        raise NotImplementedError

    def create_pair(self, task: "Task", kind: int, protocol: int) -> "tuple[Socket, Socket]":
        """socketpair(2). Errors: LinuxError(EOPNOTSUPP) and those of create()."""
        self.create(task, kind, protocol).get().put()
        raise LinuxError(EOPNOTSUPP)
