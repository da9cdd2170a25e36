# SPDX-License-Identifier: MPL-2.0
"""sysfs and cgroup2: the machine's CPUs, memory policy, loopback interface and limits as programs look them up.

`fs.SysFs(kernel, dev)` goes on /sys, `cgroup2.Cgroup2Fs(kernel, dev)` on /sys/fs/cgroup. `nodes.py` has directories and files of a
fixed tree. What is shown is true of the run's machine; nothing of the host's devices is here.
"""
