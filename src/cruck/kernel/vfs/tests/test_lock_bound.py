# SPDX-License-Identifier: MPL-2.0
"""The number of byte-range locks of a file is bounded."""

from cruck.abi.fcntl import F_UNLCK, F_WRLCK
from cruck.kernel.ledger import Unlimited
from cruck.kernel.vfs.locks import MAX_OFFSET, MAX_RANGES, LockList, RangeLock


def test_a_list_is_full_at_its_bound_and_has_room_after_an_unlock() -> None:
    locks = LockList(Unlimited())
    locks.ranges = [RangeLock(2 * i, 2 * i, F_WRLCK, None, None, 5) for i in range(MAX_RANGES - 1)]
    assert not locks.is_full()
    locks.set_range(RangeLock(2 * MAX_RANGES, 2 * MAX_RANGES, F_WRLCK, None, None, 5))
    assert locks.is_full()
    locks.set_range(RangeLock(0, MAX_OFFSET, F_UNLCK, None, None, 5))
    assert not locks.is_full()
