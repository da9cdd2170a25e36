/* SPDX-License-Identifier: MPL-2.0 */
/* Taking hold of running tasks and letting them go; seized tracees; group-stops; refusals; what survives either side's end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRACE(request, pid, addr, data) ptrace((enum __ptrace_request)(request), pid, (void *)(intptr_t)(addr), (void *)(intptr_t)(data))
#define SAY(what, call) \
	do { \
		long result_; \
		errno = 0; \
		result_ = (long)(call); \
		printf("%s: %ld %s\n", what, result_, errno ? strerrorname_np(errno) : "ok"); \
	} while (0)

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

static pid_t child(void (*body)(void))
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		body();
		_exit(0);
	}
	return pid;
}

static volatile int *shared;

static void spin(void)
{
	shared[4] = 1;
	while (shared[0] == 0)
		;
	_exit(31);
}

static void sleeper(void)
{
	struct timespec long_time = { 100, 0 };
	shared[1] = 1;
	nanosleep(&long_time, NULL);
	_exit(32);
}

static void reader(void)
{
	char c;
	int fds[2];
	pipe(fds);
	shared[1] = 1;
	read(fds[0], &c, 1);
	_exit(33);
}

static void wait_until_asleep(pid_t pid)
{
	char path[64], text[512];
	for (int i = 0; i < 2000; i++) {
		snprintf(path, sizeof path, "/proc/%d/stat", pid);
		int fd = open(path, O_RDONLY);
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		text[n > 0 ? n : 0] = 0;
		char *end = strrchr(text, ')');
		if (shared[1] && end && (end[2] == 'S' || end[2] == 'T'))
			return;
		usleep(1000);
	}
	printf("it does not sleep: %s\n", text);
}

static void refusals(void)
{
	pid_t pid = child(sleeper);
	SAY("order to a stranger", TRACE(PTRACE_CONT, pid, 0, 0));
	SAY("order to nobody", TRACE(PTRACE_CONT, 99999, 0, 0));
	SAY("attach to nobody", TRACE(PTRACE_ATTACH, 99999, 0, 0));
	SAY("attach to oneself", TRACE(PTRACE_ATTACH, getpid(), 0, 0));
	SAY("seize with an address", TRACE(PTRACE_SEIZE, pid, 8, 0));
	SAY("seize with unknown options", TRACE(PTRACE_SEIZE, pid, 0, 0x8000));
	SAY("attach", TRACE(PTRACE_ATTACH, pid, 0, 0));
	SAY("twice", TRACE(PTRACE_ATTACH, pid, 0, 0));
	show("attached", pid);
	SAY("interrupt it", TRACE(PTRACE_INTERRUPT, pid, 0, 0));
	SAY("listen", TRACE(PTRACE_LISTEN, pid, 0, 0));
	SAY("unknown request", TRACE(0x7777, pid, 0, 0));
	SAY("detach with a bad signal", TRACE(PTRACE_DETACH, pid, 0, 99));
	SAY("detach with SIGKILL", TRACE(PTRACE_DETACH, pid, 0, SIGKILL));
	show("gone", pid);
}

static void attach_and_detach(void)
{
	struct user_regs_struct regs;
	shared[0] = shared[1] = 0;
	pid_t pid = child(spin);
	while (!shared[4])
		usleep(1000);
	usleep(10000);
	SAY("attach to a busy one", TRACE(PTRACE_ATTACH, pid, 0, 0));
	show("busy one", pid);
	TRACE(PTRACE_GETREGS, pid, 0, &regs);
	printf("no call: %d\n", (long)regs.orig_rax < 0);
	SAY("let go", TRACE(PTRACE_DETACH, pid, 0, 0));
	shared[0] = 1;
	show("its end", pid);

	shared[1] = 0;
	pid = child(reader);
	wait_until_asleep(pid);
	SAY("attach to one that waits", TRACE(PTRACE_ATTACH, pid, 0, 0));
	show("waiting one", pid);
	TRACE(PTRACE_GETREGS, pid, 0, &regs);
	printf("in read %d, to be restarted %d\n", regs.orig_rax == SYS_read, (long)regs.rax == -512);
	/* As a debugger does to call a function: another place, no restart, and back. */
	struct user_regs_struct other = regs;
	other.orig_rax = -1;
	TRACE(PTRACE_SETREGS, pid, 0, &other);
	SAY("step", TRACE(PTRACE_SINGLESTEP, pid, 0, 0));
	show("stepped", pid);
	TRACE(PTRACE_GETREGS, pid, 0, &other);
	printf("rip has moved: %d, rax %lld\n", other.rip != regs.rip, (long long)other.rax);
	SAY("back", TRACE(PTRACE_SETREGS, pid, 0, &regs));
	SAY("see calls", TRACE(PTRACE_SYSCALL, pid, 0, 0));
	show("restarted", pid);
	TRACE(PTRACE_GETREGS, pid, 0, &regs);
	printf("in read again %d\n", regs.orig_rax == SYS_read);
	SAY("let go with SIGTERM", TRACE(PTRACE_DETACH, pid, 0, SIGTERM));
	show("end of the waiting one", pid);
}

static void job_control(void)
{
	siginfo_t info;
	shared[1] = 0;
	pid_t pid = child(sleeper);
	wait_until_asleep(pid);
	kill(pid, SIGSTOP);
	show("nobody traces: no report", 0x7ffffff0);
	waitid(P_PID, pid, &info, WSTOPPED);
	printf("stopped: code %d status %d\n", info.si_code, info.si_status);
	SAY("seize a stopped one", TRACE(PTRACE_SEIZE, pid, 0, 0));
	show("seized", pid);
	SAY("listen", TRACE(PTRACE_LISTEN, pid, 0, 0));
	SAY("no orders while it listens", TRACE(PTRACE_CONT, pid, 0, 0));
	kill(pid, SIGCONT);
	show("SIGCONT", pid);
	SAY("on", TRACE(PTRACE_CONT, pid, 0, 0));
	show("its signal", pid);
	SAY("on", TRACE(PTRACE_CONT, pid, 0, SIGCONT));
	usleep(20000);
	SAY("interrupt", TRACE(PTRACE_INTERRUPT, pid, 0, 0));
	show("interrupted", pid);
	memset(&info, 0, sizeof info);
	SAY("info", TRACE(PTRACE_GETSIGINFO, pid, 0, &info));
	printf("signo %d code %#x\n", info.si_signo, info.si_code);
	SAY("on", TRACE(PTRACE_CONT, pid, 0, 0));
	kill(pid, SIGSTOP);
	show("SIGSTOP", pid);
	SAY("let it stop", TRACE(PTRACE_CONT, pid, 0, SIGSTOP));
	show("group-stop", pid);
	SAY("ignore the stop", TRACE(PTRACE_CONT, pid, 0, 0));
	usleep(20000);
	SAY("nothing more", waitpid(pid, NULL, WNOHANG | __WALL));
	kill(pid, SIGKILL);
	show("killed", pid);
}

static void old_group_stop(void)
{
	siginfo_t info;
	shared[1] = 0;
	pid_t pid = child(sleeper);
	wait_until_asleep(pid);
	TRACE(PTRACE_ATTACH, pid, 0, 0);
	show("attached", pid);
	TRACE(PTRACE_CONT, pid, 0, SIGSTOP);
	show("group-stop without seizing", pid);
	SAY("it has no info", TRACE(PTRACE_GETSIGINFO, pid, 0, &info));
	SAY("listen", TRACE(PTRACE_LISTEN, pid, 0, 0));
	memset(&info, 0, sizeof info);
	SAY("detach", TRACE(PTRACE_DETACH, pid, 0, 0));
	usleep(20000);
	char path[64], text[256];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	text[n] = 0;
	close(fd);
	printf("state %c\n", strrchr(text, ')')[2]);
	kill(pid, SIGKILL);
	show("killed", pid);
}

static void *thread(void *unused)
{
	shared[2] = (int)syscall(SYS_gettid);
	while (!shared[0])
		usleep(1000);
	syscall(SYS_exit, 44);
	return unused;
}

static void threads(void)
{
	pthread_t id;
	pthread_create(&id, NULL, thread, NULL);
	shared[1] = 1;
	while (!shared[5])
		usleep(1000);
	_exit(45);
}

static void trace_a_thread(void)
{
	shared[0] = shared[1] = shared[2] = 0;
	pid_t pid = child(threads);
	while (!shared[2])
		usleep(1000);
	pid_t tid = shared[2];
	SAY("seize a thread", TRACE(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACEEXIT));
	TRACE(PTRACE_INTERRUPT, tid, 0, 0);
	show("thread", tid);
	SAY("its process is not stopped", waitpid(pid, NULL, WNOHANG | WUNTRACED));
	TRACE(PTRACE_CONT, tid, 0, 0);
	shared[0] = 1;
	show("thread exits", tid);
	TRACE(PTRACE_CONT, tid, 0, 0);
	show("thread is gone", tid);
	shared[5] = 1;
	show("process", pid);
}

static void seize_forks(void)
{
	unsigned long message = 0;
	shared[0] = 0;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		while (!shared[0])
			usleep(1000);
		_exit(fork() == 0 ? 51 : 52);
	}
	SAY("seize", TRACE(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEFORK));
	shared[0] = 1;
	show("fork event", pid);
	TRACE(PTRACE_GETEVENTMSG, pid, 0, &message);
	show("new child", (pid_t)message);
	TRACE(PTRACE_CONT, pid, 0, 0);
	show("parent", pid);
	TRACE(PTRACE_CONT, message, 0, 0);
	show("child", (pid_t)message);
}

static void tracer_of(pid_t pid, int options)
{
	fflush(stdout);
	pid_t tracer = fork();
	if (tracer == 0) {
		TRACE(PTRACE_SEIZE, pid, 0, options);
		_exit(0);
	}
	waitpid(tracer, NULL, 0);
}

static void ends_of_tracers(void)
{
	shared[0] = shared[1] = 0;
	pid_t pid = child(spin);
	tracer_of(pid, 0);
	SAY("it survives its tracer", kill(pid, 0));
	shared[0] = 1;
	show("by itself", pid);
	shared[0] = 0;
	pid = child(spin);
	tracer_of(pid, PTRACE_O_EXITKILL);
	show("it dies with its tracer", pid);
}

/* Traced by another than its parent: the parent is told of the end after the tracer. */
static void two_who_wait(void)
{
	shared[0] = shared[1] = 0;
	pid_t pid = child(spin);
	fflush(stdout);
	pid_t tracer = fork();
	if (tracer == 0) {
		int status = 0;
		TRACE(PTRACE_SEIZE, pid, 0, 0);
		shared[1] = 1;
		while (!shared[3])
			usleep(1000);
		pid_t got = waitpid(pid, &status, __WALL);
		_exit(got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 31 ? 7 : 8);
	}
	while (!shared[1])
		usleep(1000);
	shared[0] = 1;
	usleep(50000);
	SAY("not yet", waitpid(pid, NULL, WNOHANG));
	shared[3] = 1;
	show("tracer", tracer);
	show("parent", pid);
}

static void other_users(void)
{
	struct iovec local, remote;
	char buffer[8];
	shared[0] = shared[1] = 0;
	pid_t pid = child(spin);
	fflush(stdout);
	pid_t user = fork();
	if (user == 0) {
		setgid(1234);
		setuid(1234);
		SAY("attach to another user's", TRACE(PTRACE_ATTACH, pid, 0, 0));
		SAY("seize", TRACE(PTRACE_SEIZE, pid, 0, 0));
		local.iov_base = buffer;
		remote.iov_base = (void *)shared;
		local.iov_len = remote.iov_len = 8;
		SAY("process_vm_readv", process_vm_readv(pid, &local, 1, &remote, 1, 0));
		SAY("kcmp", syscall(SYS_kcmp, pid, getpid(), KCMP_VM, 0, 0));
		fflush(stdout);
		_exit(0);
	}
	show("user", user);
	shared[0] = 1;
	show("spin", pid);
	/* Of the same user, but it does not want to be seen. */
	shared[0] = 0;
	pid = fork();
	if (pid == 0) {
		setgid(1234);
		setuid(1234);
		prctl(PR_SET_DUMPABLE, 1);
		pid_t secret = fork();
		if (secret == 0) {
			prctl(PR_SET_DUMPABLE, 0);
			shared[1] = 1;
			spin();
		}
		while (!shared[1])
			usleep(1000);
		SAY("attach to a secret one", TRACE(PTRACE_ATTACH, secret, 0, 0));
		fflush(stdout);
		kill(secret, SIGKILL);
		waitpid(secret, NULL, 0);
		_exit(0);
	}
	show("same user", pid);
}

static void trace_me(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		SAY("trace me", TRACE(PTRACE_TRACEME, 0, 0, 0));
		SAY("trace me twice", TRACE(PTRACE_TRACEME, 0, 0, 0));
		fflush(stdout);
		kill(getpid(), SIGUSR1);
		_exit(1);
	}
	show("trace me", pid);
	SAY("kill request", TRACE(PTRACE_KILL, pid, 0, 0));
	show("trace me", pid);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	refusals();
	attach_and_detach();
	job_control();
	old_group_stop();
	trace_a_thread();
	seize_forks();
	ends_of_tracers();
	two_who_wait();
	other_users();
	fflush(stdout);
	trace_me();
	return 0;
}
