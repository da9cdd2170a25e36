# SPDX-License-Identifier: MPL-2.0
"""System information, limits, priorities and the calls only an administrator of a real machine may make.

Neighbours: kernel/utsname.py (names), kernel/process/cpu_usage.py (times), kernel/sched/load_average.py. Setting the clock is in
time.py; scheduling classes in sched.py.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EFAULT, EINVAL, ENOSYS, EPERM, ESRCH
from cruck.abi.personality import ADDR_COMPAT_LAYOUT, PER_LINUX32, PER_MASK, PER_QUERY, UNAME26
from cruck.abi.random import GRND_INSECURE, GRND_NONBLOCK, GRND_RANDOM
from cruck.abi.resource import (
    PRIO_PGRP,
    PRIO_PROCESS,
    PRIO_USER,
    RLIMIT,
    RLIMIT_CPU,
    RLIMIT_NICE,
    RLIMIT_NOFILE,
    RUSAGE_CHILDREN,
    RUSAGE_SELF,
    RUSAGE_THREAD,
)
from cruck.abi.sysinfo import SYSINFO
from cruck.abi.time import TMS
from cruck.abi.utsname import NEW_UTSNAME
from cruck.kernel import utsname
from cruck.kernel.process.cpu_usage import task_user_ns
from cruck.kernel.process.credentials import CAP_SYS_ADMIN, CAP_SYS_NICE, CAP_SYS_RESOURCE, Credentials
from cruck.kernel.process.process import NR_RLIMITS, Process
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.rusage import rusage_bytes
from cruck.kernel.syscalls.types import CInt, CUInt, Flags, OutBuffer, Pid, Size, ULong, UserAddr
from cruck.kernel.time.cpu_timers import watch_cpu_limit

if TYPE_CHECKING:
    pass

NS_PER_TICK: Final = 10_000_000  # USER_HZ is 100
NR_OPEN: Final = 1 << 20  # fs.nr_open: no RLIMIT_NOFILE beyond it
MAX_RANDOM: Final = 33_554_431  # random(4): one call gives at most 32 MiB − 1
RANDOM_CHUNK: Final = 1 << 16
CAP_SYS_RAWIO: Final = 17
CAP_SYS_PACCT: Final = 20
CAP_SYS_BOOT: Final = 22
CAP_SYS_TTY_CONFIG: Final = 26
CAP_SYSLOG: Final = 34
NEW_UTS_LEN: Final = 64
LOG_BUFFER_BYTES: Final = 1 << 17


# Names.
def sys_uname(task: Task, name: UserAddr) -> int:
    """uname(2): EFAULT."""
    task.user.write(
        name,
        NEW_UTSNAME.pack(
            utsname.SYSNAME,
            task.ns.uts.hostname,
            utsname.RELEASE_AS_2_6 if task.personality & UNAME26 else utsname.RELEASE,
            utsname.version(),
            utsname.MACHINE_32 if task.personality & PER_MASK == PER_LINUX32 else utsname.MACHINE,
            task.ns.uts.domainname,
        ),
    )
    return 0


def sys_sethostname(task: Task, name: UserAddr, length: CInt) -> int:
    """sethostname(2): EPERM without CAP_SYS_ADMIN, EINVAL beyond 64 bytes, EFAULT."""
    if not task.creds.has_in(task.ns.uts.owner, CAP_SYS_ADMIN):
        return -EPERM
    if length < 0 or length > NEW_UTS_LEN:
        return -EINVAL
    task.ns.uts.hostname = _until_nul(task.user.read(name, length))
    return 0


def sys_setdomainname(task: Task, name: UserAddr, length: CInt) -> int:
    """As sethostname."""
    if not task.creds.has_in(task.ns.uts.owner, CAP_SYS_ADMIN):
        return -EPERM
    if length < 0 or length > NEW_UTS_LEN:
        return -EINVAL
    task.ns.uts.domainname = _until_nul(task.user.read(name, length))
    return 0


def _until_nul(name: bytes) -> bytes:
    return name.split(b"\0", 1)[0]


def sys_sysinfo(task: Task, info: UserAddr) -> int:
    """sysinfo(2). Memory is the run's own; there is no swap. Errors: EFAULT."""
    kernel = task.kernel
    load = kernel.load_average
    load.update(kernel.clock.monotonic_ns(), kernel.nr_running())
    total = kernel.host_info.total_bytes
    free = min(total, kernel.machine.nr_free_frames() * 4096)
    task.user.write(
        info,
        SYSINFO.pack(
            kernel.clock.boottime_ns() // 1_000_000_000,
            load.averages[0] << 5,  # from 11 to 16 fractional bits
            load.averages[1] << 5,
            load.averages[2] << 5,
            total,
            free,
            0,
            0,
            0,
            0,
            min(len(kernel.tasks) + 1, 0xFFFF),
            0,
            0,
            1,
        ),
    )
    return 0


def sys_getcpu(task: Task, cpu: UserAddr, node: UserAddr, cache: UserAddr) -> int:
    """getcpu(2); the third argument has been ignored since Linux 2.6.24. Errors: EFAULT."""
    if cpu:
        task.user.write_u32(cpu, task.cpu)
    if node:
        task.user.write_u32(node, 0)
    return 0


def sys_getrandom(task: Task, buf: OutBuffer, count: Size, flags: Flags) -> int:
    """getrandom(2). Never blocks: the pool is always seeded. At most 33554431 bytes a call.

    Errors: EINVAL (unknown flags, GRND_RANDOM with GRND_INSECURE), EFAULT."""
    if flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE):
        return -EINVAL
    if flags & GRND_RANDOM and flags & GRND_INSECURE:
        return -EINVAL
    left = min(count, MAX_RANDOM)
    done = 0
    while left > 0:
        data = task.kernel.entropy.random_bytes(min(left, RANDOM_CHUNK))
        written = task.user.write_some(buf + done, data)
        done += written
        left -= written
        if written < len(data):
            return done if done else -EFAULT
    return done


# Time used.
def sys_times(task: Task, buf: UserAddr) -> int:
    """times(2): clock ticks (1/100 s) since boot; NULL is allowed. Errors: EFAULT."""
    process = task.process
    if buf:
        user, system = task.kernel.cpu_time_ns(process)
        task.user.write(
            buf,
            TMS.pack(
                user // NS_PER_TICK,
                system // NS_PER_TICK,
                process.children_user_ns // NS_PER_TICK,
                process.children_system_ns // NS_PER_TICK,
            ),
        )
    return task.kernel.clock.boottime_ns() // NS_PER_TICK


def sys_getrusage(task: Task, who: CInt, usage: UserAddr) -> int:
    """getrusage(2). Page faults and block I/O are not counted (0). Errors: EINVAL, EFAULT."""
    process = task.process
    voluntary = involuntary = 0
    max_rss = max(process.max_rss_pages, task.mm.max_rss_pages())
    if who == RUSAGE_SELF:
        user, system = task.kernel.cpu_time_ns(process)
        for thread in process.threads.values():
            voluntary += thread.nr_voluntary
            involuntary += thread.nr_involuntary
    elif who == RUSAGE_CHILDREN:
        user, system = process.children_user_ns, process.children_system_ns
        max_rss = process.children_max_rss_pages
    elif who == RUSAGE_THREAD:
        user, system = task_user_ns(task), task.system_ns
        voluntary, involuntary = task.nr_voluntary, task.nr_involuntary
    else:
        return -EINVAL
    task.user.write(usage, rusage_bytes(user, system, max_rss, voluntary, involuntary))
    return 0


# Limits.
def sys_getrlimit(task: Task, resource: CUInt, limit: UserAddr) -> int:
    """getrlimit(2): EINVAL, EFAULT."""
    if resource >= NR_RLIMITS:
        return -EINVAL
    soft, hard = task.process.rlimits[resource]
    task.user.write(limit, RLIMIT.pack(soft, hard))
    return 0


def sys_setrlimit(task: Task, resource: CUInt, limit: UserAddr) -> int:
    """setrlimit(2): EFAULT, EINVAL, EPERM."""
    soft, hard = RLIMIT.unpack(task.user.read(limit, RLIMIT.size))
    if resource >= NR_RLIMITS:
        return -EINVAL
    return _set_limit(task, task.process, resource, soft, hard)


def sys_prlimit64(task: Task, pid: Pid, resource: CUInt, new_limit: UserAddr, old_limit: UserAddr) -> int:
    """prlimit(2): EFAULT, ESRCH, EPERM (another user's process, raising a hard limit), EINVAL.

    Source: kernel/sys.c `do_prlimit`, `check_prlimit_permission`."""
    soft = hard = 0
    if new_limit:
        soft, hard = RLIMIT.unpack(task.user.read(new_limit, RLIMIT.size))
    if pid == 0:
        process = task.process
    else:
        other = task.find_task(pid)
        found = other.process if other is not None else task.find_process(pid)
        if found is None:
            return -ESRCH
        process = found
        if other is None and not task.creds.has(CAP_SYS_RESOURCE):
            return -EPERM  # init, or a zombie
        if other is not None and other.process is not task.process and not _is_same_user(task.creds, other.creds):
            return -EPERM
    if resource >= NR_RLIMITS:
        return -EINVAL
    old = process.rlimits[resource]
    if new_limit:
        error = _set_limit(task, process, resource, soft, hard)
        if error:
            return error
    if old_limit:
        task.user.write(old_limit, RLIMIT.pack(old[0], old[1]))
    return 0


def _is_same_user(mine: Credentials, theirs: Credentials) -> bool:
    if mine.has(CAP_SYS_RESOURCE):
        return True
    return (
        mine.uid == theirs.euid
        and mine.uid == theirs.suid
        and mine.uid == theirs.uid
        and mine.gid == theirs.egid
        and mine.gid == theirs.sgid
        and mine.gid == theirs.gid
    )


def _set_limit(task: Task, process: Process, resource: int, soft: int, hard: int) -> int:
    if soft > hard:
        return -EINVAL
    if resource == RLIMIT_NOFILE and hard > NR_OPEN:
        return -EPERM
    if hard > process.rlimits[resource][1] and not task.creds.has(CAP_SYS_RESOURCE):
        return -EPERM
    process.rlimits[resource] = (soft, hard)
    if resource == RLIMIT_CPU:
        watch_cpu_limit(process)
    return 0


# Priorities.
def sys_getpriority(task: Task, which: CInt, who: CInt) -> int:
    """getpriority(2): 20 − nice of the most favoured match (1 … 40). Errors: EINVAL, ESRCH."""
    if which < PRIO_PROCESS or which > PRIO_USER:
        return -EINVAL
    best = -1
    for other in collect_tasks(task, which, who):
        best = max(best, 20 - other.nice)
    if best < 0:
        if which == PRIO_PROCESS and who == task.kernel.init.pid:
            return 20
        return -ESRCH
    return best


def sys_setpriority(task: Task, which: CInt, who: CInt, niceval: CInt) -> int:
    """setpriority(2): EINVAL, ESRCH, EPERM (another user's), EACCES (more favoured without CAP_SYS_NICE or RLIMIT_NICE).

    Source: kernel/sys.c `set_one_prio`: the last error is the result, other matches are still set."""
    if which < PRIO_PROCESS or which > PRIO_USER:
        return -EINVAL
    nice = min(max(niceval, -20), 19)
    result = -ESRCH
    for other in collect_tasks(task, which, who):
        error = _set_nice(task, other, nice)
        if error:
            result = error
        elif result == -ESRCH:
            result = 0
    if result == -ESRCH and which == PRIO_PROCESS and who == task.kernel.init.pid:
        return -EPERM
    return result


def _set_nice(task: Task, other: Task, nice: int) -> int:
    creds = task.creds
    if creds.euid != other.creds.uid and creds.euid != other.creds.euid and not creds.has_in(other.creds.user_ns, CAP_SYS_NICE):
        return -EPERM
    if nice < other.nice and not creds.has(CAP_SYS_NICE) and 20 - nice > other.process.rlimit(RLIMIT_NICE):
        return -EACCES
    other.nice = nice
    return 0


def collect_tasks(task: Task, which: int, who: int) -> list[Task]:
    """Whom PRIO_* and a number mean; 0: the caller's own."""
    kernel = task.kernel
    if which == PRIO_PROCESS:
        if who == 0:
            return [task]
        other = task.find_task(who)
        return [other] if other is not None else []
    found: list[Task] = []
    if which == PRIO_PGRP:
        group = task.process.group if who == 0 else task.find_group(who)
        if group is not None:
            for process in group.members:
                found.extend(process.threads.values())
        return found
    uid = task.creds.uid if who == 0 else task.creds.kernel_uid(who & 0xFFFF_FFFF)
    for other in kernel.tasks.values():
        if other.creds.uid == uid:
            found.append(other)
    return found


def sys_personality(task: Task, persona: ULong) -> int:
    """personality(2): the old value; 0xffffffff asks only.

    With effect: UNAME26 and PER_LINUX32 in uname(2), STICKY_TIMEOUTS in select(2) and ppoll(2), READ_IMPLIES_EXEC in mmap(2) and mprotect(2).
    MMAP_PAGE_ZERO has none, as on any Linux whose vm.mmap_min_addr is not 0; the others have none on Linux for 64-bit programs.
    Errors: EINVAL (ADDR_COMPAT_LAYOUT, which would lay programs out in another way)."""
    old = task.personality
    value = persona & 0xFFFF_FFFF
    if value == PER_QUERY:
        return old
    if value & ADDR_COMPAT_LAYOUT:
        return -EINVAL
    task.personality = value
    return old


# The administrator's calls.
def sys_syslog(task: Task, kind: CInt, buf: OutBuffer, length: CInt) -> int:
    """syslog(2), as with kernel.dmesg_restrict=1. The guest's kernel log is empty: nothing of the host or of cruck's own log is
    shown to guests. Errors: EPERM without CAP_SYSLOG and for the console's level, EINVAL."""
    if not task.creds.has(CAP_SYSLOG):
        return -EPERM
    if kind == 0 or kind == 1 or kind == 5 or kind == 9:  # CLOSE, OPEN, CLEAR, SIZE_UNREAD
        return 0
    if 2 <= kind <= 4:  # READ, READ_ALL, READ_CLEAR
        if buf == 0 or length < 0:
            return -EINVAL
        if kind == 2 and length > 0:
            return blocking.wait_on(task, None)  # until a message comes: only a signal ends it
        return 0
    if kind == 10:  # SIZE_BUFFER
        return LOG_BUFFER_BYTES
    if 6 <= kind <= 8:  # CONSOLE_*: there is no console to turn off
        return -EINVAL if kind == 8 and not 1 <= length <= 8 else -EPERM
    return -EINVAL


def sys_reboot(task: Task, magic1: CInt, magic2: CInt, command: CUInt, arg: UserAddr) -> int:
    """reboot(2): always EPERM; the run's owner ends the machine."""
    return -EPERM


def sys_acct(task: Task, name: UserAddr) -> int:
    """acct(2): EPERM, or ENOSYS with CAP_SYS_PACCT, as Linux without CONFIG_BSD_PROCESS_ACCT."""
    return -ENOSYS if task.creds.has(CAP_SYS_PACCT) else -EPERM


def sys_vhangup(task: Task) -> int:
    """vhangup(2): hangs up the controlling terminal, if there is one. EPERM without CAP_SYS_TTY_CONFIG."""
    if not task.creds.has(CAP_SYS_TTY_CONFIG):
        return -EPERM
    tty = task.process.session().tty
    if tty is not None:
        tty.hangup()
    return 0


def sys_iopl(task: Task, level: CUInt) -> int:
    """iopl(2): EINVAL beyond 3, 0 for level 0 (which every thread has), else EPERM: no I/O ports."""
    if level > 3:
        return -EINVAL
    return 0 if level == 0 else -EPERM


def sys_ioperm(task: Task, start: ULong, count: ULong, turn_on: CInt) -> int:
    """ioperm(2): EINVAL beyond port 65535, EPERM to turn ports on; turning off ports that are off is done at once."""
    if start + count > 65536 or count == 0 or start >= 65536:
        return -EINVAL
    return -EPERM if turn_on else 0


def sys_swapon(task: Task, path: UserAddr, flags: CInt) -> int:
    """swapon(2): always EPERM."""
    return -EPERM


def sys_swapoff(task: Task, path: UserAddr) -> int:
    """swapoff(2): always EPERM."""
    return -EPERM


def sys_init_module(task: Task, image: UserAddr, length: ULong, params: UserAddr) -> int:
    """init_module(2): always EPERM; services are loaded by the run's owner."""
    return -EPERM


def sys_finit_module(task: Task, fd: CInt, params: UserAddr, flags: CInt) -> int:
    """finit_module(2): always EPERM."""
    return -EPERM


def sys_delete_module(task: Task, name: UserAddr, flags: CUInt) -> int:
    """delete_module(2): always EPERM."""
    return -EPERM


def sys_kexec_load(task: Task, entry: ULong, nr_segments: ULong, segments: UserAddr, flags: ULong) -> int:
    """kexec_load(2): always EPERM."""
    return -EPERM
