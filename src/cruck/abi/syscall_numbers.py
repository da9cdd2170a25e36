# SPDX-License-Identifier: MPL-2.0
"""System call numbers of x86-64: arch/x86/entry/syscalls/syscall_64.tbl, the `common` and `64` rows up to Linux 6.17.

`NR_` and the call's name in upper case; `NAMES` gives the name of a number. 337 to 423 were never given out; from 424
on the numbers are the same on every architecture. The x32 calls (512 and up) are not here.
"""

from typing import Final

NR_READ: Final = 0
NR_WRITE: Final = 1
NR_OPEN: Final = 2
NR_CLOSE: Final = 3
NR_STAT: Final = 4
NR_FSTAT: Final = 5
NR_LSTAT: Final = 6
NR_POLL: Final = 7
NR_LSEEK: Final = 8
NR_MMAP: Final = 9
NR_MPROTECT: Final = 10
NR_MUNMAP: Final = 11
NR_BRK: Final = 12
NR_RT_SIGACTION: Final = 13
NR_RT_SIGPROCMASK: Final = 14
NR_RT_SIGRETURN: Final = 15
NR_IOCTL: Final = 16
NR_PREAD64: Final = 17
NR_PWRITE64: Final = 18
NR_READV: Final = 19
NR_WRITEV: Final = 20
NR_ACCESS: Final = 21
NR_PIPE: Final = 22
NR_SELECT: Final = 23
NR_SCHED_YIELD: Final = 24
NR_MREMAP: Final = 25
NR_MSYNC: Final = 26
NR_MINCORE: Final = 27
NR_MADVISE: Final = 28
NR_SHMGET: Final = 29
NR_SHMAT: Final = 30
NR_SHMCTL: Final = 31
NR_DUP: Final = 32
NR_DUP2: Final = 33
NR_PAUSE: Final = 34
NR_NANOSLEEP: Final = 35
NR_GETITIMER: Final = 36
NR_ALARM: Final = 37
NR_SETITIMER: Final = 38
NR_GETPID: Final = 39
NR_SENDFILE: Final = 40
NR_SOCKET: Final = 41
NR_CONNECT: Final = 42
NR_ACCEPT: Final = 43
NR_SENDTO: Final = 44
NR_RECVFROM: Final = 45
NR_SENDMSG: Final = 46
NR_RECVMSG: Final = 47
NR_SHUTDOWN: Final = 48
NR_BIND: Final = 49
NR_LISTEN: Final = 50
NR_GETSOCKNAME: Final = 51
NR_GETPEERNAME: Final = 52
NR_SOCKETPAIR: Final = 53
NR_SETSOCKOPT: Final = 54
NR_GETSOCKOPT: Final = 55
NR_CLONE: Final = 56
NR_FORK: Final = 57
NR_VFORK: Final = 58
NR_EXECVE: Final = 59
NR_EXIT: Final = 60
NR_WAIT4: Final = 61
NR_KILL: Final = 62
NR_UNAME: Final = 63
NR_SEMGET: Final = 64
NR_SEMOP: Final = 65
NR_SEMCTL: Final = 66
NR_SHMDT: Final = 67
NR_MSGGET: Final = 68
NR_MSGSND: Final = 69
NR_MSGRCV: Final = 70
NR_MSGCTL: Final = 71
NR_FCNTL: Final = 72
NR_FLOCK: Final = 73
NR_FSYNC: Final = 74
NR_FDATASYNC: Final = 75
NR_TRUNCATE: Final = 76
NR_FTRUNCATE: Final = 77
NR_GETDENTS: Final = 78
NR_GETCWD: Final = 79
NR_CHDIR: Final = 80
NR_FCHDIR: Final = 81
NR_RENAME: Final = 82
NR_MKDIR: Final = 83
NR_RMDIR: Final = 84
NR_CREAT: Final = 85
NR_LINK: Final = 86
NR_UNLINK: Final = 87
NR_SYMLINK: Final = 88
NR_READLINK: Final = 89
NR_CHMOD: Final = 90
NR_FCHMOD: Final = 91
NR_CHOWN: Final = 92
NR_FCHOWN: Final = 93
NR_LCHOWN: Final = 94
NR_UMASK: Final = 95
NR_GETTIMEOFDAY: Final = 96
NR_GETRLIMIT: Final = 97
NR_GETRUSAGE: Final = 98
NR_SYSINFO: Final = 99
NR_TIMES: Final = 100
NR_PTRACE: Final = 101
NR_GETUID: Final = 102
NR_SYSLOG: Final = 103
NR_GETGID: Final = 104
NR_SETUID: Final = 105
NR_SETGID: Final = 106
NR_GETEUID: Final = 107
NR_GETEGID: Final = 108
NR_SETPGID: Final = 109
NR_GETPPID: Final = 110
NR_GETPGRP: Final = 111
NR_SETSID: Final = 112
NR_SETREUID: Final = 113
NR_SETREGID: Final = 114
NR_GETGROUPS: Final = 115
NR_SETGROUPS: Final = 116
NR_SETRESUID: Final = 117
NR_GETRESUID: Final = 118
NR_SETRESGID: Final = 119
NR_GETRESGID: Final = 120
NR_GETPGID: Final = 121
NR_SETFSUID: Final = 122
NR_SETFSGID: Final = 123
NR_GETSID: Final = 124
NR_CAPGET: Final = 125
NR_CAPSET: Final = 126
NR_RT_SIGPENDING: Final = 127
NR_RT_SIGTIMEDWAIT: Final = 128
NR_RT_SIGQUEUEINFO: Final = 129
NR_RT_SIGSUSPEND: Final = 130
NR_SIGALTSTACK: Final = 131
NR_UTIME: Final = 132
NR_MKNOD: Final = 133
NR_USELIB: Final = 134
NR_PERSONALITY: Final = 135
NR_USTAT: Final = 136
NR_STATFS: Final = 137
NR_FSTATFS: Final = 138
NR_SYSFS: Final = 139
NR_GETPRIORITY: Final = 140
NR_SETPRIORITY: Final = 141
NR_SCHED_SETPARAM: Final = 142
NR_SCHED_GETPARAM: Final = 143
NR_SCHED_SETSCHEDULER: Final = 144
NR_SCHED_GETSCHEDULER: Final = 145
NR_SCHED_GET_PRIORITY_MAX: Final = 146
NR_SCHED_GET_PRIORITY_MIN: Final = 147
NR_SCHED_RR_GET_INTERVAL: Final = 148
NR_MLOCK: Final = 149
NR_MUNLOCK: Final = 150
NR_MLOCKALL: Final = 151
NR_MUNLOCKALL: Final = 152
NR_VHANGUP: Final = 153
NR_MODIFY_LDT: Final = 154
NR_PIVOT_ROOT: Final = 155
NR__SYSCTL: Final = 156
NR_PRCTL: Final = 157
NR_ARCH_PRCTL: Final = 158
NR_ADJTIMEX: Final = 159
NR_SETRLIMIT: Final = 160
NR_CHROOT: Final = 161
NR_SYNC: Final = 162
NR_ACCT: Final = 163
NR_SETTIMEOFDAY: Final = 164
NR_MOUNT: Final = 165
NR_UMOUNT2: Final = 166
NR_SWAPON: Final = 167
NR_SWAPOFF: Final = 168
NR_REBOOT: Final = 169
NR_SETHOSTNAME: Final = 170
NR_SETDOMAINNAME: Final = 171
NR_IOPL: Final = 172
NR_IOPERM: Final = 173
NR_CREATE_MODULE: Final = 174
NR_INIT_MODULE: Final = 175
NR_DELETE_MODULE: Final = 176
NR_GET_KERNEL_SYMS: Final = 177
NR_QUERY_MODULE: Final = 178
NR_QUOTACTL: Final = 179
NR_NFSSERVCTL: Final = 180
NR_GETPMSG: Final = 181
NR_PUTPMSG: Final = 182
NR_AFS_SYSCALL: Final = 183
NR_TUXCALL: Final = 184
NR_SECURITY: Final = 185
NR_GETTID: Final = 186
NR_READAHEAD: Final = 187
NR_SETXATTR: Final = 188
NR_LSETXATTR: Final = 189
NR_FSETXATTR: Final = 190
NR_GETXATTR: Final = 191
NR_LGETXATTR: Final = 192
NR_FGETXATTR: Final = 193
NR_LISTXATTR: Final = 194
NR_LLISTXATTR: Final = 195
NR_FLISTXATTR: Final = 196
NR_REMOVEXATTR: Final = 197
NR_LREMOVEXATTR: Final = 198
NR_FREMOVEXATTR: Final = 199
NR_TKILL: Final = 200
NR_TIME: Final = 201
NR_FUTEX: Final = 202
NR_SCHED_SETAFFINITY: Final = 203
NR_SCHED_GETAFFINITY: Final = 204
NR_SET_THREAD_AREA: Final = 205
NR_IO_SETUP: Final = 206
NR_IO_DESTROY: Final = 207
NR_IO_GETEVENTS: Final = 208
NR_IO_SUBMIT: Final = 209
NR_IO_CANCEL: Final = 210
NR_GET_THREAD_AREA: Final = 211
NR_LOOKUP_DCOOKIE: Final = 212
NR_EPOLL_CREATE: Final = 213
NR_EPOLL_CTL_OLD: Final = 214
NR_EPOLL_WAIT_OLD: Final = 215
NR_REMAP_FILE_PAGES: Final = 216
NR_GETDENTS64: Final = 217
NR_SET_TID_ADDRESS: Final = 218
NR_RESTART_SYSCALL: Final = 219
NR_SEMTIMEDOP: Final = 220
NR_FADVISE64: Final = 221
NR_TIMER_CREATE: Final = 222
NR_TIMER_SETTIME: Final = 223
NR_TIMER_GETTIME: Final = 224
NR_TIMER_GETOVERRUN: Final = 225
NR_TIMER_DELETE: Final = 226
NR_CLOCK_SETTIME: Final = 227
NR_CLOCK_GETTIME: Final = 228
NR_CLOCK_GETRES: Final = 229
NR_CLOCK_NANOSLEEP: Final = 230
NR_EXIT_GROUP: Final = 231
NR_EPOLL_WAIT: Final = 232
NR_EPOLL_CTL: Final = 233
NR_TGKILL: Final = 234
NR_UTIMES: Final = 235
NR_VSERVER: Final = 236
NR_MBIND: Final = 237
NR_SET_MEMPOLICY: Final = 238
NR_GET_MEMPOLICY: Final = 239
NR_MQ_OPEN: Final = 240
NR_MQ_UNLINK: Final = 241
NR_MQ_TIMEDSEND: Final = 242
NR_MQ_TIMEDRECEIVE: Final = 243
NR_MQ_NOTIFY: Final = 244
NR_MQ_GETSETATTR: Final = 245
NR_KEXEC_LOAD: Final = 246
NR_WAITID: Final = 247
NR_ADD_KEY: Final = 248
NR_REQUEST_KEY: Final = 249
NR_KEYCTL: Final = 250
NR_IOPRIO_SET: Final = 251
NR_IOPRIO_GET: Final = 252
NR_INOTIFY_INIT: Final = 253
NR_INOTIFY_ADD_WATCH: Final = 254
NR_INOTIFY_RM_WATCH: Final = 255
NR_MIGRATE_PAGES: Final = 256
NR_OPENAT: Final = 257
NR_MKDIRAT: Final = 258
NR_MKNODAT: Final = 259
NR_FCHOWNAT: Final = 260
NR_FUTIMESAT: Final = 261
NR_NEWFSTATAT: Final = 262
NR_UNLINKAT: Final = 263
NR_RENAMEAT: Final = 264
NR_LINKAT: Final = 265
NR_SYMLINKAT: Final = 266
NR_READLINKAT: Final = 267
NR_FCHMODAT: Final = 268
NR_FACCESSAT: Final = 269
NR_PSELECT6: Final = 270
NR_PPOLL: Final = 271
NR_UNSHARE: Final = 272
NR_SET_ROBUST_LIST: Final = 273
NR_GET_ROBUST_LIST: Final = 274
NR_SPLICE: Final = 275
NR_TEE: Final = 276
NR_SYNC_FILE_RANGE: Final = 277
NR_VMSPLICE: Final = 278
NR_MOVE_PAGES: Final = 279
NR_UTIMENSAT: Final = 280
NR_EPOLL_PWAIT: Final = 281
NR_SIGNALFD: Final = 282
NR_TIMERFD_CREATE: Final = 283
NR_EVENTFD: Final = 284
NR_FALLOCATE: Final = 285
NR_TIMERFD_SETTIME: Final = 286
NR_TIMERFD_GETTIME: Final = 287
NR_ACCEPT4: Final = 288
NR_SIGNALFD4: Final = 289
NR_EVENTFD2: Final = 290
NR_EPOLL_CREATE1: Final = 291
NR_DUP3: Final = 292
NR_PIPE2: Final = 293
NR_INOTIFY_INIT1: Final = 294
NR_PREADV: Final = 295
NR_PWRITEV: Final = 296
NR_RT_TGSIGQUEUEINFO: Final = 297
NR_PERF_EVENT_OPEN: Final = 298
NR_RECVMMSG: Final = 299
NR_FANOTIFY_INIT: Final = 300
NR_FANOTIFY_MARK: Final = 301
NR_PRLIMIT64: Final = 302
NR_NAME_TO_HANDLE_AT: Final = 303
NR_OPEN_BY_HANDLE_AT: Final = 304
NR_CLOCK_ADJTIME: Final = 305
NR_SYNCFS: Final = 306
NR_SENDMMSG: Final = 307
NR_SETNS: Final = 308
NR_GETCPU: Final = 309
NR_PROCESS_VM_READV: Final = 310
NR_PROCESS_VM_WRITEV: Final = 311
NR_KCMP: Final = 312
NR_FINIT_MODULE: Final = 313
NR_SCHED_SETATTR: Final = 314
NR_SCHED_GETATTR: Final = 315
NR_RENAMEAT2: Final = 316
NR_SECCOMP: Final = 317
NR_GETRANDOM: Final = 318
NR_MEMFD_CREATE: Final = 319
NR_KEXEC_FILE_LOAD: Final = 320
NR_BPF: Final = 321
NR_EXECVEAT: Final = 322
NR_USERFAULTFD: Final = 323
NR_MEMBARRIER: Final = 324
NR_MLOCK2: Final = 325
NR_COPY_FILE_RANGE: Final = 326
NR_PREADV2: Final = 327
NR_PWRITEV2: Final = 328
NR_PKEY_MPROTECT: Final = 329
NR_PKEY_ALLOC: Final = 330
NR_PKEY_FREE: Final = 331
NR_STATX: Final = 332
NR_IO_PGETEVENTS: Final = 333
NR_RSEQ: Final = 334
NR_URETPROBE: Final = 335  # Linux 6.11

# The same number on every architecture
NR_PIDFD_SEND_SIGNAL: Final = 424
NR_IO_URING_SETUP: Final = 425
NR_IO_URING_ENTER: Final = 426
NR_IO_URING_REGISTER: Final = 427
NR_OPEN_TREE: Final = 428
NR_MOVE_MOUNT: Final = 429
NR_FSOPEN: Final = 430
NR_FSCONFIG: Final = 431
NR_FSMOUNT: Final = 432
NR_FSPICK: Final = 433
NR_PIDFD_OPEN: Final = 434
NR_CLONE3: Final = 435
NR_CLOSE_RANGE: Final = 436
NR_OPENAT2: Final = 437
NR_PIDFD_GETFD: Final = 438
NR_FACCESSAT2: Final = 439
NR_PROCESS_MADVISE: Final = 440
NR_EPOLL_PWAIT2: Final = 441
NR_MOUNT_SETATTR: Final = 442
NR_QUOTACTL_FD: Final = 443
NR_LANDLOCK_CREATE_RULESET: Final = 444
NR_LANDLOCK_ADD_RULE: Final = 445
NR_LANDLOCK_RESTRICT_SELF: Final = 446
NR_MEMFD_SECRET: Final = 447
NR_PROCESS_MRELEASE: Final = 448
NR_FUTEX_WAITV: Final = 449
NR_SET_MEMPOLICY_HOME_NODE: Final = 450

# Linux 6.5 and later
NR_CACHESTAT: Final = 451
NR_FCHMODAT2: Final = 452
NR_MAP_SHADOW_STACK: Final = 453
NR_FUTEX_WAKE: Final = 454
NR_FUTEX_WAIT: Final = 455
NR_FUTEX_REQUEUE: Final = 456
NR_STATMOUNT: Final = 457
NR_LISTMOUNT: Final = 458
NR_LSM_GET_SELF_ATTR: Final = 459
NR_LSM_SET_SELF_ATTR: Final = 460
NR_LSM_LIST_MODULES: Final = 461
NR_MSEAL: Final = 462
NR_SETXATTRAT: Final = 463
NR_GETXATTRAT: Final = 464
NR_LISTXATTRAT: Final = 465
NR_REMOVEXATTRAT: Final = 466
NR_OPEN_TREE_ATTR: Final = 467
NR_FILE_GETATTR: Final = 468
NR_FILE_SETATTR: Final = 469

NAMES: Final[dict[int, str]] = {
    0: "read",
    1: "write",
    2: "open",
    3: "close",
    4: "stat",
    5: "fstat",
    6: "lstat",
    7: "poll",
    8: "lseek",
    9: "mmap",
    10: "mprotect",
    11: "munmap",
    12: "brk",
    13: "rt_sigaction",
    14: "rt_sigprocmask",
    15: "rt_sigreturn",
    16: "ioctl",
    17: "pread64",
    18: "pwrite64",
    19: "readv",
    20: "writev",
    21: "access",
    22: "pipe",
    23: "select",
    24: "sched_yield",
    25: "mremap",
    26: "msync",
    27: "mincore",
    28: "madvise",
    29: "shmget",
    30: "shmat",
    31: "shmctl",
    32: "dup",
    33: "dup2",
    34: "pause",
    35: "nanosleep",
    36: "getitimer",
    37: "alarm",
    38: "setitimer",
    39: "getpid",
    40: "sendfile",
    41: "socket",
    42: "connect",
    43: "accept",
    44: "sendto",
    45: "recvfrom",
    46: "sendmsg",
    47: "recvmsg",
    48: "shutdown",
    49: "bind",
    50: "listen",
    51: "getsockname",
    52: "getpeername",
    53: "socketpair",
    54: "setsockopt",
    55: "getsockopt",
    56: "clone",
    57: "fork",
    58: "vfork",
    59: "execve",
    60: "exit",
    61: "wait4",
    62: "kill",
    63: "uname",
    64: "semget",
    65: "semop",
    66: "semctl",
    67: "shmdt",
    68: "msgget",
    69: "msgsnd",
    70: "msgrcv",
    71: "msgctl",
    72: "fcntl",
    73: "flock",
    74: "fsync",
    75: "fdatasync",
    76: "truncate",
    77: "ftruncate",
    78: "getdents",
    79: "getcwd",
    80: "chdir",
    81: "fchdir",
    82: "rename",
    83: "mkdir",
    84: "rmdir",
    85: "creat",
    86: "link",
    87: "unlink",
    88: "symlink",
    89: "readlink",
    90: "chmod",
    91: "fchmod",
    92: "chown",
    93: "fchown",
    94: "lchown",
    95: "umask",
    96: "gettimeofday",
    97: "getrlimit",
    98: "getrusage",
    99: "sysinfo",
    100: "times",
    101: "ptrace",
    102: "getuid",
    103: "syslog",
    104: "getgid",
    105: "setuid",
    106: "setgid",
    107: "geteuid",
    108: "getegid",
    109: "setpgid",
    110: "getppid",
    111: "getpgrp",
    112: "setsid",
    113: "setreuid",
    114: "setregid",
    115: "getgroups",
    116: "setgroups",
    117: "setresuid",
    118: "getresuid",
    119: "setresgid",
    120: "getresgid",
    121: "getpgid",
    122: "setfsuid",
    123: "setfsgid",
    124: "getsid",
    125: "capget",
    126: "capset",
    127: "rt_sigpending",
    128: "rt_sigtimedwait",
    129: "rt_sigqueueinfo",
    130: "rt_sigsuspend",
    131: "sigaltstack",
    132: "utime",
    133: "mknod",
    134: "uselib",
    135: "personality",
    136: "ustat",
    137: "statfs",
    138: "fstatfs",
    139: "sysfs",
    140: "getpriority",
    141: "setpriority",
    142: "sched_setparam",
    143: "sched_getparam",
    144: "sched_setscheduler",
    145: "sched_getscheduler",
    146: "sched_get_priority_max",
    147: "sched_get_priority_min",
    148: "sched_rr_get_interval",
    149: "mlock",
    150: "munlock",
    151: "mlockall",
    152: "munlockall",
    153: "vhangup",
    154: "modify_ldt",
    155: "pivot_root",
    156: "_sysctl",
    157: "prctl",
    158: "arch_prctl",
    159: "adjtimex",
    160: "setrlimit",
    161: "chroot",
    162: "sync",
    163: "acct",
    164: "settimeofday",
    165: "mount",
    166: "umount2",
    167: "swapon",
    168: "swapoff",
    169: "reboot",
    170: "sethostname",
    171: "setdomainname",
    172: "iopl",
    173: "ioperm",
    174: "create_module",
    175: "init_module",
    176: "delete_module",
    177: "get_kernel_syms",
    178: "query_module",
    179: "quotactl",
    180: "nfsservctl",
    181: "getpmsg",
    182: "putpmsg",
    183: "afs_syscall",
    184: "tuxcall",
    185: "security",
    186: "gettid",
    187: "readahead",
    188: "setxattr",
    189: "lsetxattr",
    190: "fsetxattr",
    191: "getxattr",
    192: "lgetxattr",
    193: "fgetxattr",
    194: "listxattr",
    195: "llistxattr",
    196: "flistxattr",
    197: "removexattr",
    198: "lremovexattr",
    199: "fremovexattr",
    200: "tkill",
    201: "time",
    202: "futex",
    203: "sched_setaffinity",
    204: "sched_getaffinity",
    205: "set_thread_area",
    206: "io_setup",
    207: "io_destroy",
    208: "io_getevents",
    209: "io_submit",
    210: "io_cancel",
    211: "get_thread_area",
    212: "lookup_dcookie",
    213: "epoll_create",
    214: "epoll_ctl_old",
    215: "epoll_wait_old",
    216: "remap_file_pages",
    217: "getdents64",
    218: "set_tid_address",
    219: "restart_syscall",
    220: "semtimedop",
    221: "fadvise64",
    222: "timer_create",
    223: "timer_settime",
    224: "timer_gettime",
    225: "timer_getoverrun",
    226: "timer_delete",
    227: "clock_settime",
    228: "clock_gettime",
    229: "clock_getres",
    230: "clock_nanosleep",
    231: "exit_group",
    232: "epoll_wait",
    233: "epoll_ctl",
    234: "tgkill",
    235: "utimes",
    236: "vserver",
    237: "mbind",
    238: "set_mempolicy",
    239: "get_mempolicy",
    240: "mq_open",
    241: "mq_unlink",
    242: "mq_timedsend",
    243: "mq_timedreceive",
    244: "mq_notify",
    245: "mq_getsetattr",
    246: "kexec_load",
    247: "waitid",
    248: "add_key",
    249: "request_key",
    250: "keyctl",
    251: "ioprio_set",
    252: "ioprio_get",
    253: "inotify_init",
    254: "inotify_add_watch",
    255: "inotify_rm_watch",
    256: "migrate_pages",
    257: "openat",
    258: "mkdirat",
    259: "mknodat",
    260: "fchownat",
    261: "futimesat",
    262: "newfstatat",
    263: "unlinkat",
    264: "renameat",
    265: "linkat",
    266: "symlinkat",
    267: "readlinkat",
    268: "fchmodat",
    269: "faccessat",
    270: "pselect6",
    271: "ppoll",
    272: "unshare",
    273: "set_robust_list",
    274: "get_robust_list",
    275: "splice",
    276: "tee",
    277: "sync_file_range",
    278: "vmsplice",
    279: "move_pages",
    280: "utimensat",
    281: "epoll_pwait",
    282: "signalfd",
    283: "timerfd_create",
    284: "eventfd",
    285: "fallocate",
    286: "timerfd_settime",
    287: "timerfd_gettime",
    288: "accept4",
    289: "signalfd4",
    290: "eventfd2",
    291: "epoll_create1",
    292: "dup3",
    293: "pipe2",
    294: "inotify_init1",
    295: "preadv",
    296: "pwritev",
    297: "rt_tgsigqueueinfo",
    298: "perf_event_open",
    299: "recvmmsg",
    300: "fanotify_init",
    301: "fanotify_mark",
    302: "prlimit64",
    303: "name_to_handle_at",
    304: "open_by_handle_at",
    305: "clock_adjtime",
    306: "syncfs",
    307: "sendmmsg",
    308: "setns",
    309: "getcpu",
    310: "process_vm_readv",
    311: "process_vm_writev",
    312: "kcmp",
    313: "finit_module",
    314: "sched_setattr",
    315: "sched_getattr",
    316: "renameat2",
    317: "seccomp",
    318: "getrandom",
    319: "memfd_create",
    320: "kexec_file_load",
    321: "bpf",
    322: "execveat",
    323: "userfaultfd",
    324: "membarrier",
    325: "mlock2",
    326: "copy_file_range",
    327: "preadv2",
    328: "pwritev2",
    329: "pkey_mprotect",
    330: "pkey_alloc",
    331: "pkey_free",
    332: "statx",
    333: "io_pgetevents",
    334: "rseq",
    335: "uretprobe",
    424: "pidfd_send_signal",
    425: "io_uring_setup",
    426: "io_uring_enter",
    427: "io_uring_register",
    428: "open_tree",
    429: "move_mount",
    430: "fsopen",
    431: "fsconfig",
    432: "fsmount",
    433: "fspick",
    434: "pidfd_open",
    435: "clone3",
    436: "close_range",
    437: "openat2",
    438: "pidfd_getfd",
    439: "faccessat2",
    440: "process_madvise",
    441: "epoll_pwait2",
    442: "mount_setattr",
    443: "quotactl_fd",
    444: "landlock_create_ruleset",
    445: "landlock_add_rule",
    446: "landlock_restrict_self",
    447: "memfd_secret",
    448: "process_mrelease",
    449: "futex_waitv",
    450: "set_mempolicy_home_node",
    451: "cachestat",
    452: "fchmodat2",
    453: "map_shadow_stack",
    454: "futex_wake",
    455: "futex_wait",
    456: "futex_requeue",
    457: "statmount",
    458: "listmount",
    459: "lsm_get_self_attr",
    460: "lsm_set_self_attr",
    461: "lsm_list_modules",
    462: "mseal",
    463: "setxattrat",
    464: "getxattrat",
    465: "listxattrat",
    466: "removexattrat",
    467: "open_tree_attr",
    468: "file_getattr",
    469: "file_setattr",
}
