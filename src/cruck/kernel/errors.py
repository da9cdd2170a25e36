# SPDX-License-Identifier: MPL-2.0
"""How services say no.

Expected outcomes are return values: −errno, `None`, or `WOULD_BLOCK` ("not now: wait on my wait queue and ask again").
Deep, unusual refusals raise `LinuxError`. A broken invariant asserts. Only the dispatcher turns these into results.
"""

from typing import Final

# A service's answer "nothing yet"; the edge turns it into −EAGAIN or into waiting. Not an errno.
WOULD_BLOCK: Final = -1_000_000


class LinuxError(Exception):
    """The call fails with `errno`; `why` is for the log, not for the guest."""

    def __init__(self, errno: int, why: str = "") -> None:
        super().__init__(errno, why)
        self.errno = errno
        self.why = why
