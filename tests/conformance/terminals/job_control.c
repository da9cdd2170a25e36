/* SPDX-License-Identifier: MPL-2.0 */
/* Controlling terminals: who gets one, groups in front and behind, keys that are signals, the end of a session, hanging up. */
#include "../expect.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#define NOBODYS_PID 4000000

static int master;
static char name[64];

static void open_master(void)
{
	int number, unlock = 0;
	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	MUST(master >= 0 && ioctl(master, TIOCGPTN, &number) == 0 && ioctl(master, TIOCSPTLCK, &unlock) == 0);
	snprintf(name, sizeof name, "/dev/pts/%d", number);
}

static const char *signal_name(int signo)
{
	return signo ? sigabbrev_np(signo) : "none";
}

/* How a child ended or stopped. */
static void outcome(const char *what, pid_t pid, int options)
{
	int status;
	MUST(waitpid(pid, &status, options) == pid);
	if (WIFEXITED(status))
		dprintf(1, "%s: exit %d\n", what, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		dprintf(1, "%s: killed by %s\n", what, signal_name(WTERMSIG(status)));
	else if (WIFSTOPPED(status))
		dprintf(1, "%s: stopped by %s\n", what, signal_name(WSTOPSIG(status)));
	else
		dprintf(1, "%s: continued\n", what);
}

/* A group of its own, in front or not, that does `body`. */
static pid_t group(int slave, int in_front, void (*body)(int))
{
	int go[2];
	char byte;
	MUST(pipe(go) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(go[1]);
		MUST(read(go[0], &byte, 1) == 0);
		signal(SIGTTOU, SIG_DFL);
		body(slave);
		_exit(0);
	}
	MUST(setpgid(pid, pid) == 0);
	if (in_front)
		MUST(tcsetpgrp(slave, pid) == 0);
	close(go[0]), close(go[1]);
	return pid;
}

static void just_wait(int slave)
{
	char byte;
	(void)slave;
	MUST(read(slave, &byte, 0) == 0);
	for (;;)
		pause();
}

static void read_one(int slave)
{
	char byte;
	long n = CALL(read, slave, &byte, 1);
	_exit(n == 1 ? byte : n == -EIO ? 100 : 101);
}

static void write_one(int slave)
{
	long n = CALL(write, slave, "w", 1);
	_exit(n == 1 ? 0 : n == -EIO ? 100 : 101);
}

static void change(int slave)
{
	struct termios mode;
	tcgetattr(slave, &mode);
	_exit(tcsetattr(slave, TCSANOW, &mode) == 0 ? 0 : errno);
}

static void type(const char *text)
{
	MUST(write(master, text, strlen(text)) == (ssize_t)strlen(text));
}

static void in_session(void)
{
	int slave, pgrp, other;
	struct winsize size = { 30, 90 };
	signal(SIGTTOU, SIG_IGN);
	MUST(setsid() == getpid());
	EXPECT_ERRNO(open, ENXIO, "/dev/tty", O_RDWR, 0);
	slave = open(name, O_RDWR | O_NOCTTY);
	EXPECT_ERRNO(ioctl, ENOTTY, slave, TIOCGPGRP, &pgrp);
	EXPECT_OK(ioctl, slave, TIOCSCTTY, 0);
	EXPECT_OK(ioctl, slave, TIOCSCTTY, 0);
	int tty = EXPECT_OK(open, "/dev/tty", O_RDWR, 0);
	close(tty);
	EXPECT_OK(ioctl, slave, TIOCGPGRP, &pgrp);
	EXPECT(pgrp == getpid());
	EXPECT_OK(ioctl, slave, TIOCGSID, &pgrp);
	EXPECT(pgrp == getsid(0));
	pgrp = NOBODYS_PID;
	EXPECT_ERRNO(ioctl, ESRCH, slave, TIOCSPGRP, &pgrp);
	pgrp = -1;
	EXPECT_ERRNO(ioctl, EINVAL, slave, TIOCSPGRP, &pgrp);
	EXPECT_ERRNO(ioctl, EFAULT, slave, TIOCSPGRP, BAD);
	pgrp = getpgid(getppid());
	EXPECT_ERRNO(ioctl, EPERM, slave, TIOCSPGRP, &pgrp);
	/* Another session cannot have it, unless root takes it away. */
	IN_CHILD(setsid(); EXPECT_ERRNO(ioctl, EPERM, slave, TIOCSCTTY, 0); EXPECT_ERRNO(ioctl, ENOTTY, slave, TIOCSPGRP, &pgrp);
		 MUST(setresuid(NOBODY, NOBODY, NOBODY) == 0); EXPECT_ERRNO(ioctl, EPERM, slave, TIOCSCTTY, 1));
	IN_CHILD(EXPECT_ERRNO(ioctl, EPERM, slave, TIOCSCTTY, 1 + 0 * setpgid(0, 0)));

	pid_t child = group(slave, 1, just_wait);
	EXPECT(tcgetpgrp(slave) == child);
	usleep(20000);
	type("\003");
	outcome("^C", child, 0);
	child = group(slave, 1, just_wait);
	usleep(20000);
	type("\034");
	outcome("^\\", child, 0);
	child = group(slave, 1, just_wait);
	usleep(20000);
	type("\032");
	outcome("^Z", child, WUNTRACED);
	kill(child, SIGCONT);
	outcome("SIGCONT", child, WCONTINUED);
	kill(child, SIGKILL);
	outcome("SIGKILL", child, 0);
	child = group(slave, 1, read_one);
	type("x\n");
	outcome("reading in front", child, WUNTRACED);
	child = group(slave, 0, read_one);
	MUST(tcsetpgrp(slave, getpid()) == 0);
	outcome("reading behind", child, WUNTRACED);
	MUST(tcsetpgrp(slave, child) == 0);
	kill(child, SIGCONT);
	type("y\n");
	outcome("in front again", child, 0);
	MUST(tcsetpgrp(slave, getpid()) == 0);
	child = group(slave, 0, write_one);
	outcome("writing behind", child, WUNTRACED);
	struct termios mode;
	tcgetattr(slave, &mode);
	mode.c_lflag |= TOSTOP;
	tcsetattr(slave, TCSANOW, &mode);
	child = group(slave, 0, write_one);
	outcome("writing behind with TOSTOP", child, WUNTRACED);
	kill(child, SIGKILL);
	outcome("SIGKILL", child, 0);
	child = group(slave, 0, change);
	outcome("changing modes behind", child, WUNTRACED);
	kill(child, SIGKILL);
	outcome("SIGKILL", child, 0);
	/* Who ignores or blocks the signal: EIO for readers, no stop for writers. */
	signal(SIGTTIN, SIG_IGN);
	child = group(slave, 0, read_one);
	outcome("reading behind, SIGTTIN ignored", child, WUNTRACED);
	signal(SIGTTIN, SIG_DFL);
	/* An orphaned group is not stopped. */
	int done[2];
	char end;
	MUST(pipe(done) == 0);
	child = fork();
	if (child == 0) {
		pid_t parent = getpid();
		if (fork() == 0) {
			setpgid(0, 0);
			while (getppid() == parent)
				usleep(1000);
			char byte;
			EXPECT_ERRNO(read, EIO, slave, &byte, 1);
			signal(SIGTTOU, SIG_DFL);
			EXPECT_ERRNO(write, EIO, slave, "x", 1);
			_exit(0);
		}
		_exit(0);
	}
	waitpid(child, NULL, 0);
	close(done[1]);
	MUST(read(done[0], &end, 1) == 0);
	/* SIGWINCH goes to the group in front, if the size changes. */
	sigset_t winch;
	sigemptyset(&winch), sigaddset(&winch, SIGWINCH);
	sigprocmask(SIG_BLOCK, &winch, NULL);
	struct timespec now = { 0, 0 }, soon = { 1, 0 };
	EXPECT_OK(ioctl, master, TIOCSWINSZ, &size);
	EXPECT_IS(SIGWINCH, rt_sigtimedwait, &winch, NULL, &soon, 8);
	EXPECT_OK(ioctl, master, TIOCSWINSZ, &size);
	EXPECT_ERRNO(rt_sigtimedwait, EAGAIN, &winch, NULL, &now, 8);
	/* A signal by the master. */
	child = group(slave, 1, just_wait);
	usleep(20000);
	EXPECT_ERRNO(ioctl, EINVAL, master, TIOCSIG, 77);
	EXPECT_OK(ioctl, master, TIOCSIG, SIGINT);
	outcome("TIOCSIG", child, 0);
	MUST(tcsetpgrp(slave, getpid()) == 0);
	/* Giving it up. */
	child = group(slave, 0, just_wait);
	signal(SIGHUP, SIG_IGN);
	EXPECT_OK(ioctl, slave, TIOCNOTTY, 0);
	EXPECT_ERRNO(open, ENXIO, "/dev/tty", O_RDWR, 0);
	EXPECT_ERRNO(ioctl, ENOTTY, slave, TIOCGPGRP, &other);
	kill(child, SIGKILL);
	outcome("the group behind", child, 0);
	/* Opening one takes it. */
	close(slave);
	slave = EXPECT_OK(open, name, O_RDWR, 0);
	EXPECT_OK(ioctl, slave, TIOCGSID, &other);
	signal(SIGHUP, SIG_DFL);
}

/* The session's leader ends, or the master is closed: who hears SIGHUP. */
static void ending(int by_master)
{
	int told[2], ready[2], passed[2];
	char byte;
	open_master();
	MUST(pipe(told) == 0 && pipe(ready) == 0 && pipe(passed) == 0);
	pid_t leader = fork();
	if (leader == 0) {
		MUST(setsid() == getpid());
		close(master);
		int slave = open(name, O_RDWR);
		pid_t child = fork();
		if (child == 0) {
			sigset_t all;
			int signo;
			sigfillset(&all);
			sigprocmask(SIG_BLOCK, &all, NULL);
			setpgid(0, 0);
			signal(SIGTTOU, SIG_IGN);
			MUST(tcsetpgrp(slave, getpid()) == 0);
			MUST(write(ready[1], "x", 1) == 1);
			MUST(sigwait(&all, &signo) == 0);
			usleep(50000);
			sigset_t pending;
			sigpending(&pending);
			dprintf(told[1], "the group in front got %s, SIGCONT %d ", signal_name(signo), sigismember(&pending, SIGCONT) || signo == SIGCONT);
			if (by_master)
				dprintf(told[1], "it reads %d", (int)read(slave, &byte, 1));
			_exit(0);
		}
		MUST(read(ready[0], &byte, 1) == 1);
		MUST(write(passed[1], "x", 1) == 1);
		if (!by_master)
			_exit(0);
		for (;;)
			pause();
	}
	MUST(read(passed[0], &byte, 1) == 1);
	close(told[1]);
	if (by_master)
		close(master);
	char text[256];
	ssize_t n = 0, m;
	while ((m = read(told[0], text + n, sizeof text - n)) > 0)
		n += m;
	dprintf(1, "%s: %.*s\n", by_master ? "the master is closed" : "the leader ends", (int)n, text);
	outcome("the leader", leader, 0);
	if (!by_master)
		close(master);
	close(told[0]), close(ready[0]), close(ready[1]), close(passed[0]), close(passed[1]);
}

int main(void)
{
	open_master();
	IN_CHILD(in_session());
	close(master);
	ending(0);
	ending(1);
	return 0;
}
