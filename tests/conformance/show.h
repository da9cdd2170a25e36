/* SPDX-License-Identifier: MPL-2.0 */
/* What a call answered, one line each, the same on Linux and on cruck. VALUE shows the number; DONE only whether it failed. */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VALUE(call) ({ \
	errno = 0; \
	long long value_ = (long long)(call); \
	printf("%d: %s = %lld%s%s\n", __LINE__, #call, value_, value_ == -1 ? " " : "", value_ == -1 ? strerrorname_np(errno) : ""); \
	value_; \
})

#define DONE(call) ({ \
	errno = 0; \
	long long value_ = (long long)(call); \
	printf("%d: %s: %s\n", __LINE__, #call, value_ == -1 ? strerrorname_np(errno) : "done"); \
	value_; \
})
