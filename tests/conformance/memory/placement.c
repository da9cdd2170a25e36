/* SPDX-License-Identifier: MPL-2.0 */
/* remap_file_pages, memory policies on one node, membarrier, mincore of a file's cache, pagemap. */
#include "../show.h"
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096

static void remap(void)
{
	int fd = memfd_create("pages", 0);

	ftruncate(fd, 4 * PAGE);
	for (int i = 0; i < 4; i++)
		pwrite(fd, &(char){ 'a' + i }, 1, i * PAGE);
	char *memory = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	VALUE(remap_file_pages(memory, PAGE, 0, 3, 0));
	VALUE(remap_file_pages(memory + 3 * PAGE, PAGE, 0, 0, 0));
	printf("%c%c%c%c\n", memory[0], memory[PAGE], memory[2 * PAGE], memory[3 * PAGE]);
	memory[0] = 'D';
	char byte;
	pread(fd, &byte, 1, 3 * PAGE);
	printf("%c\n", byte);
	VALUE(remap_file_pages(memory, PAGE, PROT_READ, 0, 0));
	VALUE(remap_file_pages(memory, 0, 0, 0, 0));
	char *private = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	VALUE(remap_file_pages(private, PAGE, 0, 0, 0));
	close(fd);
}

static void policies(void)
{
	unsigned long one = 1, two = 2, mask = 9;
	int mode = 9;
	char *memory = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	VALUE(syscall(SYS_get_mempolicy, &mode, &mask, 64, 0, 0));
	printf("mode %d mask %lu\n", mode, mask);
	VALUE(syscall(SYS_set_mempolicy, MPOL_BIND, &one, 64));
	VALUE(syscall(SYS_get_mempolicy, &mode, &mask, 64, 0, 0));
	printf("mode %d mask %lu\n", mode, mask);
	VALUE(syscall(SYS_set_mempolicy, MPOL_BIND, &two, 64));
	VALUE(syscall(SYS_set_mempolicy, MPOL_BIND, 0, 0));
	VALUE(syscall(SYS_set_mempolicy, 99, &one, 64));
	VALUE(syscall(SYS_set_mempolicy, MPOL_DEFAULT, &one, 64));
	VALUE(syscall(SYS_set_mempolicy, MPOL_BIND, 8L, 64));
	VALUE(syscall(SYS_set_mempolicy, MPOL_DEFAULT, 0, 0));
	VALUE(syscall(SYS_mbind, memory + PAGE, PAGE, MPOL_INTERLEAVE, &one, 64, 0));
	VALUE(syscall(SYS_get_mempolicy, &mode, &mask, 64, memory + PAGE, MPOL_F_ADDR));
	printf("mode %d mask %lu\n", mode, mask);
	VALUE(syscall(SYS_get_mempolicy, &mode, &mask, 64, memory, MPOL_F_ADDR));
	printf("mode %d mask %lu\n", mode, mask);
	VALUE(syscall(SYS_get_mempolicy, &mode, 0, 0, memory, MPOL_F_ADDR | MPOL_F_NODE));
	VALUE(mode);
	VALUE(syscall(SYS_get_mempolicy, &mode, 0, 0, memory, 0));
	VALUE(syscall(SYS_get_mempolicy, &mode, 0, 0, 0, 99));
	VALUE(syscall(SYS_get_mempolicy, &mode, 0, 0, 8L, MPOL_F_ADDR));
	VALUE(syscall(SYS_mbind, memory + 1, PAGE, MPOL_BIND, &one, 64, 0));
	VALUE(syscall(SYS_mbind, memory, PAGE, MPOL_BIND, &one, 64, 99));
	munmap(memory + 2 * PAGE, PAGE);
	VALUE(syscall(SYS_mbind, memory, 4 * PAGE, MPOL_BIND, &one, 64, 0));
	void *pages[2] = { memory, memory + 2 * PAGE };
	int status[2] = { 77, 77 };
	memory[0] = 1;
	VALUE(syscall(SYS_move_pages, 0, 2, pages, 0, status, 0));
	printf("status %d %d\n", status[0], status[1]);
	VALUE(syscall(SYS_move_pages, 0, 1, pages, (int[]){ 7 }, status, MPOL_MF_MOVE));
	VALUE(syscall(SYS_move_pages, 0, 1, pages, 0, status, 99));
	VALUE(syscall(SYS_move_pages, 999999, 1, pages, 0, status, 0));
	VALUE(syscall(SYS_migrate_pages, 0, 64, &one, &one));
}

static volatile int is_over;

static void *spin(void *unused)
{
	while (!is_over)
		;
	return 0;
}

static void barriers(void)
{
	pthread_t thread;

	VALUE(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0) & 127);
	VALUE(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
	VALUE(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	pthread_create(&thread, 0, spin, 0);
	for (int i = 0; i < 20; i++)
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0))
			printf("failed\n");
	is_over = 1;
	pthread_join(thread, 0);
	VALUE(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0));
	VALUE(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 77));
	VALUE(syscall(SYS_membarrier, 1 << 20, 0));
}

static void presence(void)
{
	unsigned char vector[4];
	uint64_t entries[4] = { 0 };
	char *memory = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = memfd_create("pages", 0), map = open("/proc/self/pagemap", O_RDONLY);

	ftruncate(fd, 4 * PAGE);
	pwrite(fd, "x", 1, 2 * PAGE);
	char *file = mmap(0, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	VALUE(mincore(file, 4 * PAGE, vector));
	printf("%d%d%d%d\n", vector[0] & 1, vector[1] & 1, vector[2] & 1, vector[3] & 1);
	VALUE(madvise(memory, 4 * PAGE, MADV_NOHUGEPAGE) == 0 || errno == EINVAL);
	VALUE(pread(map, entries, 32, (uintptr_t)memory / PAGE * 8));
	printf("%d%d\n", (int)(entries[0] >> 63), (int)(entries[3] >> 63));
	memory[0] = 1;
	VALUE(pread(map, entries, 8, (uintptr_t)memory / PAGE * 8));
	VALUE(entries[0] >> 63);
	VALUE(pread(map, entries, 7, (uintptr_t)memory / PAGE * 8));
	VALUE(pread(map, entries, 8, 4));
	VALUE(madvise(memory, PAGE, MADV_COLD));
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	remap();
	policies();
	barriers();
	presence();
	return 0;
}
