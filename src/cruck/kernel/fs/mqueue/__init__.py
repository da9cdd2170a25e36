# SPDX-License-Identifier: MPL-2.0
"""POSIX message queues (mq_overview(7), Linux ipc/mqueue.c): each IPC namespace has a file system whose files are queues.

queue.py: a queue, and an open one; fs_type.py: the file system and its limits. The calls are syscalls/mqueue.py; a queue can also be
listed, read (its state), polled and removed where the file system is mounted.
"""
