/* SPDX-License-Identifier: MPL-2.0 */
/* ptrace, seccomp, process_vm_readv: what is refused by arguments, rights and the state of the other process. */
#include "../expect.h"
#include <elf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#define NOBODYS_PID 4000000
#define BE_ONLY_NOBODY() MUST(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0)

static long word = 0x1234567;

static void tracing(void)
{
	long value, mask[2];
	siginfo_t info;
	struct user_regs_struct registers;
	struct iovec vector = { &registers, sizeof registers }, crooked = { &registers, 7 }, bad_vector = { BAD, sizeof registers };
	struct { unsigned long offset; unsigned flags; int count; } peek = { 0, 0, 1 }, bad_flags = { 0, 8, 1 }, bad_count = { 0, 0, -1 };
	pid_t child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		EXPECT_ERRNO(ptrace, EPERM, PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	int status;
	MUST(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	EXPECT_ERRNO(ptrace, ESRCH, PTRACE_ATTACH, NOBODYS_PID, 0, 0);
	EXPECT_ERRNO(ptrace, EPERM, PTRACE_ATTACH, getpid(), 0, 0);
	EXPECT_ERRNO(ptrace, EPERM, PTRACE_ATTACH, child, 0, 0);
	EXPECT_ERRNO(ptrace, EIO, PTRACE_SEIZE, child, 1, 0);
	EXPECT_ERRNO(ptrace, EIO, PTRACE_SEIZE, child, 0, 1UL << 40);
	EXPECT_ERRNO(ptrace, ESRCH, PTRACE_CONT, getpid(), 0, 0);
	EXPECT_ERRNO(ptrace, ESRCH, PTRACE_CONT, NOBODYS_PID, 0, 0);
	EXPECT_ERRNO(ptrace, EIO, 0x7777, child, 0, 0);
	EXPECT_ERRNO(ptrace, EIO, PTRACE_CONT, child, 0, 65);
	EXPECT_ERRNO(ptrace, EIO, PTRACE_DETACH, child, 0, 65);
	EXPECT_ERRNO(ptrace, EIO, PTRACE_INTERRUPT, child, 0, 0);
	EXPECT_ERRNO(ptrace, EIO, PTRACE_LISTEN, child, 0, 0);
	EXPECT_ERRNO(ptrace, EIO, PTRACE_PEEKDATA, child, BAD, &value);
	EXPECT_ERRNO(ptrace, EFAULT, PTRACE_PEEKDATA, child, &word, BAD);
	EXPECT_ERRNO(ptrace, EIO, PTRACE_POKEDATA, child, BAD, 0);
	EXPECT_ERRNO(ptrace, EIO, PTRACE_PEEKUSER, child, 1, &value);
	EXPECT_ERRNO(ptrace, EIO, PTRACE_PEEKUSER, child, 1 << 20, &value);
	EXPECT_ERRNO(ptrace, EIO, PTRACE_POKEUSER, child, 1 << 20, 0);
	EXPECT_ERRNO(ptrace, EFAULT, PTRACE_PEEKUSER, child, 0, BAD);
	EXPECT_ERRNO(ptrace, EFAULT, PTRACE_GETREGS, child, 0, BAD);
	EXPECT_ERRNO(ptrace, EFAULT, PTRACE_SETREGS, child, 0, BAD);
	EXPECT_ERRNO(ptrace, EINVAL, PTRACE_SETOPTIONS, child, 0, 1UL << 40);
	EXPECT_ERRNO(ptrace, EFAULT, PTRACE_GETEVENTMSG, child, 0, BAD);
	EXPECT_ERRNO(ptrace, EINVAL, PTRACE_GETREGSET, child, 0x7777, &vector);
	EXPECT_ERRNO(ptrace, EINVAL, PTRACE_GETREGSET, child, NT_PRSTATUS, &crooked);
	EXPECT_ERRNO(ptrace, EFAULT, PTRACE_GETREGSET, child, NT_PRSTATUS, BAD);
	EXPECT_ERRNO(ptrace, EFAULT, PTRACE_GETREGSET, child, NT_PRSTATUS, &bad_vector);
	EXPECT_ERRNO(ptrace, EFAULT, PTRACE_GETSIGINFO, child, 0, BAD);
	EXPECT_ERRNO(ptrace, EFAULT, PTRACE_SETSIGINFO, child, 0, BAD);
	EXPECT_ERRNO(ptrace, EINVAL, PTRACE_GETSIGMASK, child, 4, mask);
	EXPECT_ERRNO(ptrace, EFAULT, PTRACE_GETSIGMASK, child, 8, BAD);
	EXPECT_ERRNO(ptrace, EINVAL, PTRACE_PEEKSIGINFO, child, &bad_flags, &info);
	EXPECT_ERRNO(ptrace, EINVAL, PTRACE_PEEKSIGINFO, child, &bad_count, &info);
	EXPECT_ERRNO(ptrace, EFAULT, PTRACE_PEEKSIGINFO, child, BAD, &info);
	EXPECT_IS(0, ptrace, PTRACE_PEEKSIGINFO, child, &peek, &info);
	EXPECT_OK(ptrace, PTRACE_PEEKDATA, child, &word, &value);
	EXPECT(value == word);
	IN_CHILD(EXPECT_ERRNO(ptrace, ESRCH, PTRACE_CONT, child, 0, 0));
	EXPECT_OK(ptrace, PTRACE_CONT, child, 0, 0);
	EXPECT_ERRNO(ptrace, ESRCH, PTRACE_GETREGS, child, 0, &registers);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(ptrace, EPERM, PTRACE_ATTACH, child, 0, 0); EXPECT_ERRNO(ptrace, EPERM, PTRACE_ATTACH, 1, 0, 0));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void copying(void)
{
	char here[8] = "here", there[8];
	struct iovec local = { there, 8 }, remote = { here, 8 }, bad = { BAD, 8 }, negative = { here, -1 };
	EXPECT_ERRNO(process_vm_readv, EINVAL, getpid(), &local, 1, &remote, 1, 1);
	EXPECT_ERRNO(process_vm_readv, EINVAL, getpid(), &local, 1025, &remote, 1, 0);
	EXPECT_ERRNO(process_vm_readv, EINVAL, getpid(), &local, 1, &remote, 1025, 0);
	EXPECT_ERRNO(process_vm_readv, EINVAL, getpid(), &negative, 1, &remote, 1, 0);
	EXPECT_ERRNO(process_vm_readv, EINVAL, getpid(), &local, 1, &negative, 1, 0);
	EXPECT_ERRNO(process_vm_readv, EFAULT, getpid(), BAD, 1, &remote, 1, 0);
	EXPECT_ERRNO(process_vm_readv, EFAULT, getpid(), &local, 1, BAD, 1, 0);
	EXPECT_ERRNO(process_vm_readv, EFAULT, getpid(), &local, 1, &bad, 1, 0);
	EXPECT_ERRNO(process_vm_readv, EFAULT, getpid(), &bad, 1, &remote, 1, 0);
	EXPECT_ERRNO(process_vm_readv, ESRCH, NOBODYS_PID, &local, 1, &remote, 1, 0);
	EXPECT_IS(8, process_vm_readv, getpid(), &local, 1, &remote, 1, 0);
	EXPECT_ERRNO(process_vm_writev, EINVAL, getpid(), &local, 1, &remote, 1, 1);
	EXPECT_ERRNO(process_vm_writev, EINVAL, getpid(), &local, 1025, &remote, 1, 0);
	EXPECT_ERRNO(process_vm_writev, EFAULT, getpid(), &local, 1, &bad, 1, 0);
	EXPECT_ERRNO(process_vm_writev, EFAULT, getpid(), &bad, 1, &remote, 1, 0);
	EXPECT_ERRNO(process_vm_writev, ESRCH, NOBODYS_PID, &local, 1, &remote, 1, 0);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(process_vm_readv, EPERM, getppid(), &local, 1, &remote, 1, 0);
		 EXPECT_ERRNO(process_vm_writev, EPERM, getppid(), &local, 1, &remote, 1, 0));
}

static void *filter_of_its_own(void *barrier)
{
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog program = { 1, &allow };
	MUST(CALL(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return NULL;
}

static void filters(void)
{
	static struct sock_filter many[4096];
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW }, nonsense = { 0xffff, 0, 0, 0 }, falls_off = { BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 };
	struct sock_fprog program = { 1, &allow }, bad_code = { 1, &nonsense }, no_end = { 1, &falls_off }, empty = { 0, &allow };
	struct sock_fprog nowhere = { 1, BAD }, big = { 4096, many };
	unsigned action = SECCOMP_RET_ALLOW, unknown = 0x12340000;
	for (int i = 0; i < 4096; i++)
		many[i] = (struct sock_filter){ BPF_LD | BPF_W | BPF_IMM, 0, 0, 0 };
	many[4095] = allow;
	EXPECT_ERRNO(seccomp, EINVAL, 99, 0, NULL);
	EXPECT_ERRNO(seccomp, EINVAL, SECCOMP_SET_MODE_STRICT, 1, NULL);
	EXPECT_ERRNO(seccomp, EINVAL, SECCOMP_SET_MODE_STRICT, 0, &program);
	EXPECT_ERRNO(seccomp, EINVAL, SECCOMP_SET_MODE_FILTER, 1 << 20, &program);
	EXPECT_ERRNO(seccomp, EINVAL, SECCOMP_SET_MODE_FILTER, 0, &empty);
	EXPECT_ERRNO(seccomp, EINVAL, SECCOMP_SET_MODE_FILTER, 0, &bad_code);
	EXPECT_ERRNO(seccomp, EINVAL, SECCOMP_SET_MODE_FILTER, 0, &no_end);
	EXPECT_ERRNO(seccomp, EFAULT, SECCOMP_SET_MODE_FILTER, 0, BAD);
	EXPECT_ERRNO(seccomp, EFAULT, SECCOMP_SET_MODE_FILTER, 0, &nowhere);
	EXPECT_ERRNO(seccomp, EINVAL, SECCOMP_GET_ACTION_AVAIL, 1, &action);
	EXPECT_ERRNO(seccomp, EFAULT, SECCOMP_GET_ACTION_AVAIL, 0, BAD);
	EXPECT_ERRNO(seccomp, EOPNOTSUPP, SECCOMP_GET_ACTION_AVAIL, 0, &unknown);
	EXPECT_OK(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(seccomp, EACCES, SECCOMP_SET_MODE_FILTER, 0, &program); MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		 EXPECT_OK(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
		 EXPECT_ERRNO(seccomp, EINVAL, SECCOMP_SET_MODE_STRICT, 0, NULL));
	IN_CHILD(for (int i = 0; i < 7; i++) MUST(CALL(seccomp, SECCOMP_SET_MODE_FILTER, 0, &big) == 0);
		 EXPECT_ERRNO(seccomp, ENOMEM, SECCOMP_SET_MODE_FILTER, 0, &big));
	IN_CHILD(pthread_t thread; pthread_barrier_t barrier; pthread_barrier_init(&barrier, NULL, 2);
		 pthread_create(&thread, NULL, filter_of_its_own, &barrier); pthread_barrier_wait(&barrier);
		 EXPECT_ERRNO(seccomp, ESRCH, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, &program);
		 EXPECT(CALL(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) > 0); pthread_barrier_wait(&barrier);
		 pthread_join(thread, NULL));
}

int main(void)
{
	tracing();
	copying();
	filters();
	return 0;
}
