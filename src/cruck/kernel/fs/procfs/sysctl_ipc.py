# SPDX-License-Identifier: MPL-2.0
"""The limits of System V IPC in /proc/sys/kernel: kept in the IPC namespace, changed by its administrator (ipc/ipc_sysctl.c)."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL

if TYPE_CHECKING:
    from cruck.kernel.ipc.ipc_namespace import IpcNamespace

MAX_INT: Final = (1 << 31) - 1
MAX_ULONG: Final = (1 << 64) - 1
MAX_OBJECTS: Final = 32768
# The highest value of each.
LIMITS: Final[dict[bytes, int]] = {
    b"fs/mqueue/msg_default": 65536,
    b"fs/mqueue/msg_max": 65536,
    b"fs/mqueue/msgsize_default": 16 << 20,
    b"fs/mqueue/msgsize_max": 16 << 20,
    b"fs/mqueue/queues_max": MAX_INT,
    b"kernel/msg_next_id": MAX_INT,
    b"kernel/msgmax": MAX_INT,
    b"kernel/msgmnb": MAX_INT,
    b"kernel/msgmni": MAX_OBJECTS,
    b"kernel/sem": MAX_INT,
    b"kernel/sem_next_id": MAX_INT,
    b"kernel/shm_next_id": MAX_INT,
    b"kernel/shm_rmid_forced": 1,
    b"kernel/shmall": MAX_ULONG,
    b"kernel/shmmax": MAX_ULONG,
    b"kernel/shmmni": MAX_OBJECTS,
}


def read(namespace: "IpcNamespace", path: bytes) -> bytes:
    shm, sem, msg = namespace.shm, namespace.sem, namespace.msg
    if path == b"kernel/sem":
        return b"%d\t%d\t%d\t%d" % (sem.max_per_set, sem.max_semaphores, sem.max_operations, sem.max_sets)
    mqueue = namespace.mqueue()
    values = {
        b"fs/mqueue/msg_default": mqueue.default_messages,
        b"fs/mqueue/msg_max": mqueue.max_messages,
        b"fs/mqueue/msgsize_default": mqueue.default_bytes,
        b"fs/mqueue/msgsize_max": mqueue.max_message_bytes,
        b"fs/mqueue/queues_max": mqueue.max_queues,
        b"kernel/msg_next_id": msg.next_id,
        b"kernel/msgmax": msg.max_message_bytes,
        b"kernel/msgmnb": msg.max_queue_bytes,
        b"kernel/msgmni": msg.max_queues,
        b"kernel/sem_next_id": sem.next_id,
        b"kernel/shm_next_id": shm.next_id,
        b"kernel/shm_rmid_forced": int(shm.rmid_forced),
        b"kernel/shmall": shm.max_pages,
        b"kernel/shmmax": shm.max_bytes,
        b"kernel/shmmni": shm.max_segments,
    }
    return b"%d" % values[path]


def write(namespace: "IpcNamespace", path: bytes, text: bytes) -> int:
    """0 or −EINVAL."""
    words = text.split()
    limit = LIMITS[path]
    lowest = -1 if path.endswith(b"_next_id") else 0
    numbers: list[int] = []
    for word in words:
        try:
            numbers.append(int(word))
        except ValueError:
            return -EINVAL
        if not lowest <= numbers[-1] <= limit:
            return -EINVAL
    if not numbers:
        return -EINVAL
    value = numbers[0]
    if path.startswith(b"fs/mqueue/"):
        return _write_mqueue(namespace, path, value)
    shm, sem, msg = namespace.shm, namespace.sem, namespace.msg
    if path == b"kernel/sem":
        current = [sem.max_per_set, sem.max_semaphores, sem.max_operations, sem.max_sets]
        for index, number in enumerate(numbers[:4]):
            current[index] = number
        if current[3] > MAX_OBJECTS:
            return -EINVAL
        sem.max_per_set, sem.max_semaphores, sem.max_operations, sem.max_sets = current
    elif path == b"kernel/msg_next_id":
        msg.next_id = value
    elif path == b"kernel/sem_next_id":
        sem.next_id = value
    elif path == b"kernel/shm_next_id":
        shm.next_id = value
    elif path == b"kernel/msgmax":
        msg.max_message_bytes = value
    elif path == b"kernel/msgmnb":
        msg.max_queue_bytes = value
    elif path == b"kernel/msgmni":
        msg.max_queues = value
    elif path == b"kernel/shm_rmid_forced":
        shm.rmid_forced = value == 1
    elif path == b"kernel/shmall":
        shm.max_pages = value
    elif path == b"kernel/shmmax":
        shm.max_bytes = value
    else:
        shm.max_segments = value
    return 0


def _write_mqueue(namespace: "IpcNamespace", path: bytes, value: int) -> int:
    mqueue = namespace.mqueue()
    if path != b"fs/mqueue/queues_max" and value < (1 if b"msg_" in path else 128):
        return -EINVAL
    if path == b"fs/mqueue/msg_default":
        mqueue.default_messages = value
    elif path == b"fs/mqueue/msg_max":
        mqueue.max_messages = value
    elif path == b"fs/mqueue/msgsize_default":
        mqueue.default_bytes = value
    elif path == b"fs/mqueue/msgsize_max":
        mqueue.max_message_bytes = value
    else:
        mqueue.max_queues = value
    return 0
