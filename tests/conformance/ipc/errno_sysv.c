/* SPDX-License-Identifier: MPL-2.0 */
/* System V queues, semaphores and shared memory: what is refused, by arguments, rights and limits, and what a removal does to who waits. */
#include "../expect.h"
#include <linux/msg.h>
#include <linux/sem.h>
#include <linux/shm.h>

static struct { long kind; char text[16]; } message = { 1, "text" }, zero_kind = { 0, "" };

static void on_signal(int signo)
{
	(void)signo;
}

static void set_limit(const char *name, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
	int fd = open(path, O_WRONLY);
	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

/* Removes the object after a while; with often: signals the parent until then. */
static pid_t later(int nr, long identifier, long a, long b)
{
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		usleep(50000);
		if (identifier < 0)
			for (;;) {
				kill(parent, SIGUSR1);
				usleep(20000);
			}
		raw_call(nr, identifier, a, b, 0, 0, 0);
		_exit(0);
	}
	return child;
}

static void finish(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void queues(void)
{
	struct msqid64_ds info;
	long id = EXPECT_OK(msgget, 0x77, IPC_CREAT | 0600);
	EXPECT_ERRNO(msgget, EEXIST, 0x77, IPC_CREAT | IPC_EXCL);
	EXPECT_ERRNO(msgget, ENOENT, 0x78, 0600);
	EXPECT_ERRNO(msgsnd, EINVAL, -1, &message, 4, 0);
	EXPECT_ERRNO(msgsnd, EINVAL, id + 1, &message, 4, 0);
	EXPECT_ERRNO(msgsnd, EINVAL, id, &zero_kind, 4, 0);
	EXPECT_ERRNO(msgsnd, EINVAL, id, &message, 1000000, 0);
	EXPECT_ERRNO(msgsnd, EINVAL, id, &message, -1, 0);
	EXPECT_ERRNO(msgsnd, EFAULT, id, BAD, 4, 0);
	EXPECT_ERRNO(msgrcv, ENOMSG, id, &message, 16, 0, IPC_NOWAIT);
	EXPECT_OK(msgsnd, id, &message, 16, 0);
	EXPECT_ERRNO(msgrcv, EINVAL, -1, &message, 16, 0, 0);
	EXPECT_ERRNO(msgrcv, EINVAL, id + 1, &message, 16, 0, 0);
	EXPECT_ERRNO(msgrcv, EINVAL, id, &message, -1, 0, 0);
	EXPECT_ERRNO(msgrcv, EINVAL, id, &message, 16, 0, 040000);
	EXPECT_ERRNO(msgrcv, EINVAL, id, &message, 16, 0, 040000 | 020000 | IPC_NOWAIT);
	EXPECT_ERRNO(msgrcv, E2BIG, id, &message, 8, 0, 0);
	EXPECT_ERRNO(msgrcv, ENOMSG, id, &message, 16, 5, IPC_NOWAIT);
	EXPECT_ERRNO(msgrcv, EFAULT, id, BAD, 16, 0, 0);
	EXPECT_ERRNO(msgrcv, ENOMSG, id, &message, 16, 0, IPC_NOWAIT);
	EXPECT_ERRNO(msgctl, EINVAL, -1, IPC_STAT, &info);
	EXPECT_ERRNO(msgctl, EINVAL, id + 1, IPC_STAT, &info);
	EXPECT_ERRNO(msgctl, EINVAL, id, 99, &info);
	EXPECT_ERRNO(msgctl, EINVAL, 1000, MSG_STAT, &info);
	EXPECT_ERRNO(msgctl, EFAULT, id, IPC_STAT, BAD);
	EXPECT_ERRNO(msgctl, EFAULT, id, IPC_SET, BAD);
	EXPECT_OK(msgctl, id, IPC_STAT, &info);
	BE_NOBODY();
	EXPECT_ERRNO(msgget, EACCES, 0x77, 0600);
	EXPECT_ERRNO(msgsnd, EACCES, id, &message, 4, 0);
	EXPECT_ERRNO(msgrcv, EACCES, id, &message, 16, 0, IPC_NOWAIT);
	EXPECT_ERRNO(msgctl, EACCES, id, IPC_STAT, &info);
	EXPECT_ERRNO(msgctl, EPERM, id, IPC_SET, &info);
	EXPECT_ERRNO(msgctl, EPERM, id, IPC_RMID, NULL);
	long own = EXPECT_OK(msgget, IPC_PRIVATE, 0600);
	EXPECT_OK(msgctl, own, IPC_STAT, &info);
	info.msg_qbytes = 10000000;
	EXPECT_ERRNO(msgctl, EPERM, own, IPC_SET, &info);
	BE_ROOT();
	EXPECT_OK(msgctl, id, IPC_STAT, &info);
	info.msg_qbytes = 16;
	EXPECT_OK(msgctl, id, IPC_SET, &info);
	EXPECT_OK(msgsnd, id, &message, 16, 0);
	EXPECT_ERRNO(msgsnd, EAGAIN, id, &message, 16, IPC_NOWAIT);
	pid_t child = later(0, -1, 0, 0);
	EXPECT_ERRNO(msgsnd, EINTR, id, &message, 16, 0);
	EXPECT_ERRNO(msgrcv, EINTR, id, &message, 16, 5, 0);
	finish(child);
	child = later(SYS_msgctl, id, IPC_RMID, 0);
	EXPECT_ERRNO(msgsnd, EIDRM, id, &message, 16, 0);
	finish(child);
	child = later(SYS_msgctl, own, IPC_RMID, 0);
	EXPECT_ERRNO(msgrcv, EIDRM, own, &message, 16, 0, 0);
	finish(child);
	set_limit("msgmni", "0");
	EXPECT_ERRNO(msgget, ENOSPC, IPC_PRIVATE, 0600);
}

static void semaphores(void)
{
	struct semid64_ds info;
	unsigned short values[2] = { 1, 2 }, high[2] = { 40000, 0 };
	struct sembuf up = { 0, 1, 0 }, down = { 0, -5, 0 }, never = { 0, -5, IPC_NOWAIT }, nowhere = { 7, 1, 0 }, over = { 0, 32767, 0 };
	struct timespec soon = { 0, 1000000 }, denormal = { 0, 1000000000 };
	static struct sembuf many[501];
	long id = EXPECT_OK(semget, 0x77, 2, IPC_CREAT | 0600);
	EXPECT_ERRNO(semget, EEXIST, 0x77, 2, IPC_CREAT | IPC_EXCL);
	EXPECT_ERRNO(semget, ENOENT, 0x78, 2, 0600);
	EXPECT_ERRNO(semget, EINVAL, IPC_PRIVATE, -1, 0600);
	EXPECT_ERRNO(semget, EINVAL, IPC_PRIVATE, 1000000, 0600);
	EXPECT_ERRNO(semget, EINVAL, IPC_PRIVATE, 0, 0600);
	EXPECT_ERRNO(semget, EINVAL, 0x77, 3, 0600);
	EXPECT_ERRNO(semctl, EINVAL, -1, 0, GETVAL, 0);
	EXPECT_ERRNO(semctl, EINVAL, id + 1, 0, GETVAL, 0);
	EXPECT_ERRNO(semctl, EINVAL, id, 2, GETVAL, 0);
	EXPECT_ERRNO(semctl, EINVAL, id, -1, SETVAL, 1);
	EXPECT_ERRNO(semctl, EINVAL, id, 0, 99, 0);
	EXPECT_ERRNO(semctl, EINVAL, 1000, 0, SEM_STAT, &info);
	EXPECT_ERRNO(semctl, ERANGE, id, 0, SETVAL, 32768);
	EXPECT_ERRNO(semctl, ERANGE, id, 0, SETVAL, -1);
	EXPECT_ERRNO(semctl, ERANGE, id, 0, SETALL, high);
	EXPECT_ERRNO(semctl, EFAULT, id, 0, SETALL, BAD);
	EXPECT_ERRNO(semctl, EFAULT, id, 0, GETALL, BAD);
	EXPECT_ERRNO(semctl, EFAULT, id, 0, IPC_STAT, BAD);
	EXPECT_ERRNO(semctl, EFAULT, id, 0, IPC_SET, BAD);
	EXPECT_OK(semctl, id, 0, SETALL, values);
	EXPECT_OK(semctl, id, 0, IPC_STAT, &info);
	EXPECT_ERRNO(semop, EINVAL, -1, &up, 1);
	EXPECT_ERRNO(semop, EINVAL, id + 1, &up, 1);
	EXPECT_ERRNO(semop, EINVAL, id, &up, 0);
	EXPECT_ERRNO(semop, E2BIG, id, many, 501);
	EXPECT_ERRNO(semop, EFAULT, id, BAD, 1);
	EXPECT_ERRNO(semop, EFBIG, id, &nowhere, 1);
	EXPECT_ERRNO(semop, EAGAIN, id, &never, 1);
	EXPECT_ERRNO(semop, ERANGE, id, &over, 1);
	EXPECT_ERRNO(semtimedop, E2BIG, id, many, 501, NULL);
	EXPECT_ERRNO(semtimedop, EFBIG, id, &nowhere, 1, NULL);
	EXPECT_ERRNO(semtimedop, ERANGE, id, &over, 1, &soon);
	EXPECT_ERRNO(semtimedop, EAGAIN, id, &down, 1, &soon);
	EXPECT_ERRNO(semtimedop, EINVAL, id, &down, 1, &denormal);
	EXPECT_ERRNO(semtimedop, EFAULT, id, &down, 1, BAD);
	BE_NOBODY();
	EXPECT_ERRNO(semget, EACCES, 0x77, 2, 0600);
	EXPECT_ERRNO(semop, EACCES, id, &up, 1);
	EXPECT_ERRNO(semtimedop, EACCES, id, &up, 1, NULL);
	EXPECT_ERRNO(semctl, EACCES, id, 0, GETVAL, 0);
	EXPECT_ERRNO(semctl, EACCES, id, 0, SETVAL, 1);
	EXPECT_ERRNO(semctl, EACCES, id, 0, IPC_STAT, &info);
	EXPECT_ERRNO(semctl, EPERM, id, 0, IPC_SET, &info);
	EXPECT_ERRNO(semctl, EPERM, id, 0, IPC_RMID, 0);
	BE_ROOT();
	pid_t child = later(0, -1, 0, 0);
	EXPECT_ERRNO(semop, EINTR, id, &down, 1);
	EXPECT_ERRNO(semtimedop, EINTR, id, &down, 1, NULL);
	finish(child);
	child = later(SYS_semctl, id, 0, IPC_RMID);
	EXPECT_ERRNO(semop, EIDRM, id, &down, 1);
	finish(child);
	id = EXPECT_OK(semget, IPC_PRIVATE, 2, 0600);
	child = later(SYS_semctl, id, 0, IPC_RMID);
	EXPECT_ERRNO(semtimedop, EIDRM, id, &down, 1, NULL);
	finish(child);
	set_limit("sem", "250 32000 100 0");
	EXPECT_ERRNO(semget, ENOSPC, IPC_PRIVATE, 1, 0600);
	set_limit("sem", "250 0 100 32000");
	EXPECT_ERRNO(semget, ENOSPC, IPC_PRIVATE, 1, 0600);
}

static void segments(void)
{
	struct shmid64_ds info;
	long id = EXPECT_OK(shmget, 0x77, 8192, IPC_CREAT | 0600);
	EXPECT_ERRNO(shmget, EEXIST, 0x77, 8192, IPC_CREAT | IPC_EXCL);
	EXPECT_ERRNO(shmget, ENOENT, 0x78, 8192, 0600);
	EXPECT_ERRNO(shmget, EINVAL, 0x77, 8193, 0600);
	EXPECT_ERRNO(shmget, EINVAL, IPC_PRIVATE, 0, 0600);
	EXPECT_ERRNO(shmget, EINVAL, IPC_PRIVATE, -1, 0600);
	EXPECT_ERRNO(shmget, ENOMEM, IPC_PRIVATE, 2 << 20, SHM_HUGETLB | 0600);
	EXPECT_ERRNO(shmat, EINVAL, -1, 0, 0);
	EXPECT_ERRNO(shmat, EINVAL, id + 1, 0, 0);
	EXPECT_ERRNO(shmat, EINVAL, id, 0x123456, 0);
	EXPECT_ERRNO(shmat, EINVAL, id, 0, SHM_REMAP);
	EXPECT_ERRNO(shmat, EINVAL, id, &message, SHM_RND);
	char *at = (char *)CALL(shmat, id, 0, 0);
	EXPECT_ERRNO(shmat, EINVAL, id, at + 4096, 0);
	EXPECT_ERRNO(shmdt, EINVAL, at + 1);
	EXPECT_ERRNO(shmdt, EINVAL, at + 4096);
	EXPECT_OK(shmdt, at);
	EXPECT_ERRNO(shmdt, EINVAL, at);
	WITH_LIMIT(RLIMIT_AS, 0, EXPECT_ERRNO(shmat, ENOMEM, id, 0, 0));
	EXPECT_ERRNO(shmctl, EINVAL, -1, IPC_STAT, &info);
	EXPECT_ERRNO(shmctl, EINVAL, id + 1, IPC_STAT, &info);
	EXPECT_ERRNO(shmctl, EINVAL, id, 99, &info);
	EXPECT_ERRNO(shmctl, EINVAL, 1000, SHM_STAT, &info);
	EXPECT_ERRNO(shmctl, EFAULT, id, IPC_STAT, BAD);
	EXPECT_ERRNO(shmctl, EFAULT, id, IPC_SET, BAD);
	EXPECT_OK(shmctl, id, IPC_STAT, &info);
	BE_NOBODY();
	EXPECT_ERRNO(shmget, EACCES, 0x77, 8192, 0600);
	EXPECT_ERRNO(shmat, EACCES, id, 0, 0);
	EXPECT_ERRNO(shmat, EACCES, id, 0, SHM_RDONLY);
	EXPECT_ERRNO(shmctl, EACCES, id, IPC_STAT, &info);
	EXPECT_ERRNO(shmctl, EPERM, id, IPC_SET, &info);
	EXPECT_ERRNO(shmctl, EPERM, id, IPC_RMID, NULL);
	EXPECT_ERRNO(shmctl, EPERM, id, SHM_LOCK, NULL);
	long own = EXPECT_OK(shmget, IPC_PRIVATE, 8192, 0600);
	WITH_LIMIT(RLIMIT_MEMLOCK, 4096, EXPECT_ERRNO(shmctl, ENOMEM, own, SHM_LOCK, NULL));
	BE_ROOT();
	EXPECT_OK(shmctl, own, IPC_RMID, NULL);
	/* A removed segment lives while somebody has it; it can be attached by its identifier, but is private. */
	at = (char *)CALL(shmat, id, 0, 0);
	EXPECT_OK(shmctl, id, IPC_RMID, NULL);
	EXPECT_ERRNO(shmget, ENOENT, 0x77, 8192, 0600);
	EXPECT_OK(shmdt, at);
	EXPECT_ERRNO(shmctl, EINVAL, id, IPC_STAT, &info);
	set_limit("shmmni", "0");
	EXPECT_ERRNO(shmget, ENOSPC, IPC_PRIVATE, 4096, 0600);
	set_limit("shmmni", "4096");
	set_limit("shmall", "1");
	EXPECT_ERRNO(shmget, ENOSPC, IPC_PRIVATE, 8192, 0600);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGUSR1, &action, NULL);
	MUST(unshare(CLONE_NEWIPC) == 0);
	queues();
	semaphores();
	segments();
	return 0;
}
