# SPDX-License-Identifier: MPL-2.0
"""struct ipc64_perm of System V objects, as *ctl(2) reads and writes it."""

from typing import Final

from cruck.abi.ipc import IPC64_PERM, IPC_SET, IPC_STAT
from cruck.kernel.ipc.sysv import IpcObject, IpcTable
from cruck.kernel.process.task import Task

# IPC_STAT by identifier and *_STAT, *_STAT_ANY by index are one call in three forms.
BY_ID: Final = IPC_STAT


def perm_values(obj: IpcObject) -> tuple[int, int, int, int, int, int, int]:
    """key, uid, gid, cuid, cgid, mode, seq: the first fields of *id64_ds."""
    key = obj.key if obj.key < 1 << 31 else obj.key - (1 << 32)
    return key, obj.uid, obj.gid, obj.creator_uid, obj.creator_gid, obj.mode, obj.seq


def set_perm(task: Task, obj: IpcObject, data: bytes, now_s: int) -> None:
    """IPC_SET's owner and mode, from the guest's struct. Errors: LinuxError(EINVAL)."""
    values = IPC64_PERM.unpack(data[: IPC64_PERM.size])
    obj.set_owner(values[1], values[2], values[5], now_s)


def find_for_stat(task: Task, table: IpcTable, command: int, any_command: int, identifier: int) -> tuple[IpcObject, int]:
    """(object, what the call returns). Errors: LinuxError(EINVAL, EACCES)."""
    if command == BY_ID:
        obj = table.find(identifier)
        result = 0
    else:
        obj = table.at_index(identifier)
        result = obj.id
    if command != any_command:
        obj.check(task.creds, 0o444)
    return obj, result


__all__ = ["IPC_SET", "find_for_stat", "perm_values", "set_perm"]
