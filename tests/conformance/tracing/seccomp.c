/* SPDX-License-Identifier: MPL-2.0 */
/* seccomp: strict mode, what each answer of a filter does, inheritance, refusals, filters together with a tracer. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAY(what, call) \
	do { \
		long result_; \
		errno = 0; \
		result_ = (long)(call); \
		printf("%s: %ld %s\n", what, result_, errno ? strerrorname_np(errno) : "ok"); \
	} while (0)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_NR(nr, answer) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, answer)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static long install(unsigned flags, const struct sock_filter *filter, unsigned short length)
{
	struct sock_fprog program = { length, (struct sock_filter *)filter };
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}
#define INSTALL(flags, ...) ({ static const struct sock_filter f_[] = { __VA_ARGS__ }; install(flags, f_, sizeof f_ / sizeof *f_); })

/* Runs `body` in a child and tells how it ended. */
static void in_child(const char *what, void (*body)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		body();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status))
		printf("%s: exited with %d\n", what, WEXITSTATUS(status));
	else
		printf("%s: killed by %d\n", what, WTERMSIG(status));
}

static void show_status(void)
{
	char line[256];
	FILE *file = fopen("/proc/self/status", "r");
	while (fgets(line, sizeof line, file))
		if (!strncmp(line, "Seccomp", 7) || !strncmp(line, "NoNewPrivs", 10))
			printf("%s", line);
	fclose(file);
}

static void strict(void)
{
	SAY("mode before", prctl(PR_GET_SECCOMP));
	SAY("strict", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL));
	write(1, "write still works\n", 18);
	syscall(SYS_exit, 3);
}

static void strict_violated(void)
{
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	getpid();
	write(1, "not reached\n", 12);
}

static void errno_filter(void)
{
	SAY("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SAY("install", INSTALL(0, LOAD(nr), IF_NR(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV), IF_NR(SYS_getuid, SECCOMP_RET_ERRNO | 0),
			       IF_NR(SYS_getgid, SECCOMP_RET_ERRNO | 0xffff), ALLOW));
	SAY("getppid", syscall(SYS_getppid));
	SAY("getuid", syscall(SYS_getuid));
	printf("getgid: %ld\n", syscall(SYS_getgid) == -1 ? -errno : 0L);
	SAY("mode", prctl(PR_GET_SECCOMP));
	SAY("strict now", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	show_status();
	/* A second filter: the more severe answer counts, of equal ones the newer filter's. */
	SAY("second", INSTALL(0, LOAD(nr), IF_NR(SYS_getppid, SECCOMP_RET_ERRNO | EISDIR), ALLOW));
	SAY("getppid", syscall(SYS_getppid));
	SAY("third", INSTALL(0, LOAD(nr), IF_NR(SYS_getppid, SECCOMP_RET_LOG), ALLOW));
	SAY("getppid", syscall(SYS_getppid));
	show_status();
	pid_t pid = fork();
	if (pid == 0) {
		SAY("in the child", syscall(SYS_getppid));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void by_argument(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	SAY("install", INSTALL(0, LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
			       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_dup, 0, 7),
			       LOAD(args[0]), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LDX | BPF_MEM, 3),
			       BPF_STMT(BPF_LD | BPF_IMM, 77), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMSG),
			       ALLOW));
	SAY("dup 77", syscall(SYS_dup, 77));
	SAY("dup 78", syscall(SYS_dup, 78));
	SAY("dup 333", syscall(SYS_dup, 77 + 256));
	/* Arithmetic: the answer is computed. */
	SAY("compute", INSTALL(0, LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0), ALLOW, BPF_STMT(BPF_LD | BPF_IMM, 7),
			       BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 9),
			       BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 2), BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1),
			       BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 0x30), BPF_STMT(BPF_ALU | BPF_NEG, 0), BPF_STMT(BPF_ALU | BPF_NEG, 0),
			       BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO), BPF_STMT(BPF_RET | BPF_A, 0)));
	printf("computed errno %d\n", syscall(SYS_getppid) == -1 ? errno : 0);
	/* Dividing by an X of 0 ends the program with 0: kill. */
	SAY("by zero", INSTALL(0, LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getgid, 1, 0), ALLOW, BPF_STMT(BPF_LDX | BPF_IMM, 0),
			       BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), ALLOW));
	syscall(SYS_getgid);
	write(1, "not reached\n", 12);
}

static void refused(void)
{
	static const struct sock_filter no_return[] = { LOAD(nr) }, bad_load[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), ALLOW },
		far_load[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), ALLOW }, byte_load[] = { BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), ALLOW },
		far_jump[] = { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), ALLOW }, by_zero[] = { BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ALLOW },
		far_memory[] = { BPF_STMT(BPF_ST, 16), ALLOW }, unset_memory[] = { BPF_STMT(BPF_LD | BPF_MEM, 0), ALLOW },
		modulo[] = { BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), ALLOW }, good[] = { ALLOW };
	unsigned action = SECCOMP_RET_ERRNO, unknown = 0x12340000;
	struct sock_fprog nowhere = { 1, (struct sock_filter *)8 };
#define REFUSED(name) SAY(#name, install(0, name, sizeof name / sizeof *name))
	REFUSED(no_return);
	REFUSED(bad_load);
	REFUSED(far_load);
	REFUSED(byte_load);
	REFUSED(far_jump);
	REFUSED(by_zero);
	REFUSED(far_memory);
	REFUSED(unset_memory);
	REFUSED(modulo);
	SAY("empty", install(0, good, 0));
	SAY("too long", install(0, good, 4097));
	SAY("unknown flags", install(0x8000, good, 1));
	SAY("program nowhere", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &nowhere));
	SAY("struct nowhere", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 8L));
	SAY("strict with flags", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
	SAY("unknown operation", syscall(SYS_seccomp, 99, 0, NULL));
	SAY("errno is available", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	SAY("unknown action", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &unknown));
	SAY("action from nowhere", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, 8L));
	SAY("action with flags", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action));
	SAY("prctl: unknown mode", prctl(PR_SET_SECCOMP, 7));
	SAY("nothing is installed", prctl(PR_GET_SECCOMP));
	setgid(1234);
	setuid(1234);
	SAY("without privilege", install(0, good, 1));
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	SAY("with no_new_privs", install(0, good, 1));
	/* The sum of all programs is bounded. */
	static struct sock_filter longest[4096];
	for (int i = 0; i < 4096; i++)
		longest[i] = (struct sock_filter)ALLOW;
	int count = 0;
	while (install(0, longest, 4096) == 0)
		count++;
	printf("some of the longest: %d, then %s\n", count > 1, strerrorname_np(errno));
}

static void kill_process(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	INSTALL(0, LOAD(nr), IF_NR(SYS_getppid, SECCOMP_RET_KILL_PROCESS), ALLOW);
	signal(SIGSYS, SIG_IGN);
	syscall(SYS_getppid);
	write(1, "not reached\n", 12);
}

static void *call_getppid(void *unused)
{
	syscall(SYS_getppid);
	write(1, "not reached\n", 12);
	return unused;
}

static void kill_thread(void)
{
	pthread_t thread;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	INSTALL(0, LOAD(nr), IF_NR(SYS_getppid, SECCOMP_RET_KILL_THREAD), ALLOW);
	pthread_create(&thread, NULL, call_getppid, NULL);
	pthread_join(thread, NULL);
	write(1, "the thread is dead\n", 19);
	syscall(SYS_getppid);
}

static void unknown_answer(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	INSTALL(0, LOAD(nr), IF_NR(SYS_getppid, 0x00700000), ALLOW);
	syscall(SYS_getppid);
	write(1, "not reached\n", 12);
}

static volatile long trap_rax;

static void on_sigsys(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	printf("SIGSYS code %d errno %d nr %d arch %#x rax is the number %d, address is rip %d\n", info->si_code, info->si_errno, info->si_syscall,
	       info->si_arch, uc->uc_mcontext.gregs[REG_RAX] == SYS_getppid, info->si_call_addr == (void *)uc->uc_mcontext.gregs[REG_RIP]);
	uc->uc_mcontext.gregs[REG_RAX] = 4321;
}

static void trap(void)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
	sigaction(SIGSYS, &action, NULL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	INSTALL(0, LOAD(nr), IF_NR(SYS_getppid, SECCOMP_RET_TRAP | 99), ALLOW);
	SAY("trapped", syscall(SYS_getppid));
	signal(SIGSYS, SIG_IGN);
	syscall(SYS_getppid);
	write(1, "not reached\n", 12);
}

static void through_exec(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	INSTALL(0, LOAD(nr), IF_NR(SYS_chdir, SECCOMP_RET_ERRNO | EACCES), ALLOW);
	execl("/bin/sh", "sh", "-c", "cd / 2>/dev/null && echo yes || echo no", NULL);
}

static volatile int go;

static void *other_thread(void *is_filtered)
{
	if (is_filtered)
		INSTALL(0, ALLOW);
	go = 1;
	while (go < 2)
		usleep(1000);
	SAY("in the other thread", syscall(SYS_getppid) > 0);
	show_status();
	return NULL;
}

static void tsync(void)
{
	pthread_t thread;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	pthread_create(&thread, NULL, other_thread, NULL);
	while (!go)
		usleep(1000);
	SAY("TSYNC", INSTALL(SECCOMP_FILTER_FLAG_TSYNC, LOAD(nr), IF_NR(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV), ALLOW));
	go = 2;
	pthread_join(thread, NULL);
}

static void tsync_refused(void)
{
	pthread_t thread;
	go = 0;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	pthread_create(&thread, NULL, other_thread, &go);
	while (!go)
		usleep(1000);
	printf("TSYNC with a thread that has its own: %s\n", INSTALL(SECCOMP_FILTER_FLAG_TSYNC, ALLOW) > 0 ? "its id" : "?");
	SAY("with TSYNC_ESRCH", INSTALL(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, ALLOW));
	go = 2;
	pthread_join(thread, NULL);
}

static void untraced(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	INSTALL(0, LOAD(nr), IF_NR(SYS_getppid, SECCOMP_RET_TRACE | 5), ALLOW);
	SAY("TRACE without a tracer", syscall(SYS_getppid));
}

static void show(const char *what, pid_t pid)
{
	int status = 0;
	waitpid(pid, &status, __WALL);
	if (WIFSTOPPED(status))
		printf("%s: stopped by %d event %d\n", what, WSTOPSIG(status), status >> 16);
	else
		printf("%s: status %#x\n", what, status);
}

static void traced(void)
{
	struct user_regs_struct regs;
	struct __ptrace_syscall_info info;
	unsigned long message = 0;
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		INSTALL(0, LOAD(nr), IF_NR(SYS_getppid, SECCOMP_RET_TRACE | 5), IF_NR(SYS_getgid, SECCOMP_RET_ERRNO | EXDEV), ALLOW);
		SAY("first", syscall(SYS_getppid));
		SAY("second", syscall(SYS_getppid));
		SAY("third", syscall(SYS_getppid) > 0);
		_exit(0);
	}
	show("start", pid);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD);
	ptrace(PTRACE_CONT, pid, 0, 0);
	show("first", pid);
	ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
	memset(&info, 0, sizeof info);
	long size = ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
	printf("message %lu, info size %ld op %d nr %llu data %u\n", message, size, info.op, (unsigned long long)info.seccomp.nr, info.seccomp.ret_data);
	ptrace(PTRACE_GETREGS, pid, 0, &regs);
	regs.orig_rax = -1;
	regs.rax = 88;
	ptrace(PTRACE_SETREGS, pid, 0, &regs);          /* skipped */
	ptrace(PTRACE_CONT, pid, 0, 0);
	show("second", pid);
	ptrace(PTRACE_GETREGS, pid, 0, &regs);
	regs.orig_rax = SYS_getgid;                     /* which the filter refuses */
	ptrace(PTRACE_SETREGS, pid, 0, &regs);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	show("second's exit", pid);
	ptrace(PTRACE_CONT, pid, 0, 0);
	show("third", pid);
	ptrace(PTRACE_CONT, pid, 0, 0);
	show("end", pid);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_child("strict", strict);
	in_child("strict violated", strict_violated);
	in_child("errno", errno_filter);
	in_child("arguments", by_argument);
	in_child("refused", refused);
	in_child("kill process", kill_process);
	in_child("kill thread", kill_thread);
	in_child("unknown answer", unknown_answer);
	in_child("trap", trap);
	in_child("exec", through_exec);
	in_child("tsync", tsync);
	in_child("tsync refused", tsync_refused);
	in_child("untraced", untraced);
	traced();
	return 0;
}
