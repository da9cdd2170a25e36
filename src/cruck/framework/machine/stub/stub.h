/* SPDX-License-Identifier: MPL-2.0 */
/* Names shared between the files of the stub program. */
#ifndef CRUCK_STUB_H
#define CRUCK_STUB_H
#include <stdint.h>
#include <linux/filter.h>

struct stub_siginfo {                 /* struct siginfo, as far as we look */
    int32_t signo, error, code, fill;
    uint64_t address;                 /* also si_call_addr */
    uint32_t syscall, arch;
};

#pragma GCC visibility push(hidden) /* no GOT: see stub.ld */
extern const uint64_t stub_one;
extern const char _end[];                /* of the text: stub.ld */
extern const struct sock_fprog stub_program, task_program;
void stub_restorer(void);
void stub_handler(int signo, const struct stub_siginfo *info, const void *ucontext);
void pager_enter(unsigned long start, unsigned long length) __attribute__((noreturn));
void warden_main(void) __attribute__((noreturn));
void pristine_main(void) __attribute__((noreturn));
#pragma GCC visibility pop
#endif
