# SPDX-License-Identifier: MPL-2.0
"""The Linux UAPI for x86-64 as data: constants and struct layouts, one module per UAPI header.

Constants are `Final` ints under C's names, structs are `Layout` constants under C's tags in upper case. Import the
module you need (`from cruck.abi.errno import EINVAL`); this package imports none of them, nothing else of ours, and has
no behaviour. Names that the kernel uses twice with different meanings live in different modules: `AT_*` in `fcntl` and
`auxvec`, `MS_*` in `mman` and `mount`, `DT_*` in `dirent` and `elf`.

`tests/abi` compares every constant and every layout with the C compiler and the headers of the machine it runs on.
"""
