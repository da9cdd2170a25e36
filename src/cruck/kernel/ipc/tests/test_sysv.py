# SPDX-License-Identifier: MPL-2.0
import pytest

from cruck.abi.errno import EACCES, EEXIST, EINVAL, ENOENT, ENOSPC, ERANGE
from cruck.abi.ipc import IPC_CREAT, IPC_EXCL, IPC_PRIVATE, SEM_UNDO
from cruck.kernel.errors import LinuxError
from cruck.kernel.ipc.msg import ANY, EQUAL, LOWEST_UP_TO, NOT_EQUAL, Message, MessageQueue, choice_of
from cruck.kernel.ipc.sem import DONE, SemOp, SemSet, SemUndo
from cruck.kernel.ipc.sysv import IpcObject, IpcTable
from cruck.kernel.process.credentials import Credentials

ROOT = Credentials(0, 0, ())
USER = Credentials(1000, 1000, (50,))
OTHER = Credentials(1001, 1001, ())


def new(key: int, creds: Credentials = USER, mode: int = 0o640) -> IpcObject:
    return IpcObject(key, mode, creds, 0)


def refused(errno: int, call: object, *args: object) -> bool:
    with pytest.raises(LinuxError) as caught:
        call(*args)  # type: ignore[operator]
    return caught.value.errno == errno


def test_an_old_identifier_does_not_name_a_new_object() -> None:
    table = IpcTable()
    first = new(7)
    old = table.add(first, 100)
    table.remove(first)
    for _ in range(64):
        again = new(7)
        table.add(again, 100)
        table.remove(again)
    last = new(7)
    table.add(last, 100)
    assert last.id & 0x7FFF == old & 0x7FFF or last.id != old
    assert refused(EINVAL, table.find, old)
    assert table.find(last.id) is last


def test_keys_find_objects_and_private_ones_have_none() -> None:
    table = IpcTable()
    assert refused(ENOENT, table.by_key, 7, 0)
    assert table.by_key(7, IPC_CREAT) is None
    obj = new(7)
    table.add(obj, 100)
    table.add(new(IPC_PRIVATE), 100)
    assert table.by_key(7, 0) is obj
    assert table.by_key(IPC_PRIVATE, 0) is None
    assert refused(EEXIST, table.by_key, 7, IPC_CREAT | IPC_EXCL)
    assert refused(ENOSPC, table.add, new(8), 2)


def test_owner_group_and_others_have_their_own_bits() -> None:
    obj = new(7)
    obj.check(USER, 0o666)
    obj.check(ROOT, 0o777)
    assert refused(EACCES, obj.check, OTHER, 0o444)
    obj.gid = 1001
    obj.check(OTHER, 0o444)
    assert refused(EACCES, obj.check, OTHER, 0o222)


def test_semaphore_lists_happen_wholly_or_not() -> None:
    semset = SemSet(7, 2, 0o600, USER, 0)
    assert semset.perform([SemOp(0, 2, 0), SemOp(1, -1, 0)], None, 5, 0) == 1
    assert semset.values == [0, 0]
    assert semset.perform([SemOp(0, 2, 0), SemOp(0, -1, 0), SemOp(1, 0, 0)], None, 5, 0) == DONE
    assert semset.values == [1, 0] and semset.pids == [5, 5]
    assert refused(ERANGE, semset.perform, [SemOp(0, 32767, 0)], None, 5, 0)


def test_undo_is_clamped_and_forgotten_by_setval() -> None:
    semset = SemSet(7, 2, 0o600, USER, 0)
    undo = SemUndo()
    semset.perform([SemOp(0, 5, SEM_UNDO), SemOp(1, 3, SEM_UNDO)], undo, 5, 0)
    semset.perform([SemOp(0, -4, 0)], None, 5, 0)
    semset.set_values(1, [9], 6, 0)
    undo.drop(5, 0)
    assert semset.values == [0, 9] and not semset.undos


def test_messages_are_chosen_by_type() -> None:
    queue = MessageQueue(7, 0o600, USER, 16384, 0)
    for kind in (5, 3, 5, 1):
        queue.send(Message(kind, b"x"), 1, 0)
    assert [queue.find(*choice) for choice in ((ANY, 0), (EQUAL, 5), (EQUAL, 2), (NOT_EQUAL, 5), (LOWEST_UP_TO, 4))] == [0, 0, -1, 1, 3]
    assert choice_of(-5, False, False) == (LOWEST_UP_TO, 5)
    assert choice_of(-(1 << 63), False, False) == (LOWEST_UP_TO, (1 << 63) - 1)
