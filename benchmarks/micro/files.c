/* SPDX-License-Identifier: MPL-2.0 */
/* What do files cost: names, attributes, small and large transfers? The scratch file lies in /tmp; system_* in /usr. */
#define _GNU_SOURCE
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES (16L << 20)
#define SYSTEM_FILE "/usr/include/linux/if_ether.h"
#define SYSTEM_DIR "/usr/include/linux"

static int file = -1;

static int make_small(void)
{
	file = open(scratch_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file < 0)
		return -1;
	return write(file, chunk, CHUNK) == CHUNK ? 0 : refuse(EIO);
}

static int make_large(void)
{
	if (make_small() < 0)
		return -1;
	for (long done = CHUNK; done < FILE_BYTES; done += CHUNK)
		if (write(file, chunk, CHUNK) != CHUNK)
			return refuse(EIO);
	return 0;
}

static int stat_path_n(const char *path, long n)
{
	struct stat st;

	for (long i = 0; i < n; i++)
		if (stat(path, &st) < 0)
			return -1;
	return 0;
}

static int stat_n(long n)
{
	return stat_path_n(scratch_path, n);
}

static int system_stat_n(long n)
{
	return stat_path_n(SYSTEM_FILE, n);
}

static int missing_stat_n(long n)
{
	struct stat st;

	for (long i = 0; i < n; i++)
		if (stat("/usr/include/linux/no-such-file", &st) == 0)
			return refuse(EEXIST);
	return 0;
}

static int fstat_n(long n)
{
	struct stat st;

	for (long i = 0; i < n; i++)
		if (fstat(file, &st) < 0)
			return -1;
	return 0;
}

static int open_path_n(const char *path, long n)
{
	for (long i = 0; i < n; i++) {
		int fd = open(path, O_RDONLY);

		if (fd < 0)
			return -1;
		close(fd);
	}
	return 0;
}

static int open_n(long n)
{
	return open_path_n(scratch_path, n);
}

static int system_open_n(long n)
{
	return open_path_n(SYSTEM_FILE, n);
}

static int pread_n(long n)
{
	for (long i = 0; i < n; i++)
		if (pread(file, chunk, PAGE, i % 16 * PAGE) != PAGE)
			return refuse(EIO);
	return 0;
}

/* What tar does with each small file: open, fstat, read to the end, close. */
static int system_read_n(long n)
{
	struct stat st;

	for (long i = 0; i < n; i++) {
		int fd = open(SYSTEM_FILE, O_RDONLY);

		if (fd < 0 || fstat(fd, &st) < 0 || read(fd, chunk, st.st_size) != st.st_size)
			return refuse(EIO);
		close(fd);
	}
	return 0;
}

static int list_n(long n)
{
	for (long i = 0; i < n; i++) {
		DIR *dir = opendir(SYSTEM_DIR);

		if (!dir)
			return -1;
		while (readdir(dir))
			;
		closedir(dir);
	}
	return 0;
}

static int create_n(long n)
{
	for (long i = 0; i < n; i++) {
		int fd = open(scratch_path, O_WRONLY | O_CREAT | O_EXCL, 0600);

		if (fd < 0)
			return -1;
		close(fd);
		if (unlink(scratch_path) < 0)
			return -1;
	}
	return 0;
}

static int create_10k_n(long n)
{
	for (long i = 0; i < n; i++) {
		int fd = open(scratch_path, O_WRONLY | O_CREAT | O_EXCL, 0600);

		if (fd < 0 || write(fd, chunk, 10240) != 10240)
			return refuse(EIO);
		close(fd);
		if (unlink(scratch_path) < 0)
			return -1;
	}
	return 0;
}

static int write_n(long n)
{
	for (long i = 0; i < n; i++)
		if (pwrite(file, chunk, CHUNK, i * CHUNK % FILE_BYTES) != CHUNK)
			return refuse(EIO);
	return 0;
}

static int read_n(long n)
{
	for (long i = 0; i < n; i++)
		if (pread(file, chunk, CHUNK, i * CHUNK % FILE_BYTES) != CHUNK)
			return refuse(EIO);
	return 0;
}

const struct row file_rows[] = {
	{ "stat", make_small, stat_n, NULL },
	{ "open_close", make_small, open_n, NULL },
	{ "pread_4k", make_small, pread_n, NULL },
	{ "fstat", make_small, fstat_n, NULL },
	{ "create_delete", NULL, create_n, NULL },
	{ "create_delete_10k", NULL, create_10k_n, NULL },
	{ "file_write", make_large, write_n, NULL },
	{ "file_read", make_large, read_n, NULL },
	{ "system_stat", NULL, system_stat_n, NULL },
	{ "system_stat_missing", NULL, missing_stat_n, NULL },
	{ "system_open_close", NULL, system_open_n, NULL },
	{ "system_read_file", NULL, system_read_n, NULL },
	{ "system_list", NULL, list_n, NULL },
	{ 0 },
};
