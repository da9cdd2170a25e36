# SPDX-License-Identifier: MPL-2.0
"""Argument types of system calls. A handler's signature is read by tools/gen_dispatch.py, which converts the raw 64-bit
register to the type's range (sign- or zero-extension) and derives the strace format from it.
"""

from typing import NewType

# Converted to a signed 32-bit value.
CInt = NewType("CInt", int)  # plain int
Fd = NewType("Fd", int)
DirFd = NewType("DirFd", int)  # AT_FDCWD or a directory's descriptor
Pid = NewType("Pid", int)
Signo = NewType("Signo", int)
Millis = NewType("Millis", int)
ClockId = NewType("ClockId", int)
# Converted to an unsigned 32-bit value.
CUInt = NewType("CUInt", int)
Uid = NewType("Uid", int)
Gid = NewType("Gid", int)
Mode = NewType("Mode", int)  # shown in octal
OpenFlags = NewType("OpenFlags", int)  # O_*
Flags = NewType("Flags", int)  # int-sized flag word, shown in hex unless the formatter knows the call
# 64-bit: signed.
Long = NewType("Long", int)
Offset = NewType("Offset", int)  # loff_t
# 64-bit: unsigned.
ULong = NewType("ULong", int)
Size = NewType("Size", int)  # size_t
UserAddr = NewType("UserAddr", int)  # a guest address nobody has checked
UserPath = NewType("UserPath", int)  # … of a NUL-terminated path
UserString = NewType("UserString", int)  # … of another NUL-terminated string
OutBuffer = NewType("OutBuffer", int)  # … the call fills; shown after the call, as long as its result
InBuffer = NewType("InBuffer", int)  # … of bytes given; the next Size argument is their length
