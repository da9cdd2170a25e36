# SPDX-License-Identifier: MPL-2.0
"""What a handler may return beside a result ≥ 0, −errno and blocking.BLOCKED."""

from typing import Final

KEEP_REGISTERS: Final = -3_000_000  # the handler has set the registers itself (rt_sigreturn)
NOT_IMPLEMENTED: Final = -4_000_000  # no such row: −ENOSYS for the guest, a line for the user
