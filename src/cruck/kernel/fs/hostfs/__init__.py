# SPDX-License-Identifier: MPL-2.0
"""hostfs: a host directory tree as a file system.

For the host's system directories (read-only, remembered for the length of a run) and for directories shared with
`-v` (live: every look goes to the host). Regular files, directories and symbolic links are the host's; FIFOs and
sockets have their names on the host and their contents in our kernel; device nodes cannot be opened. Data goes between
the host's page cache and guest memory without passing through Python, and is mapped straight from the page cache.

Files: file_system.py (HostFs), inode.py (HostInode), file.py (open files and directories), mapping.py (mmap).
"""
