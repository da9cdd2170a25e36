# SPDX-License-Identifier: MPL-2.0
"""/proc/sys: the settings programs read (proc(5), Documentation/admin-guide/sysctl).

`VALUES` is the table of fixed settings, true statements about this kernel; the few that have state are in `SysctlFile.render` and
`store`. A directory exists because some name has it as prefix.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, EPERM
from cruck.kernel import utsname
from cruck.kernel.fs.procfs import sysctl_ipc, sysctl_settings
from cruck.kernel.fs.procfs.inode import DT_DIR, DT_REG, DirectoryNode, PseudoFs, TextNode
from cruck.kernel.fs.procfs.sysvipc import reader_namespace
from cruck.kernel.process.pid_namespace import PID_MAX
from cruck.kernel.vfs.file import DirEntry
from cruck.kernel.vfs.inode import Inode

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

SYS_INO: Final = 0x4000
NEW_UTS_LEN: Final = 64
LIVE: Final = b"\0"  # the value is computed
CAP_SYS_ADMIN: Final = 21

VALUES: Final[dict[bytes, bytes]] = {
    b"fs/aio-max-nr": LIVE,
    b"fs/aio-nr": LIVE,
    b"fs/dentry-state": b"0\t0\t45\t0\t0\t0",
    b"fs/epoll/max_user_watches": b"1048576",
    b"fs/file-max": b"9223372036854775807",
    b"fs/file-nr": LIVE,
    b"fs/inode-nr": b"0\t0",
    b"fs/inotify/max_queued_events": LIVE,
    b"fs/inotify/max_user_instances": LIVE,
    b"fs/inotify/max_user_watches": LIVE,
    b"fs/lease-break-time": b"45",
    b"fs/leases-enable": b"0",
    b"fs/mount-max": b"100000",
    b"fs/mqueue/msg_default": LIVE,
    b"fs/mqueue/msg_max": LIVE,
    b"fs/mqueue/msgsize_default": LIVE,
    b"fs/mqueue/msgsize_max": LIVE,
    b"fs/mqueue/queues_max": LIVE,
    b"fs/nr_open": b"1048576",
    b"fs/overflowgid": b"65534",
    b"fs/overflowuid": b"65534",
    b"fs/pipe-max-size": LIVE,
    b"fs/pipe-user-pages-hard": b"0",
    b"fs/pipe-user-pages-soft": b"16384",
    b"fs/protected_fifos": b"0",
    b"fs/protected_hardlinks": b"1",
    b"fs/protected_regular": b"0",
    b"fs/protected_symlinks": b"0",
    b"fs/suid_dumpable": b"0",
    b"kernel/arch": b"x86_64",
    b"kernel/cap_last_cap": b"40",
    b"kernel/core_pattern": b"core",
    b"kernel/core_uses_pid": b"0",
    b"kernel/ctrl-alt-del": b"0",
    b"kernel/dmesg_restrict": b"1",
    b"kernel/domainname": LIVE,
    b"kernel/hostname": LIVE,
    b"kernel/io_uring_disabled": b"2",
    b"kernel/kptr_restrict": b"1",
    b"kernel/modules_disabled": b"1",
    b"kernel/msg_next_id": LIVE,
    b"kernel/msgmax": LIVE,
    b"kernel/msgmnb": LIVE,
    b"kernel/msgmni": LIVE,
    b"kernel/ngroups_max": b"65536",
    b"kernel/ns_last_pid": LIVE,
    b"kernel/osrelease": utsname.RELEASE,
    b"kernel/ostype": utsname.SYSNAME,
    b"kernel/overflowgid": b"65534",
    b"kernel/overflowuid": b"65534",
    b"kernel/panic": b"0",
    b"kernel/panic_on_oops": b"0",
    b"kernel/perf_event_paranoid": b"4",
    b"kernel/pid_max": b"32768",
    b"kernel/printk": b"4\t4\t1\t7",
    b"kernel/pty/max": b"4096",
    b"kernel/pty/nr": LIVE,
    b"kernel/random/boot_id": LIVE,
    b"kernel/random/entropy_avail": b"256",
    b"kernel/random/poolsize": b"256",
    b"kernel/random/uuid": LIVE,
    b"kernel/randomize_va_space": b"0",
    b"kernel/sched_autogroup_enabled": b"0",
    b"kernel/sched_rr_timeslice_ms": b"100",
    b"kernel/sched_rt_period_us": b"1000000",
    b"kernel/sched_rt_runtime_us": b"950000",
    b"kernel/sem": LIVE,
    b"kernel/sem_next_id": LIVE,
    b"kernel/shm_next_id": LIVE,
    b"kernel/shm_rmid_forced": LIVE,
    b"kernel/shmall": LIVE,
    b"kernel/shmmax": LIVE,
    b"kernel/shmmni": LIVE,
    b"kernel/tainted": b"0",
    b"kernel/threads-max": LIVE,
    b"kernel/unprivileged_bpf_disabled": b"2",
    b"kernel/version": LIVE,
    b"net/core/optmem_max": b"131072",
    b"net/core/rmem_default": b"212992",
    b"net/core/rmem_max": b"212992",
    b"net/core/somaxconn": b"4096",
    b"net/core/wmem_default": b"212992",
    b"net/core/wmem_max": b"212992",
    b"net/ipv4/ip_local_port_range": b"32768\t60999",
    b"net/ipv4/ip_unprivileged_port_start": b"1024",
    b"net/ipv4/ping_group_range": b"0\t2147483647",
    b"net/ipv4/tcp_fin_timeout": b"60",
    b"net/ipv4/tcp_keepalive_intvl": b"75",
    b"net/ipv4/tcp_keepalive_probes": b"9",
    b"net/ipv4/tcp_keepalive_time": b"7200",
    b"net/ipv4/tcp_max_syn_backlog": b"512",
    b"net/ipv4/tcp_rmem": b"4096\t131072\t6291456",
    b"net/ipv4/tcp_wmem": b"4096\t16384\t4194304",
    b"net/unix/max_dgram_qlen": b"512",
    b"user/max_user_namespaces": LIVE,
    b"vm/dirty_background_ratio": b"10",
    b"vm/dirty_ratio": b"20",
    b"vm/drop_caches": b"0",
    b"vm/legacy_va_layout": b"0",
    b"vm/max_map_count": LIVE,
    b"vm/min_free_kbytes": b"0",
    b"vm/mmap_min_addr": b"65536",
    b"vm/nr_hugepages": b"0",
    b"vm/nr_overcommit_hugepages": b"0",
    b"vm/oom_kill_allocating_task": b"1",
    b"vm/overcommit_kbytes": b"0",
    b"vm/overcommit_memory": b"0",
    b"vm/overcommit_ratio": b"50",
    b"vm/page-cluster": b"0",
    b"vm/panic_on_oom": b"0",
    b"vm/swappiness": b"0",
    b"vm/unprivileged_userfaultfd": b"0",
    b"vm/vfs_cache_pressure": b"100",
}
WRITABLE: Final = (b"kernel/hostname", b"kernel/domainname", b"kernel/ns_last_pid", *sysctl_ipc.LIMITS, *sysctl_settings.LIMITS)
NAMES: Final = tuple(VALUES)
INDEX: Final[dict[bytes, int]] = {name: index for index, name in enumerate(NAMES)}


class SysctlDirectory(DirectoryNode):
    prefix: bytes  # b"" or ending in "/"

    def __init__(self, fs: PseudoFs, prefix: bytes) -> None:
        super().__init__(fs, directory_ino(prefix), 0o555)
        self.prefix = prefix

    def lookup(self, name: bytes) -> Inode | None:
        path = self.prefix + name
        index = INDEX.get(path, -1)
        if index >= 0:
            return SysctlFile(self.pseudo, path, index)
        below = path + b"/"
        for other in NAMES:
            if other.startswith(below):
                return SysctlDirectory(self.pseudo, below)
        return None

    def list(self, cookie: int) -> list[DirEntry]:
        entries: list[DirEntry] = []
        last = b""
        start = len(self.prefix)
        for index, name in enumerate(NAMES):
            if not name.startswith(self.prefix):
                continue
            first, slash, _ = name[start:].partition(b"/")
            if slash and first == last:
                continue
            last = first
            if index + 3 > cookie:
                if slash:
                    entries.append(DirEntry(first, directory_ino(self.prefix + first + b"/"), DT_DIR, index + 3))
                else:
                    entries.append(DirEntry(first, SYS_INO + index, DT_REG, index + 3))
        return entries


def directory_ino(prefix: bytes) -> int:
    """Of the directory `prefix`: by the first name it holds, and its depth."""
    for index, name in enumerate(NAMES):
        if name.startswith(prefix):
            return SYS_INO + 0x400 * (1 + prefix.count(b"/")) + index
    return SYS_INO


class SysctlFile(TextNode):
    def __init__(self, fs: PseudoFs, path: bytes, index: int) -> None:
        super().__init__(fs, SYS_INO + index, 0o644 if path in WRITABLE else 0o444)
        self.path = path

    def render(self) -> bytes:
        value = VALUES[self.path]
        if value == LIVE:
            value = live_value(self.pseudo.kernel, self.path)
        return value + b"\n"

    def store(self, data: bytes, offset: int) -> int:
        kernel = self.pseudo.kernel
        if self.path not in WRITABLE:
            return -EPERM
        writer = kernel.current
        if writer is None or not writer.creds.has_in(writer.ns.uts.owner, CAP_SYS_ADMIN):
            return -EPERM
        value = data.split(b"\0", 1)[0].split(b"\n", 1)[0]
        if self.path in sysctl_ipc.LIMITS:
            result = sysctl_ipc.write(reader_namespace(kernel), self.path, value)
            return result if result < 0 else len(data)
        if self.path in sysctl_settings.LIMITS:
            result = sysctl_settings.write(kernel.settings, self.path, value)
            return result if result < 0 else len(data)
        if self.path == b"kernel/ns_last_pid":
            if not value.strip().isdigit() or int(value) >= PID_MAX:
                return -EINVAL
            writer.process.pid_ns.set_last(kernel, int(value))
            return len(data)
        if len(value) > NEW_UTS_LEN:
            return -EINVAL
        if self.path == b"kernel/hostname":
            writer.ns.uts.hostname = value
        else:
            writer.ns.uts.domainname = value
        return len(data)


def live_value(kernel: "Kernel", path: bytes) -> bytes:
    if path in sysctl_ipc.LIMITS:
        return sysctl_ipc.read(reader_namespace(kernel), path)
    if path in sysctl_settings.LIMITS:
        return sysctl_settings.read(kernel.settings, path)
    if path == b"fs/aio-nr":
        return b"%d" % kernel.nr_aio_events
    if path == b"kernel/hostname" or path == b"kernel/domainname":
        uts = kernel.current.ns.uts if kernel.current is not None else kernel.namespaces.uts
        return uts.hostname if path == b"kernel/hostname" else uts.domainname
    if path == b"kernel/version":
        return utsname.version()
    if path == b"kernel/ns_last_pid":
        reader = kernel.current
        ns = reader.process.pid_ns if reader is not None else kernel.namespaces.pid
        return b"%d" % ((ns.next_number if ns.level else kernel.next_pid) - 1)
    if path == b"kernel/threads-max":
        return b"%d" % kernel.pids_limit
    if path == b"kernel/random/uuid":
        return format_uuid(kernel.entropy.random_bytes(16))
    if path == b"kernel/random/boot_id":
        return format_uuid(kernel.boot_id)
    if path == b"kernel/pty/nr":
        return b"0"
    assert path == b"fs/file-nr", path
    seen = 0
    tables: dict[int, int] = {}
    for task in kernel.tasks.values():
        tables[id(task.files)] = len(task.files.open_fds())
    for count in tables.values():
        seen += count
    return b"%d\t0\t9223372036854775807" % seen


def format_uuid(data: bytes) -> bytes:
    """16 random bytes as a version 4 UUID."""
    value = bytearray(data)
    value[6] = value[6] & 0x0F | 0x40
    value[8] = value[8] & 0x3F | 0x80
    text = value.hex().encode("ascii")
    return b"-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
