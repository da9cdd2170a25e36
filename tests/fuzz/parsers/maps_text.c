/* SPDX-License-Identifier: MPL-2.0
 *
 * /proc/self/maps, as the pristine stub reads it before it empties its address space: any text, in pieces of any length. The host calls are
 * fakes that record. Checked: nothing of the stub itself, nor its scratch page, is unmapped; what it reports fits its page.
 *
 * Input: the text. */
#include "harness.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CRUCK_STUB_RAW_H
static long raw6(long nr, long a, long b, long c, long d, long e, long f);
#define raw0(nr) raw6(nr, 0, 0, 0, 0, 0, 0)
#define raw1(nr, a) raw6(nr, (long)(a), 0, 0, 0, 0, 0)
#define raw2(nr, a, b) raw6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define raw3(nr, a, b, c) raw6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define raw4(nr, a, b, c, d) raw6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define raw5(nr, a, b, c, d, e) raw6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

#include "stub/abi.h"
static _Alignas(4096) char page_memory[4096], text_memory[0x10000];
#undef SCRATCH_ADDR
#undef VDSO_DETOUR
#define SCRATCH_ADDR ((uintptr_t)page_memory)
#define VDSO_DETOUR ((uintptr_t)text_memory - VDSO_MAX)
#include "stub/pristine.c"

const char _end[1];
const struct sock_fprog stub_program;
void stub_restorer(void) {}
void stub_handler(int signo, const struct stub_siginfo *info, const void *ucontext) { (void)signo, (void)info, (void)ucontext; }
void pager_enter(unsigned long start, unsigned long length) { (void)start, (void)length; abort(); }

static const uint8_t *text_data;
static size_t text_size, text_at, moves_fail;

static long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
    (void)d, (void)f;
    switch (nr) {
    case __NR_openat:
        return text_size ? 9 : -2;
    case __NR_read: {
        size_t n = text_size - text_at;
        n = n < (size_t)c ? n : (size_t)c;
        n = n > 700 ? 700 : n;                          /* /proc gives some lines at a time */
        CHECK(a == 9 && (char *)b >= text_memory && (char *)b + c <= text_memory + 0xffff);
        memcpy((char *)b, text_data + text_at, n);
        text_at += n;
        return (long)n;
    }
    case __NR_mmap:
        return a;
    case __NR_munmap: {
        uint64_t start = (uint64_t)a;                   /* ranges of the host do not overlap: where one begins says whose it is */
        CHECK(start < STUB_BASE || start >= STUB_BASE + STUB_TEXT_MAX);
        CHECK(start != SCRATCH_ADDR);
        return 0;
    }
    case __NR_mremap:
        return moves_fail ? -1 : e;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(page_memory, 0, sizeof page_memory);
    memset(text_memory, 0, sizeof text_memory);
    moves_fail = size && data[0] == '#';
    text_data = data, text_size = size, text_at = 0;
    empty_address_space();
    CHECK(scratch->nr_reserved <= 16);
    return 0;
}

static size_t make_seed(unsigned index, uint8_t *out)
{
    static const char *const texts[] = {
        "7ff000000000-7ff000003000 r-xp 00000000 00:01 5 /memfd:stub\n7ff000202000-7ff000203000 rw-s 00101000 00:01 6 /memfd:control\n"
        "7ffd1a000000-7ffd1a021000 rw-p 00000000 00:00 0 [stack]\n7ffd1a1f5000-7ffd1a1f9000 r--p 00000000 00:00 0 [vvar]\n"
        "7ffd1a1f9000-7ffd1a1fb000 r--p 00000000 00:00 0 [vvar_vclock]\n7ffd1a1fb000-7ffd1a1fd000 r-xp 00000000 00:00 0 [vdso]\n"
        "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n",
        "#\n7ffd1a1f9000-7ffd1a1fb000 r--p 00000000 00:00 0 [vvar]\n7ffd1a1fb000-7ffd1a1fd000 r-xp 00000000 00:00 0 [vdso]\n",
        "7ff000100000-7ff000104000 r--p 00000000 00:00 0 [vvar]\n7ff000104000-7ff000106000 r-xp 00000000 00:00 0 [vdso]\n",
        "400000-401000 r-xp 00000000 08:01 77 /bin/x y [z]\n"};
    if (index < sizeof texts / sizeof *texts)
        return (size_t)snprintf((char *)out, MAX_INPUT, "%s", texts[index]);
    return index == sizeof texts / sizeof *texts ? read_whole("/proc/self/maps", out) : 0;
}
