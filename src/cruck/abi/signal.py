# SPDX-License-Identifier: MPL-2.0
"""Signals: include/uapi/asm-generic/siginfo.h and asm/signal.h, asm/sigcontext.h, asm/ucontext.h of x86-64.

`struct siginfo` is a union; each `SIGINFO_*` is one of its faces, all of them 128 bytes. The union starts at byte 16.
"""

from typing import Final

from cruck.abi.layout import Layout

SIGHUP: Final = 1
SIGINT: Final = 2
SIGQUIT: Final = 3
SIGILL: Final = 4
SIGTRAP: Final = 5
SIGABRT: Final = 6
SIGBUS: Final = 7
SIGFPE: Final = 8
SIGKILL: Final = 9
SIGUSR1: Final = 10
SIGSEGV: Final = 11
SIGUSR2: Final = 12
SIGPIPE: Final = 13
SIGALRM: Final = 14
SIGTERM: Final = 15
SIGSTKFLT: Final = 16
SIGCHLD: Final = 17
SIGCONT: Final = 18
SIGSTOP: Final = 19
SIGTSTP: Final = 20
SIGTTIN: Final = 21
SIGTTOU: Final = 22
SIGURG: Final = 23
SIGXCPU: Final = 24
SIGXFSZ: Final = 25
SIGVTALRM: Final = 26
SIGPROF: Final = 27
SIGWINCH: Final = 28
SIGIO: Final = 29
SIGPWR: Final = 30
SIGSYS: Final = 31

# Second names
SIGIOT: Final = 6
SIGPOLL: Final = 29
SIGUNUSED: Final = 31

# Real-time signals. The kernel's range: glibc keeps 32 and 33 for itself and starts at 34.
SIGRTMIN: Final = 32
SIGRTMAX: Final = 64
NSIG: Final = 64  # signals are 1…64: the kernel's _NSIG; asm/signal.h tells programs 32, and glibc 65
SIGSET_SIZE: Final = 8  # bytes; the only sigsetsize that the calls take

SIGNAL_NAMES: Final[dict[int, str]] = {
    1: "SIGHUP",
    2: "SIGINT",
    3: "SIGQUIT",
    4: "SIGILL",
    5: "SIGTRAP",
    6: "SIGABRT",
    7: "SIGBUS",
    8: "SIGFPE",
    9: "SIGKILL",
    10: "SIGUSR1",
    11: "SIGSEGV",
    12: "SIGUSR2",
    13: "SIGPIPE",
    14: "SIGALRM",
    15: "SIGTERM",
    16: "SIGSTKFLT",
    17: "SIGCHLD",
    18: "SIGCONT",
    19: "SIGSTOP",
    20: "SIGTSTP",
    21: "SIGTTIN",
    22: "SIGTTOU",
    23: "SIGURG",
    24: "SIGXCPU",
    25: "SIGXFSZ",
    26: "SIGVTALRM",
    27: "SIGPROF",
    28: "SIGWINCH",
    29: "SIGIO",
    30: "SIGPWR",
    31: "SIGSYS",
}

# sigaction: sa_flags
SA_NOCLDSTOP: Final = 0x1
SA_NOCLDWAIT: Final = 0x2
SA_SIGINFO: Final = 0x4
SA_UNSUPPORTED: Final = 0x400
SA_EXPOSE_TAGBITS: Final = 0x800
SA_RESTORER: Final = 0x4000000
SA_ONSTACK: Final = 0x8000000
SA_RESTART: Final = 0x10000000
SA_NODEFER: Final = 0x40000000
SA_RESETHAND: Final = 0x80000000
SA_NOMASK: Final = 0x40000000
SA_ONESHOT: Final = 0x80000000

# sigaction: sa_handler
SIG_DFL: Final = 0
SIG_IGN: Final = 1
SIG_ERR: Final = 0xFFFFFFFFFFFFFFFF

# sigprocmask
SIG_BLOCK: Final = 0
SIG_UNBLOCK: Final = 1
SIG_SETMASK: Final = 2

# sigaltstack
SS_ONSTACK: Final = 0x1
SS_DISABLE: Final = 0x2
SS_AUTODISARM: Final = 0x80000000
SS_FLAG_BITS: Final = 0x80000000
MINSIGSTKSZ: Final = 2048
SIGSTKSZ: Final = 8192

# si_code of any signal; a program may send only negative ones
SI_USER: Final = 0
SI_KERNEL: Final = 128
SI_QUEUE: Final = -1
SI_TIMER: Final = -2
SI_MESGQ: Final = -3
SI_ASYNCIO: Final = -4
SI_SIGIO: Final = -5
SI_TKILL: Final = -6
SI_DETHREAD: Final = -7
SI_ASYNCNL: Final = -60

# si_code of SIGILL
ILL_ILLOPC: Final = 1
ILL_ILLOPN: Final = 2
ILL_ILLADR: Final = 3
ILL_ILLTRP: Final = 4
ILL_PRVOPC: Final = 5
ILL_PRVREG: Final = 6
ILL_COPROC: Final = 7

# si_code of SIGFPE
FPE_INTDIV: Final = 1
FPE_INTOVF: Final = 2
FPE_FLTDIV: Final = 3
FPE_FLTOVF: Final = 4
FPE_FLTUND: Final = 5
FPE_FLTRES: Final = 6
FPE_FLTINV: Final = 7
FPE_FLTSUB: Final = 8
FPE_FLTUNK: Final = 14
FPE_CONDTRAP: Final = 15

# si_code of SIGSEGV
SEGV_MAPERR: Final = 1
SEGV_ACCERR: Final = 2
SEGV_BNDERR: Final = 3
SEGV_PKUERR: Final = 4
SEGV_ACCADI: Final = 5
SEGV_ADIDERR: Final = 6
SEGV_ADIPERR: Final = 7
SEGV_MTEAERR: Final = 8
SEGV_MTESERR: Final = 9
SEGV_CPERR: Final = 10  # Linux 6.6

# si_code of SIGBUS
BUS_ADRALN: Final = 1
BUS_ADRERR: Final = 2
BUS_OBJERR: Final = 3
BUS_MCEERR_AR: Final = 4
BUS_MCEERR_AO: Final = 5

# si_code of SIGTRAP
TRAP_BRKPT: Final = 1
TRAP_TRACE: Final = 2
TRAP_BRANCH: Final = 3
TRAP_HWBKPT: Final = 4
TRAP_UNK: Final = 5
TRAP_PERF: Final = 6
TRAP_PERF_FLAG_ASYNC: Final = 1

# si_code of SIGCHLD
CLD_EXITED: Final = 1
CLD_KILLED: Final = 2
CLD_DUMPED: Final = 3
CLD_TRAPPED: Final = 4
CLD_STOPPED: Final = 5
CLD_CONTINUED: Final = 6

# si_code of SIGIO
POLL_IN: Final = 1
POLL_OUT: Final = 2
POLL_MSG: Final = 3
POLL_ERR: Final = 4
POLL_PRI: Final = 5
POLL_HUP: Final = 6

# si_code of SIGSYS
SYS_SECCOMP: Final = 1
SYS_USER_DISPATCH: Final = 2

# sigevent: sigev_notify
SIGEV_SIGNAL: Final = 0
SIGEV_NONE: Final = 1
SIGEV_THREAD: Final = 2
SIGEV_THREAD_ID: Final = 4

# As rt_sigaction takes it; not the layout of glibc's struct sigaction
KERNEL_SIGACTION: Final = Layout("sigaction", (("sa_handler", "ptr"), ("sa_flags", "u64"), ("sa_restorer", "ptr"), ("sa_mask", "u64")))

# rt_sigprocmask's companion in pselect6: a pointer to the set and its size
SIGSET_ARGPACK: Final = Layout("sigset_argpack", (("p", "ptr"), ("size", "u64")))

STACK_T: Final = Layout("stack_t", (("ss_sp", "ptr"), ("ss_flags", "s32"), ("ss_size", "u64")))

SIGEVENT_SIZE: Final = 64
SIGEVENT: Final = Layout(
    "sigevent",
    (
        ("sigev_value", "u64"),
        ("sigev_signo", "s32"),
        ("sigev_notify", "s32"),
        ("sigev_notify_thread_id", "s32"),
        ("_pad", "pad[44]"),
    ),
)

SIGINFO_SIZE: Final = 128

# The face all signals share: the rest comes as bytes
SIGINFO: Final = Layout(
    "siginfo",
    (("si_signo", "s32"), ("si_errno", "s32"), ("si_code", "s32"), ("__pad", "pad[4]"), ("_sifields", "char[112]")),
)

# kill, tgkill
SIGINFO_KILL: Final = Layout(
    "siginfo",
    (
        ("si_signo", "s32"),
        ("si_errno", "s32"),
        ("si_code", "s32"),
        ("__pad", "pad[4]"),
        ("si_pid", "s32"),
        ("si_uid", "u32"),
        ("_rest", "pad[104]"),
    ),
)

# POSIX timers
SIGINFO_TIMER: Final = Layout(
    "siginfo",
    (
        ("si_signo", "s32"),
        ("si_errno", "s32"),
        ("si_code", "s32"),
        ("__pad", "pad[4]"),
        ("si_tid", "s32"),
        ("si_overrun", "s32"),
        ("si_value", "u64"),
        ("_rest", "pad[96]"),
    ),
)

# rt_sigqueueinfo, message queues
SIGINFO_RT: Final = Layout(
    "siginfo",
    (
        ("si_signo", "s32"),
        ("si_errno", "s32"),
        ("si_code", "s32"),
        ("__pad", "pad[4]"),
        ("si_pid", "s32"),
        ("si_uid", "u32"),
        ("si_value", "u64"),
        ("_rest", "pad[96]"),
    ),
)

# SIGCHLD; times in clock ticks
SIGINFO_CHILD: Final = Layout(
    "siginfo",
    (
        ("si_signo", "s32"),
        ("si_errno", "s32"),
        ("si_code", "s32"),
        ("__pad", "pad[4]"),
        ("si_pid", "s32"),
        ("si_uid", "u32"),
        ("si_status", "s32"),
        ("si_utime", "s64"),
        ("si_stime", "s64"),
        ("_rest", "pad[80]"),
    ),
)

# SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP. BUS_MCEERR_* use si_addr_lsb, SEGV_BNDERR the bounds.
SIGINFO_FAULT: Final = Layout(
    "siginfo",
    (
        ("si_signo", "s32"),
        ("si_errno", "s32"),
        ("si_code", "s32"),
        ("__pad", "pad[4]"),
        ("si_addr", "ptr"),
        ("si_addr_lsb", "s16"),
        ("si_lower", "ptr"),
        ("si_upper", "ptr"),
        ("_rest", "pad[80]"),
    ),
)

# SEGV_PKUERR
SIGINFO_PKEY: Final = Layout(
    "siginfo",
    (
        ("si_signo", "s32"),
        ("si_errno", "s32"),
        ("si_code", "s32"),
        ("__pad", "pad[4]"),
        ("si_addr", "ptr"),
        ("__pad2", "pad[8]"),
        ("si_pkey", "u32"),
        ("_rest", "pad[92]"),
    ),
)

# SIGIO
SIGINFO_POLL: Final = Layout(
    "siginfo",
    (
        ("si_signo", "s32"),
        ("si_errno", "s32"),
        ("si_code", "s32"),
        ("__pad", "pad[4]"),
        ("si_band", "s64"),
        ("si_fd", "s32"),
        ("_rest", "pad[100]"),
    ),
)

# SIGSYS
SIGINFO_SYS: Final = Layout(
    "siginfo",
    (
        ("si_signo", "s32"),
        ("si_errno", "s32"),
        ("si_code", "s32"),
        ("__pad", "pad[4]"),
        ("si_call_addr", "ptr"),
        ("si_syscall", "s32"),
        ("si_arch", "u32"),
        ("_rest", "pad[96]"),
    ),
)

# The registers in a signal frame
SIGCONTEXT: Final = Layout(
    "sigcontext",
    (
        ("r8", "u64"),
        ("r9", "u64"),
        ("r10", "u64"),
        ("r11", "u64"),
        ("r12", "u64"),
        ("r13", "u64"),
        ("r14", "u64"),
        ("r15", "u64"),
        ("rdi", "u64"),
        ("rsi", "u64"),
        ("rbp", "u64"),
        ("rbx", "u64"),
        ("rdx", "u64"),
        ("rax", "u64"),
        ("rcx", "u64"),
        ("rsp", "u64"),
        ("rip", "u64"),
        ("eflags", "u64"),
        ("cs", "u16"),
        ("gs", "u16"),
        ("fs", "u16"),
        ("ss", "u16"),
        ("err", "u64"),
        ("trapno", "u64"),
        ("oldmask", "u64"),
        ("cr2", "u64"),
        ("fpstate", "ptr"),
        ("reserved1", "pad[64]"),
    ),
)

# uc_flags
UC_FP_XSTATE: Final = 0x1
UC_SIGCONTEXT_SS: Final = 0x2
UC_STRICT_RESTORE_SS: Final = 0x4

# The frame is: the restorer's address (8 bytes), this, a siginfo. The FPU state lies above, at uc_mcontext.fpstate.
UCONTEXT: Final = Layout(
    "ucontext",
    (
        ("uc_flags", "u64"),
        ("uc_link", "ptr"),
        ("uc_stack.ss_sp", "ptr"),
        ("uc_stack.ss_flags", "s32"),
        ("uc_stack.ss_size", "u64"),
        ("uc_mcontext.r8", "u64"),
        ("uc_mcontext.r9", "u64"),
        ("uc_mcontext.r10", "u64"),
        ("uc_mcontext.r11", "u64"),
        ("uc_mcontext.r12", "u64"),
        ("uc_mcontext.r13", "u64"),
        ("uc_mcontext.r14", "u64"),
        ("uc_mcontext.r15", "u64"),
        ("uc_mcontext.rdi", "u64"),
        ("uc_mcontext.rsi", "u64"),
        ("uc_mcontext.rbp", "u64"),
        ("uc_mcontext.rbx", "u64"),
        ("uc_mcontext.rdx", "u64"),
        ("uc_mcontext.rax", "u64"),
        ("uc_mcontext.rcx", "u64"),
        ("uc_mcontext.rsp", "u64"),
        ("uc_mcontext.rip", "u64"),
        ("uc_mcontext.eflags", "u64"),
        ("uc_mcontext.cs", "u16"),
        ("uc_mcontext.gs", "u16"),
        ("uc_mcontext.fs", "u16"),
        ("uc_mcontext.ss", "u16"),
        ("uc_mcontext.err", "u64"),
        ("uc_mcontext.trapno", "u64"),
        ("uc_mcontext.oldmask", "u64"),
        ("uc_mcontext.cr2", "u64"),
        ("uc_mcontext.fpstate", "ptr"),
        ("uc_mcontext.reserved1", "pad[64]"),
        ("uc_sigmask", "u64"),
    ),
)

# What fpstate points to: FXSAVE's 512 bytes, the last 48 of them for software. If sw_reserved.magic1 is
# FP_XSTATE_MAGIC1, XSAVE's header and areas follow, extended_size bytes in all; FP_XSTATE_MAGIC2 ends them.
FP_XSTATE_MAGIC1: Final = 0x46505853
FP_XSTATE_MAGIC2: Final = 0x46505845
FP_XSTATE_MAGIC2_SIZE: Final = 4
FPSTATE_SIZE: Final = 512
FPX_SW_BYTES_OFFSET: Final = 464
FPX_SW_BYTES: Final = Layout(
    "_fpx_sw_bytes",
    (
        ("magic1", "u32"),
        ("extended_size", "u32"),
        ("xfeatures", "u64"),
        ("xstate_size", "u32"),
        ("padding", "pad[28]"),
    ),
)
FPSTATE: Final = Layout(
    "_fpstate_64",
    (
        ("cwd", "u16"),
        ("swd", "u16"),
        ("twd", "u16"),
        ("fop", "u16"),
        ("rip", "u64"),
        ("rdp", "u64"),
        ("mxcsr", "u32"),
        ("mxcsr_mask", "u32"),
        ("st_space", "u32[32]"),
        ("xmm_space", "u32[64]"),
        ("reserved2", "pad[48]"),
        ("sw_reserved.magic1", "u32"),
        ("sw_reserved.extended_size", "u32"),
        ("sw_reserved.xfeatures", "u64"),
        ("sw_reserved.xstate_size", "u32"),
        ("sw_reserved.padding", "pad[28]"),
    ),
)
XSAVE_HEADER: Final = Layout("_header", (("xfeatures", "u64"), ("reserved1", "pad[16]"), ("reserved2", "pad[40]")))
