# SPDX-License-Identifier: MPL-2.0
"""Memory mappings: include/uapi/asm-generic/mman-common.h, mman.h, linux/mman.h, linux/memfd.h and asm/mman.h of x86.

The `MS_*` of mount(2) are in `mount`.
"""

from typing import Final

from cruck.abi.layout import Layout

# mmap, mprotect: protection
PROT_NONE: Final = 0
PROT_READ: Final = 0x1
PROT_WRITE: Final = 0x2
PROT_EXEC: Final = 0x4
PROT_SEM: Final = 0x8
PROT_GROWSDOWN: Final = 0x1000000
PROT_GROWSUP: Final = 0x2000000

# mmap: kind
MAP_SHARED: Final = 0x1
MAP_PRIVATE: Final = 0x2
MAP_SHARED_VALIDATE: Final = 0x3
MAP_TYPE: Final = 0xF
MAP_DROPPABLE: Final = 0x8  # Linux 6.11

# mmap: flags
MAP_FIXED: Final = 0x10
MAP_ANONYMOUS: Final = 0x20
MAP_ANON: Final = 0x20
MAP_32BIT: Final = 0x40
MAP_ABOVE4G: Final = 0x80  # Linux 6.6
MAP_GROWSDOWN: Final = 0x100
MAP_DENYWRITE: Final = 0x800
MAP_EXECUTABLE: Final = 0x1000
MAP_LOCKED: Final = 0x2000
MAP_NORESERVE: Final = 0x4000
MAP_POPULATE: Final = 0x8000
MAP_NONBLOCK: Final = 0x10000
MAP_STACK: Final = 0x20000
MAP_HUGETLB: Final = 0x40000
MAP_SYNC: Final = 0x80000
MAP_FIXED_NOREPLACE: Final = 0x100000
MAP_UNINITIALIZED: Final = 0x4000000
MAP_FILE: Final = 0
MAP_HUGE_SHIFT: Final = 26
MAP_HUGE_MASK: Final = 0x3F
MAP_HUGE_2MB: Final = 0x54000000
MAP_HUGE_1GB: Final = 0x78000000

# mremap
MREMAP_MAYMOVE: Final = 0x1
MREMAP_FIXED: Final = 0x2
MREMAP_DONTUNMAP: Final = 0x4

# msync
MS_ASYNC: Final = 0x1
MS_INVALIDATE: Final = 0x2
MS_SYNC: Final = 0x4

# madvise
MADV_NORMAL: Final = 0
MADV_RANDOM: Final = 1
MADV_SEQUENTIAL: Final = 2
MADV_WILLNEED: Final = 3
MADV_DONTNEED: Final = 4
MADV_FREE: Final = 8
MADV_REMOVE: Final = 9
MADV_DONTFORK: Final = 10
MADV_DOFORK: Final = 11
MADV_HWPOISON: Final = 100
MADV_SOFT_OFFLINE: Final = 101
MADV_MERGEABLE: Final = 12
MADV_UNMERGEABLE: Final = 13
MADV_HUGEPAGE: Final = 14
MADV_NOHUGEPAGE: Final = 15
MADV_DONTDUMP: Final = 16
MADV_DODUMP: Final = 17
MADV_WIPEONFORK: Final = 18
MADV_KEEPONFORK: Final = 19
MADV_COLD: Final = 20
MADV_PAGEOUT: Final = 21
MADV_POPULATE_READ: Final = 22
MADV_POPULATE_WRITE: Final = 23
MADV_DONTNEED_LOCKED: Final = 24
MADV_COLLAPSE: Final = 25
MADV_GUARD_INSTALL: Final = 102  # Linux 6.13
MADV_GUARD_REMOVE: Final = 103

# mlock2, mlockall
MLOCK_ONFAULT: Final = 0x1
MCL_CURRENT: Final = 0x1
MCL_FUTURE: Final = 0x2
MCL_ONFAULT: Final = 0x4

# memfd_create
MFD_CLOEXEC: Final = 0x1
MFD_ALLOW_SEALING: Final = 0x2
MFD_HUGETLB: Final = 0x4
MFD_NOEXEC_SEAL: Final = 0x8  # Linux 6.3
MFD_EXEC: Final = 0x10
MFD_HUGE_SHIFT: Final = 26
MFD_HUGE_MASK: Final = 0x3F
MFD_HUGE_2MB: Final = 0x54000000
MFD_HUGE_1GB: Final = 0x78000000

# Protection keys
PKEY_DISABLE_ACCESS: Final = 0x1
PKEY_DISABLE_WRITE: Final = 0x2
PKEY_ACCESS_MASK: Final = 0x3

# map_shadow_stack, Linux 6.6
SHADOW_STACK_SET_TOKEN: Final = 0x1

# /proc/sys/vm/overcommit_memory
OVERCOMMIT_GUESS: Final = 0
OVERCOMMIT_ALWAYS: Final = 1
OVERCOMMIT_NEVER: Final = 2

# set_mempolicy, mbind
MPOL_DEFAULT: Final = 0
MPOL_PREFERRED: Final = 1
MPOL_BIND: Final = 2
MPOL_INTERLEAVE: Final = 3
MPOL_LOCAL: Final = 4
MPOL_PREFERRED_MANY: Final = 5
MPOL_F_STATIC_NODES: Final = 0x8000
MPOL_F_RELATIVE_NODES: Final = 0x4000
MPOL_F_NUMA_BALANCING: Final = 0x2000
MPOL_F_NODE: Final = 0x1
MPOL_F_ADDR: Final = 0x2
MPOL_F_MEMS_ALLOWED: Final = 0x4
MPOL_F_SHARED: Final = 0x1
MPOL_F_MOF: Final = 0x8
MPOL_F_MORON: Final = 0x10
MPOL_MF_STRICT: Final = 0x1
MPOL_MF_MOVE: Final = 0x2
MPOL_MF_MOVE_ALL: Final = 0x4

# cachestat, Linux 6.5
CACHESTAT_RANGE: Final = Layout("cachestat_range", (("off", "u64"), ("len", "u64")))
CACHESTAT: Final = Layout(
    "cachestat",
    (
        ("nr_cache", "u64"),
        ("nr_dirty", "u64"),
        ("nr_writeback", "u64"),
        ("nr_evicted", "u64"),
        ("nr_recently_evicted", "u64"),
    ),
)
