/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Assertions of conformance programs: each makes one system call, without libc between, and prints one line, which must be the same on
 * Linux and on cruck. What is not as the program says starts with WRONG, on Linux too.
 *
 *	EXPECT_OK(call, arguments…)            succeeds; the value is the result
 *	EXPECT_IS(value, call, arguments…)     returns just that
 *	EXPECT_ERRNO(call, ERRNO, arguments…)  is refused with that error; test_errno_coverage.py reads these lines
 *	ERRNO_IF_BUILT(call, ERRNO, arguments…) the same, but a Linux that was built without the call may say ENOSYS
 *	PATH_ERRNOS(call, arguments…)          is refused with each error of a path walk; PATH stands for the path, DIRFD for the descriptor
 *	EXPECT(condition)                      holds
 *
 * BE_NOBODY and BE_ROOT change the effective, real and file-system user; IN_CHILD runs statements in a child.
 */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

#define NOBODY 65534
#define BAD ((void *)8) /* an address where nothing is */

static inline long raw_call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

#define ARGS_0() 0, 0, 0, 0, 0, 0
#define ARGS_1(a) (long)(a), 0, 0, 0, 0, 0
#define ARGS_2(a, b) (long)(a), (long)(b), 0, 0, 0, 0
#define ARGS_3(a, b, c) (long)(a), (long)(b), (long)(c), 0, 0, 0
#define ARGS_4(a, b, c, d) (long)(a), (long)(b), (long)(c), (long)(d), 0, 0
#define ARGS_5(a, b, c, d, e) (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0
#define ARGS_6(a, b, c, d, e, f) (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)
#define ARGS_PICK(_0, _1, _2, _3, _4, _5, _6, name, ...) name
#define ARGS(...) \
	ARGS_PICK(_0 __VA_OPT__(,) __VA_ARGS__, ARGS_6, ARGS_5, ARGS_4, ARGS_3, ARGS_2, ARGS_1, ARGS_0)(__VA_ARGS__)
/* The call without an assertion: the result or −errno. */
#define CALL(call, ...) raw_call(SYS_##call, ARGS(__VA_ARGS__))

static inline const char *errno_name(long error)
{
	const char *name = strerrorname_np((int)error);
	return name ? name : "?";
}

static inline long expect_ok(const char *text, long result)
{
	if (result < 0 && result > -4096)
		dprintf(1, "WRONG %s = %s\n", text, errno_name(-result));
	else
		dprintf(1, "%s: done\n", text);
	return result;
}

static inline long expect_is(const char *text, long result, long value)
{
	if (result < 0 && result > -4096)
		dprintf(1, "WRONG %s = %s, not %ld\n", text, errno_name(-result), value);
	else
		dprintf(1, "%s%s = %ld\n", result == value ? "" : "WRONG ", text, result);
	return result;
}

static inline void expect_errno(const char *text, long result, int error)
{
	if (result == -error)
		dprintf(1, "%s = %s\n", text, errno_name(error));
	else if (result < 0 && result > -4096)
		dprintf(1, "WRONG %s = %s, not %s\n", text, errno_name(-result), errno_name(error));
	else
		dprintf(1, "WRONG %s = %#lx, not %s\n", text, result, errno_name(error));
}

static inline int expect(const char *text, int holds)
{
	dprintf(1, "%s%s\n", holds ? "" : "WRONG ", text);
	return holds;
}

#define EXPECT_OK(call, ...) expect_ok(#call "(" #__VA_ARGS__ ")", CALL(call __VA_OPT__(,) __VA_ARGS__))
#define EXPECT_IS(value, call, ...) expect_is(#call "(" #__VA_ARGS__ ")", CALL(call __VA_OPT__(,) __VA_ARGS__), value)
#ifdef LIST_ERRNOS /* for the preprocessor alone: errno_coverage.py */
#define EXPECT_ERRNO(call, error, ...) @@refused call error
#define ERRNO_IF_BUILT(call, error, ...) @@refused call error
#define PATH_ERRNOS(call, ...) \
	@@refused call EACCES @@refused call EFAULT @@refused call ELOOP @@refused call ENAMETOOLONG @@refused call ENOENT @@refused call ENOTDIR
#else
#define EXPECT_ERRNO(call, error, ...) expect_errno(#call "(" #__VA_ARGS__ ")", CALL(call __VA_OPT__(,) __VA_ARGS__), error)
#define ERRNO_IF_BUILT(call, error, ...) \
	do { \
		long answer_ = CALL(call __VA_OPT__(,) __VA_ARGS__); \
		expect_errno(#call "(" #__VA_ARGS__ ")", answer_ == -ENOSYS ? -error : answer_, error); \
	} while (0)
#endif
#define EXPECT(condition) expect(#condition, !!(condition))

#define MUST(condition) \
	do { \
		if (!(condition)) { \
			dprintf(1, "WRONG %s:%d: %s: %s\n", __FILE_NAME__, __LINE__, #condition, errno_name(errno)); \
			_exit(1); \
		} \
	} while (0)

/* Effective and real ids change, the saved one stays root's, so that there is a way back. */
#define BE_NOBODY() MUST(setresgid(NOBODY, NOBODY, 0) == 0 && setresuid(NOBODY, NOBODY, 0) == 0)
#define BE_ROOT() MUST(setresuid(0, 0, 0) == 0 && setresgid(0, 0, 0) == 0)

#define IN_CHILD(...) \
	do { \
		int status_; \
		pid_t child_ = fork(); \
		if (child_ == 0) { \
			__VA_ARGS__; \
			_exit(0); \
		} \
		waitpid(child_, &status_, 0); \
		if (status_) \
			dprintf(1, "WRONG a child ended with %#x\n", status_); \
	} while (0)

/* Mounts of this program's own, which nobody else sees. */
#define OWN_MOUNTS() MUST(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)

/* A limit that holds for one statement. */
#define WITH_LIMIT(what, number, ...) \
	do { \
		struct rlimit old_, new_; \
		MUST(getrlimit(what, &old_) == 0); \
		new_ = old_; \
		new_.rlim_cur = (number); \
		MUST(setrlimit(what, &new_) == 0); \
		__VA_ARGS__; \
		MUST(setrlimit(what, &old_) == 0); \
	} while (0)

/* What a path walk can be refused with. prepare_paths() makes the files: f, d/, closed/ (nobody may search it), loop → loop. */
struct path_case {
	const char *name, *path;
	int error, as_nobody;
};

static char long_name[] =
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";

static const struct path_case path_cases[] = {
	{ "none/x", "none/x", ENOENT, 0 }, { "f/x", "f/x", ENOTDIR, 0 }, { "closed/x", "closed/x", EACCES, 1 },
	{ "loop/x", "loop/x", ELOOP, 0 }, { "a long name", long_name, ENAMETOOLONG, 0 }, { "BAD", BAD, EFAULT, 0 },
};
#define NR_PATH_CASES (sizeof path_cases / sizeof path_cases[0])

static inline void prepare_paths(void)
{
	umask(022);
	MUST(close(open("f", O_CREAT | O_RDWR, 0644)) == 0);
	MUST(mkdir("d", 0755) == 0 && mkdir("closed", 0700) == 0 && symlink("loop", "loop") == 0);
	MUST(close(open("closed/x", O_CREAT | O_RDWR, 0644)) == 0);
	MUST(chmod(".", 0777) == 0);
}

#ifndef LIST_ERRNOS
#define PATH_ERRNOS(call, ...) \
	do { \
		for (unsigned case_ = 0; case_ < NR_PATH_CASES; case_++) { \
			const struct path_case *this_ = &path_cases[case_]; \
			const char *PATH = this_->path; \
			char text_[512]; \
			snprintf(text_, sizeof text_, "%s(%s) for %s", #call, #__VA_ARGS__, this_->name); \
			if (this_->as_nobody) \
				BE_NOBODY(); \
			long result_ = CALL(call, __VA_ARGS__); \
			if (this_->as_nobody) \
				BE_ROOT(); \
			expect_errno(text_, result_, this_->error); \
		} \
	} while (0)
#endif

/* Two small file systems of the program's own: ro/ cannot be written to and has f, d/, l → f; full/ has f, and no room for an inode or a page. */
static inline void prepare_mounts(void)
{
	OWN_MOUNTS();
	MUST(mkdir("ro", 0755) == 0 && mkdir("full", 0755) == 0);
	MUST(mount("none", "ro", "tmpfs", 0, "size=64k,mode=777") == 0 && mount("none", "full", "tmpfs", 0, "size=8k,nr_inodes=2,mode=777") == 0);
	MUST(close(open("ro/f", O_CREAT | O_RDWR, 0666)) == 0 && mkdir("ro/d", 0777) == 0 && symlink("f", "ro/l") == 0);
	int fd = open("full/f", O_CREAT | O_RDWR, 0666);
	char page[8192] = "";
	MUST(fd >= 0 && write(fd, page, sizeof page) == sizeof page && close(fd) == 0);
	MUST(mount("none", "ro", NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
}
