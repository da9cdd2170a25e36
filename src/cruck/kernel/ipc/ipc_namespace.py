# SPDX-License-Identifier: MPL-2.0
"""IpcNamespace: all named IPC of System V and POSIX that a group of processes shares (ipc_namespaces(7))."""

from typing import TYPE_CHECKING

from cruck.abi.sched import CLONE_NEWIPC
from cruck.kernel.ipc.msg import MsgTable
from cruck.kernel.ipc.sem import SemTable
from cruck.kernel.ipc.shm import ShmTable
from cruck.kernel.process.user_namespace import Namespace

if TYPE_CHECKING:
    from cruck.kernel.fs.mqueue.fs_type import MqueueFs
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.user_namespace import UserNamespace


class IpcNamespace(Namespace):
    shm: ShmTable
    sem: SemTable
    msg: MsgTable
    mqueues: "MqueueFs | None"  # made at first use

    def __init__(self, kernel: "Kernel", ino: int = 0, owner: "UserNamespace | None" = None) -> None:
        super().__init__(CLONE_NEWIPC, ino, owner)
        self.shm = ShmTable(kernel)
        self.sem = SemTable(kernel)
        self.msg = MsgTable(kernel)
        self.kernel = kernel
        self.mqueues = None

    def mqueue(self) -> "MqueueFs":
        if self.mqueues is None:
            from cruck.kernel.fs.mqueue.fs_type import MqueueFs

            self.mqueues = MqueueFs(self.kernel)
        return self.mqueues
