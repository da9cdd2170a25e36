/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a row of the microbenchmark is, and what its file may use.
 *
 * Each row runs in a process of its own, forked by main.c, so that no row sees descriptors, threads or memory of another.
 * Functions return 0, or -1 with errno set; the row is then reported as skipped with that errno.
 */
#ifndef HARNESS_H
#define HARNESS_H

#define PAGE 4096L
#define CHUNK (64 * 1024L)		/* bytes moved by one operation of the bandwidth rows */

struct row {
	const char *key;
	int (*prepare)(void);		/* may be NULL; not timed */
	int (*repeat)(long n);		/* does the operation n times; timed as a whole */
	void (*finish)(void);		/* may be NULL; not timed; ends what would outlive the row's process */
};

extern const struct row call_rows[], file_rows[], ipc_rows[], thread_rows[], signal_rows[], memory_rows[], process_rows[],
	compute_rows[];

extern char *program_path;		/* of this executable, absolute */
extern char scratch_path[];		/* a file name in /tmp (or --dir) that nobody else uses */
extern char *chunk;			/* CHUNK bytes of touched memory */

/* errno = code; returns -1. For calls that fell short without setting errno. */
int refuse(int code);
/* Waits for a child that must exit with status 0. */
int wait_for(int pid);

#endif
