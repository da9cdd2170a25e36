# SPDX-License-Identifier: MPL-2.0
"""What stands between a traced or filtered task and its calls (Linux: syscall_trace_enter, syscall_exit_work in kernel/entry).

The trap loop asks here only if `Task.work` says so. At entry: the tracer's stop, then the seccomp filters; at exit: the tracer's
stop, or the SIGTRAP of a single step over the call. Both may have changed the registers, so the call is read from them again.
"""

from typing import Final

from cruck.abi.errno import ENOSYS, ERESTARTSYS
from cruck.abi.ptrace import PTRACE_EVENT_SECCOMP, PTRACE_EVENTMSG_SYSCALL_ENTRY, PTRACE_EVENTMSG_SYSCALL_EXIT
from cruck.abi.seccomp import (
    AUDIT_ARCH_I386,
    AUDIT_ARCH_X86_64,
    SECCOMP_MODE_STRICT,
    SECCOMP_RET_ACTION_FULL,
    SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO,
    SECCOMP_RET_KILL_THREAD,
    SECCOMP_RET_LOG,
    SECCOMP_RET_TRACE,
    SECCOMP_RET_TRAP,
    SECCOMP_RET_USER_NOTIF,
)
from cruck.framework.hardware import ORIG_RAX, R8, R9, R10, RAX, RDI, RDX, RIP, RSI
from cruck.kernel.process import exit as process_exit
from cruck.kernel.process import ptrace, seccomp
from cruck.kernel.process.seccomp_notify import ANSWERED, Listener, Notification
from cruck.kernel.process.task import BLOCKED, DEAD, Task, WaitRecord
from cruck.kernel.process.tracee import (
    PHASE_ADMITTED,
    PHASE_ASKED,
    PHASE_ENTRY,
    PHASE_RETURN,
    PHASE_SECCOMP,
    PHASE_SKIP,
    WORK_EMULATED,
    WORK_STEP,
    WORK_SYSCALL,
)
from cruck.kernel.signal.deliver import fatal_status, force
from cruck.kernel.signal.pending import SigInfo

RUN: Final = 0
SKIP: Final = 1  # no call is made; the result is in the registers
STOPPED: Final = 2  # the task has been taken away

SIGTRAP: Final = 5
SIGKILL: Final = 9
SIGSYS: Final = 31
SYS_SECCOMP: Final = 1
MAX_ERRNO: Final = 4095
X32_BIT: Final = 0x4000_0000
TRAP_BRKPT: Final = 1
ERESTART_FIRST: Final = -516
ERESTART_LAST: Final = -512


def at_entry(task: Task, phase: int, is_foreign: bool) -> int:
    """RUN, SKIP or STOPPED (or dead).

    Args: phase: what of this was done before (0: nothing; PHASE_ENTRY, PHASE_SKIP, PHASE_SECCOMP). is_foreign: not a call of x86-64
        (`int 0x80`, x32): filters see it, a tracer sees it with the number −1, and it is never made."""
    if is_foreign:
        is_allowed = not task.seccomp_mode or _is_allowed(task, False, True)
        if task.state != DEAD:
            task.context.set_reg(ORIG_RAX, (1 << 64) - 1)
        if not is_allowed:
            return STOPPED if task.state >= DEAD or task.phase else SKIP
    work = task.work
    tracee = task.ptrace
    if phase == 0 and tracee is not None and work & (WORK_SYSCALL | WORK_EMULATED):
        info = ptrace.syscall_info(task, tracee)
        next_phase = PHASE_SKIP if work & WORK_EMULATED else PHASE_ENTRY
        ptrace.stop(task, info.code, info, next_phase, PTRACE_EVENTMSG_SYSCALL_ENTRY)
        return STOPPED
    if phase == PHASE_SKIP:
        return SKIP
    if phase == PHASE_ADMITTED:
        return RUN if call_number(task.context.registers()) != -1 else SKIP
    if call_number(task.context.registers()) == -1:
        return SKIP
    if task.seccomp_mode:
        if not _is_allowed(task, phase == PHASE_SECCOMP, False):
            return STOPPED if task.state >= DEAD or task.phase else SKIP
        if call_number(task.context.registers()) == -1:
            return SKIP
    return RUN


def _is_allowed(task: Task, was_traced: bool, is_foreign: bool) -> bool:
    """What seccomp says of the call in the registers. False: the result or the signal is there already, the tracer is looking, or the
    task is dead. was_traced: the tracer has agreed (RET_TRACE allows then)."""
    registers = task.context.registers()
    nr = call_number(registers)
    arch = AUDIT_ARCH_I386 if is_foreign and not nr & X32_BIT else AUDIT_ARCH_X86_64
    if task.seccomp_mode == SECCOMP_MODE_STRICT:
        if nr in seccomp.STRICT_CALLS and not is_foreign:
            return True
        process_exit.leave(task.kernel, task, SIGKILL)
        return False
    chain = task.seccomp_filter
    assert chain is not None
    verdict = chain.verdict(nr, arch, registers[RIP], arguments(registers))
    action, data = verdict & SECCOMP_RET_ACTION_FULL, verdict & 0xFFFF
    if action in (SECCOMP_RET_ALLOW, SECCOMP_RET_LOG) or action == SECCOMP_RET_TRACE and was_traced:
        return True
    context = task.context
    if action == SECCOMP_RET_ERRNO:
        context.set_result(-min(data, MAX_ERRNO))
    elif action == SECCOMP_RET_TRAP:
        context.set_reg(RAX, registers[ORIG_RAX])
        force(task, _violation(nr, registers[RIP], arch, data))
    elif action == SECCOMP_RET_TRACE and ptrace.wants_event(task, PTRACE_EVENT_SECCOMP):
        ptrace.event(task, PTRACE_EVENT_SECCOMP, data, PHASE_SECCOMP)
    elif action == SECCOMP_RET_USER_NOTIF:
        decider = chain.decider(nr, arch, registers[RIP], arguments(registers))
        listener = decider.listener if decider is not None else None
        if listener is not None:
            _ask(task, listener, nr, arch, registers)
        else:
            context.set_result(-ENOSYS)  # nobody is there to be asked
    else:
        context.set_result(-ENOSYS)
        if action != SECCOMP_RET_TRACE:  # whose tracer is not there
            _kill(task, action, _violation(nr, registers[RIP], arch, data))
    return False


def _ask(task: Task, listener: Listener, nr: int, arch: int, registers: tuple[int, ...]) -> None:
    """The task waits for the listener's answer; after_asking() goes on."""
    args = arguments(registers)
    notification = listener.ask(task, (nr, arch, registers[RIP], args))
    record = WaitRecord(nr, args)
    record.extra = Asked(listener, notification)
    task.wait = record
    task.phase = PHASE_ASKED
    _wait_for_answer(task, record, notification)


def _wait_for_answer(task: Task, record: WaitRecord, notification: Notification) -> None:
    notification.queue.add(task)
    record.queues.append(notification.queue)
    task.state = BLOCKED
    task.context.park()


class Asked:
    """WaitRecord.extra of a task that waits for a listener."""

    def __init__(self, listener: Listener, notification: Notification) -> None:
        self.listener = listener
        self.notification = notification


def after_asking(task: Task) -> int:
    """Woken while it waits for an answer: what comes next. PHASE_ADMITTED: the call; PHASE_SKIP: no call, the result is there; PHASE_RETURN:
    a signal (or the end) comes first, then it asks again; PHASE_ASKED: it still waits."""
    record = task.wait
    assert record is not None and isinstance(record.extra, Asked)
    listener, notification = record.extra.listener, record.extra.notification
    task.leave_queues()
    is_answered = notification.state == ANSWERED
    if not is_answered and not task.process.is_exiting and not task.process.is_stopped and not task.has_deliverable_signal():
        if task.ptrace is None or not (task.ptrace.wants_trap or task.ptrace.wants_notice):
            task.phase = PHASE_ASKED
            _wait_for_answer(task, record, notification)
            return PHASE_ASKED
    listener.forget(notification)
    task.wait = notification.kept
    if task.process.is_exiting:
        return PHASE_RETURN
    if not is_answered:
        task.restart = ERESTARTSYS
        task.call_nr, task.call_args = record.nr, record.args
        task.context.set_result(-ERESTARTSYS)
        return PHASE_RETURN
    if notification.goes_on:
        return PHASE_ADMITTED
    task.context.set_result(notification.result)
    return PHASE_SKIP


def _violation(nr: int, ip: int, arch: int, data: int) -> SigInfo:
    info = SigInfo(SIGSYS, SYS_SECCOMP)
    info.errno, info.call_addr, info.call_nr, info.call_arch = data, ip, nr, arch
    return info


def _kill(task: Task, action: int, info: SigInfo) -> None:
    """By a SIGSYS that nothing holds up; one thread of several just ends."""
    if action == SECCOMP_RET_KILL_THREAD and len(task.process.threads) > 1:
        process_exit.leave(task.kernel, task, SIGSYS)
    else:
        task.kernel.exit_group(task.process, fatal_status(task, info))


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
