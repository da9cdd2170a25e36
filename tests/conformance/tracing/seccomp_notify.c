/* SPDX-License-Identifier: MPL-2.0 */
/* Calls that wait for another process: answers, calls that are made after all, descriptors that are handed over, signals, endings. */
#include "../expect.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV 32
#endif

static int caught, said[2];

static void on_signal(int signo)
{
	(void)signo;
	caught++;
}

/* A filter that asks about `nr`; its listener, or −errno. */
static long listen_to(int nr, unsigned flags)
{
	struct sock_filter code[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, nr },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct sock_fprog program = { 4, code };
	return CALL(seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void send_fd(int channel, int fd)
{
	char control[CMSG_SPACE(4)], byte = 'x';
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(4);
	memcpy(CMSG_DATA(header), &fd, 4);
	MUST(sendmsg(channel, &message, 0) == 1);
}

static int receive_fd(int channel)
{
	char control[CMSG_SPACE(4)], byte;
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	int fd;
	MUST(recvmsg(channel, &message, 0) == 1 && CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), 4);
	return fd;
}

/* The child asks about getppid (and does what `body` says); the parent has the listener. What the child says is shown at its end. */
static pid_t start(unsigned flags, void (*body)(void), int *listener)
{
	int channel[2];
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, channel) == 0 && pipe(said) == 0);
	pid_t child = fork();
	if (child == 0) {
		MUST(dup2(said[1], 1) == 1 && close(said[0]) == 0 && close(said[1]) == 0);
		long fd = listen_to(SYS_getppid, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags);
		MUST(fd >= 0);
		send_fd(channel[1], fd);
		close(fd), close(channel[0]), close(channel[1]);
		body();
		_exit(0);
	}
	*listener = receive_fd(channel[0]);
	close(channel[0]), close(channel[1]), close(said[1]);
	return child;
}

static int events(int listener, int timeout)
{
	struct pollfd fd = { listener, POLLIN | POLLOUT, 0 };
	poll(&fd, 1, timeout);
	return fd.revents;
}

static int show_child(pid_t child)
{
	char text[4096];
	int status;
	MUST(waitpid(child, &status, 0) == child);
	for (ssize_t n; (n = read(said[0], text, sizeof text)) > 0;)
		MUST(write(1, text, n) == n);
	close(said[0]);
	return status;
}

static void end(pid_t child, int listener)
{
	int status = show_child(child);
	dprintf(1, "the child ended with %#x, the listener says %#x\n", status, events(listener, 1000));
	struct seccomp_notif request = { 0 };
	EXPECT_ERRNO(ioctl, ENOENT, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	close(listener);
}

static void ask_thrice(void)
{
	long result = CALL(getppid, 1, 2, 3, 4, 5, 6);
	EXPECT(result == 4711);
	EXPECT_ERRNO(getppid, EXDEV);
	EXPECT(CALL(getppid) > 0);
}

static void answers(void)
{
	int listener;
	pid_t child = start(0, ask_thrice, &listener);
	struct seccomp_notif request = { .pid = 1 };
	struct seccomp_notif_resp response = { 0 };
	EXPECT_ERRNO(ioctl, EINVAL, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	EXPECT_ERRNO(ioctl, EFAULT, listener, SECCOMP_IOCTL_NOTIF_RECV, BAD);
	EXPECT_ERRNO(ioctl, EINVAL, listener, 0x2177, 0);
	EXPECT_ERRNO(read, EINVAL, listener, &request, 8);
	EXPECT(events(listener, 2000) == POLLIN);
	request.pid = 0;
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	EXPECT(request.pid == child && request.flags == 0 && request.data.nr == SYS_getppid && request.data.arch == 0xC000003E);
	EXPECT(request.data.args[0] == 1 && request.data.args[5] == 6 && request.data.instruction_pointer != 0);
	EXPECT(events(listener, 0) == POLLOUT);
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request.id);
	unsigned long other = request.id + 100;
	EXPECT_ERRNO(ioctl, ENOENT, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &other);
	response.id = other;
	EXPECT_ERRNO(ioctl, ENOENT, listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	response.id = request.id, response.flags = 2;
	EXPECT_ERRNO(ioctl, EINVAL, listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE, response.val = 1;
	EXPECT_ERRNO(ioctl, EINVAL, listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	EXPECT_ERRNO(ioctl, EFAULT, listener, SECCOMP_IOCTL_NOTIF_SEND, BAD);
	response.flags = 0, response.val = 4711;
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	EXPECT(events(listener, 2000) == POLLIN);
	unsigned long first = request.id;
	memset(&request, 0, sizeof request);
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	EXPECT(request.id != first);
	response = (struct seccomp_notif_resp){ request.id, 0, -EXDEV, 0 };
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	memset(&request, 0, sizeof request);
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	response = (struct seccomp_notif_resp){ request.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE };
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	end(child, listener);
}

static void use_given(void)
{
	char byte;
	long fd = CALL(getppid);
	EXPECT(fd > 2 && read(fd, &byte, 1) == 1 && byte == 'y');
	fd = CALL(getppid);
	EXPECT(fd == 77 && fcntl(20, F_GETFD) == FD_CLOEXEC && read(20, &byte, 1) == 1 && byte == 'z');
	EXPECT(CALL(getppid) == 8);
}

static void descriptors(void)
{
	int listener, data[2];
	pid_t child = start(0, use_given, &listener);
	MUST(pipe(data) == 0 && write(data[1], "yz", 2) == 2);
	struct seccomp_notif request = { 0 };
	struct seccomp_notif_addfd give = { .srcfd = data[0] }, bad;
	struct seccomp_notif_resp response = { 0 };
	give.id = 999999;
	EXPECT_ERRNO(ioctl, ENOENT, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &give);
	MUST(events(listener, 2000) == POLLIN);
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	give.id = request.id;
#define GIVE_ERRNO(error, change) \
	do { \
		bad = give; \
		bad.change; \
		EXPECT_ERRNO(ioctl, error, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &bad); \
	} while (0)
	GIVE_ERRNO(EINVAL, flags = 8);
	GIVE_ERRNO(EINVAL, newfd = 5);
	GIVE_ERRNO(EINVAL, newfd_flags = O_APPEND);
	GIVE_ERRNO(EBADF, srcfd = 999);
	EXPECT_ERRNO(ioctl, EFAULT, listener, SECCOMP_IOCTL_NOTIF_ADDFD, BAD);
	EXPECT_ERRNO(ioctl, EINVAL, listener, 0x40082103, &give);
	long number = EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &give);
	response = (struct seccomp_notif_resp){ request.id, number, 0, 0 };
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	memset(&request, 0, sizeof request);
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	give.id = request.id, give.flags = SECCOMP_ADDFD_FLAG_SETFD, give.newfd = 20, give.newfd_flags = O_CLOEXEC;
	EXPECT_IS(20, ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &give);
	response = (struct seccomp_notif_resp){ request.id, 77, 0, 0 };
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	memset(&request, 0, sizeof request);
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	give.id = request.id, give.flags = SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND, give.newfd = 8;
	EXPECT_IS(8, ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &give);
	close(data[0]), close(data[1]);
	end(child, listener);
}

static void be_interrupted(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &action, NULL);
	EXPECT_ERRNO(getppid, EINTR);
	EXPECT(caught == 1);
	EXPECT(CALL(getppid) == 5 && caught == 2);
}

static void signals(void)
{
	int listener;
	pid_t child = start(0, be_interrupted, &listener);
	struct seccomp_notif request = { 0 }, again = { 0 };
	struct seccomp_notif_resp response = { 0 };
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	kill(child, SIGUSR1);
	while (events(listener, 2000) != POLLIN) /* until it has left its call and asks again */
		;
	EXPECT_ERRNO(ioctl, ENOENT, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request.id);
	response.id = request.id;
	EXPECT_ERRNO(ioctl, ENOENT, listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	memset(&request, 0, sizeof request);
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request.id);
	kill(child, SIGUSR2);
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &again); /* it asks once more */
	EXPECT(again.id != request.id);
	response = (struct seccomp_notif_resp){ again.id, 5, 0, 0 };
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	end(child, listener);
}

static void be_patient(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGUSR1, &action, NULL);
	EXPECT(CALL(getppid) == 5 && caught == 1);
	CALL(getppid);
}

static void patience(void)
{
	int listener;
	pid_t child = start(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, be_patient, &listener);
	struct seccomp_notif request = { 0 };
	struct seccomp_notif_resp response = { 0 };
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	kill(child, SIGUSR1);
	usleep(20000);
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request.id);
	response = (struct seccomp_notif_resp){ request.id, 5, 0, 0 };
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	memset(&request, 0, sizeof request);
	EXPECT_OK(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &request);
	kill(child, SIGKILL);
	end(child, listener);
}

static void be_left_alone(void)
{
	EXPECT_ERRNO(getppid, ENOSYS);
	EXPECT_ERRNO(getppid, ENOSYS);
	long second = listen_to(SYS_getuid, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	EXPECT(second >= 0);
	EXPECT(listen_to(SYS_getgid, SECCOMP_FILTER_FLAG_NEW_LISTENER) == -EBUSY);
}

static void leaving(void)
{
	int listener;
	pid_t child = start(0, be_left_alone, &listener);
	MUST(events(listener, 2000) == POLLIN);
	close(listener);
	EXPECT(show_child(child) == 0);
}

static void refusals(void)
{
	struct seccomp_notif_sizes sizes;
	struct sock_filter ask = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog program = { 1, &ask };
	unsigned action = SECCOMP_RET_USER_NOTIF;
	EXPECT_OK(seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
	EXPECT(sizes.seccomp_notif == 80 && sizes.seccomp_notif_resp == 24 && sizes.seccomp_data == 64);
	EXPECT_ERRNO(seccomp, EINVAL, SECCOMP_GET_NOTIF_SIZES, 1, &sizes);
	EXPECT_ERRNO(seccomp, EFAULT, SECCOMP_GET_NOTIF_SIZES, 0, BAD);
	EXPECT_OK(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
	EXPECT_ERRNO(seccomp, EINVAL, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC, &program);
	EXPECT_ERRNO(seccomp, EINVAL, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
	WITH_LIMIT(RLIMIT_NOFILE, 3, EXPECT_ERRNO(seccomp, EMFILE, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
	IN_CHILD(int fd = EXPECT_OK(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
		 EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC);
		 EXPECT_ERRNO(seccomp, EBUSY, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program); close(fd);
		 EXPECT_OK(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
	/* A filter without a listener: nobody can be asked. */
	IN_CHILD(MUST(listen_to(SYS_getppid, 0) == 0); EXPECT_ERRNO(getppid, ENOSYS));
}

int main(void)
{
	refusals();
	answers();
	descriptors();
	signals();
	patience();
	leaving();
	return 0;
}
