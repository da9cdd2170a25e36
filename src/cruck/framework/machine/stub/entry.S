/* SPDX-License-Identifier: MPL-2.0 */
/* The parts of a stub that may not use a stack: the pager and the first steps of its children.
 *
 * All memory that a guest can write is hostile, stacks included. So nothing here reads anything but
 * registers, text, and pages that are mapped read-only in the stub. Signals are all blocked. */
#include "abi.h"
#include <asm/unistd_64.h>

    .text
    .globl _start, pager_enter, stub_restorer, stub_answers, stub_one

_start:
    mov %rsp, %rdi
    and $-16, %rsp
    call stub_main
    ud2

/* pager_enter(start, length): drops the stack of exec, says "ready", and serves orders for ever. */
pager_enter:
    mov $__NR_munmap, %eax
    syscall
    xor %ebx, %ebx

/* ebx: the answer, 0 = done, else an errno. It is sent from the constant table, not from memory that
 * a guest could overwrite between our store and the host's read. */
pager_answer:
    lea stub_answers(%rip), %rsi
    add %rbx, %rsi
    mov $1, %edx
    xor %edi, %edi
    mov $__NR_write, %eax
    syscall
    cmp $1, %rax
    jne pager_exit

pager_loop:
    xor %edi, %edi
    xor %esi, %esi
    xor %edx, %edx
    mov $0x20, %r10d            /* MSG_TRUNC: the real length, although no byte is copied */
    xor %r8d, %r8d
    xor %r9d, %r9d
    mov $__NR_recvfrom, %eax
    syscall
    cmp $1, %rax
    je pager_go
    cmp $-4, %rax               /* EINTR, e.g. after SIGSTOP and SIGCONT */
    je pager_loop
pager_exit:                     /* end of file: the kernel process is gone */
    xor %edi, %edi
    mov $__NR_exit_group, %eax
    syscall
    ud2

pager_go:
    movabs $ORDER_ADDR, %r12
    mov (%r12), %r13d           /* entries left */
    mov 8(%r12), %rbx           /* stub_offset; kept in a register for a child of ORDER_STUB */
    add $ORDER_HEADER, %r12
pager_next:
    test %r13d, %r13d
    jz pager_done
    mov (%r12), %eax
    mov 4(%r12), %r15d
    mov 8(%r12), %r14
    mov 16(%r12), %rdi
    mov 24(%r12), %rsi
    mov 32(%r12), %rdx
    mov 40(%r12), %r10
    mov 48(%r12), %r8
    mov 56(%r12), %r9
    syscall
    cmp $ORDER_RECEIVE, %r15d
    je pager_received
    test %r15d, %r15d
    jnz pager_cloned
    cmp %r14, %rax
    jne pager_failed
pager_advance:
    add $64, %r12
    dec %r13d
    jmp pager_next
pager_done:
    xor %ebx, %ebx
    jmp pager_answer

pager_cloned:
    test %rax, %rax
    jg pager_advance
    js pager_failed
    cmp $ORDER_TASK, %r15d
    je task_start
    jmp stub_start

/* A message that could not be taken (the guest has altered the header) stays in the socket and would be read as one "go" too
 * many: from then on answers would be ahead of their orders, and frames free while they are mapped. */
pager_received:
    cmp %r14, %rax
    je pager_advance
    jmp pager_exit

pager_failed:                   /* whatever is not an errno below 255 is answered as 255 */
    neg %rax
    mov $255, %ebx
    cmp %rbx, %rax
    cmovb %rax, %rbx
    test %rbx, %rbx
    jnz 1f
    mov $255, %ebx
1:  mov $FD_FILE, %r14d         /* received files must not stay: the next ones must land at the same numbers */
2:  mov %r14d, %edi
    mov $__NR_close, %eax
    syscall
    inc %r14d
    cmp $(FD_FILE + MAX_BATCH_FILES), %r14d
    jb 2b
    jmp pager_answer

/* A new guest task, r14 = its context number. Until the stricter filter is on, it has the pager's
 * rights, and its siblings are hostile: registers and read-only pages only. */
task_start:
    lea (%r14,%r14,2), %rdi
    shl $3, %rdi
    movabs $STACKS_ADDR, %rax
    add %rax, %rdi
    xor %esi, %esi
    mov $__NR_sigaltstack, %eax
    syscall
    test %rax, %rax
    jnz task_exit
    xor %edi, %edi              /* away from the pager's processor, to those of guests */
    mov $128, %esi
    movabs $(MACHINE_ADDR + MACHINE_GUEST_CPUS), %rdx
    mov $__NR_sched_setaffinity, %eax
    syscall
    mov $59, %edi               /* PR_SET_SYSCALL_USER_DISPATCH, ON, our text, no selector */
    mov $1, %esi
    movabs $STUB_BASE, %rdx
    mov $STUB_TEXT_MAX, %r10d
    xor %r8d, %r8d
    mov $__NR_prctl, %eax
    syscall                     /* hosts without it: the filter alone does */
    mov $1, %edi                /* SECCOMP_SET_MODE_FILTER, SPEC_ALLOW */
    mov $4, %esi
    lea task_program(%rip), %rdx
    mov $__NR_seccomp, %eax
    syscall
    test %rax, %rax
    jnz task_exit
    mov $2, %edi                /* SIG_SETMASK to the empty set; only now can a handler run */
    lea stub_no_signals(%rip), %rsi
    xor %edx, %edx
    mov $8, %r10d
    mov $__NR_rt_sigprocmask, %eax
    syscall
    ud2                         /* makes the first frame */
task_exit:
    mov $1, %edi
    mov $__NR_exit, %eax
    syscall
    ud2

/* A new stub, rbx = offset of its order page. It was cloned by the pristine stub and nobody else is
 * in its address space. */
stub_start:
    mov $1, %edi                /* PR_SET_PDEATHSIG */
    mov $9, %esi
    xor %edx, %edx
    xor %r10d, %r10d
    xor %r8d, %r8d
    mov $__NR_prctl, %eax
    syscall
    mov $__NR_getppid, %eax
    syscall
    movabs $MACHINE_ADDR, %rcx
    cmp MACHINE_WARDEN_PID(%rcx), %eax
    jne pager_exit
    mov $FD_FILE, %edi
    xor %esi, %esi
    mov $__NR_dup2, %eax
    syscall
    mov $FD_FILE, %edi
    mov $__NR_close, %eax
    syscall
    movabs $ORDER_ADDR, %rdi
    mov $1, %edx                /* PROT_READ */
    mov %rbx, %r9
    mov $4096, %esi
    mov $0x11, %r10d            /* MAP_SHARED|MAP_FIXED */
    mov $FD_CONTROL, %r8d
    mov $__NR_mmap, %eax
    syscall
    cmp %rdi, %rax
    jne pager_exit
    movabs $SCRATCH_ADDR, %rdi
    mov $3, %edx
    lea 4096(%rbx), %r9
    mov $4096, %esi
    mov $0x11, %r10d
    mov $FD_CONTROL, %r8d
    mov $__NR_mmap, %eax
    syscall
    cmp %rdi, %rax
    jne pager_exit
    jmp pager_loop

stub_restorer:
    mov $__NR_rt_sigreturn, %eax
    syscall
    ud2

    .balign 64
stub_answers:
    .set i, 0
    .rept 256
    .byte i
    .set i, i + 1
    .endr
    .balign 8
stub_no_signals:
    .quad 0
stub_one:
    .quad 1
    .section .note.GNU-stack, "", @progbits
