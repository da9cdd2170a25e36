/* SPDX-License-Identifier: MPL-2.0 */
/* The witness; see witness.h.
 *
 *     PROGRAM quick|long HOST_PID HOST_PATH SEED ATTACK...
 *
 * Prints one line for each attack ("NAME: exit 0", "NAME: signal 9", "NAME: killed after its time") and then "canaries intact"; or
 * what it found changed. Exit status 0 if everything was as it should be. */
#define _GNU_SOURCE
#include "witness.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CANARY_WORDS (256 << 10 >> 3)

int is_long;
pid_t host_pid;
const char *host_path;
static uint64_t state;
static volatile uint64_t *canary;
static uint64_t key;

uint64_t draw(void)
{
	uint64_t x = state += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

unsigned below(unsigned n) { return draw() % n; }

long raw(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

void must(int condition, const char *what)
{
	if (condition)
		return;
	dprintf(1, "BROKEN: %s\n", what);
	_exit(99);
}

static sigjmp_buf back;
static void on_fault(int signo) { siglongjmp(back, signo); }

static int may_access(uint64_t address, int writes)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER }, segv, bus;
	sigaction(SIGSEGV, &action, &segv);
	sigaction(SIGBUS, &action, &bus);
	int ok = 0;
	if (sigsetjmp(back, 1) == 0) {
		volatile uint64_t *at = (volatile uint64_t *)address;
		uint64_t value = *at;
		if (writes)
			*at = value;
		ok = 1;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return ok;
}

int is_mapped(uint64_t address) { return may_access(address, 0); }
int is_writable(uint64_t address) { return may_access(address, 1); }

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_for(pid_t pid, int ms)
{
	int64_t end = now_ms() + ms;
	int status;
	for (int i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
		if (now_ms() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		usleep(i < 10 ? 300 : 3000);
	}
	return status;
}

int in_child(void (*body)(void), int ms)
{
	pid_t pid = fork();
	if (pid == 0) {
		body();
		_exit(0);
	}
	return pid < 0 ? -1 : wait_for(pid, ms);
}

static uint64_t pattern(uint64_t i) { return (i + key) * 0x9e3779b97f4a7c15ull; }

static int memory_is_intact(void)
{
	for (uint64_t i = 0; i < CANARY_WORDS; i++)
		if (canary[i] != pattern(i))
			return 0;
	return 1;
}

static int file_is_intact(void)
{
	uint64_t words[64];
	int fd = open("/tmp/canary", O_RDONLY);
	int ok = read(fd, words, sizeof words) == sizeof words;
	for (int i = 0; ok && i < 64; i++)
		ok = words[i] == pattern(i);
	close(fd);
	return ok;
}

static void plant(void)
{
	uint64_t words[64];
	key = draw() ^ (uint64_t)getpid() << 32;
	canary = mmap(NULL, CANARY_WORDS * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (uint64_t i = 0; i < CANARY_WORDS; i++)
		canary[i] = pattern(i);
	for (int i = 0; i < 64; i++)
		words[i] = pattern(i);
	int fd = open("/tmp/canary", O_CREAT | O_TRUNC | O_WRONLY, 0600);
	must(write(fd, words, sizeof words) == sizeof words, "no canary file");
	close(fd);
}

static volatile sig_atomic_t is_over;
static void on_term(int signo) { (void)signo; is_over = 1; }

/* Works on all the while: memory, registers kept over calls, calls that must give what they always give. */
static void bystand(int report)
{
	long rounds = 0;
	pid_t me = getpid();
	signal(SIGTERM, on_term);
	while (!is_over) {
		if (!memory_is_intact() || getpid() != me || !file_is_intact()) {
			dprintf(report, "the bystander has been harmed\n");
			_exit(1);
		}
		rounds++;
		usleep(5000);
	}
	dprintf(report, "ok %ld", rounds);
	_exit(0);
}

int main(int argc, char **argv)
{
	int report[2], status = 0;
	char line[128] = "";
	must(argc > 5, "usage");
	is_long = strcmp(argv[1], "long") == 0;
	host_pid = atoi(argv[2]);
	host_path = argv[3];
	state = strtoull(argv[4], NULL, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	plant();
	pipe(report);
	pid_t bystander = fork();
	if (bystander == 0)
		bystand(report[1]);
	for (int i = 5; i < argc; i++) {
		const struct attack *attack = attacks;
		while (attack->name && strcmp(attack->name, argv[i]))
			attack++;
		must(attack->name != NULL, "no such attack");
		fflush(stdout);
		int how = in_child(attack->run, attack->seconds * 1000 * (is_long ? 100 : 1));
		if (how == -1)
			printf("%s: killed after its time\n", attack->name);
		else if (WIFSIGNALED(how))
			printf("%s: signal %d\n", attack->name, WTERMSIG(how));
		else
			printf("%s: exit %d\n", attack->name, WEXITSTATUS(how));
		status |= how != -1 && WIFEXITED(how) && WEXITSTATUS(how) == 99;
		if (!memory_is_intact() || !file_is_intact())
			must(0, "the witness has been harmed");
	}
	kill(bystander, SIGTERM);
	int end = wait_for(bystander, 10000);
	read(report[0], line, sizeof line - 1);
	if (end != 0 || strncmp(line, "ok ", 3)) {
		printf("BROKEN: bystander: %d %s\n", end, line);
		return 1;
	}
	printf("%s\n", status ? "an attack has succeeded" : "canaries intact");
	return status;
}
