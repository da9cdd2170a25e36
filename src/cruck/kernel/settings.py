# SPDX-License-Identifier: MPL-2.0
"""Settings: limits that belong to the whole kernel and that its administrator may change through /proc/sys (fs/procfs/sysctl_settings.py).
Those of IPC are kept in the IPC namespace."""


class Settings:
    max_map_count: int  # vm.max_map_count: areas of an address space
    pipe_max_bytes: int  # fs.pipe-max-size: F_SETPIPE_SZ without CAP_SYS_RESOURCE
    inotify_max_events: int  # fs.inotify.max_queued_events, of one instance
    inotify_max_instances: int  # fs.inotify.max_user_instances
    inotify_max_watches: int  # fs.inotify.max_user_watches
    aio_max_events: int  # fs.aio-max-nr
    max_user_namespaces: int  # user.max_user_namespaces, the initial one apart

    def __init__(self) -> None:
        self.max_map_count = 65_530
        self.pipe_max_bytes = 1 << 20
        self.inotify_max_events = 16_384
        self.inotify_max_instances = 128
        self.inotify_max_watches = 65_536
        self.aio_max_events = 65_536
        self.max_user_namespaces = 15_000
