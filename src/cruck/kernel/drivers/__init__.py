# SPDX-License-Identifier: MPL-2.0
"""Devices. DRIVERS is all that a kernel contains; a user adds to it with `DeviceRegistry(drivers=...)`."""

from typing import Final

from cruck.kernel.drivers.mem import FULL, NULL, RANDOM, URANDOM, ZERO
from cruck.kernel.drivers.registry import CharDriver
from cruck.kernel.drivers.terminals import CONSOLE, CURRENT_TTY, PTMX, PTS

DRIVERS: Final[tuple[CharDriver, ...]] = (NULL, ZERO, FULL, RANDOM, URANDOM, CURRENT_TTY, CONSOLE, PTMX, PTS)
