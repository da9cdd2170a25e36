# SPDX-License-Identifier: MPL-2.0
"""ptrace: include/uapi/linux/ptrace.h, arch/x86/include/uapi/asm/ptrace-abi.h and arch/x86/include/asm/user_64.h."""

from typing import Final

from cruck.abi.layout import Layout

# Requests
PTRACE_TRACEME: Final = 0
PTRACE_PEEKTEXT: Final = 1
PTRACE_PEEKDATA: Final = 2
PTRACE_PEEKUSR: Final = 3
PTRACE_POKETEXT: Final = 4
PTRACE_POKEDATA: Final = 5
PTRACE_POKEUSR: Final = 6
PTRACE_CONT: Final = 7
PTRACE_KILL: Final = 8
PTRACE_SINGLESTEP: Final = 9
PTRACE_GETREGS: Final = 12
PTRACE_SETREGS: Final = 13
PTRACE_GETFPREGS: Final = 14
PTRACE_SETFPREGS: Final = 15
PTRACE_ATTACH: Final = 16
PTRACE_DETACH: Final = 17
PTRACE_GETFPXREGS: Final = 18
PTRACE_SETFPXREGS: Final = 19
PTRACE_OLDSETOPTIONS: Final = 21
PTRACE_SYSCALL: Final = 24
PTRACE_GET_THREAD_AREA: Final = 25
PTRACE_SET_THREAD_AREA: Final = 26
PTRACE_ARCH_PRCTL: Final = 30
PTRACE_SYSEMU: Final = 31
PTRACE_SYSEMU_SINGLESTEP: Final = 32
PTRACE_SINGLEBLOCK: Final = 33
PTRACE_SETOPTIONS: Final = 0x4200
PTRACE_GETEVENTMSG: Final = 0x4201
PTRACE_GETSIGINFO: Final = 0x4202
PTRACE_SETSIGINFO: Final = 0x4203
PTRACE_GETREGSET: Final = 0x4204
PTRACE_SETREGSET: Final = 0x4205
PTRACE_SEIZE: Final = 0x4206
PTRACE_INTERRUPT: Final = 0x4207
PTRACE_LISTEN: Final = 0x4208
PTRACE_PEEKSIGINFO: Final = 0x4209
PTRACE_GETSIGMASK: Final = 0x420A
PTRACE_SETSIGMASK: Final = 0x420B
PTRACE_SECCOMP_GET_FILTER: Final = 0x420C
PTRACE_SECCOMP_GET_METADATA: Final = 0x420D
PTRACE_GET_SYSCALL_INFO: Final = 0x420E
PTRACE_GET_RSEQ_CONFIGURATION: Final = 0x420F
PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG: Final = 0x4210  # Linux 6.4
PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG: Final = 0x4211
PTRACE_SET_SYSCALL_INFO: Final = 0x4212  # Linux 6.16

# Events
PTRACE_EVENT_FORK: Final = 1
PTRACE_EVENT_VFORK: Final = 2
PTRACE_EVENT_CLONE: Final = 3
PTRACE_EVENT_EXEC: Final = 4
PTRACE_EVENT_VFORK_DONE: Final = 5
PTRACE_EVENT_EXIT: Final = 6
PTRACE_EVENT_SECCOMP: Final = 7
PTRACE_EVENT_STOP: Final = 128
PTRACE_EVENTMSG_SYSCALL_ENTRY: Final = 1
PTRACE_EVENTMSG_SYSCALL_EXIT: Final = 2

# Options
PTRACE_O_TRACESYSGOOD: Final = 0x1
PTRACE_O_TRACEFORK: Final = 0x2
PTRACE_O_TRACEVFORK: Final = 0x4
PTRACE_O_TRACECLONE: Final = 0x8
PTRACE_O_TRACEEXEC: Final = 0x10
PTRACE_O_TRACEVFORKDONE: Final = 0x20
PTRACE_O_TRACEEXIT: Final = 0x40
PTRACE_O_TRACESECCOMP: Final = 0x80
PTRACE_O_EXITKILL: Final = 0x100000
PTRACE_O_SUSPEND_SECCOMP: Final = 0x200000
PTRACE_O_MASK: Final = 0x3000FF

# PTRACE_PEEKSIGINFO
PTRACE_PEEKSIGINFO_SHARED: Final = 0x1
PTRACE_PEEKSIGINFO_ARGS: Final = Layout("ptrace_peeksiginfo_args", (("off", "u64"), ("flags", "u32"), ("nr", "s32")))

# PTRACE_GETREGS; PTRACE_PEEKUSR finds these at the start of the user area
USER_REGS_STRUCT: Final = Layout(
    "user_regs_struct",
    (
        ("r15", "u64"),
        ("r14", "u64"),
        ("r13", "u64"),
        ("r12", "u64"),
        ("rbp", "u64"),
        ("rbx", "u64"),
        ("r11", "u64"),
        ("r10", "u64"),
        ("r9", "u64"),
        ("r8", "u64"),
        ("rax", "u64"),
        ("rcx", "u64"),
        ("rdx", "u64"),
        ("rsi", "u64"),
        ("rdi", "u64"),
        ("orig_rax", "u64"),
        ("rip", "u64"),
        ("cs", "u64"),
        ("eflags", "u64"),
        ("rsp", "u64"),
        ("ss", "u64"),
        ("fs_base", "u64"),
        ("gs_base", "u64"),
        ("ds", "u64"),
        ("es", "u64"),
        ("fs", "u64"),
        ("gs", "u64"),
    ),
)

# PTRACE_GETFPREGS: the image that FXSAVE writes
USER_FPREGS_STRUCT: Final = Layout(
    "user_fpregs_struct",
    (
        ("cwd", "u16"),
        ("swd", "u16"),
        ("ftw", "u16"),
        ("fop", "u16"),
        ("rip", "u64"),
        ("rdp", "u64"),
        ("mxcsr", "u32"),
        ("mxcr_mask", "u32"),
        ("st_space", "u32[32]"),
        ("xmm_space", "u32[64]"),
        ("padding", "pad[96]"),
    ),
)

# PTRACE_GET_SYSCALL_INFO: the head, then one of three tails by op
PTRACE_SYSCALL_INFO_NONE: Final = 0
PTRACE_SYSCALL_INFO_ENTRY: Final = 1
PTRACE_SYSCALL_INFO_EXIT: Final = 2
PTRACE_SYSCALL_INFO_SECCOMP: Final = 3
PTRACE_SYSCALL_INFO: Final = Layout(
    "ptrace_syscall_info",
    (
        ("op", "u8"),
        ("pad", "pad[3]"),
        ("arch", "u32"),
        ("instruction_pointer", "u64"),
        ("stack_pointer", "u64"),
        ("entry.nr", "u64"),
        ("entry.args", "u64[6]"),
        ("seccomp.ret_data", "u32"),
    ),
)
PTRACE_SYSCALL_INFO_EXIT_FACE: Final = Layout(
    "ptrace_syscall_info",
    (
        ("op", "u8"),
        ("pad", "pad[3]"),
        ("arch", "u32"),
        ("instruction_pointer", "u64"),
        ("stack_pointer", "u64"),
        ("exit.rval", "s64"),
        ("exit.is_error", "u8"),
        ("_rest", "pad[55]"),
    ),
)
PTRACE_RSEQ_CONFIGURATION: Final = Layout(
    "ptrace_rseq_configuration",
    (
        ("rseq_abi_pointer", "u64"),
        ("rseq_abi_size", "u32"),
        ("signature", "u32"),
        ("flags", "u32"),
        ("pad", "pad[4]"),
    ),
)
