# SPDX-License-Identifier: MPL-2.0
"""overlay: a directory tree seen through changes kept elsewhere (Linux Documentation/filesystems/overlayfs.rst).

Lower trees are only read. Whatever is changed is first copied up to the upper tree, which may be a tmpfs (changes end
with the run) or a directory of the host (`--overlay DIR`). A deleted lower name is a whiteout in the upper tree, a
character device 0/0; a directory that hides the lower one of its name is opaque (xattr user.overlay.opaque = "y", or a
file `.wh..wh..opq` where the upper tree has no extended attributes). As on Linux without redirect_dir and index:

* renaming a directory that exists in a lower tree answers EXDEV (programs copy then);
* a file that was opened for reading before its copy-up keeps showing the old content;
* hard links of lower files are separated by a copy-up.

Inode numbers stay the same over a copy-up. Files: file_system.py, inode.py, directory.py, copy_up.py, whiteout.py.
"""
