/* SPDX-License-Identifier: MPL-2.0 */
/* System V semaphores: lists of operations that happen wholly or not, waiting, SEM_UNDO, removal, control, and every errno. */
#include "../show.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEY (0x4c000000 | getpid_once())

static int getpid_once(void)
{
	static int pid;

	return pid ? pid : (pid = getpid());
}

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int id;

static void values(const char *when)
{
	unsigned short all[3];

	semctl(id, 0, GETALL, (union semun){ .array = all });
	printf("%s: %d %d %d\n", when, all[0], all[1], all[2]);
}

static int op(int number, int change, int flags)
{
	struct sembuf one = { number, change, flags };

	return semop(id, &one, 1);
}

static void wait_until(int command, int number, int count)
{
	while (semctl(id, number, command) != count)
		usleep(1000);
}

static void lists(void)
{
	struct sembuf both[2] = { { 0, 2, 0 }, { 1, -1, IPC_NOWAIT } };
	struct sembuf chain[3] = { { 2, 3, 0 }, { 2, -2, 0 }, { 0, 0, IPC_NOWAIT } };
	struct sembuf many[600] = { 0 };
	struct timespec bad = { 0, -1 }, soon = { 0, 20000000 };

	VALUE(semop(id, both, 2));
	values("refused");
	VALUE(op(1, 1, 0));
	VALUE(semop(id, both, 2));
	values("done");
	VALUE(semop(id, chain, 3));
	VALUE(op(0, -2, 0));
	VALUE(semop(id, chain, 3));
	values("chain");
	VALUE(op(0, 32767, 0));
	VALUE(op(0, 1, 0));
	VALUE(op(0, -32767, 0));
	VALUE(op(3, 1, 0));
	VALUE(semop(id, both, 0));
	VALUE(semop(id, many, 501));
	VALUE(semop(id, many, 500));
	VALUE(semop(-1, both, 1));
	VALUE(semop(id + 1, both, 1));
	VALUE(syscall(SYS_semop, id, 8L, 1));
	VALUE(syscall(SYS_semtimedop, id, both, 1, &bad));
	both[0] = (struct sembuf){ 0, -1, 0 };
	VALUE(syscall(SYS_semtimedop, id, both, 1, &soon));
	VALUE(op(2, 1, IPC_NOWAIT));
	VALUE(op(2, 0, IPC_NOWAIT));
}

static void nothing(int signo)
{
}

static void waiting(void)
{
	int status;
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };

	semctl(id, 0, SETALL, (union semun){ .array = (unsigned short[]){ 0, 1, 0 } });
	pid_t down = fork();
	if (down == 0)
		_exit(op(0, -3, 0) ? errno : 0);
	wait_until(GETNCNT, 0, 1);
	VALUE(semctl(id, 0, GETZCNT));
	VALUE(op(0, 1, 0));
	VALUE(op(0, 2, 0));
	waitpid(down, &status, 0);
	VALUE(WEXITSTATUS(status));
	VALUE(semctl(id, 0, GETPID) == down);
	pid_t zero = fork();
	if (zero == 0)
		_exit(op(1, 0, 0) ? errno : 0);
	wait_until(GETZCNT, 1, 1);
	VALUE(op(1, -1, 0));
	waitpid(zero, &status, 0);
	VALUE(WEXITSTATUS(status));
	sigaction(SIGUSR1, &action, 0);
	pid_t broken = fork();
	if (broken == 0)
		_exit(op(0, -1, 0) ? errno : 0);
	wait_until(GETNCNT, 0, 1);
	kill(broken, SIGUSR1);
	waitpid(broken, &status, 0);
	VALUE(WEXITSTATUS(status) == EINTR);
	VALUE(semctl(id, 0, GETNCNT));
}

static void undo(void)
{
	semctl(id, 0, SETALL, (union semun){ .array = (unsigned short[]){ 5, 0, 0 } });
	if (fork() == 0) {
		op(0, -3, SEM_UNDO);
		op(1, 4, SEM_UNDO);
		op(1, -1, 0);
		values("before the end");
		fflush(stdout);
		_exit(0);
	}
	wait(0);
	values("undone");
	if (fork() == 0) {
		op(0, 1, SEM_UNDO);
		semctl(id, 0, SETVAL, (union semun){ .val = 9 });
		_exit(0);
	}
	wait(0);
	values("SETVAL forgets");
	VALUE(op(0, -32767, SEM_UNDO | IPC_NOWAIT));
}

static void control(void)
{
	struct semid_ds ds;
	struct seminfo info;
	union semun to = { .buf = &ds };

	VALUE(semctl(id, 0, IPC_STAT, to));
	printf("nsems %lu mode %o otime %d ctime %d\n", ds.sem_nsems, ds.sem_perm.mode, ds.sem_otime != 0, ds.sem_ctime != 0);
	VALUE(semctl(id, 3, GETVAL));
	VALUE(semctl(id, -1, GETPID));
	VALUE(semctl(id, 0, SETVAL, (union semun){ .val = 32768 }));
	VALUE(semctl(id, 0, SETVAL, (union semun){ .val = -1 }));
	VALUE(semctl(id, 7, SETVAL, (union semun){ .val = 1 }));
	VALUE(semctl(id, 0, SETALL, (union semun){ .array = (unsigned short[]){ 1, 40000, 1 } }));
	VALUE(semctl(id, 0, 99));
	VALUE(semctl(-1, 0, GETVAL));
	VALUE(syscall(SYS_semctl, id, 0, GETALL, 8L));
	VALUE(syscall(SYS_semctl, id, 0, SETALL, 8L));
	VALUE(syscall(SYS_semctl, id, 0, IPC_STAT, 8L));
	int top = semctl(0, 0, IPC_INFO, (union semun){ .info = &info });
	printf("mni %d msl %d mns %d opm %d vmx %d\n", info.semmni, info.semmsl, info.semmns, info.semopm, info.semvmx);
	VALUE(semctl(0, 0, SEM_INFO, (union semun){ .info = &info }) == top);
	VALUE(info.semusz >= 1 && info.semaem >= 3);
	while (top >= 0 && semctl(top, 0, SEM_STAT, to) != id)
		top--;
	VALUE(ds.sem_perm.__key == KEY);
	VALUE(semctl(32767, 0, SEM_STAT, to));
	ds.sem_perm.mode = 0400;
	VALUE(semctl(id, 0, IPC_SET, to));
	if (fork() == 0) {
		setuid(65534);
		VALUE(semctl(id, 0, GETVAL));
		VALUE(semctl(id, 0, IPC_SET, to));
		VALUE(semctl(id, 0, IPC_RMID));
		VALUE(op(0, 1, 0));
		VALUE(semget(KEY, 1, 0400));
		fflush(stdout);
		_exit(0);
	}
	wait(0);
}

int main(void)
{
	int status;

	setvbuf(stdout, 0, _IOLBF, 0);
	VALUE(semget(KEY, 3, 0));
	VALUE(semget(KEY, 0, IPC_CREAT | 0600));
	VALUE(semget(KEY, -1, IPC_CREAT | 0600));
	VALUE(semget(KEY, 32001, IPC_CREAT | 0600));
	id = DONE(semget(KEY, 3, IPC_CREAT | 0600));
	VALUE(semget(KEY, 4, 0));
	VALUE(semget(KEY, 2, 0) == id);
	VALUE(semget(KEY, 3, IPC_CREAT | IPC_EXCL));
	lists();
	waiting();
	undo();
	control();
	semctl(id, 0, SETVAL, (union semun){ .val = 0 });
	pid_t pid = fork();
	if (pid == 0)
		_exit(op(0, -1, 0) ? errno : 0);
	wait_until(GETNCNT, 0, 1);
	VALUE(semctl(id, 0, IPC_RMID));
	waitpid(pid, &status, 0);
	VALUE(WEXITSTATUS(status) == EIDRM);
	VALUE(op(0, 1, 0));
	return 0;
}
