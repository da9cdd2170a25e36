# SPDX-License-Identifier: MPL-2.0
"""What a thread has read and written, for /proc/[pid]/io (Linux include/linux/task_io_accounting_ops.h): by read, write and their kin, sendfile
and copy_file_range; not by socket calls, splice and mappings, as on Linux."""


class IoCounts:
    nr_reads: int  # calls that have come to their end, however they ended
    nr_writes: int
    bytes_read: int
    bytes_written: int

    def __init__(self) -> None:
        self.nr_reads = self.nr_writes = self.bytes_read = self.bytes_written = 0

    def count_read(self, result: int) -> None:
        """Args: result: of the call, bytes or −errno."""
        self.nr_reads += 1
        if result > 0:
            self.bytes_read += result

    def count_write(self, result: int) -> None:
        self.nr_writes += 1
        if result > 0:
            self.bytes_written += result

    def add(self, other: "IoCounts") -> None:
        self.nr_reads += other.nr_reads
        self.nr_writes += other.nr_writes
        self.bytes_read += other.bytes_read
        self.bytes_written += other.bytes_written
