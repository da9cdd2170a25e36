# SPDX-License-Identifier: MPL-2.0
"""Random bytes: include/uapi/linux/random.h."""

from typing import Final

# getrandom
GRND_NONBLOCK: Final = 0x1
GRND_RANDOM: Final = 0x2
GRND_INSECURE: Final = 0x4

# ioctls of /dev/random
RNDGETENTCNT: Final = 0x80045200
RNDADDTOENTCNT: Final = 0x40045201
RNDGETPOOL: Final = 0x80085202
RNDADDENTROPY: Final = 0x40085203
RNDZAPENTCNT: Final = 0x00005204
RNDCLEARPOOL: Final = 0x00005206
RNDRESEEDCRNG: Final = 0x00005207
