/* SPDX-License-Identifier: MPL-2.0 */
/* What the harnesses of parsers share. Each has LLVMFuzzerTestOneInput (any bytes; CHECKs what must hold for all) and make_seed (the
 * index-th good input, its size; 0: there are no more). With libFuzzer, SEEDS=folder writes the seeds there; with -DSTANDALONE a main()
 * runs the seeds and the files it is given, so that any compiler can replay them. */
#ifndef HARNESS_H
#define HARNESS_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_INPUT 65536

static inline void check_failed(const char *condition, int line)
{
    fprintf(stderr, "line %d: not %s\n", line, condition);
    abort();
}
#define CHECK(condition) ((condition) ? (void)0 : check_failed(#condition, __LINE__))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static size_t make_seed(unsigned index, uint8_t *out);

static inline size_t read_whole(const char *path, uint8_t *out)
{
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(out, 1, MAX_INPUT, file) : 0;
    if (file)
        fclose(file);
    return size;
}

#ifdef STANDALONE
int main(int argc, char **argv)
{
    static uint8_t data[MAX_INPUT];
    unsigned count = 0;
    for (size_t size; (size = make_seed(count, data)) > 0; count++)
        LLVMFuzzerTestOneInput(data, size);
    for (int i = 1; i < argc; i++, count++)
        LLVMFuzzerTestOneInput(data, read_whole(argv[i], data));
    printf("%u inputs\n", count);
    return 0;
}
#else
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t data[MAX_INPUT];
    char path[4096];
    (void)argc, (void)argv;
    const char *folder = getenv("SEEDS");
    size_t size;
    for (unsigned i = 0; folder && (size = make_seed(i, data)) > 0; i++) {
        snprintf(path, sizeof path, "%s/seed-%u", folder, i);
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(data, 1, size, file) != size)
            abort();
        fclose(file);
    }
    return 0;
}
#endif
#endif
