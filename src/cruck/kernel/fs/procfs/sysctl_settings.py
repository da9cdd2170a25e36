# SPDX-License-Identifier: MPL-2.0
"""The names in /proc/sys of what kernel/settings.py keeps."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL

if TYPE_CHECKING:
    from cruck.kernel.settings import Settings

MAX_INT: Final = (1 << 31) - 1
PAGE_SIZE: Final = 4096
# The lowest and highest value of each.
LIMITS: Final[dict[bytes, tuple[int, int]]] = {
    b"fs/aio-max-nr": (0, MAX_INT),
    b"fs/inotify/max_queued_events": (0, MAX_INT),
    b"fs/inotify/max_user_instances": (0, MAX_INT),
    b"fs/inotify/max_user_watches": (0, MAX_INT),
    b"fs/pipe-max-size": (0, MAX_INT),
    b"user/max_user_namespaces": (0, MAX_INT),
    b"vm/max_map_count": (0, 65_530),  # the host's own limit
}


def read(settings: "Settings", path: bytes) -> bytes:
    values = {
        b"fs/aio-max-nr": settings.aio_max_events,
        b"fs/inotify/max_queued_events": settings.inotify_max_events,
        b"fs/inotify/max_user_instances": settings.inotify_max_instances,
        b"fs/inotify/max_user_watches": settings.inotify_max_watches,
        b"fs/pipe-max-size": settings.pipe_max_bytes,
        b"user/max_user_namespaces": settings.max_user_namespaces,
        b"vm/max_map_count": settings.max_map_count,
    }
    return b"%d" % values[path]


def write(settings: "Settings", path: bytes, text: bytes) -> int:
    """0 or −EINVAL."""
    try:
        value = int(text.strip() or b"x")
    except ValueError:
        return -EINVAL
    lowest, highest = LIMITS[path]
    if not lowest <= value <= highest:
        return -EINVAL
    if path == b"fs/aio-max-nr":
        settings.aio_max_events = value
    elif path == b"fs/inotify/max_queued_events":
        settings.inotify_max_events = value
    elif path == b"fs/inotify/max_user_instances":
        settings.inotify_max_instances = value
    elif path == b"fs/inotify/max_user_watches":
        settings.inotify_max_watches = value
    elif path == b"fs/pipe-max-size":
        # A power of two of pages, as a pipe's size is.
        size = PAGE_SIZE
        while size < value:
            size *= 2
        settings.pipe_max_bytes = size
    elif path == b"user/max_user_namespaces":
        settings.max_user_namespaces = value
    else:
        settings.max_map_count = value
    return 0
