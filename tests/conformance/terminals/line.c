/* SPDX-License-Identifier: MPL-2.0 */
/* Calls on both ends of a pseudoterminal that have no line behind them: breaks, locked settings. */
#include "../show.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

int main(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	char locked[64];

	grantpt(master);
	unlockpt(master);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	VALUE(tcsendbreak(master, 10));
	VALUE(tcsendbreak(slave, 10));
	VALUE(tcdrain(master));
	VALUE(tcdrain(slave));
	memset(locked, 7, sizeof(locked));
	VALUE(ioctl(slave, TIOCGLCKTRMIOS, locked));
	VALUE(memcmp(locked, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 36));
	VALUE(locked[36]);
	VALUE(ioctl(master, TIOCGLCKTRMIOS, locked));
	VALUE(ioctl(slave, TIOCGLCKTRMIOS, 1));
	VALUE(ioctl(slave, TIOCSLCKTRMIOS, 1));
	return 0;
}
