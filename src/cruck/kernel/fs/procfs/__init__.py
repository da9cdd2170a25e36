# SPDX-License-Identifier: MPL-2.0
"""procfs: what the kernel tells of itself and its processes, in Linux's text formats (proc(5)).

`fs.ProcFs(kernel, dev)` is the file system. `inode.py` has the node classes and `text_file.py` the open files; the contents are
functions from a kernel, process or task to bytes, grouped by what they speak of: `system_text`, `task_text`, `memory_text`,
`mount_text`; `root.py`, `sysctl.py`, `net.py`, `task_dir.py` and `fd_dir.py` are the directories and their tables of names.

Not here: namespaces (ns/), performance counters, anything of the host beyond `kernel.host_info`.
Which task reads is `kernel.current`: /proc/self and the ptrace-style access checks depend on it.
"""
