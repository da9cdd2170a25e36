# SPDX-License-Identifier: MPL-2.0
"""The trap loop: takes every stop that is ready, handles each to its end, resumes. The only thing that runs a kernel.

stop → handle (system call, fault, exception, interrupt) → signals → runnable → a virtual CPU
"""

from typing import Final

from cruck.abi.errno import EFAULT, ENOSYS, ERESTARTSYS
from cruck.framework.hardware import (
    PROT_EXEC,
    RSP,
    STOP_DEAD,
    STOP_EXCEPTION,
    STOP_FAULT,
    STOP_HOST,
    STOP_INTERRUPTED,
    STOP_SYSCALL,
    Stop,
)
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel import oops as oops_report
from cruck.kernel import syscall_work
from cruck.kernel.errors import LinuxError
from cruck.kernel.kernel import Kernel
from cruck.kernel.process import exit as process_exit
from cruck.kernel.process.task import BLOCKED as TASK_BLOCKED
from cruck.kernel.process.task import DEAD, READY, Task
from cruck.kernel.process.tracee import PHASE_ADMITTED, PHASE_ASKED, PHASE_ENTRY, PHASE_EXIT, PHASE_RERUN, PHASE_SECCOMP, PHASE_SKIP
from cruck.kernel.signal.deliver import EXITED, RETURN_TO_GUEST, deliver, force
from cruck.kernel.signal.pending import SigInfo
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.syscalls.dispatch_x86_64 import dispatch
from cruck.kernel.syscalls.outcome import KEEP_REGISTERS, NOT_IMPLEMENTED

ERESTART_FIRST: Final = -516
ERESTART_LAST: Final = -ERESTARTSYS
SIGKILL: Final = 9
SAMPLED_TURNS: Final = 13
LONG_TURN_NS: Final = 30_000
NR_RSEQ: Final = 334  # every libc asks, and does without: no news for the user
SEGV_ACCERR: Final = 2


def run(kernel: Kernel) -> None:
    """Runs until the kernel is halted. Errors: what the machine raises (a host failure)."""
    while not kernel.is_halted:
        turn(kernel, True)


def turn(kernel: Kernel, may_wait: bool) -> None:
    """One turn: woken calls, idle CPUs, stops, timers."""
    if kernel.ready:
        run_ready(kernel)
    if kernel.sched.entries:
        fill_cpus(kernel)
    if kernel.is_halted:
        return
    deadline_ns = 0
    spin_ns = 0
    if may_wait:
        deadline_ns = next_deadline_ns(kernel)
        if kernel.sched.running:
            spin_ns = kernel.spin_ns
    stops = kernel.machine.wait(deadline_ns, spin_ns)
    now_ns = kernel.clock.monotonic_ns()  # the only look at the clock of an ordinary turn
    kernel.turn_ns = now_ns
    for stop in stops:
        try:
            handle_stop(kernel, stop)
        except Exception:
            oops_on_the_way(kernel, kernel.contexts.get(stop[0]))
    if stops:
        kernel.turns_to_sample -= 1
        if kernel.turns_to_sample == 0:
            charge_system_time(kernel, stops, now_ns)
    if kernel.timers.heap:
        try:
            kernel.timers.expire(now_ns)
        except Exception:
            oops_on_the_way(kernel, None)
    if kernel.sched.entries:
        for task in kernel.sched.overdue(now_ns):
            task.context.interrupt()


def charge_system_time(kernel: Kernel, stops: list[Stop], began_ns: int) -> None:
    """One turn in SAMPLED_TURNS is timed, and stands for the others: its time is shared out among its tasks. What is beyond LONG_TURN_NS
    counts once, so that a turn in which the host took the core away does not count for many."""
    kernel.turns_to_sample = SAMPLED_TURNS
    spent_ns = max(0, kernel.clock.monotonic_ns() - began_ns)
    share_ns = (spent_ns + (SAMPLED_TURNS - 1) * min(spent_ns, LONG_TURN_NS)) // len(stops)
    for stop in stops:
        task = kernel.contexts.get(stop[0])
        if task is not None:
            task.system_ns += share_ns


def next_deadline_ns(kernel: Kernel) -> int:
    """On the host's clock; −1 none."""
    if not kernel.timers.heap and not kernel.sched.entries:
        return -1
    deadline_ns = kernel.timers.next_deadline_ns()
    slice_ns = kernel.sched.next_slice_end_ns()
    if slice_ns >= 0 and (deadline_ns < 0 or slice_ns < deadline_ns):
        deadline_ns = slice_ns
    return kernel.clock.host_deadline_ns(deadline_ns) if deadline_ns >= 0 else -1


def run_ready(kernel: Kernel) -> None:
    """Runs woken calls again until none is left."""
    while kernel.ready and not kernel.is_halted:
        tasks, kernel.ready = kernel.ready, []
        for task in tasks:
            if task.state != READY:
                continue
            record = task.wait
            try:
                if task.phase:
                    go_on(kernel, task)
                elif task.process.is_exiting or record is None or task.process.is_stopped or task.restart:
                    return_to_guest(kernel, task)
                else:
                    call(kernel, task, record.nr, record.args)
            except Exception:
                oops_on_the_way(kernel, task)


def fill_cpus(kernel: Kernel) -> None:
    sched = kernel.sched
    while sched.entries and sched.has_idle_cpu():
        task = sched.pick()
        if task is None:
            return
        sched.start(task, kernel.clock.monotonic_ns())
        task.context.run()


def handle_stop(kernel: Kernel, stop: Stop) -> None:
    tag, reason = stop[0], stop[1]
    if reason == STOP_HOST:
        watch = kernel.host_watches.pop(stop[2], None)
        if watch is not None:
            watch[1].wake()
        return
    task = kernel.contexts.get(tag)
    if task is None:
        dead = kernel.lingering.pop(tag, None)
        if dead is not None:
            process_exit.release_machine(kernel, dead)
        return
    kernel.sched.stop(task, kernel.turn_ns)
    if reason == STOP_SYSCALL:
        task.wait = None
        if task.work:
            enter(kernel, task, 0, stop[2] == -1)
        else:
            call(kernel, task, stop[2], stop[3:9])
        return
    task.call_nr = -1
    if reason == STOP_FAULT:
        page_fault(kernel, task, stop[2], stop[3], stop[4])
    elif reason == STOP_EXCEPTION:
        info = SigInfo(stop[2], stop[3])
        info.addr, info.trapno, info.error_code = stop[4], stop[5], stop[6]
        force(task, info)
    elif reason == STOP_DEAD:
        kernel.log.warning(f"the address space of process {task.process.pid} ({task.comm.decode('utf-8', 'replace')}) died; it is killed")
        kernel.exit_group(task.process, SIGKILL)
    else:
        assert reason == STOP_INTERRUPTED, reason
    return_to_guest(kernel, task)


def call(kernel: Kernel, task: Task, nr: int, args: tuple[int, int, int, int, int, int]) -> None:
    """Runs a system call, for the first time or again."""
    if task.process.is_exiting:
        # Another thread has ended the process in this very turn: this call would wait for ever.
        return_to_guest(kernel, task)
        return
    task.call_nr = nr
    task.call_args = args
    kernel.nr_calls += 1
    kernel.current = task
    tracer = kernel.tracer
    if tracer is not None:
        tracer.enter(task, nr, args)
    try:
        result = dispatch(task, nr, args[0], args[1], args[2], args[3], args[4], args[5])
    except LinuxError as error:
        result = -error.errno
    except UserFault:
        result = -EFAULT
        if task.mm.is_oom:
            out_of_memory(kernel, task)
    except Exception:
        oops(kernel, task, nr)
        return
    if result == BLOCKED:
        if task.state == TASK_BLOCKED:
            task.context.park()
        return
    if task.state >= DEAD or task.phase:  # TRACED, or not even that because it is being killed
        return
    if task.state == TASK_BLOCKED or (task.wait is not None and task.wait.queues):
        task.leave_queues()
    if result == NOT_IMPLEMENTED:
        result = -ENOSYS
        if nr != NR_RSEQ:
            kernel.note_unsupported(syscall_name(nr))
    if tracer is not None:
        tracer.leave(task, nr, args, result)
    if ERESTART_FIRST <= result <= ERESTART_LAST:
        task.restart = -result
        if task.work:
            task.context.set_result(result)  # what a tracer sees
    else:
        task.wait = None
        if result != KEEP_REGISTERS:
            if not task.work and not wants_more(task) and keeps_cpu(kernel, task):
                task.context.resume(result)  # the common case: back at once, to the CPU it came from
                return
            task.context.set_result(result)
    if task.work and syscall_work.at_exit(task):
        return
    return_to_guest(kernel, task)


def enter(kernel: Kernel, task: Task, phase: int, is_foreign: bool) -> None:
    """A call of a task that is traced or filtered: like call(), unless somebody else has a say first."""
    task.call_nr = -1
    outcome = syscall_work.at_entry(task, phase, is_foreign)
    if outcome == syscall_work.RUN:
        registers = task.context.registers()
        nr = syscall_work.call_number(registers)
        record = task.wait
        if record is not None and record.nr != nr:
            task.wait = None
        call(kernel, task, nr, syscall_work.arguments(registers))
    elif outcome == syscall_work.SKIP:
        task.wait = None
        task.restart = 0
        if not syscall_work.at_exit(task):
            return_to_guest(kernel, task)


def go_on(kernel: Kernel, task: Task) -> None:
    """A task leaves its ptrace-stop, or its wait for a seccomp listener: it does what it was about to do."""
    phase, task.phase = task.phase, 0
    if phase == PHASE_ASKED:
        phase = syscall_work.after_asking(task)
        if phase == PHASE_ASKED or task.restart and syscall_work.at_exit(task):
            return
        if task.restart:
            return_to_guest(kernel, task)
            return
    record = task.wait
    if phase == PHASE_EXIT:
        kernel.exit_task(task, task.exit_code)
    elif task.process.is_exiting:
        return_to_guest(kernel, task)
    elif phase in (PHASE_ENTRY, PHASE_SECCOMP, PHASE_SKIP, PHASE_ADMITTED):
        enter(kernel, task, phase, False)
    elif phase == PHASE_RERUN:
        assert record is not None
        call(kernel, task, record.nr, record.args)
    elif record is not None and not task.restart:
        call(kernel, task, record.nr, record.args)  # stopped with its process in the middle of a wait
    else:
        syscall_work.look_at_registers(task)
        return_to_guest(kernel, task)


def return_to_guest(kernel: Kernel, task: Task) -> None:
    """Signals, then the run queue. A call that was only disturbed (no handler ran) is run again."""
    while True:
        if wants_more(task):
            outcome = deliver(task, task.restart)
            if outcome != RETURN_TO_GUEST:
                if outcome == EXITED:
                    task.restart = 0
                return
        if not task.restart:
            break
        task.restart = 0
        record = task.wait
        if task.work:
            enter(kernel, task, 0, False)
        elif record is None:
            call(kernel, task, task.call_nr, task.call_args)
        else:
            call(kernel, task, record.nr, record.args)
        return
    task.wait = None
    if keeps_cpu(kernel, task):
        task.context.run()
    else:
        kernel.sched.enqueue(task)


def keeps_cpu(kernel: Kernel, task: Task) -> bool:
    """Whether a task goes on at once on the CPU it stopped on: nobody else wants it. A task just woken might, unless it finds another one;
    then the guest's next instructions run beside our work for the woken call."""
    if kernel.ready and not kernel.sched.has_room_beside(kernel.ready):
        return False
    return kernel.sched.start_again(task, kernel.turn_ns)


def wants_more(task: Task) -> bool:
    """Whether a task that is about to return has a signal, a stop or its end before it, or a call to run again."""
    process = task.process
    return (
        task.restart != 0
        or task.saved_mask >= 0
        or process.is_exiting
        or process.is_stopped
        or task.ptrace is not None
        or bool((task.pending.bits | process.pending.bits) & ~task.blocked_mask)
    )


def page_fault(kernel: Kernel, task: Task, addr: int, access: int, error_code: int) -> None:
    try:
        signo, code = task.mm.handle_fault(addr, access, task.context.get_reg(RSP))
    except LinuxError:
        out_of_memory(kernel, task)
        return
    except Exception:
        oops(kernel, task, -1)
        return
    if signo:
        if code == SEGV_ACCERR and access == PROT_EXEC:
            error_code |= 1  # Linux maps a page that may be read before it sees that it may not be executed
        info = SigInfo(signo, code)
        info.addr, info.trapno, info.error_code = addr, 14, error_code
        force(task, info)


def out_of_memory(kernel: Kernel, task: Task) -> None:
    """A page is needed and RAM is exhausted: the process that needs it is killed, as by Linux's OOM killer."""
    kernel.log.warning(
        f"out of memory: process {task.process.pid} ({task.comm.decode('utf-8', 'replace')}) is killed; give the run more with -m"
    )
    kernel.exit_group(task.process, SIGKILL)


def oops(kernel: Kernel, task: Task, nr: int) -> None:
    """A bug of ours in a call or fault: the task that met it dies, the kernel goes on, the user is told."""
    what = syscall_name(nr) if nr >= 0 else "page fault"
    values = []
    for value in task.call_args:
        values.append(hex(value))
    oops_report.report(kernel, f"{what}({', '.join(values)})", task)
    task.leave_queues()
    kernel.exit_group(task.process, SIGKILL)
    process_exit.exit_task(kernel, task, SIGKILL)


def oops_on_the_way(kernel: Kernel, task: Task | None) -> None:
    """A bug of ours outside of calls: in signal delivery, at the end of a task, in a timer. `task` (None: nobody's) dies as far as that can
    be done; if its end is what fails, it is at least never run again."""
    oops_report.report(kernel, "the trap loop", task)
    if task is None:
        return
    try:
        task.leave_queues()
        kernel.exit_group(task.process, SIGKILL)
        process_exit.exit_task(kernel, task, SIGKILL)
    except Exception:
        oops_report.report(kernel, "exit", task)
        task.state = DEAD
        kernel.sched.forget(task)


def syscall_name(nr: int) -> str:
    from cruck.abi.syscall_numbers import NAMES

    return NAMES.get(nr, f"syscall_{nr:#x}")
