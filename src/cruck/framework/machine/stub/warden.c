/* SPDX-License-Identifier: MPL-2.0 */
/* The warden: parent of all stubs. It reaps those that the kernel process names (until then a zombie keeps the
 * number from being given to somebody else, so that the kernel process may signal it), and ends all of them when
 * the kernel process is gone. */
#include <asm/unistd_64.h>
#include <linux/sched.h>
#include "abi.h"
#include "raw.h"
#include "stub.h"

struct poll { int fd; short events, revents; };

static int close_range_from(unsigned first)
{
    if (raw3(__NR_close_range, first, ~0u, 0) == 0)
        return 0;
    for (unsigned fd = first; fd < 65536; fd++)
        raw1(__NR_close, fd);
    return 0;
}

static void reset_host_state(void)
{
    static const uint64_t all = ~0ul;
    static const uint64_t no_core[2] = {0, 0};
    static const uint32_t version[2] = {0x20080522, 0}, no_capabilities[6] = {0};
    struct { void *handler; uint64_t flags; void *restorer; uint64_t mask; } action = {0, 0, 0, 0};
    raw4(__NR_rt_sigprocmask, 2, &all, 0, 8);
    for (int signo = 1; signo <= 64; signo++)
        raw4(__NR_rt_sigaction, signo, &action, 0, 8);
    raw0(__NR_setsid);                          /* a ^C at our terminal must not hit stubs */
    raw1(__NR_chdir, "/");                      /* do not keep the host program's directory busy */
    raw2(__NR_setrlimit, 4 /* RLIMIT_CORE */, no_core);
    raw5(__NR_prctl, 38 /* PR_SET_NO_NEW_PRIVS */, 1, 0, 0, 0);
    raw2(__NR_capset, version, no_capabilities);    /* root's: neither we nor stubs need any */
}

/* A fork that is at once an exec. (vfork semantics without two returns on one stack: the child only leaves.) */
static long start_pristine(void)
{
    static const char empty[] = "";
    const char *argv[2] = {"p", 0};
    const char *envp[1] = {0};
    long pid = raw5(__NR_clone, 17 /* SIGCHLD */, 0, 0, 0, 0);
    if (pid != 0)
        return pid;
    raw2(__NR_dup2, FD_PRISTINE_SOCKET, FD_SOCKET);
    raw1(__NR_close, FD_PRISTINE_SOCKET);
    raw1(__NR_close, FD_KERNEL);
    raw3(__NR_fcntl, FD_PROGRAM, 2 /* F_SETFD */, 1);
    raw5(__NR_execveat, FD_PROGRAM, empty, argv, envp, 0x1000 /* AT_EMPTY_PATH */);
    raw1(__NR_exit_group, 1);
    __builtin_unreachable();
}

/* Orderly end: the kernel process has killed all stubs; wait for them. If one is left after two seconds, or the
 * kernel process died, everything in our process group goes, we included. */
static void leave(int orderly)
{
    long pause_ns[2] = {0, 30000};
    for (long waited_ns = 0; orderly && waited_ns < 2000000000; waited_ns += pause_ns[1]) {
        long pid = raw4(__NR_wait4, -1, 0, 0x40000001 /* __WALL|WNOHANG */, 0);
        if (pid < 0)
            raw1(__NR_exit_group, 0);
        if (pid == 0 && raw2(__NR_nanosleep, pause_ns, 0) == 0 && pause_ns[1] < 1000000)
            pause_ns[1] *= 2;
    }
    raw2(__NR_kill, 0, 9);
    raw1(__NR_exit_group, 1);
}

void warden_main(void)
{
    struct poll polls[2] = {{FD_SOCKET, 1, 0}, {FD_KERNEL, 1, 0}};
    reset_host_state();
    close_range_from(FD_PROGRAM + 1);
    if (start_pristine() < 0)
        raw1(__NR_exit_group, 1);
    raw1(__NR_close, FD_PRISTINE_SOCKET);
    raw1(__NR_close, FD_PROGRAM);
    raw1(__NR_close, FD_RAM);
    raw1(__NR_close, FD_CONTROL);
    raw1(__NR_close, FD_DOORBELL);
    for (;;) {
        int pid = 0;
        if (raw5(__NR_ppoll, polls, 2, 0, 0, 8) < 0)
            continue;
        if (polls[1].revents & 1)
            leave(0);
        if (!polls[0].revents)
            continue;
        long size = raw6(__NR_recvfrom, FD_SOCKET, (long)&pid, 4, 0, 0, 0);
        if (size == 4 && pid > 0)
            raw4(__NR_wait4, pid, 0, 0x40000000, 0);
        else if (size == 0)
            leave(1);
    }
}
