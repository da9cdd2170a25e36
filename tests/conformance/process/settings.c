/* SPDX-License-Identifier: MPL-2.0 */
/* Settings of /proc/sys that limit or number processes, in a user namespace's own view where the run is not root's; and ustat. */
#include "../show.h"
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long setting(const char *path)
{
	long value = -1;
	FILE *file = fopen(path, "r");

	if (file && fscanf(file, "%ld", &value) == 1)
		fclose(file);
	return value;
}

int main(void)
{
	struct stat root;
	char space[64];

	stat("/", &root);
	DONE(syscall(SYS_ustat, (unsigned)root.st_dev, space));
	VALUE(syscall(SYS_ustat, -1, space));
	VALUE(syscall(SYS_ustat, (unsigned)root.st_dev, 1));
	VALUE(setting("/proc/sys/user/max_user_namespaces") > 100);
	VALUE(setting("/proc/sys/kernel/ns_last_pid") >= getpid());
	return 0;
}
