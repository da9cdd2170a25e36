/* SPDX-License-Identifier: MPL-2.0 */
/* POSIX access control lists through extended attributes: setting, what the mode says, chmod, permission, inheritance, every errno. */
#include "../show.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

struct entry {
	uint16_t tag, perm;
	uint32_t id;
};

static struct {
	uint32_t version;
	struct entry entries[8];
} value;

static size_t list(const char *text)
{
	/* "u::rwx u:1000:r g::r m::rw o::-" */
	int count = 0;
	char copy[200], *word;

	value.version = 2;
	strcpy(copy, text);
	for (word = strtok(copy, " "); word; word = strtok(0, " ")) {
		struct entry *entry = &value.entries[count++];
		char *name = strchr(word, ':') + 1, *bits = strchr(name, ':') + 1;
		int is_named = *name != ':';

		entry->tag = word[0] == 'u' ? (is_named ? 2 : 1) : word[0] == 'g' ? (is_named ? 8 : 4) : word[0] == 'm' ? 16 : 32;
		entry->id = is_named ? atoi(name) : -1;
		entry->perm = (strchr(bits, 'r') ? 4 : 0) | (strchr(bits, 'w') ? 2 : 0) | (strchr(bits, 'x') ? 1 : 0);
	}
	return 4 + 8 * count;
}

static int set(const char *path, const char *name, const char *text)
{
	return setxattr(path, name, &value, list(text), 0);
}

static void show(const char *path, const char *name)
{
	struct stat st;
	long size = getxattr(path, name, &value, sizeof value);

	stat(path, &st);
	printf("%s %s mode %o:", path, name + 17, st.st_mode);
	if (size < 0)
		printf(" %s", strerrorname_np(errno));
	for (int i = 0; i < (size - 4) / 8; i++)
		printf(" %d/%d/%o", value.entries[i].tag, (int)value.entries[i].id, value.entries[i].perm);
	printf("\n");
}

static void as(int uid, int gid, const char *path)
{
	fflush(stdout);
	if (fork() == 0) {
		setgroups(0, 0);
		setgid(gid);
		setuid(uid);
		printf("uid %d gid %d:", uid, gid);
		for (int mode = 1; mode <= 4; mode *= 2)
			printf(" %d", access(path, mode));
		printf("\n");
		VALUE(set(path, ACCESS, "u::rwx g::rwx o::rwx"));
		fflush(stdout);
		_exit(0);
	}
	wait(0);
}

int main(void)
{
	char names[200];

	setvbuf(stdout, 0, _IOLBF, 0);
	umask(022);
	chmod(".", 0755);
	close(creat("file", 0640));
	show("file", ACCESS);
	VALUE(set("file", ACCESS, "u::rw u:1000:rwx g::r g:50:rw m::rw o::-"));
	show("file", ACCESS);
	as(1000, 1000, "file");
	as(1001, 50, "file");
	as(1001, 1001, "file");
	VALUE(chmod("file", 0604));
	show("file", ACCESS);
	as(1000, 1000, "file");
	VALUE(chmod("file", 0660));
	show("file", ACCESS);
	long length = listxattr("file", names, sizeof names);
	for (char *name = names; name < names + length; name += strlen(name) + 1)
		if (strncmp(name, "security", 8))
			printf("lists %s\n", name);
	VALUE(set("file", ACCESS, "u::rwx g::rx o::x"));
	show("file", ACCESS);
	VALUE(set("file", ACCESS, "u::rwx u:1000:r g::rx m::- o::x"));
	as(1000, 1000, "file");
	VALUE(removexattr("file", ACCESS));
	show("file", ACCESS);
	VALUE(removexattr("file", ACCESS));

	VALUE(set("file", DEFAULT, "u::rwx g::rx o::x"));
	VALUE(set("file", ACCESS, "u::rwx u:1000:r g::rx o::x"));
	VALUE(set("file", ACCESS, "u::rwx g::rx"));
	VALUE(set("file", ACCESS, "g::rx u::rwx o::x"));
	VALUE(set("file", ACCESS, "u::rwx u::rwx g::rx o::x"));
	list("u::rwx g::rx o::x");
	value.version = 3;
	VALUE(setxattr("file", ACCESS, &value, 28, 0));
	value.version = 2;
	VALUE(setxattr("file", ACCESS, &value, 27, 0));
	VALUE(setxattr("file", ACCESS, &value, 3, 0));
	value.entries[0].perm = 8;
	VALUE(setxattr("file", ACCESS, &value, 28, 0));
	VALUE(setxattr("file", ACCESS, &value, 0, 0));
	VALUE(getxattr("file", ACCESS, &value, 2));
	symlink("file", "link");
	VALUE(lsetxattr("link", ACCESS, &value, list("u::rwx g::rx o::x"), 0));
	VALUE(lgetxattr("link", ACCESS, &value, 100));

	mkdir("dir", 0777);
	VALUE(set("dir", DEFAULT, "u::rwx u:1000:rwx g::rx m::rwx o::-"));
	show("dir", DEFAULT);
	close(creat("dir/file", 0666));
	show("dir/file", ACCESS);
	mkdir("dir/dir", 0777);
	show("dir/dir", ACCESS);
	show("dir/dir", DEFAULT);
	mkfifo("dir/fifo", 0620);
	show("dir/fifo", ACCESS);
	symlink("x", "dir/link");
	VALUE(set("dir", DEFAULT, "u::rx g::r o::-"));
	close(creat("dir/plain", 0777));
	show("dir/plain", ACCESS);
	VALUE(removexattr("dir", DEFAULT));
	show("dir", DEFAULT);
	close(creat("dir/masked", 0666));
	show("dir/masked", ACCESS);
	return 0;
}
