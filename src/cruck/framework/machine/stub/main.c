/* SPDX-License-Identifier: MPL-2.0 */
/* Entry of the stub program: it plays the warden or the pristine stub, as its first argument says. */
#include "stub.h"

__attribute__((noreturn)) void stub_main(long *stack)
{
    const char *role = stack[0] >= 1 ? (const char *)stack[1] : "";
    if (role[0] == 'w')
        warden_main();
    pristine_main();
}

/* The compiler may emit calls to these. */
void *memset(void *to, int value, unsigned long size)
{
    void *result = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
    return result;
}

void *memcpy(void *to, const void *from, unsigned long size)
{
    void *result = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return result;
}
