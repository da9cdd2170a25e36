/* SPDX-License-Identifier: MPL-2.0 */
/* System V shared memory: get, attach, detach, control, what is seen over fork, and every errno. */
#include "../show.h"
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY (0x4c000000 | getpid_once())

static int getpid_once(void)
{
	static int pid;

	return pid ? pid : (pid = getpid());
}

static void state(const char *when, int id)
{
	struct shmid_ds ds;

	if (shmctl(id, IPC_STAT, &ds)) {
		printf("%s: %s\n", when, strerrorname_np(errno));
		return;
	}
	printf("%s: size %zu nattch %lu mode %o cpid %d lpid %d atime %d dtime %d ctime %d\n", when, ds.shm_segsz, ds.shm_nattch,
	       ds.shm_perm.mode, ds.shm_cpid == getpid(), ds.shm_lpid == getpid(), ds.shm_atime != 0, ds.shm_dtime != 0, ds.shm_ctime != 0);
}

static void sharing(void)
{
	int id = DONE(shmget(KEY, 10000, IPC_CREAT | IPC_EXCL | 0640));
	state("made", id);
	VALUE(shmget(KEY, 10000, IPC_CREAT | IPC_EXCL));
	VALUE(shmget(KEY, 10001, 0));
	VALUE(shmget(KEY, 0, 0) == id);
	VALUE(shmget(KEY ^ 0x800000, 10, 0));
	VALUE(shmget(IPC_PRIVATE, 0, 0600));
	int *memory = shmat(id, 0, 0);
	int *again = shmat(id, 0, SHM_RDONLY);
	state("attached twice", id);
	memory[0] = 42;
	memory[2499] = 43;
	VALUE(again[0]);
	VALUE(mprotect(again, 4096, PROT_READ | PROT_WRITE));
	if (fork() == 0) {
		memory[0]++;
		state("in the child", id);
		_exit(again[0]);
	}
	int status;
	wait(&status);
	VALUE(WEXITSTATUS(status));
	VALUE(memory[0]);
	state("after the child", id);
	VALUE(munmap(memory + 1024, 4096));
	state("a hole", id);
	VALUE(shmdt(memory));
	VALUE(shmdt(memory));
	VALUE(shmdt((char *)again + 1));
	VALUE(shmctl(id, IPC_RMID, 0));
	state("removed", id);
	VALUE(shmget(KEY, 10, 0));
	int *third = shmat(id, 0, 0);
	VALUE(third[2499]);
	VALUE(shmdt(third));
	VALUE(shmdt(again));
	state("gone", id);
	VALUE((long)shmat(id, 0, 0));
	VALUE(shmctl(id, IPC_RMID, 0));
}

static void addresses(void)
{
	int id = DONE(shmget(IPC_PRIVATE, 3 * 4096, 0600));
	char *room = mmap(0, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	VALUE((long)shmat(id, room, 0));
	VALUE((char *)shmat(id, room, SHM_REMAP) == room);
	VALUE(shmdt(room));
	VALUE((long)shmat(id, room + 1, 0));
	VALUE((char *)shmat(id, room + 1, SHM_RND) == room);
	VALUE(shmdt(room));
	VALUE((long)shmat(id, 0, SHM_REMAP));
	VALUE((long)shmat(id, (void *)1, SHM_RND | SHM_REMAP));
	VALUE((long)shmat(-1, 0, 0));
	char *code = shmat(id, 0, SHM_EXEC);
	code[0] = (char)0xc3;
	((void (*)(void))code)();
	VALUE(shmdt(code));
	VALUE(shmctl(id, IPC_RMID, 0));
}

static void control(void)
{
	struct shmid_ds ds;
	struct shminfo limits;
	struct shm_info totals;
	int id = DONE(shmget(KEY, 4096, IPC_CREAT | 0600));

	VALUE(shmctl(id, 99, 0));
	VALUE(shmctl(-1, IPC_STAT, &ds));
	VALUE(syscall(SYS_shmctl, id, IPC_STAT, 8L));
	VALUE(syscall(SYS_shmctl, id, IPC_SET, 8L));
	VALUE(shmctl(id, IPC_STAT, &ds));
	ds.shm_perm.mode = 0444;
	ds.shm_perm.uid = 1000;
	VALUE(shmctl(id, IPC_SET, &ds));
	state("set", id);
	VALUE(shmctl(id, SHM_LOCK, 0));
	state("locked", id);
	VALUE(shmctl(id, SHM_UNLOCK, 0));
	int top = shmctl(0, IPC_INFO, (struct shmid_ds *)&limits);
	printf("min %lu mni %lu seg %lu\n", limits.shmmin, limits.shmmni, limits.shmseg);
	VALUE(shmctl(0, SHM_INFO, (struct shmid_ds *)&totals) == top);
	VALUE(totals.used_ids >= 1 && totals.shm_tot >= 1);
	while (top >= 0 && shmctl(top, SHM_STAT, &ds) != id)
		top--;
	VALUE(ds.shm_perm.__key == KEY);
	VALUE(shmctl(32767, SHM_STAT, &ds));
	if (fork() == 0) {
		setuid(65534);
		VALUE(shmget(KEY, 1, 0200));
		VALUE((long)shmat(id, 0, 0));
		VALUE((long)shmat(id, 0, SHM_RDONLY) != -1);
		VALUE(shmctl(id, IPC_RMID, 0));
		VALUE(shmctl(id, IPC_SET, &ds));
		VALUE(shmctl(id, SHM_LOCK, 0));
		fflush(stdout);
		_exit(0);
	}
	wait(0);
	VALUE(shmctl(id, IPC_RMID, 0));
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	sharing();
	addresses();
	control();
	return 0;
}
