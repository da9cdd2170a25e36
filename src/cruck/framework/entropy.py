# SPDX-License-Identifier: MPL-2.0
"""Randomness by constructor: the host's, or a seeded stream for reproducible runs."""

import os
from typing import Final

MAX_BYTES: Final = 1 << 24  # at once


class Entropy:
    def random_bytes(self, length: int) -> bytes:
        """Errors: ValueError: not 0 ≤ length ≤ MAX_BYTES."""
        raise NotImplementedError


def _check(length: int) -> None:
    if not 0 <= length <= MAX_BYTES:
        raise ValueError("too many bytes at once")


class HostEntropy(Entropy):
    def random_bytes(self, length: int) -> bytes:
        _check(length)
        return os.urandom(length)


class SeededEntropy(Entropy):
    """BLAKE2b in counter mode. Plain data; not for secrets."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.counter = 0

    def random_bytes(self, length: int) -> bytes:
        _check(length)
        import hashlib  # costs milliseconds, and few runs want it

        out = bytearray()
        while len(out) < length:
            block = b"%d:%d" % (self.seed, self.counter)
            self.counter += 1
            out += hashlib.blake2b(block).digest()
        return bytes(out[:length])
