"""Namespaces, without a helper program: a process tree of its own that one kill ends.

Python 3.11 has neither `unshare` nor `setns`, so libc is called directly. The tree is
supervisor (ours, outside) → door (unshares, forks) → inside (process 1 of its own pid namespace);
each dies with the one before it, and the kernel ends everything in the pid namespace with process 1.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from paths import LabError, Skip

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x10000000, 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
PR_SET_PDEATHSIG, PR_SET_TIMERSLACK = 1, 29

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def unshare(flags: int) -> None:
    _call("unshare", flags)


def setns(fd: int, kind: int = 0) -> None:
    _call("setns", fd, kind)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    try:
        _call("mount", source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), data.encode() or None)
    except OSError as error:
        raise OSError(error.errno, f"mounting {source} on {target}: {os.strerror(error.errno)}") from None


def die_with_parent(parent: int) -> None:
    """Asks for SIGKILL when the parent goes; ends at once when it is gone already."""
    _call("prctl", PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() not in (parent, 0):
        os._exit(1)


def sharp_timers() -> None:
    """Timers that fire within microseconds of what was asked, not within the default 50."""
    _call("prctl", PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0)


def open_door(argv: Sequence[str], started: Callable[[int], None], keep: Sequence[int] = (), foreground: bool = False) -> int:
    """Runs `argv` as process 1 of new user, mount, net and pid namespaces; returns its exit status.

    `started` is told the process id, as it is outside, before the program runs. `keep` are descriptors that the program
    inherits. In the foreground this process passes its signals on. Where user namespaces are forbidden and we are root, the program runs without one and without the
    right to set the clock.
    """
    ready_read, ready_write = os.pipe()
    go_read, go_write = os.pipe()
    supervisor = os.getpid()
    door = os.fork()
    if door == 0:
        try:
            os.close(ready_read)
            os.close(go_write)
            _door(argv, supervisor, ready_write, go_read, keep)
        except BaseException as error:  # noqa: BLE001 - this is a forked copy: nothing may escape into the caller's code
            os.write(2, f"namespaces: {error}\n".encode())
        os._exit(1)
    os.close(ready_write)
    os.close(go_read)
    with os.fdopen(ready_read) as ready:
        word = ready.readline().split()
        if word and word[0] == "map":
            with open(f"/proc/{door}/uid_map", "w") as file:
                file.write("0 0 65536\n")
            with open(f"/proc/{door}/gid_map", "w") as file:
                file.write("0 0 65536\n")
        os.write(go_write, b"go\n")
        os.close(go_write)
        inside = ready.readline().split()
    if not word or word[0] == "no":
        os.waitpid(door, 0)
        raise Skip(f"namespaces: {' '.join(word[1:]) or 'the process that opens them died'}")
    if inside:
        started(int(inside[0]))
    if foreground:
        return follow(door)
    return os.waitstatus_to_exitcode(os.waitpid(door, 0)[1])


def _door(argv: Sequence[str], supervisor: int, ready: int, go: int, keep: Sequence[int]) -> None:
    with_user = True
    root = os.geteuid() == 0
    uid, gid = os.geteuid(), os.getegid()
    try:
        unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID)
    except OSError as error:
        if not root:
            os.write(ready, f"no user namespaces for this user ({error.strerror})\n".encode())
            os._exit(1)
        with_user = False
        try:
            unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID)
        except OSError as again:
            os.write(ready, f"no not even as root: {again.strerror}\n".encode())
            os._exit(1)
    if with_user and not root:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    die_with_parent(supervisor)
    os.write(ready, b"map\n" if with_user and root else b"mapped\n")
    os.read(go, 3)
    os.close(go)
    wait_read, wait_write = os.pipe()
    inside = os.fork()
    if inside == 0:
        os.close(wait_write)
        os.close(ready)
        die_with_parent(0)
        os.read(wait_read, 1)
        os.close(wait_read)
        for fd in keep:
            os.set_inheritable(fd, True)
        command = list(argv)
        if not with_user:
            command = ["setpriv", "--bounding-set", "-sys_time", "--inh-caps", "-sys_time", *command]
        # The program is executed, not called: only then may others of this user enter its namespaces.
        os.execvp(command[0], command)
    os.close(wait_read)
    os.write(ready, f"{inside}\n".encode())
    os.close(ready)
    os.close(wait_write)
    os._exit(follow(inside))


def furnish(hosts: str | None, folder: str, resolver: str = "") -> None:
    """Inside: private mounts, own /proc and /run, loopback up, names from a file only, or then from a resolver too.

    `folder` is where the small files that are laid over /etc are written.
    """
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    try:
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except OSError as error:
        print(f"keeps the outer /proc: {error}", file=sys.stderr)
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    os.makedirs("/run/netns")
    sources = "files dns" if resolver else "files"
    overlay(f"{folder}/nsswitch.conf", "/etc/nsswitch.conf", f"passwd: files\ngroup: files\nhosts: {sources}\nservices: files\n")
    if resolver:
        overlay(f"{folder}/resolv.conf", "/etc/resolv.conf", f"nameserver {resolver}\noptions timeout:30\n")
    overlay(f"{folder}/host.conf", "/etc/host.conf", "multi on\n")
    if hosts is not None:
        overlay(f"{folder}/hosts", "/etc/hosts", hosts)
    run("ip", "link", "set", "lo", "up")


def overlay(path: str, over: str, text: str) -> None:
    """Lays a small file over one of /etc, where there is one."""
    if os.path.exists(over):
        with open(path, "w") as file:
            file.write(text)
        mount(path, os.path.realpath(over), flags=MS_BIND)


def run(*command: str, text: str | None = None) -> str:
    """Runs a short command; its failure is an error that says what it said."""
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip() or f'exit status {done.returncode}'}")
    return done.stdout


def enter(inside: int, netns: str | None, argv: Sequence[str], extra_path: str = "") -> int:
    """Runs `argv` in the namespaces of process `inside`, and in the named network namespace; returns its exit status.

    Terminal, streams and working folder are the caller's. Must be called from a process without threads.
    """
    here = os.getcwd()
    kinds = [("user", CLONE_NEWUSER), ("mnt", CLONE_NEWNS), ("pid", CLONE_NEWPID), ("net", CLONE_NEWNET)]
    fds = []
    for name, kind in kinds:
        path = f"/proc/{inside}/ns/{name}"
        if os.readlink(path) != os.readlink(f"/proc/self/ns/{name}"):
            fds.append((os.open(path, os.O_RDONLY | os.O_CLOEXEC), kind))
    joins_user = any(kind == CLONE_NEWUSER for _, kind in fds)
    for fd, kind in fds:
        setns(fd, kind)
        os.close(fd)
    if joins_user and os.geteuid() != 0:
        os.setuid(0)
    if netns is not None:
        fd = os.open(f"/run/netns/{netns}", os.O_RDONLY | os.O_CLOEXEC)
        setns(fd, CLONE_NEWNET)
        os.close(fd)
    try:
        os.chdir(here)
    except OSError:
        os.chdir("/")
    if extra_path:
        os.environ["PATH"] = f"{extra_path}:{os.environ.get('PATH', os.defpath)}"
    command = list(argv)
    if not joins_user:
        command = ["setpriv", "--bounding-set", "-sys_time", "--inh-caps", "-sys_time", *command]
    child = os.fork()
    if child == 0:
        die_with_parent(0)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\n".encode())
            os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    return follow(child)


def follow(child: int) -> int:
    """Waits for a child that stands for us: our signals are its signals, its end is our status."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT):
        signal.signal(number, lambda which, _frame: os.kill(child, which))
    while True:
        pid, status = os.waitpid(-1, os.WUNTRACED)
        if pid != child:
            # As process 1 of a pid namespace: an orphan, and reaping it is all it needs.
            continue
        if os.WIFSTOPPED(status):
            # Control-Z inside stops us too, so that the shell in front sees it.
            os.kill(os.getpid(), signal.SIGSTOP)
            continue
        return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
