# SPDX-License-Identifier: MPL-2.0
"""What stands between a traced or filtered task and its calls (Linux: syscall_trace_enter, syscall_exit_work in kernel/entry).

The trap loop asks here only if `Task.work` says so. At entry: the tracer's stop, then the seccomp filters; at exit: the tracer's
stop, or the SIGTRAP of a single step over the call. Both may have changed the registers, so the call is read from them again.
"""

from typing import Final

from cruck.abi.ptrace import PTRACE_EVENTMSG_SYSCALL_ENTRY, PTRACE_EVENTMSG_SYSCALL_EXIT
from cruck.framework.hardware import ORIG_RAX, R8, R9, R10, RAX, RDI, RDX, RIP, RSI
from cruck.kernel.process import ptrace
from cruck.kernel.process.task import Task
from cruck.kernel.process.tracee import PHASE_ENTRY, PHASE_RETURN, PHASE_SKIP, WORK_EMULATED, WORK_STEP, WORK_SYSCALL
from cruck.kernel.signal.deliver import force
from cruck.kernel.signal.pending import SigInfo

RUN: Final = 0
SKIP: Final = 1  # no call is made; the result is in the registers
STOPPED: Final = 2  # the task has been taken away

SIGTRAP: Final = 5
TRAP_BRKPT: Final = 1
ERESTART_FIRST: Final = -516
ERESTART_LAST: Final = -512


def at_entry(task: Task, phase: int) -> int:
    """RUN, SKIP or STOPPED. phase: what of this was done before (0: nothing, PHASE_ENTRY, PHASE_SECCOMP)."""
    work = task.work
    tracee = task.ptrace
    if phase == 0 and tracee is not None and work & (WORK_SYSCALL | WORK_EMULATED):
        info = ptrace.syscall_info(task, tracee)
        next_phase = PHASE_SKIP if work & WORK_EMULATED else PHASE_ENTRY
        ptrace.stop(task, info.code, info, next_phase, PTRACE_EVENTMSG_SYSCALL_ENTRY)
        return STOPPED
    if phase == PHASE_SKIP:
        return SKIP
    return SKIP if call_number(task.context.registers()) == -1 else RUN


def at_exit(task: Task) -> bool:
    """True: the task has stopped."""
    tracee = task.ptrace
    if tracee is None or task.process.is_exiting:
        return False
    if task.work & WORK_SYSCALL:
        info = ptrace.syscall_info(task, tracee)
        ptrace.stop(task, info.code, info, PHASE_RETURN, PTRACE_EVENTMSG_SYSCALL_EXIT)
        return True
    if task.work & (WORK_STEP | WORK_EMULATED) == WORK_STEP:
        info = SigInfo(SIGTRAP, TRAP_BRKPT)
        info.addr = task.context.get_reg(RIP)
        force(task, info)
    return False


def call_number(registers: tuple[int, ...]) -> int:
    nr = registers[ORIG_RAX] & 0xFFFF_FFFF
    return nr - (1 << 32) if nr & 0x8000_0000 else nr


def arguments(registers: tuple[int, ...]) -> tuple[int, int, int, int, int, int]:
    return registers[RDI], registers[RSI], registers[RDX], registers[R10], registers[R8], registers[R9]


def look_at_registers(task: Task) -> None:
    """After a stop on the way back: the registers say whether an interrupted call is to be run again, as on Linux. (gdb clears
    orig_rax to call a function in between, and puts it back.)"""
    registers = task.context.registers()
    nr = call_number(registers)
    result = registers[RAX]
    result = result - (1 << 64) if result >> 63 else result
    if nr < 0 or not ERESTART_FIRST <= result <= ERESTART_LAST:
        task.restart = 0
        task.wait = None
    elif not task.restart:
        task.restart = -result
        task.call_nr = nr
        task.call_args = arguments(registers)
