/* SPDX-License-Identifier: MPL-2.0 */
/* personality(2): any value is kept, and what the flags with an effect do. */
#include "../show.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/select.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static int area_is_executable(void *area)
{
	char line[512], permissions[5];
	unsigned long start, end;
	int found = -1;
	FILE *maps = fopen("/proc/self/maps", "r");

	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %4s", &start, &end, permissions) == 3 && start <= (unsigned long)area && (unsigned long)area < end)
			found = permissions[2] == 'x';
	fclose(maps);
	return found;
}

int main(void)
{
	unsigned long domains[] = {PER_LINUX32, PER_SVR4, PER_BSD, PER_UW7, PER_IRIX64, PER_HPUX, 0xFF, 0x0080000F};
	struct utsname name;
	struct timeval time = {0, 10};
	fd_set none;
	void *area;
	unsigned i;
	int minor;

	VALUE(personality(0xFFFFFFFF));
	for (i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		VALUE(personality(domains[i]));
		VALUE(personality(0xFFFFFFFF));
	}
	VALUE(personality(PER_LINUX32));
	uname(&name);
	VALUE(strcmp(name.machine, "i686"));
	VALUE(personality(UNAME26));
	uname(&name);
	VALUE(strcmp(name.machine, "x86_64"));
	VALUE(sscanf(name.release, "2.6.%d", &minor) == 1 && minor >= 60);
	VALUE(personality(STICKY_TIMEOUTS));
	FD_ZERO(&none);
	VALUE(select(1, &none, 0, 0, &time));
	VALUE(time.tv_usec);
	VALUE(personality(0));
	VALUE(select(1, &none, 0, 0, &time));
	VALUE(time.tv_usec);

	VALUE(personality(READ_IMPLIES_EXEC));
	area = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	VALUE(area_is_executable(area));
	VALUE(personality(0));
	VALUE(mprotect(area, 4096, PROT_READ));
	VALUE(area_is_executable(area));
	VALUE(personality(READ_IMPLIES_EXEC));
	VALUE(mprotect(area, 4096, PROT_WRITE));
	VALUE(area_is_executable(area));
	VALUE(mprotect(area, 4096, PROT_READ | PROT_WRITE));
	VALUE(area_is_executable(area));
	VALUE(personality(READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE));
	fflush(stdout);
	if (!fork()) {
		execl("/bin/sh", "sh", "-c", "cat /proc/self/personality", (char *)0);
		_exit(1);
	}
	wait(0);
	return 0;
}
