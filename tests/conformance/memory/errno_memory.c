/* SPDX-License-Identifier: MPL-2.0 */
/* Memory calls: arguments, holes, rights and limits that are refused. */
#include "../expect.h"
#include <linux/mempolicy.h>
#include <sys/ipc.h>

#define P 4096UL
#define NOBODYS_PID 4000000
#define BE_ONLY_NOBODY() MUST(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *area; /* 8 pages, the fifth is missing; before and after it nothing */
static int ro, rw, wo, dir, path_only, pipes[2], sealed;

static void prepare(void)
{
	prepare_paths();
	area = mmap(NULL, 24 * P, RW, ANON, -1, 0);
	MUST(area != MAP_FAILED && munmap(area, 8 * P) == 0 && munmap(area + 16 * P, 8 * P) == 0);
	area += 8 * P;
	MUST(munmap(area + 4 * P, P) == 0);
	rw = open("f", O_RDWR), ro = open("f", O_RDONLY), wo = open("f", O_WRONLY), dir = open("d", O_RDONLY), path_only = open("f", O_PATH);
	MUST(ftruncate(rw, 4 * P) == 0 && pipe(pipes) == 0);
	sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
	MUST(ftruncate(sealed, P) == 0 && fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE) == 0);
}

static void mapping(void)
{
	EXPECT_ERRNO(mmap, EINVAL, 0, 0, RW, ANON, -1, 0);
	EXPECT_ERRNO(mmap, EINVAL, 0, P, RW, MAP_ANONYMOUS, -1, 0);
	EXPECT_ERRNO(mmap, EINVAL, 0, P, PROT_READ, MAP_PRIVATE, ro, 1);
	EXPECT_ERRNO(mmap, EINVAL, area + 1, P, RW, ANON | MAP_FIXED, -1, 0);
	EXPECT_ERRNO(mmap, EINVAL, 0, P, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, ro, 0);
	EXPECT_ERRNO(mmap, EINVAL, 0, P, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, ro, 0);
	EXPECT_ERRNO(mmap, EBADF, 0, P, PROT_READ, MAP_PRIVATE, 999, 0);
	EXPECT_ERRNO(mmap, EBADF, 0, P, PROT_READ, MAP_PRIVATE, path_only, 0);
	EXPECT_ERRNO(mmap, EACCES, 0, P, PROT_WRITE, MAP_SHARED, ro, 0);
	EXPECT_ERRNO(mmap, EACCES, 0, P, PROT_READ, MAP_PRIVATE, wo, 0);
	EXPECT_ERRNO(mmap, ENODEV, 0, P, PROT_READ, MAP_PRIVATE, dir, 0);
	EXPECT_ERRNO(mmap, ENODEV, 0, P, PROT_READ, MAP_PRIVATE, pipes[0], 0);
	EXPECT_ERRNO(mmap, EOPNOTSUPP, 0, P, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, ro, 0);
	EXPECT_ERRNO(mmap, EOVERFLOW, 0, P, PROT_READ, MAP_PRIVATE, ro, -P);
	EXPECT_ERRNO(mmap, EEXIST, area, P, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	EXPECT_ERRNO(mmap, ENOMEM, 0, 1UL << 62, RW, ANON, -1, 0);
	EXPECT_ERRNO(mmap, ENOMEM, 1UL << 47, P, RW, ANON | MAP_FIXED, -1, 0);
	EXPECT_ERRNO(mmap, EPERM, 0, P, PROT_READ | PROT_WRITE, MAP_SHARED, sealed, 0);
	WITH_LIMIT(RLIMIT_AS, 0, EXPECT_ERRNO(mmap, ENOMEM, 0, P, RW, ANON, -1, 0));
	WITH_LIMIT(RLIMIT_DATA, 4096, EXPECT_ERRNO(mmap, ENOMEM, 0, P, RW, ANON, -1, 0));
	WITH_LIMIT(RLIMIT_DATA, 0, EXPECT_OK(mmap, 0, P, RW, ANON, -1, 0));
	IN_CHILD(struct rlimit one = { P, P }; struct rlimit zero = { 0, 0 }; MUST(setrlimit(RLIMIT_MEMLOCK, &one) == 0); BE_ONLY_NOBODY();
		 EXPECT_ERRNO(mmap, EAGAIN, 0, 2 * P, RW, ANON | MAP_LOCKED, -1, 0);
		 char *locked = mmap(NULL, P, RW, ANON | MAP_LOCKED, -1, 0); EXPECT(locked != MAP_FAILED);
		 EXPECT_ERRNO(mremap, EAGAIN, locked, P, 2 * P, MREMAP_MAYMOVE, 0);
		 EXPECT_ERRNO(mlock, ENOMEM, area, 2 * P);
		 EXPECT_ERRNO(mlock2, ENOMEM, area, 2 * P, 1);
		 EXPECT_ERRNO(mlockall, ENOMEM, MCL_CURRENT);
		 MUST(setrlimit(RLIMIT_MEMLOCK, &zero) == 0);
		 EXPECT_ERRNO(mmap, EPERM, 0, P, RW, ANON | MAP_LOCKED, -1, 0);
		 EXPECT_ERRNO(mlock, EPERM, area, P);
		 EXPECT_ERRNO(mlock2, EPERM, area, P, 0);
		 EXPECT_ERRNO(mlockall, EPERM, MCL_CURRENT));
	EXPECT_ERRNO(munmap, EINVAL, area + 1, P);
	EXPECT_ERRNO(munmap, EINVAL, area, 0);
	EXPECT_ERRNO(munmap, EINVAL, area, 1UL << 62);
	EXPECT_OK(munmap, area + 4 * P, P);
	EXPECT(CALL(brk, 0) == CALL(brk, 1));
}

static void protection(void)
{
	char *shared = mmap(NULL, P, PROT_READ, MAP_SHARED, ro, 0);
	EXPECT_ERRNO(mprotect, EINVAL, area + 1, P, PROT_READ);
	EXPECT_ERRNO(mprotect, EINVAL, area, P, 0x40);
	EXPECT_ERRNO(mprotect, EINVAL, area, P, PROT_READ | PROT_GROWSDOWN);
	EXPECT_ERRNO(mprotect, EINVAL, area, P, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP);
	EXPECT_ERRNO(mprotect, ENOMEM, area + 3 * P, 3 * P, RW);
	EXPECT_ERRNO(mprotect, ENOMEM, area + 4 * P, P, RW);
	EXPECT_ERRNO(mprotect, ENOMEM, area, -P, RW);
	EXPECT_ERRNO(mprotect, EACCES, shared, P, RW);
	EXPECT_OK(mprotect, area, 0, 0x40 & 0);
	EXPECT_ERRNO(pkey_mprotect, EINVAL, area, P, RW, 77);
	EXPECT_ERRNO(pkey_alloc, EINVAL, 1, 0);
	EXPECT_ERRNO(pkey_alloc, EINVAL, 0, 0x100);
	EXPECT_ERRNO(pkey_free, EINVAL, 15);
	while (CALL(pkey_alloc, 0, 0) > 0)
		;
	EXPECT_ERRNO(pkey_alloc, ENOSPC, 0, 0);
	munmap(shared, P);
}

static void moving(void)
{
	EXPECT_ERRNO(mremap, EINVAL, area, P, P, 8, 0);
	EXPECT_ERRNO(mremap, EINVAL, area, P, P, MREMAP_FIXED, 0);
	EXPECT_ERRNO(mremap, EINVAL, area, P, 2 * P, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, 0);
	EXPECT_ERRNO(mremap, EINVAL, area + 1, P, P, 0, 0);
	EXPECT_ERRNO(mremap, EINVAL, area, P, 0, 0, 0);
	EXPECT_ERRNO(mremap, EINVAL, area, 0, P, MREMAP_MAYMOVE, 0);
	EXPECT_ERRNO(mremap, EINVAL, area, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, area + 1);
	EXPECT_ERRNO(mremap, EINVAL, area, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, area + P);
	EXPECT_ERRNO(mremap, EFAULT, area + 4 * P, P, 2 * P, MREMAP_MAYMOVE, 0);
	EXPECT_ERRNO(mremap, EFAULT, area + 3 * P, 2 * P, 3 * P, MREMAP_MAYMOVE, 0);
	EXPECT_ERRNO(mremap, ENOMEM, area, P, 2 * P, 0, 0);
	WITH_LIMIT(RLIMIT_AS, 0, EXPECT_ERRNO(mremap, ENOMEM, area, P, 2 * P, MREMAP_MAYMOVE, 0));
	char *constant = mmap(NULL, 2 * P, PROT_READ, MAP_SHARED, ro, 0), *file = mmap(NULL, 2 * P, PROT_READ, MAP_SHARED, rw, 0);
	EXPECT_ERRNO(remap_file_pages, EINVAL, constant, P, 0, 1, 0);
	EXPECT_ERRNO(remap_file_pages, EINVAL, file, P, PROT_READ, 1, 0);
	EXPECT_ERRNO(remap_file_pages, EINVAL, file, 0, 0, 1, 0);
	EXPECT_ERRNO(remap_file_pages, EINVAL, area, P, 0, 0, 0);
	EXPECT_ERRNO(remap_file_pages, EINVAL, area + 4 * P, P, 0, 0, 0);
	EXPECT_ERRNO(remap_file_pages, EINVAL, file, 3 * P, 0, 0, 0);
	EXPECT_ERRNO(remap_file_pages, EINVAL, file, P, 0, -1UL, 0);
	EXPECT_OK(remap_file_pages, file, P, 0, 1, 0);
	munmap(file, 2 * P), munmap(constant, 2 * P);
}

static void advice(void)
{
	unsigned char present[16];
	char *file = mmap(NULL, 2 * P, PROT_READ, MAP_SHARED, ro, 0), *none = mmap(NULL, P, PROT_NONE, ANON, -1, 0);
	char *beyond = mmap(NULL, 8 * P, PROT_READ, MAP_SHARED, ro, 0);
	EXPECT_ERRNO(madvise, EINVAL, area, P, 999);
	EXPECT_ERRNO(madvise, EINVAL, area + 1, P, MADV_DONTNEED);
	EXPECT_ERRNO(madvise, EINVAL, area, -P, MADV_DONTNEED);
	EXPECT_ERRNO(madvise, EINVAL, file, P, MADV_FREE);
	EXPECT_ERRNO(madvise, EINVAL, file, P, MADV_WIPEONFORK);
	EXPECT_ERRNO(madvise, EINVAL, area, P, MADV_REMOVE);
	EXPECT_ERRNO(madvise, EACCES, file, P, MADV_REMOVE);
	EXPECT_ERRNO(madvise, ENOMEM, area + 3 * P, 3 * P, MADV_DONTNEED);
	EXPECT_ERRNO(madvise, ENOMEM, area + 4 * P, P, MADV_NORMAL);
	EXPECT_ERRNO(madvise, ENOMEM, area + 3 * P, 3 * P, MADV_POPULATE_READ);
	EXPECT_ERRNO(madvise, EINVAL, none, P, MADV_POPULATE_READ);
	EXPECT_ERRNO(madvise, EINVAL, file, P, MADV_POPULATE_WRITE);
	EXPECT_ERRNO(madvise, EFAULT, beyond, 8 * P, MADV_POPULATE_READ);
	EXPECT_ERRNO(msync, EINVAL, area + 1, P, MS_SYNC);
	EXPECT_ERRNO(msync, EINVAL, area, P, MS_SYNC | MS_ASYNC);
	EXPECT_ERRNO(msync, EINVAL, area, P, 0x100);
	EXPECT_ERRNO(msync, ENOMEM, area + 3 * P, 3 * P, MS_SYNC);
	EXPECT_ERRNO(msync, ENOMEM, area, -P, MS_SYNC);
	EXPECT_OK(mlock, file, P);
	EXPECT_ERRNO(msync, EBUSY, file, P, MS_INVALIDATE);
	EXPECT_OK(munlock, file, P);
	EXPECT_ERRNO(mincore, EINVAL, area + 1, P, present);
	EXPECT_ERRNO(mincore, ENOMEM, area + 3 * P, 3 * P, present);
	EXPECT_ERRNO(mincore, ENOMEM, area, 1UL << 62, present);
	EXPECT_ERRNO(mincore, EFAULT, area, P, BAD);
	EXPECT_ERRNO(mlock, ENOMEM, area + 3 * P, 3 * P);
	EXPECT_ERRNO(mlock, ENOMEM, none, P);
	EXPECT_ERRNO(mlock, EINVAL, area, -P);
	EXPECT_ERRNO(mlock2, EINVAL, area, P, 2);
	EXPECT_ERRNO(mlock2, EINVAL, area, -P, 0);
	EXPECT_ERRNO(munlock, ENOMEM, area + 3 * P, 3 * P);
	EXPECT_ERRNO(munlock, EINVAL, area, -P);
	EXPECT_ERRNO(mlockall, EINVAL, 0);
	EXPECT_ERRNO(mlockall, EINVAL, 8);
	EXPECT_ERRNO(mlockall, EINVAL, MCL_ONFAULT);
	EXPECT_OK(munlockall);
	EXPECT_ERRNO(membarrier, EINVAL, 3, 0, 0);
	EXPECT_ERRNO(membarrier, EINVAL, 0, 2, 0);
	EXPECT_ERRNO(membarrier, EPERM, 8, 0, 0);
	EXPECT_ERRNO(membarrier, EPERM, 32, 0, 0);
	EXPECT_ERRNO(memfd_create, EINVAL, "x", 0x8000);
	EXPECT_ERRNO(memfd_create, ENODEV, "x", MFD_HUGETLB | 13 << 26);
	EXPECT_ERRNO(memfd_create, EFAULT, BAD, 0);
	munmap(file, 2 * P), munmap(none, P), munmap(beyond, 8 * P);
}

static void policies(void)
{
	unsigned long nodes = 1, none = 0, far = 1UL << 63;
	int mode;
	EXPECT_OK(set_mempolicy, MPOL_DEFAULT, NULL, 0);
	EXPECT_ERRNO(set_mempolicy, EINVAL, 99, NULL, 0);
	EXPECT_ERRNO(set_mempolicy, EINVAL, MPOL_DEFAULT, &nodes, 64);
	EXPECT_ERRNO(set_mempolicy, EINVAL, MPOL_BIND, &none, 64);
	EXPECT_ERRNO(set_mempolicy, EINVAL, MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, &nodes, 64);
	EXPECT_ERRNO(set_mempolicy, EINVAL, MPOL_BIND, &nodes, 1 << 20);
	EXPECT_ERRNO(set_mempolicy, EFAULT, MPOL_BIND, BAD, 64);
	EXPECT_ERRNO(get_mempolicy, EINVAL, &mode, NULL, 0, 0, 8);
	EXPECT_ERRNO(get_mempolicy, EINVAL, &mode, NULL, 0, area, 0);
	EXPECT_ERRNO(get_mempolicy, EINVAL, &mode, NULL, 0, 0, MPOL_F_NODE);
	EXPECT_ERRNO(get_mempolicy, EINVAL, &mode, NULL, 0, 0, MPOL_F_MEMS_ALLOWED | MPOL_F_NODE);
	EXPECT_ERRNO(get_mempolicy, EFAULT, &mode, NULL, 0, area + 4 * P, MPOL_F_ADDR);
	EXPECT_ERRNO(get_mempolicy, EFAULT, BAD, NULL, 0, 0, 0);
	EXPECT_ERRNO(mbind, EINVAL, area, P, MPOL_DEFAULT, NULL, 0, 8);
	EXPECT_ERRNO(mbind, EINVAL, area + 1, P, MPOL_DEFAULT, NULL, 0, 0);
	EXPECT_ERRNO(mbind, EINVAL, area, P, 99, NULL, 0, 0);
	EXPECT_ERRNO(mbind, EINVAL, area, P, MPOL_BIND, &none, 64, 0);
	EXPECT_ERRNO(mbind, EFAULT, area, P, MPOL_BIND, BAD, 64, 0);
	EXPECT_ERRNO(mbind, EFAULT, area + 3 * P, 3 * P, MPOL_BIND, &nodes, 64, 0);
	EXPECT_ERRNO(set_mempolicy_home_node, EINVAL, area + 1, P, 0, 0);
	EXPECT_ERRNO(set_mempolicy_home_node, EINVAL, area, P, 0, 1);
	EXPECT_ERRNO(set_mempolicy_home_node, EINVAL, area, P, 99, 0);
	EXPECT_ERRNO(set_mempolicy_home_node, ENOENT, area, P, 0, 0);
	void *pages[1] = { area };
	int node[1] = { 0 }, nowhere[1] = { 99 }, status[1];
	area[0] = 1;
	EXPECT_ERRNO(migrate_pages, ESRCH, NOBODYS_PID, 64, &nodes, &nodes);
	EXPECT_ERRNO(migrate_pages, EFAULT, 0, 64, BAD, &nodes);
	EXPECT_ERRNO(migrate_pages, EFAULT, 0, 64, &nodes, BAD);
	EXPECT_ERRNO(migrate_pages, EINVAL, 0, 64, &nodes, &none);
	EXPECT_ERRNO(move_pages, EINVAL, 0, 1, pages, node, status, 8);
	EXPECT_ERRNO(move_pages, ESRCH, NOBODYS_PID, 1, pages, node, status, 0);
	EXPECT_ERRNO(move_pages, ENODEV, 0, 1, pages, nowhere, status, 0);
	EXPECT_ERRNO(move_pages, EFAULT, 0, 1, BAD, node, status, 0);
	EXPECT_ERRNO(move_pages, EFAULT, 0, 1, pages, BAD, status, 0);
	EXPECT_OK(move_pages, 0, 1, pages, NULL, status, 0);
	EXPECT(status[0] == 0);
	pages[0] = area + 4 * P;
	EXPECT_OK(move_pages, 0, 1, pages, NULL, status, 0);
	EXPECT(status[0] == -EFAULT);
	IN_CHILD(BE_ONLY_NOBODY(); EXPECT_ERRNO(mbind, EPERM, area, P, MPOL_BIND, &nodes, 64, MPOL_MF_MOVE_ALL);
		 EXPECT_ERRNO(move_pages, EPERM, 0, 1, pages, node, status, MPOL_MF_MOVE_ALL);
		 EXPECT_ERRNO(move_pages, EPERM, getppid(), 1, pages, NULL, status, 0);
		 EXPECT_ERRNO(migrate_pages, EPERM, getppid(), 64, &nodes, &nodes));
}

int main(void)
{
	prepare();
	mapping();
	protection();
	moving();
	advice();
	policies();
	return 0;
}
