/* SPDX-License-Identifier: MPL-2.0 */
/* ptrace-stops: at calls, signals, steps and events, and what the tracer can change there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACE(request, pid, addr, data) ptrace((enum __ptrace_request)(request), pid, (void *)(intptr_t)(addr), (void *)(intptr_t)(data))
#define SAY(what, call) \
	do { \
		long result_; \
		errno = 0; \
		result_ = (long)(call); \
		printf("%s: %ld %s\n", what, result_, errno ? strerrorname_np(errno) : "ok"); \
	} while (0)

static volatile int word = 0x1234;
static volatile int handled;

static void on_signal(int signo) { handled = signo; }

static void show(const char *what, pid_t pid)
{
	int status = 0;
	pid_t got = waitpid(pid, &status, __WALL);
	if (got != pid)
		printf("%s: wait failed %s\n", what, strerrorname_np(errno));
	else if (WIFSTOPPED(status))
		printf("%s: stopped by %d event %d\n", what, WSTOPSIG(status), status >> 16);
	else if (WIFEXITED(status))
		printf("%s: exited with %d\n", what, WEXITSTATUS(status));
	else
		printf("%s: killed by %d\n", what, WTERMSIG(status));
}

static void show_info(const char *what, pid_t pid)
{
	siginfo_t info;
	memset(&info, 0, sizeof info);
	errno = 0;
	long result = TRACE(PTRACE_GETSIGINFO, pid, 0, &info);
	printf("%s: %ld %s signo %d code %#x from %s\n", what, result, errno ? strerrorname_np(errno) : "ok", info.si_signo, info.si_code,
	       info.si_pid == pid ? "itself" : info.si_pid == getpid() ? "tracer" : info.si_pid == 0 ? "kernel" : "other");
}

static void show_call(const char *what, pid_t pid)
{
	struct __ptrace_syscall_info info;
	memset(&info, 0, sizeof info);
	long size = TRACE(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
	printf("%s: size %ld op %d", what, size, info.op);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		printf(" nr %llu", info.entry.nr);
	if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		printf(" result %lld error %d", info.exit.rval < 0 ? info.exit.rval : 0, info.exit.is_error);
	printf(" arch %#x\n", info.arch);
}

/* A child that is traced and stopped at its SIGSTOP. */
static pid_t start(int (*body)(void))
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		TRACE(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(body());
	}
	return pid;
}

static int calls(void)
{
	long result = syscall(SYS_getppid);
	if (result != 4711)
		return 1;
	errno = 0;
	if (syscall(SYS_close, 12345) != -1 || errno != EXDEV)
		return 2;
	if (syscall(SYS_getuid) != 77)
		return 3;
	return word == 0x5678 ? 0 : 4;
}

static void change_calls(void)
{
	struct user_regs_struct regs;
	pid_t pid = start(calls);
	show("start", pid);
	show_info("start", pid);
	SAY("options", TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
	SAY("unknown options", TRACE(PTRACE_SETOPTIONS, pid, 0, 0x400));
	SAY("poke", TRACE(PTRACE_POKEDATA, pid, &word, 0x5678));
	SAY("peek", TRACE(PTRACE_PEEKDATA, pid, &word, 0) & 0xffffffff);
	SAY("peek nowhere", TRACE(PTRACE_PEEKDATA, pid, 8, 0));
	SAY("poke nowhere", TRACE(PTRACE_POKEDATA, pid, 8, 0));
	SAY("step out of raise", TRACE(PTRACE_SYSCALL, pid, 0, 0));
	for (int i = 0; i < 60; i++) {
		int status;
		waitpid(pid, &status, __WALL);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			printf("unexpected %#x\n", status);
			return;
		}
		TRACE(PTRACE_GETREGS, pid, 0, &regs);
		if (regs.orig_rax == SYS_getppid)
			break;
		TRACE(PTRACE_SYSCALL, pid, 0, 0);
	}
	printf("at getppid: rax %lld cs %llx ss %llx\n", (long long)regs.rax, regs.cs, regs.ss);
	show_info("entry", pid);
	show_call("entry", pid);
	unsigned long message = 9;
	TRACE(PTRACE_GETEVENTMSG, pid, 0, &message);
	printf("entry message %lu\n", message);
	TRACE(PTRACE_SYSCALL, pid, 0, 0);
	show("exit", pid);
	show_call("exit", pid);
	TRACE(PTRACE_GETREGS, pid, 0, &regs);
	printf("at exit: it is the tracer's pid %d\n", regs.rax == (unsigned long long)getpid());
	regs.rax = 4711;
	SAY("change the result", TRACE(PTRACE_SETREGS, pid, 0, &regs));
	TRACE(PTRACE_SYSCALL, pid, 0, 0);
	show("close entry", pid);
	show_call("close", pid);
	SAY("user area: number", TRACE(PTRACE_PEEKUSER, pid, 8 * 15, 0));
	SAY("skip the call", TRACE(PTRACE_POKEUSER, pid, 8 * 15, -1));
	TRACE(PTRACE_SYSCALL, pid, 0, 0);
	show("close exit", pid);
	show_call("skipped", pid);
	SAY("its result", TRACE(PTRACE_POKEUSER, pid, 8 * 10, -EXDEV));
	TRACE(PTRACE_SYSCALL, pid, 0, 0);
	show("getuid entry", pid);
	SAY("another call", TRACE(PTRACE_POKEUSER, pid, 8 * 15, SYS_dup2));
	SAY("user area: odd", TRACE(PTRACE_PEEKUSER, pid, 3, 0));
	SAY("user area: beyond", TRACE(PTRACE_PEEKUSER, pid, 100000, 0));
	SAY("debug register", TRACE(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[1]), 0));
	struct iovec vector = { &regs, sizeof regs };
	SAY("register set", TRACE(PTRACE_GETREGSET, pid, 1, &vector));
	printf("its length %zu\n", vector.iov_len);
	regs.rdi = 1;
	regs.rsi = 77;
	vector.iov_len = sizeof regs;
	SAY("set the register set", TRACE(PTRACE_SETREGSET, pid, 1, &vector));
	vector.iov_len = 16;
	SAY("a part of it", TRACE(PTRACE_GETREGSET, pid, 1, &vector));
	printf("its length %zu\n", vector.iov_len);
	vector.iov_len = 15;
	SAY("half a word", TRACE(PTRACE_GETREGSET, pid, 1, &vector));
	vector.iov_len = 16;
	SAY("no such set", TRACE(PTRACE_GETREGSET, pid, 0x7777, &vector));
	SAY("from nowhere", TRACE(PTRACE_GETREGSET, pid, 1, 8));
	struct user_fpregs_struct fp;
	SAY("fp registers", TRACE(PTRACE_GETFPREGS, pid, 0, &fp));
	printf("control word %#x mxcsr %#x\n", fp.cwd, fp.mxcsr);
	SAY("put them back", TRACE(PTRACE_SETFPREGS, pid, 0, &fp));
	TRACE(PTRACE_SYSCALL, pid, 0, 0);
	show("dup2 exit", pid);
	SAY("dup2 gave", TRACE(PTRACE_PEEKUSER, pid, 8 * 10, 0));
	SAY("go on with a bad signal", TRACE(PTRACE_CONT, pid, 0, 65));
	SAY("go on", TRACE(PTRACE_CONT, pid, 0, 0));
	show("end", pid);
	SAY("it is gone", TRACE(PTRACE_CONT, pid, 0, 0));
}

static int signals(void)
{
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	signal(SIGALRM, SIG_IGN);
	raise(SIGUSR1);
	if (handled)
		return 1;
	raise(SIGUSR1);
	if (handled != SIGUSR2)
		return 2;
	raise(SIGALRM);
	raise(SIGTERM);
	return 3;
}

static void change_signals(void)
{
	siginfo_t info;
	pid_t pid = start(signals);
	show("signals", pid);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("first", pid);
	show_info("first", pid);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("second", pid);
	TRACE(PTRACE_CONT, pid, 0, SIGUSR2);
	show("an ignored one", pid);
	TRACE(PTRACE_CONT, pid, 0, SIGALRM);
	show("third", pid);
	TRACE(PTRACE_GETSIGINFO, pid, 0, &info);
	info.si_signo = SIGKILL;
	SAY("set the info", TRACE(PTRACE_SETSIGINFO, pid, 0, &info));
	SAY("info from nowhere", TRACE(PTRACE_SETSIGINFO, pid, 0, 8));
	unsigned long mask = 1;
	SAY("mask", TRACE(PTRACE_GETSIGMASK, pid, 8, &mask));
	SAY("mask of another size", TRACE(PTRACE_GETSIGMASK, pid, 4, &mask));
	printf("mask %lx\n", mask);
	TRACE(PTRACE_CONT, pid, 0, SIGTERM);
	show("dead", pid);
}

static int nothing(void) { return 5; }

static int births(void)
{
	int status;
	pid_t child = fork();
	if (child == 0)
		_exit(11);
	waitpid(child, &status, 0);
	child = vfork();
	if (child == 0)
		_exit(12);
	waitpid(child, &status, 0);
	return 13;
}

static void watch_births(void)
{
	unsigned long message;
	int status;
	pid_t pid = start(births), child;
	show("births", pid);
	TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("fork", pid);
	show_info("fork", pid);
	TRACE(PTRACE_GETEVENTMSG, pid, 0, &message);
	child = (pid_t)message;
	show("new child", child);
	SAY("kill 0 of it", kill(child, 0));
	TRACE(PTRACE_CONT, child, 0, 0);
	show("child exits", child);
	TRACE(PTRACE_GETEVENTMSG, child, 0, &message);
	printf("with %#lx\n", message);
	TRACE(PTRACE_CONT, child, 0, 0);
	show("child is gone", child);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("the parent's SIGCHLD", pid);
	TRACE(PTRACE_CONT, pid, 0, SIGCHLD);
	show("vfork", pid);
	TRACE(PTRACE_GETEVENTMSG, pid, 0, &message);
	child = (pid_t)message;
	show("vfork child", child);
	TRACE(PTRACE_CONT, child, 0, 0);
	show("vfork child exits", child);
	TRACE(PTRACE_DETACH, child, 0, 0);
	TRACE(PTRACE_CONT, pid, 0, 0);
	for (int i = 0; i < 4; i++) {           /* VFORK_DONE and SIGCHLD come in either order */
		waitpid(pid, &status, __WALL);
		if (status >> 16 == PTRACE_EVENT_EXIT)
			break;
		TRACE(PTRACE_CONT, pid, 0, status >> 16 ? 0 : WSTOPSIG(status));
	}
	printf("exit event %#x\n", status);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("the end", pid);
}

static int other_program(void)
{
	execl("/bin/sh", "sh", "-c", "exit 21", NULL);
	return 1;
}

static void watch_exec(void)
{
	unsigned long message = 0;
	pid_t pid = start(other_program);
	show("exec", pid);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("exec's SIGTRAP", pid);
	show_info("exec's SIGTRAP", pid);
	SAY("kill", kill(pid, SIGKILL));
	show("killed in a stop", pid);
	pid = start(other_program);
	show("exec", pid);
	TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("exec event", pid);
	TRACE(PTRACE_GETEVENTMSG, pid, 0, &message);
	printf("old tid is pid: %d\n", message == (unsigned long)pid);
	TRACE(PTRACE_SYSCALL, pid, 0, 0);
	show("exec's exit", pid);
	show_call("exec's exit", pid);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("exec's end", pid);
}

static int steps(void)
{
	__asm__ volatile("int3\n\tnop\n\tnop\n\tmov $39, %%eax\n\tsyscall\n\tnop\n\tint3" : : : "rax", "rcx", "r11", "memory");
	return 9;
}

static void step(void)
{
	struct user_regs_struct regs;
	unsigned long long last;
	siginfo_t info;
	pid_t pid = start(steps);
	show("steps", pid);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("int3", pid);
	show_info("int3", pid);
	TRACE(PTRACE_GETREGS, pid, 0, &regs);
	last = regs.rip;
	for (int i = 0; i < 5; i++) {
		TRACE(PTRACE_SINGLESTEP, pid, 0, 0);
		show("step", pid);
		TRACE(PTRACE_GETSIGINFO, pid, 0, &info);
		TRACE(PTRACE_GETREGS, pid, 0, &regs);
		printf("rip + %lld code %d TF %d addr is rip %d\n", (long long)(regs.rip - last), info.si_code, (int)(regs.eflags >> 8 & 1),
		       info.si_addr == (void *)regs.rip);
		last = regs.rip;
	}
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("second int3", pid);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("steps end", pid);
}

static int handler_step(void)
{
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	return handled == SIGUSR1 ? 0 : 1;
}

static void step_into_handler(void)
{
	struct user_regs_struct regs;
	pid_t pid = start(handler_step);
	show("handler", pid);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("its signal", pid);
	TRACE(PTRACE_SINGLESTEP, pid, 0, SIGUSR1);
	show("step into it", pid);
	TRACE(PTRACE_GETREGS, pid, 0, &regs);
	printf("at the handler: %d with %lld\n", regs.rip == (unsigned long long)(uintptr_t)on_signal, regs.rdi);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("handler's end", pid);
}

static int emulated(void)
{
	return syscall(SYS_getppid) == 1234 ? 0 : 1;
}

static void emulate(void)
{
	struct user_regs_struct regs;
	int nr = 0;
	pid_t pid = start(emulated);
	show("sysemu", pid);
	for (int i = 0; i < 20; i++) {
		TRACE(PTRACE_SYSEMU, pid, 0, 0);
		waitpid(pid, &nr, __WALL);
		TRACE(PTRACE_GETREGS, pid, 0, &regs);
		if (regs.orig_rax == SYS_getppid)
			break;
		regs.rax = 0;                   /* whatever it was, it has worked */
		TRACE(PTRACE_SETREGS, pid, 0, &regs);
	}
	regs.rax = 1234;
	TRACE(PTRACE_SETREGS, pid, 0, &regs);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("emulated", pid);
}

static void memory_file(void)
{
	char path[64], text[64] = "";
	pid_t pid = start(nothing);
	show("mem", pid);
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int fd = open(path, O_RDWR);
	int value = 0;
	SAY("read", pread(fd, &value, 4, (off_t)&word));
	printf("%#x\n", value);
	unsigned char breakpoint = 0xcc, old;
	SAY("read text", pread(fd, &old, 1, (off_t)(intptr_t)nothing));
	SAY("write text", pwrite(fd, &breakpoint, 1, (off_t)(intptr_t)nothing));
	close(fd);
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *status = fopen(path, "r");
	while (fgets(text, sizeof text, status)) {
		int tracer;
		if (!strncmp(text, "State", 5))
			printf("%s", text);
		if (sscanf(text, "TracerPid: %d", &tracer) == 1)
			printf("tracer is right: %d\n", tracer == getpid());
	}
	fclose(status);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("our breakpoint", pid);
	SAY("its rip", TRACE(PTRACE_PEEKUSER, pid, 8 * 16, 0) - (long)(intptr_t)nothing);
	fd = open((snprintf(path, sizeof path, "/proc/%d/mem", pid), path), O_RDWR);
	pwrite(fd, &old, 1, (off_t)(intptr_t)nothing);
	close(fd);
	TRACE(PTRACE_POKEUSER, pid, 8 * 16, nothing);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("after it", pid);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	change_calls();
	change_signals();
	watch_births();
	watch_exec();
	step();
	step_into_handler();
	emulate();
	memory_file();
	return 0;
}
