/* SPDX-License-Identifier: MPL-2.0 */
/* System V message queues: order and choice by type, full and empty queues, removal, control, and every errno. */
#include "../show.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY (0x4c000000 | getpid_once())

static int getpid_once(void)
{
	static int pid;

	return pid ? pid : (pid = getpid());
}

struct message {
	long type;
	char text[9000];
};

static int id;
static struct message in, out;

static int send(long type, const char *text, int flags)
{
	out.type = type;
	strcpy(out.text, text);
	return msgsnd(id, &out, strlen(text), flags);
}

static void receive(size_t size, long type, int flags)
{
	errno = 0;
	memset(&in, 0, sizeof in);
	long n = msgrcv(id, &in, size, type, flags | IPC_NOWAIT);
	printf("receive %ld: %ld %ld %s %s\n", type, n, in.type, in.text, n < 0 ? strerrorname_np(errno) : "");
}

static void choice(void)
{
	VALUE(send(5, "five", 0));
	VALUE(send(3, "three", 0));
	VALUE(send(5, "five again", 0));
	VALUE(send(1, "one", 0));
	VALUE(send(7, "", 0));
	receive(100, 2, 0);
	receive(100, -4, 0);
	receive(100, 5, MSG_EXCEPT);
	receive(2, 5, 0);
	receive(2, 5, MSG_NOERROR);
	receive(100, 0, 0);
	receive(100, -100, 0);
	receive(100, 0, 0);
}

static void errors(void)
{
	VALUE(send(0, "x", 0));
	VALUE(send(-1, "x", 0));
	out.type = 1;
	VALUE(msgsnd(id, &out, 8193, 0));
	VALUE(msgsnd(-1, &out, 1, 0));
	VALUE(msgsnd(id + 1, &out, 1, 0));
	VALUE(syscall(SYS_msgsnd, id, 8L, 1, 0));
	VALUE(msgrcv(id, &in, -1, 0, IPC_NOWAIT));
	VALUE(msgrcv(-1, &in, 1, 0, IPC_NOWAIT));
	VALUE(msgrcv(id, &in, 1, 0, MSG_COPY));
	VALUE(msgrcv(id, &in, 1, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT));
	VALUE(msgctl(id, 99, 0));
	VALUE(msgctl(-1, IPC_RMID, 0));
	VALUE(syscall(SYS_msgctl, id, IPC_STAT, 8L));
	VALUE(syscall(SYS_msgctl, id, IPC_SET, 8L));
}

static void room(void)
{
	int count = 0, status;

	out.type = 1;
	while (msgsnd(id, &out, 1000, IPC_NOWAIT) == 0)
		count++;
	printf("%d messages fit: %s\n", count, strerrorname_np(errno));
	pid_t pid = fork();
	if (pid == 0)
		_exit(send(9, "last", 0) ? errno : 0);
	usleep(50000);
	VALUE(msgrcv(id, &in, 1000, 0, 0));
	waitpid(pid, &status, 0);
	VALUE(WEXITSTATUS(status));
	VALUE(msgrcv(id, &in, 1000, 9, 0));
	while (msgrcv(id, &in, 1000, 0, IPC_NOWAIT) == 1000)
		count--;
	VALUE(count);
}

static void nothing(int signo)
{
}

static void interrupted(void)
{
	int status;
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &action, 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(msgrcv(id, &in, 10, 0, 0) < 0 ? errno : 0);
	usleep(50000);
	kill(pid, SIGUSR1);
	waitpid(pid, &status, 0);
	VALUE(WEXITSTATUS(status) == EINTR);
}

static void control(void)
{
	struct msqid_ds ds;
	struct msginfo info;

	send(4, "four", 0);
	VALUE(msgctl(id, IPC_STAT, &ds));
	printf("qnum %lu cbytes %lu qbytes %lu lspid %d lrpid %d stime %d rtime %d mode %o\n", ds.msg_qnum, ds.__msg_cbytes, ds.msg_qbytes,
	       ds.msg_lspid == getpid(), ds.msg_lrpid == getpid(), ds.msg_stime != 0, ds.msg_rtime != 0, ds.msg_perm.mode);
	int top = msgctl(0, IPC_INFO, (struct msqid_ds *)&info);
	printf("max %d mnb %d mni %d\n", info.msgmax, info.msgmnb, info.msgmni);
	VALUE(msgctl(0, MSG_INFO, (struct msqid_ds *)&info) == top);
	VALUE(info.msgpool >= 1 && info.msgmap >= 1 && info.msgtql >= 4);
	while (top >= 0 && msgctl(top, MSG_STAT, &ds) != id)
		top--;
	VALUE(ds.msg_perm.__key == KEY);
	VALUE(msgctl(32767, MSG_STAT, &ds));
	ds.msg_qbytes = 3;
	ds.msg_perm.mode = 0400;
	VALUE(msgctl(id, IPC_SET, &ds));
	VALUE(send(1, "four", IPC_NOWAIT));
	if (fork() == 0) {
		setuid(65534);
		VALUE(msgctl(id, IPC_STAT, &ds));
		VALUE(msgctl(id, IPC_SET, &ds));
		VALUE(msgctl(id, IPC_RMID, 0));
		VALUE(send(1, "x", 0));
		VALUE(msgrcv(id, &in, 1, 0, 0));
		VALUE(msgget(KEY, 0400));
		fflush(stdout);
		_exit(0);
	}
	wait(0);
}

int main(void)
{
	int status;

	setvbuf(stdout, 0, _IOLBF, 0);
	VALUE(msgget(KEY, 0));
	id = DONE(msgget(KEY, IPC_CREAT | 0600));
	VALUE(msgget(KEY, IPC_CREAT | IPC_EXCL));
	VALUE(msgget(KEY, 0) == id);
	choice();
	errors();
	room();
	interrupted();
	control();
	pid_t pid = fork();
	if (pid == 0)
		_exit(msgrcv(id, &in, 10, 77, 0) < 0 ? errno : 0);
	usleep(50000);
	VALUE(msgctl(id, IPC_RMID, 0));
	waitpid(pid, &status, 0);
	VALUE(WEXITSTATUS(status) == EIDRM);
	VALUE(msgctl(id, IPC_RMID, 0));
	return 0;
}
