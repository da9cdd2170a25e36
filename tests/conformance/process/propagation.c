/* SPDX-License-Identifier: MPL-2.0 */
/* Shared, slave, private and unbindable mounts: who sees what is mounted and unmounted elsewhere, and what mountinfo says of it. */
#include "../expect.h"
#include <linux/mount.h>

static int numbers[64], nr_numbers;

/* The optional fields of the topmost mount at `path` (below the working directory). Groups are called A, B, … in the order they are met. */
static const char *fields(const char *path)
{
	static char text[256];
	char line[4096], cwd[1024], point[2048];
	FILE *file = fopen("/proc/self/mountinfo", "r");
	MUST(file && getcwd(cwd, sizeof cwd));
	snprintf(point, sizeof point, "%s/%s", cwd, path);
	strcpy(text, "not mounted");
	while (fgets(line, sizeof line, file)) {
		char *save, *word = strtok_r(line, " \n", &save);
		int index = 0, is_it = 0;
		char found[256] = "";
		for (; word && strcmp(word, "-"); word = strtok_r(NULL, " \n", &save), index++) {
			if (index == 4)
				is_it = strcmp(word, point) == 0;
			if (index < 6 || !is_it)
				continue;
			char *colon = strchr(word, ':');
			if (!colon) {
				sprintf(found + strlen(found), "[%s]", word);
				continue;
			}
			int number = atoi(colon + 1), i = 0;
			while (i < nr_numbers && numbers[i] != number)
				i++;
			if (i == nr_numbers)
				numbers[nr_numbers++] = number;
			sprintf(found + strlen(found), "[%.*s:%c]", (int)(colon - word), word, 'A' + i);
		}
		if (is_it)
			strcpy(text, found[0] ? found : "[]");
	}
	fclose(file);
	return text;
}

#define FIELDS(path) dprintf(1, "%s: %s\n", path, fields(path))
#define MAKE(path, kind) EXPECT_OK(mount, NULL, path, NULL, kind, NULL)
#define BIND(from, to) EXPECT_OK(mount, from, to, NULL, MS_BIND, NULL)
#define TMPFS(path) EXPECT_OK(mount, "none", path, "tmpfs", 0, "mode=755,size=1m")

static int is_mounted(const char *path)
{
	return strcmp(fields(path), "not mounted") != 0;
}

static void directories(const char *names)
{
	char text[256], *save;
	strcpy(text, names);
	for (char *name = strtok_r(text, " ", &save); name; name = strtok_r(NULL, " ", &save))
		MUST(mkdir(name, 0755) == 0 || errno == EEXIST);
}

static void kinds(void)
{
	directories("a");
	TMPFS("a");
	FIELDS("a");
	MAKE("a", MS_SHARED);
	FIELDS("a");
	MAKE("a", MS_SHARED);
	FIELDS("a");
	MAKE("a", MS_SLAVE);
	FIELDS("a");
	MAKE("a", MS_UNBINDABLE);
	FIELDS("a");
	directories("b");
	EXPECT_ERRNO(mount, EINVAL, "a", "b", NULL, MS_BIND, NULL);
	EXPECT_ERRNO(open_tree, EINVAL, AT_FDCWD, "a", OPEN_TREE_CLONE);
	MAKE("a", MS_SHARED);
	FIELDS("a");
	MAKE("a", MS_PRIVATE);
	FIELDS("a");
	EXPECT_ERRNO(mount, EINVAL, NULL, "b", NULL, MS_SHARED, NULL);
	EXPECT_ERRNO(mount, EINVAL, NULL, "a", NULL, MS_SHARED | MS_SLAVE, NULL);
	EXPECT_ERRNO(mount, EINVAL, NULL, "a", NULL, MS_SHARED | MS_NOEXEC, NULL);
}

static void peers(void)
{
	MAKE("a", MS_SHARED);
	directories("a/x a/y b c");
	BIND("a", "b");
	FIELDS("a");
	FIELDS("b");
	TMPFS("a/x");
	EXPECT(is_mounted("a/x") && is_mounted("b/x"));
	FIELDS("a/x");
	FIELDS("b/x");
	directories("b/x/seen");
	EXPECT_OK(access, "a/x/seen", F_OK);
	TMPFS("b/y");
	EXPECT(is_mounted("a/y"));
	EXPECT_OK(umount2, "a/y", 0);
	EXPECT(!is_mounted("b/y"));
	/* A slave hears and does not tell. */
	BIND("a", "c");
	MAKE("c", MS_SLAVE);
	FIELDS("c");
	TMPFS("a/y");
	EXPECT(is_mounted("b/y") && is_mounted("c/y"));
	FIELDS("c/y");
	EXPECT_OK(umount2, "a/y", 0);
	EXPECT(!is_mounted("c/y"));
	TMPFS("c/y");
	EXPECT(!is_mounted("a/y") && !is_mounted("b/y"));
	FIELDS("c/y");
	/* What comes later lies under what the slave has there. */
	directories("c/y/own");
	TMPFS("a/y");
	EXPECT_OK(access, "c/y/own", F_OK);
	EXPECT_OK(umount2, "c/y", 0);
	EXPECT(is_mounted("c/y"));
	EXPECT_ERRNO(access, ENOENT, "c/y/own", F_OK);
	EXPECT_OK(umount2, "b/y", 0);
	EXPECT(!is_mounted("a/y") && !is_mounted("c/y"));
	/* A slave that is shared passes on. */
	MAKE("c", MS_SHARED);
	FIELDS("c");
	directories("d2 e");
	BIND("c", "d2");
	FIELDS("d2");
	BIND("d2", "e");
	MAKE("e", MS_SLAVE);
	FIELDS("e");
	TMPFS("b/y");
	EXPECT(is_mounted("a/y") && is_mounted("c/y") && is_mounted("d2/y") && is_mounted("e/y"));
	FIELDS("a/y");
	FIELDS("c/y");
	FIELDS("d2/y");
	FIELDS("e/y");
	EXPECT_OK(umount2, "d2/y", 0);
	EXPECT(is_mounted("a/y") && !is_mounted("c/y") && !is_mounted("d2/y") && !is_mounted("e/y"));
	EXPECT_OK(umount2, "a/y", 0);
	EXPECT(!is_mounted("b/y"));
	/* Those below a group that ends are handed up. */
	EXPECT_OK(umount2, "d2", MNT_DETACH);
	EXPECT_OK(umount2, "c", MNT_DETACH);
	FIELDS("e");
	MAKE("b", MS_PRIVATE);
	FIELDS("b");
	TMPFS("a/y");
	EXPECT(!is_mounted("b/y") && is_mounted("e/y"));
	EXPECT_OK(umount2, "a/y", 0);
	EXPECT_OK(umount2, "a", MNT_DETACH);
	FIELDS("e");
	EXPECT_OK(umount2, "b", MNT_DETACH);
	EXPECT_OK(umount2, "e", MNT_DETACH);
	EXPECT(!is_mounted("a") && !is_mounted("b") && !is_mounted("e"));
}

static void trees(void)
{
	directories("a b c");
	TMPFS("a");
	directories("a/x a/y");
	TMPFS("a/x");
	directories("a/x/deep");
	TMPFS("a/x/deep");
	MAKE("a", MS_SHARED | MS_REC);
	FIELDS("a");
	FIELDS("a/x");
	FIELDS("a/x/deep");
	EXPECT_OK(mount, "a", "b", NULL, MS_BIND | MS_REC, NULL);
	FIELDS("b/x/deep");
	EXPECT_OK(mount, "a/x", "a/y", NULL, MS_BIND | MS_REC, NULL);
	EXPECT(is_mounted("b/y") && is_mounted("b/y/deep"));
	FIELDS("a/y");
	FIELDS("b/y/deep");
	EXPECT_ERRNO(mount, EINVAL, "a/y", "c", NULL, MS_MOVE, NULL);
	EXPECT_ERRNO(move_mount, EINVAL, AT_FDCWD, "a/y", AT_FDCWD, "c", 0);
	EXPECT_ERRNO(umount2, EBUSY, "a/y", 0);
	EXPECT_OK(umount2, "a/y", MNT_DETACH);
	EXPECT(!is_mounted("b/y") && !is_mounted("b/y/deep"));
	/* Into a shared place: it appears at the peers, and is shared from then on. */
	TMPFS("c");
	directories("c/z");
	TMPFS("c/z");
	EXPECT_OK(mount, "c", "a/y", NULL, MS_MOVE, NULL);
	EXPECT(is_mounted("b/y") && is_mounted("b/y/z") && !is_mounted("c"));
	FIELDS("a/y/z");
	FIELDS("b/y/z");
	EXPECT_OK(umount2, "b/y", MNT_DETACH);
	EXPECT(!is_mounted("a/y"));
	TMPFS("c");
	MAKE("c", MS_UNBINDABLE);
	EXPECT_ERRNO(mount, EINVAL, "c", "a/y", NULL, MS_MOVE, NULL);
	EXPECT_ERRNO(move_mount, EINVAL, AT_FDCWD, "c", AT_FDCWD, "a/y", 0);
	EXPECT_OK(umount2, "c", 0);
	/* Unbindable ones are left out of recursive binds. */
	MAKE("a/x", MS_UNBINDABLE);
	directories("d2");
	EXPECT_OK(mount, "a", "d2", NULL, MS_BIND | MS_REC, NULL);
	EXPECT(is_mounted("d2") && !is_mounted("d2/x"));
	/* A mount of a part: only what is below it is told. */
	directories("a/part a/part/in");
	BIND("a/part", "c");
	TMPFS("a/part/in");
	EXPECT(is_mounted("c/in") && is_mounted("b/part/in"));
	EXPECT_OK(umount2, "c/in", 0);
	EXPECT(!is_mounted("a/part/in"));
	TMPFS("a/y");
	EXPECT(!is_mounted("c/y"));
	EXPECT_OK(umount2, "a/y", 0);
	/* The new calls. */
	int tree = EXPECT_OK(open_tree, AT_FDCWD, "a", OPEN_TREE_CLONE);
	directories("e");
	EXPECT_OK(move_mount, tree, "", AT_FDCWD, "e", MOVE_MOUNT_F_EMPTY_PATH);
	FIELDS("e");
	int context = CALL(fsopen, "tmpfs", 0);
	MUST(CALL(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0);
	int mount = CALL(fsmount, context, 0, 0);
	EXPECT_OK(move_mount, mount, "", AT_FDCWD, "e/y", MOVE_MOUNT_F_EMPTY_PATH);
	EXPECT(is_mounted("a/y") && is_mounted("b/y") && is_mounted("d2/y"));
	FIELDS("d2/y");
	struct mount_attr slave = { .propagation = MS_SLAVE }, private = { .propagation = MS_PRIVATE };
	EXPECT_OK(mount_setattr, AT_FDCWD, "e", 0, &slave, sizeof slave);
	FIELDS("e");
	EXPECT_OK(mount_setattr, AT_FDCWD, "a", AT_RECURSIVE, &private, sizeof private);
	FIELDS("a");
	FIELDS("a/y");
	FIELDS("b");
}

static void say(int fd)
{
	MUST(write(fd, "x", 1) == 1);
}

static void hear(int fd)
{
	char byte;
	MUST(read(fd, &byte, 1) == 1);
}

/* In a copy of the namespace: peers, or slaves if another user owns it. */
static void namespaces(int flags)
{
	int to[2], from[2];
	MUST(pipe(to) == 0 && pipe(from) == 0);
	pid_t child = fork();
	if (child == 0) {
		EXPECT_OK(unshare, flags);
		FIELDS("b");
		say(from[1]);
		hear(to[0]);
		EXPECT(is_mounted("b/part"));
		FIELDS("b/part");
		if (flags & CLONE_NEWUSER) {
			EXPECT_ERRNO(umount2, EINVAL, "b", 0);
		} else {
			TMPFS("b/x/deep");
			FIELDS("b/x/deep");
		}
		say(from[1]);
		hear(to[0]);
		EXPECT(!is_mounted("b/part"));
		_exit(0);
	}
	hear(from[0]);
	TMPFS("b/part");
	say(to[1]);
	hear(from[0]);
	if (!(flags & CLONE_NEWUSER)) {
		FIELDS("b/x/deep");
		EXPECT_OK(umount2, "b/x/deep", 0);
	}
	EXPECT_OK(umount2, "b/part", 0);
	say(to[1]);
	waitpid(child, NULL, 0);
	EXPECT(!is_mounted("b/part"));
	FIELDS("b");
	close(to[0]), close(to[1]), close(from[0]), close(from[1]);
}

int main(void)
{
	OWN_MOUNTS();
	kinds();
	peers();
	trees();
	namespaces(CLONE_NEWNS);
	namespaces(CLONE_NEWNS | CLONE_NEWUSER);
	return 0;
}
