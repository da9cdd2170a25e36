# SPDX-License-Identifier: MPL-2.0
"""Futexes: include/uapi/linux/futex.h."""

from typing import Final

from cruck.abi.layout import Layout

# Commands
FUTEX_WAIT: Final = 0
FUTEX_WAKE: Final = 1
FUTEX_FD: Final = 2
FUTEX_REQUEUE: Final = 3
FUTEX_CMP_REQUEUE: Final = 4
FUTEX_WAKE_OP: Final = 5
FUTEX_LOCK_PI: Final = 6
FUTEX_UNLOCK_PI: Final = 7
FUTEX_TRYLOCK_PI: Final = 8
FUTEX_WAIT_BITSET: Final = 9
FUTEX_WAKE_BITSET: Final = 10
FUTEX_WAIT_REQUEUE_PI: Final = 11
FUTEX_CMP_REQUEUE_PI: Final = 12
FUTEX_LOCK_PI2: Final = 13

# Options, in the command word
FUTEX_PRIVATE_FLAG: Final = 128
FUTEX_CLOCK_REALTIME: Final = 256
FUTEX_CMD_MASK: Final = -385

FUTEX_BITSET_MATCH_ANY: Final = 0xFFFFFFFF

# The word of a PI or robust futex
FUTEX_WAITERS: Final = 0x80000000
FUTEX_OWNER_DIED: Final = 0x40000000
FUTEX_TID_MASK: Final = 0x3FFFFFFF

# FUTEX_WAKE_OP: operation, and comparison with the old value
FUTEX_OP_SET: Final = 0
FUTEX_OP_ADD: Final = 1
FUTEX_OP_OR: Final = 2
FUTEX_OP_ANDN: Final = 3
FUTEX_OP_XOR: Final = 4
FUTEX_OP_OPARG_SHIFT: Final = 8
FUTEX_OP_CMP_EQ: Final = 0
FUTEX_OP_CMP_NE: Final = 1
FUTEX_OP_CMP_LT: Final = 2
FUTEX_OP_CMP_LE: Final = 3
FUTEX_OP_CMP_GT: Final = 4
FUTEX_OP_CMP_GE: Final = 5

# futex_waitv and the futex2 calls (futex_wait, futex_wake, futex_requeue: Linux 6.7)
FUTEX2_SIZE_U8: Final = 0x0
FUTEX2_SIZE_U16: Final = 0x1
FUTEX2_SIZE_U32: Final = 0x2
FUTEX2_SIZE_U64: Final = 0x3
FUTEX2_NUMA: Final = 0x4
FUTEX2_MPOL: Final = 0x8  # Linux 6.16
FUTEX2_PRIVATE: Final = 0x80
FUTEX2_SIZE_MASK: Final = 0x3
FUTEX_NO_NODE: Final = -1
FUTEX_32: Final = 2
FUTEX_WAITV_MAX: Final = 128
FUTEX_WAITV: Final = Layout("futex_waitv", (("val", "u64"), ("uaddr", "u64"), ("flags", "u32"), ("__reserved", "u32")))

# set_robust_list
ROBUST_LIST_LIMIT: Final = 2048
ROBUST_LIST: Final = Layout("robust_list", (("next", "ptr"),))
ROBUST_LIST_HEAD: Final = Layout("robust_list_head", (("list.next", "ptr"), ("futex_offset", "s64"), ("list_op_pending", "ptr")))
