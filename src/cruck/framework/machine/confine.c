/* SPDX-License-Identifier: MPL-2.0 */
/* This process gives up rights of its own, for good. What stays is the caller's data (framework/confine.py packs it); a host that
 * lacks a part answers −errno and the others hold without it. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "machine.h"

#define LANDLOCK_CREATE 444
#define LANDLOCK_ADD 445
#define LANDLOCK_RESTRICT 446
#define RULE_BYTES 12u              /* struct landlock_path_beneath_attr, packed */

int confine_capabilities(uint64_t keep)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        data[i].effective = data[i].permitted &= (uint32_t)(keep >> 32 * i);
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int confine_no_new_privs(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0; }

int confine_paths(const uint8_t *ruleset, size_t size, const uint8_t *rules, size_t rules_size)
{
    long fd = size ? syscall(LANDLOCK_CREATE, ruleset, size, 0) : syscall(LANDLOCK_CREATE, NULL, 0, 1 /* its version */);
    if (fd < 0 || !size)
        return fd < 0 ? -errno : (int)fd;
    long result = 0;
    for (size_t at = 0; result == 0 && at + RULE_BYTES <= rules_size; at += RULE_BYTES)
        result = syscall(LANDLOCK_ADD, fd, 1 /* PATH_BENEATH */, rules + at, 0);
    if (result == 0)
        result = syscall(LANDLOCK_RESTRICT, fd, 0);
    int error = result < 0 ? -errno : 0;
    close((int)fd);
    return error;
}

int confine_calls(const uint8_t *program, size_t size)
{
    struct sock_fprog filter = {(unsigned short)(size / sizeof(struct sock_filter)), (struct sock_filter *)program};
    if (size % sizeof(struct sock_filter) || size / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return -EINVAL;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) < 0 ? -errno : 0;
}
