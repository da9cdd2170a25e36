# SPDX-License-Identifier: MPL-2.0
"""System V IPC: include/uapi/linux/ipc.h, shm.h, sem.h, msg.h and the asm-generic *buf.h."""

from typing import Final

from cruck.abi.layout import Layout

IPC_CREAT: Final = 0o1000
IPC_EXCL: Final = 0o2000
IPC_NOWAIT: Final = 0o4000
IPC_PRIVATE: Final = 0
IPC_RMID: Final = 0
IPC_SET: Final = 1
IPC_STAT: Final = 2
IPC_INFO: Final = 3
IPC_OLD: Final = 0
IPC_64: Final = 256

IPC64_PERM: Final = Layout(
    "ipc64_perm",
    (
        ("key", "s32"),
        ("uid", "u32"),
        ("gid", "u32"),
        ("cuid", "u32"),
        ("cgid", "u32"),
        ("mode", "u32"),
        ("seq", "u16"),
        ("__pad2", "pad[6]"),
        ("__unused1", "pad[8]"),
        ("__unused2", "pad[8]"),
    ),
)

# Shared memory
SHM_R: Final = 0o400
SHM_W: Final = 0o200
SHM_HUGETLB: Final = 0o4000
SHM_NORESERVE: Final = 0o10000
SHM_RDONLY: Final = 0o10000
SHM_RND: Final = 0o20000
SHM_REMAP: Final = 0o40000
SHM_EXEC: Final = 0o100000
SHM_DEST: Final = 0o1000  # in shm_perm.mode: goes when the last process detaches
SHM_LOCKED: Final = 0o2000
SHM_LOCK: Final = 11
SHM_UNLOCK: Final = 12
SHM_STAT: Final = 13
SHM_INFO: Final = 14
SHM_STAT_ANY: Final = 15
SHMMIN: Final = 1
SHMMNI: Final = 4096
SHMSEG: Final = 4096
SHMMAX: Final = 0xFFFFFFFFFEFFFFFF
SHMALL: Final = 0xFFFFFFFFFEFFFFFF
SHMLBA: Final = 4096
SHMID64_DS: Final = Layout(
    "shmid64_ds",
    (
        ("shm_perm.key", "s32"),
        ("shm_perm.uid", "u32"),
        ("shm_perm.gid", "u32"),
        ("shm_perm.cuid", "u32"),
        ("shm_perm.cgid", "u32"),
        ("shm_perm.mode", "u32"),
        ("shm_perm.seq", "u16"),
        ("shm_perm.__pad2", "pad[2]"),
        ("shm_perm._tail", "pad[20]"),
        ("shm_segsz", "u64"),
        ("shm_atime", "s64"),
        ("shm_dtime", "s64"),
        ("shm_ctime", "s64"),
        ("shm_cpid", "s32"),
        ("shm_lpid", "s32"),
        ("shm_nattch", "u64"),
        ("__unused4", "pad[8]"),
        ("__unused5", "pad[8]"),
    ),
)
SHMINFO64: Final = Layout(
    "shminfo64",
    (
        ("shmmax", "u64"),
        ("shmmin", "u64"),
        ("shmmni", "u64"),
        ("shmseg", "u64"),
        ("shmall", "u64"),
        ("__unused1", "pad[32]"),
    ),
)
SHM_INFO_STRUCT: Final = Layout(
    "shm_info",
    (
        ("used_ids", "s32"),
        ("shm_tot", "u64"),
        ("shm_rss", "u64"),
        ("shm_swp", "u64"),
        ("swap_attempts", "u64"),
        ("swap_successes", "u64"),
    ),
)

# Semaphores
SEM_UNDO: Final = 0o10000
GETPID: Final = 11
GETVAL: Final = 12
GETALL: Final = 13
GETNCNT: Final = 14
GETZCNT: Final = 15
SETVAL: Final = 16
SETALL: Final = 17
SEM_STAT: Final = 18
SEM_INFO: Final = 19
SEM_STAT_ANY: Final = 20
SEMMNI: Final = 32000
SEMMSL: Final = 32000
SEMMNS: Final = 1024000000
SEMOPM: Final = 500
SEMVMX: Final = 32767
SEMAEM: Final = 32767
SEMUME: Final = 500
SEMMNU: Final = 1024000000
SEMMAP: Final = 1024000000
SEMUSZ: Final = 20
SEMBUF: Final = Layout("sembuf", (("sem_num", "u16"), ("sem_op", "s16"), ("sem_flg", "s16")))
SEMID64_DS: Final = Layout(
    "semid64_ds",
    (
        ("sem_perm.key", "s32"),
        ("sem_perm.uid", "u32"),
        ("sem_perm.gid", "u32"),
        ("sem_perm.cuid", "u32"),
        ("sem_perm.cgid", "u32"),
        ("sem_perm.mode", "u32"),
        ("sem_perm.seq", "u16"),
        ("sem_perm.__pad2", "pad[2]"),
        ("sem_perm._tail", "pad[20]"),
        ("sem_otime", "s64"),
        ("__unused1", "pad[8]"),
        ("sem_ctime", "s64"),
        ("__unused2", "pad[8]"),
        ("sem_nsems", "u64"),
        ("__unused3", "pad[8]"),
        ("__unused4", "pad[8]"),
    ),
)
SEMINFO: Final = Layout(
    "seminfo",
    (
        ("semmap", "s32"),
        ("semmni", "s32"),
        ("semmns", "s32"),
        ("semmnu", "s32"),
        ("semmsl", "s32"),
        ("semopm", "s32"),
        ("semume", "s32"),
        ("semusz", "s32"),
        ("semvmx", "s32"),
        ("semaem", "s32"),
    ),
)

# Messages
MSG_NOERROR: Final = 0o10000
MSG_EXCEPT: Final = 0o20000
MSG_COPY: Final = 0o40000
MSG_STAT: Final = 11
MSG_INFO: Final = 12
MSG_STAT_ANY: Final = 13
MSGMNI: Final = 32000
MSGMAX: Final = 8192
MSGMNB: Final = 16384
MSGPOOL: Final = 512000
MSGTQL: Final = 16384
MSGMAP: Final = 16384
MSGSSZ: Final = 16
MSGSEG: Final = 65535
MSQID64_DS: Final = Layout(
    "msqid64_ds",
    (
        ("msg_perm.key", "s32"),
        ("msg_perm.uid", "u32"),
        ("msg_perm.gid", "u32"),
        ("msg_perm.cuid", "u32"),
        ("msg_perm.cgid", "u32"),
        ("msg_perm.mode", "u32"),
        ("msg_perm.seq", "u16"),
        ("msg_perm.__pad2", "pad[2]"),
        ("msg_perm._tail", "pad[20]"),
        ("msg_stime", "s64"),
        ("msg_rtime", "s64"),
        ("msg_ctime", "s64"),
        ("msg_cbytes", "u64"),
        ("msg_qnum", "u64"),
        ("msg_qbytes", "u64"),
        ("msg_lspid", "s32"),
        ("msg_lrpid", "s32"),
        ("__unused4", "pad[8]"),
        ("__unused5", "pad[8]"),
    ),
)
MSGINFO: Final = Layout(
    "msginfo",
    (
        ("msgpool", "s32"),
        ("msgmap", "s32"),
        ("msgmax", "s32"),
        ("msgmnb", "s32"),
        ("msgmni", "s32"),
        ("msgssz", "s32"),
        ("msgtql", "s32"),
        ("msgseg", "u16"),
    ),
)
# A message: this word, then the text
MSGBUF: Final = Layout("msgbuf", (("mtype", "s64"),))
