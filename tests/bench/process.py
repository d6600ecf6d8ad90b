"""One run of a program: wall time, CPU, peak memory, datagrams."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import time
from dataclasses import dataclass

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
PTRACE_CONT, PTRACE_SEIZE, PTRACE_O_TRACEEXIT, PTRACE_EVENT_EXIT = 7, 0x4206, 0x40, 6


@dataclass
class Run:
    """Times in milliseconds; `sent` and `got` are datagrams."""

    wall: float
    cpu: float
    sent: int
    got: int
    status: int
    output: str


def run(argv: list[str], env: dict[str, str], limit: float) -> Run:
    """Runs a program to its end, or for `limit` seconds, as a direct child, its output into memory."""
    out = os.memfd_create("out")
    sent, got = datagrams()
    start = time.perf_counter()
    pid = _spawn(argv, env, out)
    _wait(pid, limit)
    wall = time.perf_counter() - start
    _, status, usage = os.wait4(pid, 0)
    sent_after, got_after = datagrams()
    output = os.pread(out, 1 << 20, 0).decode(errors="replace")
    os.close(out)
    cpu = usage.ru_utime + usage.ru_stime
    return Run(wall * 1e3, cpu * 1e3, sent_after - sent, got_after - got, os.waitstatus_to_exitcode(status), output)


def peak_memory(argv: list[str], env: dict[str, str], limit: float) -> float | None:
    """The most memory that a program had resident, in MB, in a run of its own.

    Not `ru_maxrss`: Linux starts that at the size of whoever called exec, which is this interpreter. The program is
    stopped at its exit, while its memory is still there, and its high-water mark is read then.
    """
    out = os.memfd_create("out")
    pid = _spawn(argv, env, out)
    os.close(out)
    seized = _libc.ptrace(PTRACE_SEIZE, pid, None, ctypes.c_void_p(PTRACE_O_TRACEEXIT)) == 0
    peak = None
    deadline = time.monotonic() + limit
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done == 0:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.0005)
        elif os.WIFSTOPPED(status):
            at_exit = status >> 8 == signal.SIGTRAP | PTRACE_EVENT_EXIT << 8
            if at_exit:
                peak = resident(pid)[1]
            number = 0 if at_exit or status >> 16 else os.WSTOPSIG(status)
            _libc.ptrace(PTRACE_CONT, pid, None, ctypes.c_void_p(number))
        else:
            return peak if seized else None


def resident(pid: int) -> tuple[float | None, float | None]:
    """(now, at most), in MB."""
    with open(f"/proc/{pid}/status") as file:
        found = {line.split(":")[0]: line.split()[1] for line in file if line.startswith(("VmRSS", "VmHWM"))}
    return tuple(int(found[name]) * 1024 / 1e6 if name in found else None for name in ("VmRSS", "VmHWM"))


def processor_time(pid: int) -> float:
    """All CPU time of a process and its threads in seconds, by the scheduler's count, not by ticks."""
    # What clock_getcpuclockid(3) makes of a process id; 2 is the scheduler's clock.
    return time.clock_gettime(~pid << 3 | 2)


def datagrams() -> tuple[int, int]:
    """UDP datagrams that this network namespace has sent, and that programs in it have received."""
    with open("/proc/self/net/snmp") as file:
        names, values = [line.split()[1:] for line in file if line.startswith("Udp:")]
    found = dict(zip(names, map(int, values)))
    return found["OutDatagrams"], found["InDatagrams"]


def _spawn(argv: list[str], env: dict[str, str], out: int) -> int:
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, out, 1),
        (os.POSIX_SPAWN_DUP2, out, 2),
    ]
    # Python ignores SIGPIPE, and what is ignored stays so across exec.
    return os.posix_spawn(argv[0], argv, env, file_actions=actions, setsigdef=[signal.SIGPIPE])


def _wait(pid: int, limit: float) -> None:
    """Returns when the process has ended; one that takes too long is ended."""
    watch = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(watch, select.POLLIN)
    if not poll.poll(limit * 1e3):
        os.kill(pid, signal.SIGKILL)
        poll.poll()
    os.close(watch)
