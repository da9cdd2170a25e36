/* SPDX-License-Identifier: MPL-2.0 */
/* The two seccomp programs, as constants in the text (a guest cannot change what a new task installs).
 *
 * The stub filter holds for every task of a stub, the task filter is stacked on it in those that run
 * guest code. Both see the instruction pointer *after* the syscall instruction. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <asm/unistd_64.h>
#include "abi.h"

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
/* Return `value` at once if the loaded word equals k / differs from k. */
#define IF(k, value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1), RETURN(value)
#define UNLESS(k, value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0), RETURN(value)
#define ALLOW(nr) IF(nr, SECCOMP_RET_ALLOW)

/* Everything that was not done by the stub's own text is the guest's: a trap. */
#define TRAP_THE_GUEST \
    LOAD(arch), UNLESS(AUDIT_ARCH_X86_64, SECCOMP_RET_TRAP), \
    LOAD_HIGH(instruction_pointer), UNLESS((unsigned)(STUB_BASE >> 32), SECCOMP_RET_TRAP), \
    LOAD(instruction_pointer), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, STUB_TEXT_MAX, 0, 1), RETURN(SECCOMP_RET_TRAP), \
    LOAD(nr)

/* Of the calling task only (number 0), and only to the mask in the machine page, which is read-only there; as the last of a list. */
#define GUEST_CPUS (MACHINE_ADDR + MACHINE_GUEST_CPUS)
#define ALLOW_OWN_AFFINITY \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_sched_setaffinity, 0, 9), LOAD(args[0]), UNLESS(0, SECCOMP_RET_TRAP), \
    LOAD_HIGH(args[2]), UNLESS((unsigned)(GUEST_CPUS >> 32), SECCOMP_RET_TRAP), LOAD(args[2]), ALLOW((unsigned)GUEST_CPUS)

static const struct sock_filter stub_filter[] = {
    TRAP_THE_GUEST,
    ALLOW(__NR_futex), ALLOW(__NR_rt_sigreturn), ALLOW(__NR_write), ALLOW(__NR_mmap), ALLOW(__NR_munmap),
    ALLOW(__NR_mprotect), ALLOW(__NR_recvfrom), ALLOW(__NR_recvmsg), ALLOW(__NR_close), ALLOW(__NR_clone),
    ALLOW(__NR_sigaltstack), ALLOW(__NR_prctl), ALLOW(__NR_seccomp), ALLOW(__NR_rt_sigprocmask), ALLOW(__NR_dup2),
    ALLOW(__NR_getppid), ALLOW(__NR_arch_prctl), ALLOW(__NR_exit), ALLOW(__NR_exit_group), ALLOW_OWN_AFFINITY,
    RETURN(SECCOMP_RET_KILL_PROCESS),
};

/* What a guest gains by jumping at a `syscall` of ours: to wake or delay itself, to end its own task, to
 * forge its own signal frame, mask or segment bases (it can load those directly), to go to the processors that guests may use, to ring the doorbell. */
static const struct sock_filter task_filter[] = {
    TRAP_THE_GUEST,
    ALLOW(__NR_rt_sigreturn), ALLOW(__NR_rt_sigprocmask), ALLOW(__NR_exit),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_futex, 0, 6),
    LOAD(args[1]), ALLOW(0 /* FUTEX_WAIT */), ALLOW(1 /* FUTEX_WAKE */), RETURN(SECCOMP_RET_TRAP),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_write, 0, 7),
    LOAD(args[0]), UNLESS(FD_DOORBELL, SECCOMP_RET_TRAP), LOAD(args[2]), ALLOW(8), RETURN(SECCOMP_RET_TRAP),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_arch_prctl, 0, 6),
    LOAD(args[0]), ALLOW(0x1001 /* ARCH_SET_GS */), ALLOW(0x1002 /* ARCH_SET_FS */), RETURN(SECCOMP_RET_TRAP),
    ALLOW_OWN_AFFINITY,
    RETURN(SECCOMP_RET_TRAP),
};

const struct sock_fprog stub_program = {sizeof stub_filter / sizeof *stub_filter, (struct sock_filter *)stub_filter};
const struct sock_fprog task_program = {sizeof task_filter / sizeof *task_filter, (struct sock_filter *)task_filter};
