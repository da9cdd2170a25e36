/* SPDX-License-Identifier: MPL-2.0 */
/* A pseudo-terminal from both ends: input and output processing, editing, modes of reading, packet mode, flow control, ioctls. */
#include "../expect.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static struct termios initial;

static void open_pair(void)
{
	char name[64];
	int number, unlock = 0;
	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	MUST(master >= 0 && ioctl(master, TIOCGPTN, &number) == 0);
	snprintf(name, sizeof name, "/dev/pts/%d", number);
	EXPECT_ERRNO(open, EIO, name, O_RDWR | O_NOCTTY, 0);
	MUST(ioctl(master, TIOCSPTLCK, &unlock) == 0);
	slave = open(name, O_RDWR | O_NOCTTY);
	MUST(slave >= 0 && tcgetattr(slave, &initial) == 0);
}

/* What there is to read, quoted; "nothing" after a while without. A bar ends each read of the slave; Linux may bring the master its bytes in
 * several pieces. */
static void show(const char *what, int fd)
{
	char data[512], text[2048];
	struct pollfd ready = { fd, POLLIN, 0 };
	long at = 0;
	text[0] = 0;
	while (poll(&ready, 1, at ? 30 : 100) == 1 && ready.revents & POLLIN) {
		ssize_t n = read(fd, data, sizeof data);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			at += sprintf(text + at, data[i] >= 32 && data[i] < 127 ? "%c" : "\\%03o", (unsigned char)data[i]);
		if (fd == slave)
			at += sprintf(text + at, "|");
	}
	dprintf(1, "%s: %s\n", what, at ? text : "nothing");
}

static void type(const char *text)
{
	MUST(write(master, text, strlen(text)) == (ssize_t)strlen(text));
}

/* On Linux another thread carries it over. */
static void arrived(void)
{
	struct pollfd ready = { slave, POLLIN, 0 };
	MUST(poll(&ready, 1, 2000) == 1);
}

static void set(tcflag_t in, tcflag_t out, tcflag_t local)
{
	struct termios mode = initial;
	mode.c_iflag = in, mode.c_oflag = out, mode.c_lflag = local;
	MUST(tcsetattr(slave, TCSANOW, &mode) == 0);
}

static void defaults(void)
{
	dprintf(1, "iflag %#o oflag %#o cflag %#o lflag %#o line %d\n", initial.c_iflag, initial.c_oflag, initial.c_cflag, initial.c_lflag, initial.c_line);
	for (int i = 0; i < 17; i++)
		dprintf(1, "c_cc[%d] = %d\n", i, initial.c_cc[i]);
	dprintf(1, "speeds %u %u\n", cfgetispeed(&initial), cfgetospeed(&initial));
}

#define TYPED(text) \
	do { \
		type(text); \
		show(#text " read", slave); \
		show(#text " echoed", master); \
	} while (0)

static void canonical(void)
{
	set(ICRNL | IXON, OPOST | ONLCR, ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
	TYPED("hello\n");
	TYPED("half");
	TYPED(" a line\r");
	TYPED("abc\177\177d\n");
	TYPED("gone\025kept\n");
	TYPED("one two\027three\n");
	TYPED("x\022y\n");
	TYPED("lit\026\003eral\n");
	TYPED("no end\004");
	TYPED("\004");
	TYPED("two\nlines\n");
	TYPED("\001\033[A\n");
	set(ICRNL, OPOST, ICANON);
	TYPED("silent\n");
	set(ICRNL, OPOST, ICANON | ECHONL);
	TYPED("only the end\n");
	set(ICRNL, OPOST, ICANON | ECHO);
	TYPED("plain\001\177\n");
	set(ICRNL | IUTF8, OPOST, ICANON | ECHO | ECHOE);
	TYPED("\303\251\177e\n");
	set(ICRNL, OPOST, ICANON | ECHO | ECHOPRT | ECHOE);
	TYPED("prt\177\177x\n");
}

static void input(void)
{
	set(0, 0, 0);
	TYPED("cr\rnl\n");
	set(INLCR, 0, 0);
	TYPED("cr\rnl\n");
	set(IGNCR, 0, 0);
	TYPED("cr\rnl\n");
	set(ICRNL | IUCLC, 0, IEXTEN);
	TYPED("UPPER\r");
	set(ISTRIP, 0, 0);
	TYPED("\341\342");
	set(IXON, 0, ECHO);
	type("a\023b");
	show("stopped: echo", master);
	type("\021");
	show("started: echo", master);
	show("read", slave);
	set(IXON | IXANY, 0, ECHO);
	type("\023");
	type("x");
	show("any key starts: echo", master);
	show("read", slave);
	set(PARMRK, 0, 0);
	TYPED("\377");
}

static void output(void)
{
	set(0, OPOST | ONLCR, 0);
	dprintf(slave, "a\nb\tc\r\n");
	show("ONLCR", master);
	set(0, OPOST | OCRNL, 0);
	dprintf(slave, "a\rb\n");
	show("OCRNL", master);
	set(0, OPOST | ONOCR, 0);
	dprintf(slave, "\r\ra\rb");
	show("ONOCR", master);
	set(0, OPOST | ONLRET, 0);
	dprintf(slave, "a\nb\tc");
	show("ONLRET", master);
	set(0, OPOST | XTABS, 0);
	dprintf(slave, "\ra\tbc\td");
	show("XTABS", master);
	set(0, OPOST | OLCUC, 0);
	dprintf(slave, "upper");
	show("OLCUC", master);
	set(0, ONLCR, 0);
	dprintf(slave, "raw\n");
	show("without OPOST", master);
}

static void reading(void)
{
	struct termios mode = initial;
	char data[16];
	mode.c_lflag = 0;
	mode.c_cc[VMIN] = 0, mode.c_cc[VTIME] = 0;
	MUST(tcsetattr(slave, TCSANOW, &mode) == 0);
	EXPECT_IS(0, read, slave, data, 16);
	type("ab");
	arrived();
	EXPECT_IS(2, read, slave, data, 16);
	mode.c_cc[VTIME] = 1;
	MUST(tcsetattr(slave, TCSANOW, &mode) == 0);
	EXPECT_IS(0, read, slave, data, 16);
	mode.c_cc[VMIN] = 3, mode.c_cc[VTIME] = 0;
	MUST(tcsetattr(slave, TCSANOW, &mode) == 0);
	type("abcd");
	EXPECT_IS(4, read, slave, data, 16);
	type("ab");
	struct pollfd ready = { slave, POLLIN, 0 };
	EXPECT_IS(0, poll, &ready, 1, 0);
	type("c");
	EXPECT_IS(1, poll, &ready, 1, 100);
	EXPECT_IS(2, read, slave, data, 2);
	mode.c_cc[VTIME] = 1;
	MUST(tcsetattr(slave, TCSANOW, &mode) == 0);
	EXPECT_IS(1, read, slave, data, 16);
	MUST(fcntl(slave, F_SETFL, O_NONBLOCK | O_RDWR) == 0);
	EXPECT_ERRNO(read, EAGAIN, slave, data, 16);
	EXPECT_IS(0, read, slave, data, 0);
	type("xyz");
	arrived();
	EXPECT_ERRNO(read, EFAULT, slave, BAD, 1);
	MUST(fcntl(slave, F_SETFL, O_RDWR) == 0);
	EXPECT_ERRNO(lseek, ESPIPE, slave, 0, SEEK_SET);
	EXPECT_ERRNO(pread64, ESPIPE, slave, data, 1, 0);
}

static void packets(void)
{
	int on = 1, off = 0;
	char data[64];
	tcflush(slave, TCIOFLUSH);
	set(ICRNL | IXON, OPOST, ICANON);
	show("before", master);
	EXPECT_ERRNO(ioctl, EFAULT, master, TIOCPKT, BAD);
	EXPECT_OK(ioctl, master, TIOCPKT, &on);
	EXPECT_OK(ioctl, master, TIOCGPKT, &on);
	EXPECT(on == 1);
	dprintf(slave, "data");
	show("data", master);
	tcflush(slave, TCIFLUSH);
	show("flushed input", master);
	tcflow(slave, TCOOFF);
	tcflow(slave, TCOON);
	show("stopped and started", master);
	set(ICRNL, OPOST, ICANON);
	show("no flow control", master);
	set(ICRNL | IXON, OPOST, ICANON);
	show("flow control", master);
	EXPECT_OK(ioctl, master, TIOCPKT, &off);
	dprintf(slave, "plain");
	EXPECT_IS(5, read, master, data, 64);
}

static void controls(void)
{
	struct winsize size = { 24, 80, 1, 2 }, got;
	struct termios mode;
	int count, value = 0;
	char other[2] = "x";
	EXPECT_OK(ioctl, slave, TIOCGWINSZ, &got);
	EXPECT(got.ws_row == 0 && got.ws_col == 0);
	EXPECT_OK(ioctl, master, TIOCSWINSZ, &size);
	EXPECT_OK(ioctl, slave, TIOCGWINSZ, &got);
	EXPECT(memcmp(&size, &got, sizeof size) == 0);
	EXPECT_ERRNO(ioctl, EFAULT, slave, TIOCGWINSZ, BAD);
	EXPECT_ERRNO(ioctl, EFAULT, slave, TCGETS, BAD);
	EXPECT_ERRNO(ioctl, EFAULT, slave, TCSETS, BAD);
	EXPECT_OK(ioctl, master, TCGETS, &mode);
	EXPECT_ERRNO(ioctl, ENOTTY, 0 + open("/dev/null", O_RDWR), TCGETS, &mode);
	EXPECT_ERRNO(ioctl, ENOTTY, slave, TIOCGPTN, &value);
	EXPECT_ERRNO(ioctl, ENOTTY, slave, 0x5499, 0);
	EXPECT_ERRNO(ioctl, EINVAL, slave, TCFLSH, 9);
	EXPECT_ERRNO(ioctl, EINVAL, slave, TCXONC, 9);
	set(0, 0, 0);
	type("abc");
	arrived();
	EXPECT_OK(ioctl, slave, FIONREAD, &count);
	EXPECT(count == 3);
	EXPECT_OK(ioctl, slave, TCFLSH, TCIFLUSH);
	EXPECT_OK(ioctl, slave, FIONREAD, &count);
	EXPECT(count == 0);
	EXPECT_OK(ioctl, slave, TIOCOUTQ, &count);
	EXPECT(count == 0);
	EXPECT_OK(ioctl, slave, TIOCGETD, &count);
	EXPECT(count == 0);
	count = 77;
	EXPECT_ERRNO(ioctl, EINVAL, slave, TIOCSETD, &count);
	EXPECT_ERRNO(ioctl, ENOTTY, slave, TIOCGPGRP, &count);
	EXPECT_ERRNO(ioctl, ENOTTY, slave, TIOCGSID, &count);
	EXPECT_ERRNO(ioctl, ENOTTY, slave, TIOCNOTTY, 0);
	IN_CHILD(MUST(setresuid(NOBODY, NOBODY, NOBODY) == 0); EXPECT(CALL(ioctl, slave, TIOCSTI, other) == -EPERM || CALL(ioctl, slave, TIOCSTI, other) == -EIO));
	EXPECT_OK(ioctl, slave, TIOCEXCL, 0);
	EXPECT_OK(ioctl, slave, TIOCGEXCL, &count);
	EXPECT(count == 1);
	char name[64];
	MUST(ioctl(master, TIOCGPTN, &value) == 0);
	snprintf(name, sizeof name, "/dev/pts/%d", value);
	IN_CHILD(MUST(setresuid(NOBODY, NOBODY, NOBODY) == 0); EXPECT(open(name, O_RDWR | O_NOCTTY) < 0));
	EXPECT_OK(ioctl, slave, TIOCNXCL, 0);
	int peer = CALL(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	EXPECT(peer >= 0 && isatty(peer));
	close(peer);
	EXPECT(isatty(master) && isatty(slave));
}

static void hang_up(void)
{
	char data[16];
	struct pollfd ends[2] = { { master, POLLIN | POLLOUT, 0 }, { slave, POLLIN | POLLOUT, 0 } };
	dprintf(slave, "last words");
	close(slave);
	EXPECT_IS(10, read, master, data, 16);
	EXPECT_ERRNO(read, EIO, master, data, 16);
	poll(ends, 1, 0);
	dprintf(1, "the master says %#x\n", ends[0].revents);
	open_pair();
	type("typed");
	close(master);
	ends[1].fd = slave;
	poll(ends + 1, 1, 0);
	dprintf(1, "the slave says %#x\n", ends[1].revents);
	EXPECT_IS(0, read, slave, data, 16);
	EXPECT_ERRNO(write, EIO, slave, data, 1);
	EXPECT_ERRNO(ioctl, EIO, slave, TCGETS, &initial);
	close(slave);
}

int main(void)
{
	open_pair();
	defaults();
	canonical();
	input();
	output();
	reading();
	packets();
	controls();
	hang_up();
	return 0;
}
