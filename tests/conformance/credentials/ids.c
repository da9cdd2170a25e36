/* SPDX-License-Identifier: MPL-2.0 */
/* set*id by root and others, what happens to capabilities, keepcaps, securebits, ambient and bounding sets, prctl. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAY(what, call) \
	do { \
		long result_; \
		errno = 0; \
		result_ = (long)(call); \
		printf("%s: %ld %s\n", what, result_, errno ? strerrorname_np(errno) : "ok"); \
	} while (0)

static void ids(const char *what)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;
	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	printf("%s: %d %d %d fs %d; %d %d %d fs %d\n", what, r, e, s, setfsuid(-1), rg, eg, sg, setfsgid(-1));
}

struct caps { unsigned long long effective, permitted, inheritable; };

static long get_caps(pid_t pid, struct caps *c)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, pid };
	struct __user_cap_data_struct data[2];
	memset(data, 0, sizeof data);
	long result = syscall(SYS_capget, &header, data);
	c->effective = data[0].effective | (unsigned long long)data[1].effective << 32;
	c->permitted = data[0].permitted | (unsigned long long)data[1].permitted << 32;
	c->inheritable = data[0].inheritable | (unsigned long long)data[1].inheritable << 32;
	return result;
}

static long set_caps(struct caps c)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ (unsigned)c.effective, (unsigned)c.permitted, (unsigned)c.inheritable },
		{ (unsigned)(c.effective >> 32), (unsigned)(c.permitted >> 32), (unsigned)(c.inheritable >> 32) },
	};
	return syscall(SYS_capset, &header, data);
}

#define BIT(cap) (1ull << (cap))
/* What is shown: a few capabilities that every root has, not those a container may lack. */
#define SHOWN (BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_DAC_OVERRIDE))

static void caps(const char *what)
{
	struct caps c;
	get_caps(0, &c);
	printf("%s: effective %llx permitted %llx inheritable %llx\n", what, c.effective & SHOWN, c.permitted & SHOWN, c.inheritable & SHOWN);
}

static void in_child(const char *what, void (*body)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		body();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%s: %#x\n", what, status);
}

static void set_all(void)
{
	ids("root");
	SAY("seteuid", seteuid(1000));
	ids("euid");
	caps("euid");
	SAY("back", seteuid(0));
	caps("back");
	SAY("setresuid", setresuid(1000, 1001, 1002));
	ids("three");
	caps("three");
	SAY("to the saved one", setresuid(-1, 1002, -1));
	SAY("to a foreign one", setresuid(-1, 1, -1));
	SAY("setreuid swap", setreuid(1002, 1000));
	ids("swapped");
	SAY("setreuid foreign", setreuid(-1, 77));
	SAY("setuid", setuid(1002));
	ids("setuid");
	SAY("setuid 0", setuid(0));
	SAY("setuid -1", setuid(-1));
	SAY("setgid 0", setgid(0));
	SAY("setgid foreign", setgid(5));
	SAY("setregid", setregid(0, 0));
	SAY("setregid foreign", setregid(-1, 9));
	SAY("setresgid foreign", setresgid(9, -1, -1));
	SAY("setgroups", setgroups(0, NULL));
	printf("setfsuid own %d foreign %d now %d\n", setfsuid(1002), setfsuid(5), setfsuid(-1));
}

static void groups(void)
{
	gid_t list[4] = { 30, 10, 20, 10 };
	SAY("setgid", setgid(100));
	ids("gid");
	SAY("setresgid", setresgid(100, 101, 102));
	ids("gids");
	SAY("setregid", setregid(-1, 102));
	ids("regid");
	SAY("setgroups", setgroups(4, list));
	SAY("count", getgroups(0, NULL));
	SAY("too small", getgroups(2, list));
	SAY("get", getgroups(4, list));
	printf("%d %d %d %d\n", list[0], list[1], list[2], list[3]);
	SAY("too many", setgroups(65537, list));
	SAY("from nowhere", setgroups(2, (gid_t *)8));
	SAY("to nowhere", getgroups(4, (gid_t *)8));
	SAY("negative", getgroups(-1, list));
}

static void keep(void)
{
	SAY("keepcaps", prctl(PR_SET_KEEPCAPS, 1));
	SAY("is", prctl(PR_GET_KEEPCAPS));
	SAY("bad value", prctl(PR_SET_KEEPCAPS, 2));
	SAY("setuid", setuid(1000));
	caps("kept");
	struct caps c;
	get_caps(0, &c);
	c.effective = BIT(CAP_SETUID);
	SAY("raise one", set_caps(c));
	caps("raised");
	SAY("use it", setuid(5));
	c.permitted = BIT(CAP_KILL);
	c.effective = BIT(CAP_SETUID);
	SAY("effective beyond permitted", set_caps(c));
	c.effective = BIT(CAP_KILL);
	SAY("drop", set_caps(c));
	c.permitted |= BIT(CAP_CHOWN);
	SAY("regain", set_caps(c));
	caps("dropped");
	c.permitted = BIT(CAP_KILL);
	c.inheritable = BIT(CAP_CHOWN);
	SAY("inherit what one has not", set_caps(c));
	c.inheritable = BIT(CAP_KILL);
	SAY("inherit what one has", set_caps(c));
	SAY("ambient what is not inheritable", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	SAY("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	SAY("is set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
	SAY("is not", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
	SAY("unknown", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 999, 0, 0));
	SAY("bad operation", prctl(PR_CAP_AMBIENT, 99, 0, 0, 0));
	SAY("extra argument", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
	fflush(stdout);
	if (fork() == 0) {
		execl("/bin/sh", "sh", "-c", "grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status", NULL);
		_exit(1);
	}
	wait(NULL);
	SAY("lower", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
	SAY("is set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
	SAY("clear", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	SAY("is set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
	SAY("bounding set without CAP_SETPCAP", prctl(PR_CAPBSET_DROP, CAP_CHOWN));
	SAY("securebits without CAP_SETPCAP", prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
}

static void bounding(void)
{
	SAY("read", prctl(PR_CAPBSET_READ, CAP_CHOWN));
	SAY("drop", prctl(PR_CAPBSET_DROP, CAP_CHOWN));
	SAY("read", prctl(PR_CAPBSET_READ, CAP_CHOWN));
	SAY("unknown", prctl(PR_CAPBSET_READ, 99));
	SAY("drop unknown", prctl(PR_CAPBSET_DROP, 99));
	struct caps c;
	get_caps(0, &c);
	c.inheritable |= BIT(CAP_CHOWN);
	SAY("inherit beyond the bounding set", set_caps(c));
	fflush(stdout);
	if (fork() == 0) {
		execl("/bin/sh", "sh", "-c", "chown 5 /tmp/. 2>/dev/null; echo $?", NULL);
		_exit(1);
	}
	wait(NULL);
}

static void bits(void)
{
	SAY("get", prctl(PR_GET_SECUREBITS));
	SAY("set", prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED));
	SAY("get", prctl(PR_GET_SECUREBITS));
	SAY("unlock", prctl(PR_SET_SECUREBITS, 0));
	SAY("unknown bits", prctl(PR_SET_SECUREBITS, 1 << 20));
	SAY("setuid", setresuid(1000, 1000, 0));
	caps("no fixup");
	SAY("noroot too", prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NOROOT));
	SAY("back", setresuid(0, 0, 0));
	fflush(stdout);
	if (fork() == 0) {
		execl("/bin/sh", "sh", "-c", "grep -E 'Cap(Prm|Eff)' /proc/self/status; chown 5 /tmp/. 2>/dev/null; echo $?", NULL);
		_exit(1);
	}
	wait(NULL);
	SAY("keep locked", prctl(PR_SET_SECUREBITS, 4 | 8 | 1 | SECBIT_KEEP_CAPS_LOCKED));
	SAY("keepcaps when locked", prctl(PR_SET_KEEPCAPS, 1));
}

static void fs_user(void)
{
	int fd = open("secret", O_CREAT | O_RDWR, 0600);
	close(fd);
	setfsuid(1000);
	caps("as another for files");
	SAY("open", open("secret", O_RDONLY));
	SAY("chown", chown("secret", 5, 5));
	setfsuid(0);
	caps("root again");
	SAY("open", open("secret", O_RDONLY) >= 0);
	unlink("secret");
}

static void headers(void)
{
	struct __user_cap_header_struct header = { 0x12345678, 0 };
	struct __user_cap_data_struct data[2];
	SAY("unknown version", syscall(SYS_capget, &header, data));
	printf("preferred %#x\n", header.version);
	header.version = 0x12345678;
	SAY("asking for the version", syscall(SYS_capget, &header, NULL));
	header.version = _LINUX_CAPABILITY_VERSION_3;
	header.pid = -1;
	SAY("negative pid", syscall(SYS_capget, &header, data));
	header.pid = 999999;
	SAY("nobody", syscall(SYS_capget, &header, data));
	SAY("no header", syscall(SYS_capget, 8, data));
	header.pid = getppid();
	SAY("another's", syscall(SYS_capset, &header, data));
	header.version = 1;
	header.pid = 0;
	SAY("set: unknown version", syscall(SYS_capset, &header, data));
	header.version = _LINUX_CAPABILITY_VERSION_3;
	SAY("set: no data", syscall(SYS_capset, &header, 8));
}

static void other_prctl(void)
{
	char name[16];
	int value = 0;
	SAY("name", prctl(PR_SET_NAME, "a name that is too long"));
	prctl(PR_GET_NAME, name);
	printf("%s\n", name);
	SAY("name from nowhere", prctl(PR_SET_NAME, 8));
	SAY("dumpable", prctl(PR_GET_DUMPABLE));
	SAY("not", prctl(PR_SET_DUMPABLE, 0));
	SAY("bad", prctl(PR_SET_DUMPABLE, 2));
	SAY("is", prctl(PR_GET_DUMPABLE));
	SAY("death signal", prctl(PR_SET_PDEATHSIG, SIGUSR1));
	SAY("bad", prctl(PR_SET_PDEATHSIG, 65));
	prctl(PR_GET_PDEATHSIG, &value);
	printf("%d\n", value);
	SAY("slack", prctl(PR_SET_TIMERSLACK, 12345));
	SAY("is", prctl(PR_GET_TIMERSLACK));
	SAY("default", prctl(PR_SET_TIMERSLACK, 0));
	SAY("is", prctl(PR_GET_TIMERSLACK));
	SAY("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SAY("bad", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SAY("set", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SAY("is", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SAY("extra", prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SAY("subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1));
	prctl(PR_GET_CHILD_SUBREAPER, &value);
	printf("%d\n", value);
	SAY("timing", prctl(PR_GET_TIMING));
	SAY("timestamp", prctl(PR_SET_TIMING, PR_TIMING_TIMESTAMP));
	SAY("tsc", prctl(PR_GET_TSC, &value));
	printf("%d\n", value);
	SAY("thp", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	SAY("no thp", prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	SAY("thp", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	SAY("mce", prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	SAY("unknown", prctl(12345));
	SAY("fpemu", prctl(PR_GET_FPEMU, &value));
	SAY("endian", prctl(PR_GET_ENDIAN, &value));
}

static void limits(void)
{
	struct rlimit limit, big = { 2, 1 };
	SAY("soft above hard", setrlimit(RLIMIT_NOFILE, &big));
	SAY("unknown", getrlimit(99, &limit));
	SAY("from nowhere", setrlimit(RLIMIT_NOFILE, (void *)8));
	SAY("to nowhere", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, 8));
	SAY("nobody's", prlimit(999999, RLIMIT_NOFILE, NULL, &limit));
	limit.rlim_cur = limit.rlim_max = 5;
	SAY("five files", setrlimit(RLIMIT_NOFILE, &limit));
	int fd = 0;
	while (fd < 10 && dup(1) >= 0)
		fd++;
	printf("EMFILE %d\n", errno == EMFILE);
	setuid(1000);
	limit.rlim_max = 6;
	SAY("raise", setrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max = 0;
	setrlimit(RLIMIT_NPROC, &limit);
	SAY("fork", fork());
	SAY("another user's", prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit));
	limit.rlim_cur = limit.rlim_max = 10;
	setrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
	close(3);
	fd = open("/tmp/cruck-limit", O_CREAT | O_RDWR | O_TRUNC, 0600);
	SAY("write 20", write(fd, "01234567890123456789", 20));
	SAY("write more", write(fd, "x", 1));
	SAY("truncate", ftruncate(fd, 11));
	unlink("/tmp/cruck-limit");
	limit.rlim_cur = limit.rlim_max = 0;
	setrlimit(RLIMIT_NICE, &limit);
	SAY("nice", setpriority(PRIO_PROCESS, 0, -5));
	SAY("less nice", setpriority(PRIO_PROCESS, 0, 5));
	SAY("back", setpriority(PRIO_PROCESS, 0, 4));
	SAY("unknown which", setpriority(7, 0, 0));
	SAY("nobody", setpriority(PRIO_PROCESS, 999999, 0));
	SAY("another's", setpriority(PRIO_PROCESS, getppid(), 0));
}

int main(void)
{
	umask(022);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getuid() != 0) {
		printf("needs root\n");
		return 0;
	}
	in_child("all", set_all);
	in_child("groups", groups);
	in_child("keep", keep);
	in_child("bounding", bounding);
	in_child("securebits", bits);
	in_child("fs user", fs_user);
	in_child("headers", headers);
	in_child("prctl", other_prctl);
	in_child("limits", limits);
	return 0;
}
