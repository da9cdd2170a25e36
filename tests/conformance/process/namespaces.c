/* SPDX-License-Identifier: MPL-2.0 */
/* Namespaces: unshare, setns, clone with CLONE_NEW*, id maps, what is refused. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAY(what, call) \
	do { \
		long result_; \
		errno = 0; \
		result_ = (long)(call); \
		printf("%s: %ld %s\n", what, result_, errno ? strerrorname_np(errno) : "ok"); \
	} while (0)

static long put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	long n = write(fd, text, strlen(text));
	int error = errno;
	close(fd);
	errno = error;
	return n;
}

static void show_file(const char *path)
{
	char text[512];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	printf("%s: %s", path, text);
}

static void in_child(const char *what, void (*body)(void))
{
	int status;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		body();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%s: %#x\n", what, status);
}

static ino_t inode(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static void uts(void)
{
	struct utsname name;
	ino_t before = inode("/proc/self/ns/uts");
	SAY("unshare uts", unshare(CLONE_NEWUTS));
	printf("another namespace: %d\n", inode("/proc/self/ns/uts") != before);
	SAY("sethostname", sethostname("inner", 5));
	uname(&name);
	printf("%s\n", name.nodename);
	int fd = open("/proc/self/ns/uts", O_RDONLY);
	SAY("type", ioctl(fd, NS_GET_NSTYPE));
	SAY("parent of a uts", ioctl(fd, NS_GET_PARENT));
	SAY("owner of a uts", ioctl(fd, NS_GET_OWNER_UID, &name));
	int user = ioctl(fd, NS_GET_USERNS);
	SAY("its user namespace's type", ioctl(user, NS_GET_NSTYPE));
	SAY("whose parent is out of sight", ioctl(user, NS_GET_PARENT));
	SAY("write to it", open("/proc/self/ns/uts", O_WRONLY));
	SAY("unshare again", unshare(CLONE_NEWUTS));
	sethostname("third", 5);
	SAY("another kind", setns(fd, CLONE_NEWNS));
	SAY("back", setns(fd, CLONE_NEWUTS));
	uname(&name);
	printf("%s\n", name.nodename);
	SAY("no namespace", setns(1, 0));
	SAY("no descriptor", setns(99, 0));
}

static void refused(void)
{
	SAY("unknown flags", unshare(0x1));
	SAY("thread alone", unshare(CLONE_THREAD));
	SAY("files", unshare(CLONE_FILES));
	SAY("fs", unshare(CLONE_FS));
	SAY("clone: newns with fs", syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
	SAY("clone: newuser with fs", syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
	setgid(1234);
	setuid(1234);
	SAY("uts without privilege", unshare(CLONE_NEWUTS));
	SAY("mnt without privilege", unshare(CLONE_NEWNS));
	SAY("pid without privilege", unshare(CLONE_NEWPID));
	SAY("mount", mount("x", "/tmp", "tmpfs", 0, ""));
	SAY("umount", umount("/tmp"));
	SAY("chroot", chroot("/"));
	SAY("pivot_root", syscall(SYS_pivot_root, "/", "/"));
	int fd = open("/proc/self/ns/uts", O_RDONLY);
	SAY("setns", setns(fd, 0));
	int user = open("/proc/self/ns/user", O_RDONLY);
	SAY("setns to one's own user namespace", setns(user, 0));
}

static void user(void)
{
	gid_t groups[4];
	struct stat st;
	setgroups(0, NULL);
	setgid(1234);
	setuid(1234);
	prctl(PR_SET_DUMPABLE, 1);
	ino_t before = inode("/proc/self/ns/user");
	SAY("unshare user", unshare(CLONE_NEWUSER));
	printf("another namespace: %d\n", inode("/proc/self/ns/user") != before);
	printf("unmapped: %d %d %d\n", getuid(), geteuid(), getgid());
	show_file("/proc/self/uid_map");
	show_file("/proc/self/setgroups");
	SAY("setuid before there is a map", setuid(0));
	SAY("nonsense", put("/proc/self/uid_map", "0 x 1\n"));
	SAY("overlap", put("/proc/self/uid_map", "0 1234 1\n0 5 1\n"));
	SAY("somebody else", put("/proc/self/uid_map", "0 1 1\n"));
	SAY("a range", put("/proc/self/uid_map", "0 1234 2\n"));
	SAY("gid before deny", put("/proc/self/gid_map", "0 1234 1\n"));
	SAY("uid_map", put("/proc/self/uid_map", "0 1234 1\n"));
	SAY("twice", put("/proc/self/uid_map", "0 1234 1\n"));
	SAY("bad word", put("/proc/self/setgroups", "maybe"));
	SAY("deny", put("/proc/self/setgroups", "deny"));
	SAY("gid_map", put("/proc/self/gid_map", "5 1234 1\n"));
	SAY("allow now", put("/proc/self/setgroups", "allow"));
	show_file("/proc/self/uid_map");
	show_file("/proc/self/gid_map");
	show_file("/proc/self/setgroups");
	printf("mapped: %d %d %d %d\n", getuid(), geteuid(), getgid(), getegid());
	SAY("setgroups", setgroups(0, NULL));
	printf("groups: %d\n", getgroups(4, groups) >= 0);
	SAY("setuid to an unknown", setuid(7));
	SAY("setuid to the known", setuid(0));
	stat("/", &st);
	printf("/ belongs to %d %d\n", st.st_uid, st.st_gid);
	stat("/proc/self", &st);
	printf("we are %d %d\n", st.st_uid, st.st_gid);
	SAY("chown of root's file", chown("/", 0, -1));
	SAY("sethostname of the old uts", sethostname("x", 1));
	SAY("uts", unshare(CLONE_NEWUTS));
	SAY("sethostname", sethostname("x", 1));
	SAY("mount in the old tree", mount("x", "/tmp", "tmpfs", 0, ""));
	SAY("mnt", unshare(CLONE_NEWNS));
	SAY("tmpfs", mount("x", "/tmp", "tmpfs", 0, ""));
	int fd = open("/tmp/file", O_CREAT | O_RDWR, 0600);
	fstat(fd, &st);
	printf("a file of %d %d\n", st.st_uid, st.st_gid);
	close(fd);
	SAY("device", mknod("/tmp/null", S_IFCHR | 0666, 0x103));
	SAY("umount", umount("/tmp"));
	SAY("a locked mount", umount("/proc"));
	SAY("bind without what is below", mount("/", "/tmp", NULL, MS_BIND, NULL));
	SAY("bind with it", mount("/", "/tmp", NULL, MS_BIND | MS_REC, NULL));
	SAY("chroot", chroot("/tmp"));
	SAY("no user namespace in a chroot", unshare(CLONE_NEWUSER));
}

static void nested_user(void)
{
	int pipes[2][2];
	char c = 0;
	pipe(pipes[0]);
	pipe(pipes[1]);
	pid_t pid = fork();
	if (pid == 0) {
		unshare(CLONE_NEWUSER);
		write(pipes[0][1], &c, 1);
		read(pipes[1][0], &c, 1);
		printf("child is %d %d\n", getuid(), getgid());
		show_file("/proc/self/uid_map");
		SAY("setuid 1000", setuid(1000));
		printf("child is %d\n", getuid());
		fflush(stdout);
		_exit(0);
	}
	char path[64];
	read(pipes[0][0], &c, 1);
	snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
	SAY("ranges by the parent", put(path, "0 100000 1000\n1000 0 10\n"));
	snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
	SAY("gids", put(path, "0 200000 100\n"));
	write(pipes[1][1], &c, 1);
	waitpid(pid, NULL, 0);
}

static int waits;

static void pids(void)
{
	int status;
	siginfo_t info;
	SAY("unshare pid", unshare(CLONE_NEWPID));
	printf("still the old one: %d\n", getpid() > 1);
	SAY("twice", unshare(CLONE_NEWPID));
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		printf("first: %d, parent %d, session %d\n", getpid(), getppid(), getsid(0));
		SAY("setsid", setsid());
		printf("group %d session %d\n", getpgid(0), getsid(0));
		pid_t child = fork();
		if (child == 0) {
			printf("second: %d, parent %d\n", getpid(), getppid());
			SAY("kill the first", kill(1, SIGKILL));
			SAY("term the first", kill(1, SIGTERM));
			fflush(stdout);
			if (fork() == 0) {
				usleep(50000);
				printf("orphan's parent: %d\n", getppid());
				fflush(stdout);
				_exit(0);
			}
			_exit(3);
		}
		memset(&info, 0, sizeof info);
		waitid(P_PID, child, &info, WEXITED);
		printf("its child was %d\n", child);
		printf("waitid: pid %d code %d status %d\n", info.si_pid, info.si_code, info.si_status);
		while (wait(&status) > 0)
			;
		SAY("kill nobody", kill(77, 0));
		SAY("kill all others", kill(-1, 0));
		if (fork() == 0) {
			pause();
			_exit(0);
		}
		fflush(stdout);
		_exit(7);
	}
	waitpid(pid, &status, 0);
	printf("the first has ended: %#x\n", status);
	SAY("no more births", fork());
}

static void mounts(void)
{
	struct stat a, b;
	SAY("unshare mnt", unshare(CLONE_NEWNS));
	SAY("private", mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL));
	SAY("tmpfs", mount("a", "/mnt", "tmpfs", MS_NOSUID, "size=1m"));
	SAY("dir", mkdir("/mnt/d", 0755));
	SAY("dir", mkdir("/mnt/e", 0755));
	SAY("old", mkdir("/mnt/d/old", 0755));
	SAY("bind", mount("/mnt/d", "/mnt/e", NULL, MS_BIND, NULL));
	stat("/mnt/d", &a);
	stat("/mnt/e", &b);
	printf("the same: %d\n", a.st_ino == b.st_ino);
	SAY("read-only", mount(NULL, "/mnt/e", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	SAY("write there", mkdir("/mnt/e/x", 0755));
	SAY("write here", mkdir("/mnt/d/x", 0755));
	SAY("no such type", mount("a", "/mnt", "nosuchfs", 0, ""));
	SAY("bad option", mount("a", "/mnt", "tmpfs", 0, "nonsense=1"));
	SAY("no directory", mount("a", "/mnt/nothing", "tmpfs", 0, ""));
	SAY("remount no mount", mount(NULL, "/mnt/d", NULL, MS_REMOUNT | MS_BIND, NULL));
	SAY("move into itself", mount("/mnt", "/mnt/d", NULL, MS_MOVE, NULL));
	SAY("busy", umount("/mnt"));
	SAY("not mounted", umount("/mnt/d"));
	SAY("bad flags", umount2("/mnt/e", 0x100));
	SAY("umount", umount("/mnt/e"));
	SAY("d as a mount", mount("/mnt/d", "/mnt/d", NULL, MS_BIND, NULL));
	SAY("pivot: put_old outside", syscall(SYS_pivot_root, "/mnt/d", "/"));
	SAY("pivot: no mount point", syscall(SYS_pivot_root, "/mnt/e", "/mnt/e"));
	SAY("pivot", syscall(SYS_pivot_root, "/mnt/d", "/mnt/d/old"));
	SAY("chdir", chdir("/"));
	SAY("the old root is below", access("/old/proc", F_OK));
	SAY("busy", umount("/old"));
	SAY("lazily", umount2("/old", MNT_DETACH));
	SAY("it is gone", access("/old/proc", F_OK));
	SAY("ours is there", access("/x", F_OK));
}

static void enter_mounts(void)
{
	int pipes[2];
	char c;
	pipe(pipes);
	pid_t pid = fork();
	if (pid == 0) {
		unshare(CLONE_NEWNS);
		mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL);
		mount("a", "/mnt", "tmpfs", 0, "");
		mkdir("/mnt/inside", 0755);
		write(pipes[1], "", 1);
		pause();
		_exit(0);
	}
	read(pipes[0], &c, 1);
	SAY("not seen here", access("/mnt/inside", F_OK));
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	SAY("pidfd without kinds", setns(pidfd, 0));
	SAY("enter by pidfd", setns(pidfd, CLONE_NEWNS | CLONE_NEWUTS));
	SAY("seen there", access("/mnt/inside", F_OK));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	SAY("still there", access("/mnt/inside", F_OK));
	SAY("of a dead one", setns(pidfd, CLONE_NEWNS));
}

static int connect_to_self(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	int result = bind(listener, (void *)&address, sizeof address) ? -1 : listen(listener, 5);
	if (result == 0)
		result = connect(client, (void *)&address, sizeof address);
	int error = errno;
	close(listener);
	close(client);
	errno = error;
	return result;
}

static void network(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	SAY("unshare net", unshare(CLONE_NEWNET));
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	SAY("flags", ioctl(fd, SIOCGIFFLAGS, &request));
	printf("up %d\n", request.ifr_flags & IFF_UP);
	SAY("address", ioctl(fd, SIOCGIFADDR, &request));
	request.ifr_flags = IFF_UP;
	SAY("up", ioctl(fd, SIOCSIFFLAGS, &request));
	SAY("address", ioctl(fd, SIOCGIFADDR, &request));
	SAY("connect", connect_to_self(4321));
	SAY("a low port", connect_to_self(80));
}

static void ipc(void)
{
	struct msqid_ds ds;
	int id = msgget(IPC_PRIVATE, 0600);
	SAY("seen", msgctl(id, IPC_STAT, &ds));
	SAY("unshare ipc", unshare(CLONE_NEWIPC));
	SAY("not seen", msgctl(id, IPC_STAT, &ds));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_child("uts", uts);
	in_child("refused", refused);
	in_child("user", user);
	in_child("nested", nested_user);
	in_child("pids", pids);
	in_child("mounts", mounts);
	in_child("enter", enter_mounts);
	in_child("network", network);
	in_child("ipc", ipc);
	return 0;
}
