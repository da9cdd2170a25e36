/* SPDX-License-Identifier: MPL-2.0 */
/* Record locks: which lock F_GETLK names, splitting and joining, deadlock, OFD and flock beside each other, /proc/locks. */
#include "../show.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static int fd;

static int set(int command, int type, long start, long length)
{
	struct flock lock = { .l_type = type, .l_start = start, .l_len = length };

	return fcntl(fd, command, &lock);
}

/* As another process sees it. */
static void in_the_way(long start, long length)
{
	pid_t parent = getpid();

	fflush(stdout);
	if (fork() == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_start = start, .l_len = length };
		fcntl(fd, F_GETLK, &lock);
		printf("%ld+%ld: type %d start %ld len %ld by the parent %d\n", start, length, lock.l_type, lock.l_start, lock.l_len,
		       lock.l_pid == parent);
		fflush(stdout);
		_exit(0);
	}
	wait(0);
}

static void proc_locks(void)
{
	char line[200], kind[20], mode[20];
	int pid;
	long start;
	char end[30];
	FILE *file = fopen("/proc/locks", "r");

	while (fgets(line, sizeof line, file))
		if (sscanf(line, "%*d: %s ADVISORY %s %d %*s %ld %s", kind, mode, &pid, &start, end) == 5 && pid == getpid())
			printf("/proc/locks: %s %s %ld %s\n", kind, mode, start, end);
	fclose(file);
}

int main(void)
{
	int to_child[2], status;
	char byte;

	setvbuf(stdout, 0, _IOLBF, 0);
	fd = open("locked", O_RDWR | O_CREAT, 0600);
	write(fd, "0123456789abcdefghijklmnopqrstuvwxyz", 36);
	VALUE(set(F_SETLK, F_WRLCK, 10, 5));
	VALUE(set(F_SETLK, F_RDLCK, 1, 5));
	in_the_way(0, 0);
	in_the_way(6, 0);
	in_the_way(15, 0);
	VALUE(set(F_SETLK, F_RDLCK, 5, 8));
	in_the_way(0, 0);
	in_the_way(12, 1);
	in_the_way(13, 1);
	VALUE(set(F_SETLK, F_UNLCK, 3, 2));
	in_the_way(3, 2);
	in_the_way(5, 0);
	proc_locks();
	VALUE(set(F_SETLK, F_UNLCK, 0, 0));
	in_the_way(0, 0);
	VALUE(set(99, F_RDLCK, 0, 0));
	VALUE(set(F_SETLK, 99, 0, 0));
	VALUE(set(F_SETLK, F_RDLCK, -1, 1));
	VALUE(set(F_SETLK, F_RDLCK, 5, -5));
	in_the_way(0, 0);
	VALUE(set(F_SETLK, F_RDLCK, 5, -6));
	VALUE(fcntl(fd, F_SETLK, 8L));
	set(F_SETLK, F_UNLCK, 0, 0);

	/* Each waits for the other: the second is told. */
	pipe(to_child);
	VALUE(set(F_SETLK, F_WRLCK, 0, 1));
	pid_t pid = fork();
	if (pid == 0) {
		set(F_SETLK, F_WRLCK, 1, 1);
		write(to_child[1], "x", 1);
		_exit(set(F_SETLKW, F_WRLCK, 0, 1) ? errno : 0);
	}
	read(to_child[0], &byte, 1);
	usleep(50000);
	VALUE(set(F_SETLKW, F_WRLCK, 1, 1));
	VALUE(set(F_SETLK, F_UNLCK, 0, 1));
	waitpid(pid, &status, 0);
	VALUE(WEXITSTATUS(status));

	/* Open-file locks conflict with the process's own; flock with neither. */
	int other = open("locked", O_RDWR);
	struct flock lock = { .l_type = F_WRLCK };
	VALUE(set(F_SETLK, F_WRLCK, 0, 0));
	VALUE(fcntl(other, F_OFD_SETLK, &lock));
	VALUE(set(F_SETLK, F_UNLCK, 0, 0));
	VALUE(fcntl(other, F_OFD_SETLK, &lock));
	VALUE(set(F_SETLK, F_RDLCK, 0, 0));
	lock.l_type = F_WRLCK;
	VALUE(fcntl(fd, F_OFD_GETLK, &lock));
	printf("type %d pid %d\n", lock.l_type, lock.l_pid);
	VALUE(flock(fd, LOCK_EX | LOCK_NB));
	VALUE(flock(other, LOCK_SH | LOCK_NB));
	VALUE(flock(fd, LOCK_SH | LOCK_NB));
	VALUE(flock(other, LOCK_SH | LOCK_NB));
	VALUE(flock(fd, LOCK_EX | LOCK_NB));
	VALUE(flock(fd, LOCK_SH | LOCK_UN));
	VALUE(flock(fd, 32 | LOCK_SH));
	VALUE(close(other));
	VALUE(flock(fd, LOCK_EX | LOCK_NB));
	proc_locks();
	lock = (struct flock){ .l_type = F_WRLCK, .l_pid = 1 };
	VALUE(fcntl(fd, F_OFD_SETLK, &lock));
	int reader = open("locked", O_RDONLY);
	lock.l_pid = 0;
	VALUE(fcntl(reader, F_SETLK, &lock));
	VALUE(unlink("locked"));
	return 0;
}
