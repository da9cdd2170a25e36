/* SPDX-License-Identifier: MPL-2.0 */
/* What every attack is written against: a witness process that is to be harmed, and must not be.
 *
 * `main` (witness.c) plants canaries in its memory and in a file, starts a bystander process that works all the time, then makes
 * the attacks that were named, each in a child of its own, and looks at the canaries after each. Attacks are in a table
 * that each program defines. */
#ifndef WITNESS_H
#define WITNESS_H
#include <stdint.h>
#include <sys/types.h>

struct attack {
	const char *name;
	void (*run)(void); /* in a child; returning is exit(0) */
	int seconds;       /* then the child is killed */
};
extern const struct attack attacks[]; /* ends with {0} */

/* Named by the test: long campaigns do more of the same. */
extern int is_long;
/* Of the host: its process number and a file there; no call of a guest may reach them. */
extern pid_t host_pid;
extern const char *host_path;

/* The stub program's range, and what lies there (framework/machine/stub/abi.h). */
#define STUB_TEXT 0x7ff000000000ul
#define VDSO 0x7ff000100000ul
#define MACHINE_PAGE 0x7ff000200000ul
#define ORDER_PAGE 0x7ff000201000ul
#define SCRATCH_PAGE 0x7ff000202000ul
#define STACKS 0x7ff000300000ul
#define CONTEXTS 0x7ff040000000ul
#define CONTEXT_BYTES 0x8000ul

uint64_t draw(void);                  /* random, from the seed */
unsigned below(unsigned n);
long raw(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
int is_mapped(uint64_t address);      /* may it be read? By trying. */
int is_writable(uint64_t address);
void must(int condition, const char *what); /* the attack has succeeded where it should not: says so and exits 99 */
/* Runs `body` in a forked child for at most `ms` milliseconds; its wait status, or −1 if it had to be killed. */
int in_child(void (*body)(void), int ms);
#endif
