/* SPDX-License-Identifier: MPL-2.0
 *
 * /proc/<pid>/task/<tid>/stat and schedstat, as stubs.c reads them: whatever stands there, the answer is a count, a letter or a time, and nothing
 * beyond the text is read.
 *
 * Input: the text. */
#include "harness.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fake_open(const char *path, int flags, ...);
static ssize_t fake_read(int fd, void *buffer, size_t size);
static int fake_close(int fd);
#define open fake_open
#define read fake_read
#define close fake_close
#include "stubs.c"
#undef open
#undef read
#undef close

/* Of the files that are not under test; nothing here calls them. */
bool machine_reserved(machine *m, unsigned index, uint64_t *start, uint64_t *end) { (void)m, (void)index, (void)start, (void)end; abort(); }
int pager_answer(struct stub *stub) { (void)stub; abort(); }
int pager_flush(struct stub *stub) { (void)stub; abort(); }
int pager_send(struct stub *stub, const int *fds, uint32_t nr_fds) { (void)stub, (void)fds, (void)nr_fds; abort(); }
void pager_receive(struct stub *stub) { (void)stub; abort(); }
void pager_forget(struct stub *stub) { (void)stub; abort(); }
void pager_plain(struct stub *stub, uint32_t nr, uint64_t r, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    (void)stub, (void)nr, (void)r, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
    abort();
}

static const uint8_t *text_data;
static size_t text_size;

static int fake_open(const char *path, int flags, ...)
{
    (void)flags;
    CHECK(strncmp(path, "/proc/", 6) == 0 && strlen(path) < 1024);
    return 9;
}

static ssize_t fake_read(int fd, void *buffer, size_t size)
{
    CHECK(fd == 9);
    if (text_size == 1)
        return -1;
    size = size < text_size ? size : text_size;
    memcpy(buffer, text_data, size);
    return (ssize_t)size;
}

static int fake_close(int fd) { CHECK(fd == 9); return 0; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    text_data = data, text_size = size;
    bool is_one = has_only_pager(123);
    char text[1025];
    size_t length = size < 1023 && size != 1 ? size : size == 1 ? 0 : 1023;
    memcpy(text, data, length);
    text[length] = 0;
    const char *end = strrchr(text, ')');
    char state = host_task_state(123, 124);
    CHECK(state == (end && end[1] ? end[2] : 0) || !end);
    if (!end)
        CHECK(!is_one && !state);
    host_cpu_time(123, 124);
    return 0;
}

static size_t make_seed(unsigned index, uint8_t *out)
{
    static const char *const files[] = {"/proc/self/stat", "/proc/self/schedstat", "/proc/self/task/../stat"};
    if (index < 3)
        return read_whole(files[index], out);
    return index == 3 ? (size_t)snprintf((char *)out, MAX_INPUT, "7 (a) b) c) R 1 7 7 0 -1 4194560 92 0 0 0 0 0 0 0 20 0 1 0 5 6 7\n") : 0;
}
