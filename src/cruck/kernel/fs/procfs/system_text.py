# SPDX-License-Identifier: MPL-2.0
"""Contents of the files directly in /proc (proc(5)): functions from the kernel to bytes, in Linux 6.1's formats.

What this kernel does not have (swap, disks, huge pages, interrupts) is shown as Linux shows zero of it.
"""

from typing import TYPE_CHECKING, Final

from cruck.kernel import utsname
from cruck.kernel.process.cpu_usage import total_times
from cruck.kernel.process.task import BLOCKED

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

NS_PER_TICK: Final = 10_000_000
NS_PER_S: Final = 1_000_000_000

# /proc/meminfo after the first lines that are true numbers: name → kB, all zero here.
_MEMINFO_ZEROS: Final = (
    b"Buffers",
    b"Cached",
    b"SwapCached",
    b"Active",
    b"Inactive",
    b"Active(anon)",
    b"Inactive(anon)",
    b"Active(file)",
    b"Inactive(file)",
    b"Unevictable",
    b"Mlocked",
    b"SwapTotal",
    b"SwapFree",
    b"Zswap",
    b"Zswapped",
    b"Dirty",
    b"Writeback",
)
_MEMINFO_TAIL: Final = (
    b"Slab",
    b"SReclaimable",
    b"SUnreclaim",
    b"KernelStack",
    b"PageTables",
    b"SecPageTables",
    b"NFS_Unstable",
    b"Bounce",
    b"WritebackTmp",
)


def cpuinfo(kernel: "Kernel") -> bytes:
    """The host's CPU model, once for each virtual CPU."""
    info = kernel.host_info
    model = info.model
    nr = kernel.nr_cpus
    lines: list[str] = []
    for cpu in range(nr):
        lines.append(f"processor\t: {cpu}")
        for key in ("vendor_id", "cpu family", "model", "model name", "stepping", "cpu MHz", "cache size"):
            _add_model_line(lines, model, key)
        lines.append("physical id\t: 0")
        lines.append(f"siblings\t: {nr}")
        lines.append(f"core id\t\t: {cpu}")
        lines.append(f"cpu cores\t: {nr}")
        lines.append(f"apicid\t\t: {cpu}")
        lines.append(f"initial apicid\t: {cpu}")
        for key in ("fpu", "fpu_exception", "cpuid level", "wp", "flags", "bogomips", "TLB size", "clflush size"):
            _add_model_line(lines, model, key)
        for key in ("cache_alignment", "address sizes"):
            _add_model_line(lines, model, key)
        lines.append("power management:")
        lines.append("")
    return ("\n".join(lines) + "\n").encode("ascii", "replace")


def _add_model_line(lines: list[str], model: dict[str, str], key: str) -> None:
    value = model.get(key)
    if value is not None:
        tabs = "\t\t" if len(key) < 8 and key != "bogomips" else "\t"
        lines.append(f"{key}{tabs}: {value}")


def meminfo(kernel: "Kernel") -> bytes:
    total = kernel.host_info.total_bytes // 1024
    free = min(total, kernel.machine.nr_free_frames() * 4)
    lines = [_kb(b"MemTotal", total), _kb(b"MemFree", free), _kb(b"MemAvailable", free)]
    for name in _MEMINFO_ZEROS:
        lines.append(_kb(name, 0))
    lines += [_kb(b"AnonPages", total - free), _kb(b"Mapped", 0), _kb(b"Shmem", 0), _kb(b"KReclaimable", 0)]
    for name in _MEMINFO_TAIL:
        lines.append(_kb(name, 0))
    lines += [
        _kb(b"CommitLimit", total // 2),
        _kb(b"Committed_AS", total - free),
        _kb(b"VmallocTotal", 34359738367),
        _kb(b"VmallocUsed", 0),
        _kb(b"VmallocChunk", 0),
        _kb(b"Percpu", 0),
        _kb(b"AnonHugePages", 0),
        _kb(b"ShmemHugePages", 0),
        _kb(b"ShmemPmdMapped", 0),
        _kb(b"FileHugePages", 0),
        _kb(b"FilePmdMapped", 0),
        b"HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n",
        _kb(b"Hugepagesize", 2048),
        _kb(b"Hugetlb", 0),
    ]
    return b"".join(lines)


def _kb(name: bytes, value: int) -> bytes:
    return b"%-16s%8d kB\n" % (name + b":", value)


def stat(kernel: "Kernel") -> bytes:
    """/proc/stat. The kernel accounts time by process, not by CPU: each CPU is shown an equal share."""
    user_ns, system_ns = total_times(kernel)
    uptime_ns = kernel.clock.boottime_ns()
    nr = kernel.nr_cpus
    idle = max(0, uptime_ns * nr - user_ns - system_ns) // NS_PER_TICK
    user, system = user_ns // NS_PER_TICK, system_ns // NS_PER_TICK
    lines = [b"cpu  %d 0 %d %d 0 0 0 0 0 0\n" % (user, system, idle)]
    for cpu in range(nr):
        lines.append(b"cpu%d %d 0 %d %d 0 0 0 0 0 0\n" % (cpu, user // nr, system // nr, idle // nr))
    switches = nr_blocked = 0
    for task in kernel.tasks.values():
        switches += task.nr_voluntary + task.nr_involuntary
        if task.state == BLOCKED and task.wait is not None and not task.wait.is_interruptible:
            nr_blocked += 1
    boot_s = (kernel.clock.realtime_ns() - uptime_ns) // NS_PER_S
    lines.append(b"intr 0\nctxt %d\nbtime %d\nprocesses %d\n" % (switches, boot_s, kernel.next_pid - 1))
    lines.append(b"procs_running %d\nprocs_blocked %d\n" % (max(1, kernel.nr_running()), nr_blocked))
    lines.append(b"softirq 0 0 0 0 0 0 0 0 0 0 0\n")
    return b"".join(lines)


def uptime(kernel: "Kernel") -> bytes:
    user_ns, system_ns = total_times(kernel)
    up_ns = kernel.clock.boottime_ns()
    idle_ns = max(0, up_ns * kernel.nr_cpus - user_ns - system_ns)
    return b"%d.%02d %d.%02d\n" % (
        up_ns // NS_PER_S,
        up_ns % NS_PER_S // NS_PER_TICK,
        idle_ns // NS_PER_S,
        idle_ns % NS_PER_S // NS_PER_TICK,
    )


def loadavg(kernel: "Kernel") -> bytes:
    load = kernel.load_average
    # The reader itself runs, whatever its task's state says while its call is handled.
    nr_running = max(1, kernel.nr_running())
    load.update(kernel.clock.monotonic_ns(), nr_running)
    words: list[bytes] = []
    for average in load.averages:
        average += 10  # rounds: FIXED_1 / 200
        words.append(b"%d.%02d" % (average >> 11, (average & 2047) * 100 >> 11))
    return b"%s %d/%d %d\n" % (b" ".join(words), nr_running, len(kernel.tasks) + 1, kernel.next_pid - 1)


def version(kernel: "Kernel") -> bytes:
    return utsname.banner() + b"\n"


def cmdline(kernel: "Kernel") -> bytes:
    """The boot command line: none."""
    return b"\n"


def filesystems(kernel: "Kernel") -> bytes:
    names = (b"sysfs", b"tmpfs", b"proc", b"devtmpfs", b"devpts", b"overlay", b"hostfs")
    return b"".join([b"nodev\t%s\n" % name for name in names])


def devices(kernel: "Kernel") -> bytes:
    return b"Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n128 ptm\n136 pts\n\nBlock devices:\n"


def partitions(kernel: "Kernel") -> bytes:
    return b"major minor  #blocks  name\n\n"


def swaps(kernel: "Kernel") -> bytes:
    return b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def empty(kernel: "Kernel") -> bytes:
    """diskstats, modules, locks …: there are none."""
    return b""


def vmstat(kernel: "Kernel") -> bytes:
    """The counters programs look for; no paging to disk happens here."""
    free = kernel.machine.nr_free_frames()
    used = max(0, kernel.machine.nr_frames() - free)
    lines = [b"nr_free_pages %d\n" % free, b"nr_anon_pages %d\n" % used]
    for name in (
        b"nr_inactive_anon", b"nr_active_anon", b"nr_inactive_file", b"nr_active_file", b"nr_unevictable", b"nr_mlock",
        b"nr_mapped", b"nr_file_pages", b"nr_dirty", b"nr_writeback", b"nr_shmem", b"nr_slab_reclaimable",
        b"nr_slab_unreclaimable", b"pgpgin", b"pgpgout", b"pswpin", b"pswpout", b"pgfault", b"pgmajfault", b"oom_kill",
    ):  # fmt: skip
        lines.append(b"%s 0\n" % name)
    return b"".join(lines)


def cgroups(kernel: "Kernel") -> bytes:
    """/proc/cgroups lists version 1 controllers: as with every controller on version 2."""
    rows = [b"#subsys_name\thierarchy\tnum_cgroups\tenabled\n"]
    for name in (b"cpuset", b"cpu", b"memory", b"pids"):
        rows.append(b"%s\t0\t1\t1\n" % name)
    return b"".join(rows)
