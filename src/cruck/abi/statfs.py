# SPDX-License-Identifier: MPL-2.0
"""statfs and ustat: include/uapi/asm-generic/statfs.h, include/linux/types.h.

`f_type`'s magics are in `magic`, `f_flags` in `mount`.
"""

from typing import Final

from cruck.abi.layout import Layout

STATFS: Final = Layout(
    "statfs",
    (
        ("f_type", "s64"),
        ("f_bsize", "s64"),
        ("f_blocks", "s64"),
        ("f_bfree", "s64"),
        ("f_bavail", "s64"),
        ("f_files", "s64"),
        ("f_ffree", "s64"),
        ("f_fsid", "s32[2]"),
        ("f_namelen", "s64"),
        ("f_frsize", "s64"),
        ("f_flags", "s64"),
        ("f_spare", "pad[32]"),
    ),
)
USTAT: Final = Layout("ustat", (("f_tfree", "s32"), ("f_tinode", "u64"), ("f_fname", "char[6]"), ("f_fpack", "char[6]")))
