"""`tests/lab`: what runs outside the lab. Starts and ends the holder, carries requests to it, enters its namespaces."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import paths
import peers
import space
from paths import LabError, Skip

# The longest that starting may take: twenty namespaces on a busy machine.
START_SECONDS = 180.0


def main(words: list[str], usage: str) -> int:
    try:
        return _command(words, usage)
    except Skip as skip:
        print(f"tests/lab: skipped: {skip}", file=sys.stderr)
        return paths.SKIPPED
    except (LabError, OSError) as error:
        print(f"tests/lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _command(words: list[str], usage: str) -> int:
    match words:
        case ["fetch"]:
            print(peers.fetch(_say))
        case ["up"]:
            return up(False)
        case ["up", "--foreground"]:
            return up(True)
        case ["down"]:
            down()
        case ["status"]:
            print(_table(ask("status")), end="")
        case ["status", "--json"]:
            print(json.dumps(ask("status"), indent=1))
        case ["exec", node, *command] if command:
            if node not in {row["name"] for row in ask("status") if row["kind"] != "relay"}:
                raise LabError(f"no node {node} (a relay has no place of its own: exec relays)")
            return space.enter(_running(), node, command, str(paths.peers() / "bin"))
        case [("start" | "stop" | "restart" | "pause" | "resume") as what, node]:
            print(ask(what, node), end="")
        case ["many", *what]:
            print(ask("many", *what), end="")
        case ["log", node]:
            print((paths.lab() / "nodes" / node / "log").read_text(errors="replace"), end="")
        case ["wait", ("answers" | "synced" | "settled") as what, *rest] if rest:
            return wait(what, rest)
        case ["relay", name, *rest] if rest:
            print(json.dumps(_relay(name, rest)))
        case ["capture"]:
            return capture()
        case ["check"]:
            import check

            return check.main()
        case ["path"]:
            print(paths.lab())
        case ["address", node]:
            found = [row["address"] for row in ask("status") if row["name"] == node]
            if not found:
                raise LabError(f"no node {node}")
            print(found[-1])
        case ["-h" | "--help" | "help"]:
            print(usage.strip())
        case _:
            print(usage.strip(), file=sys.stderr)
            return 2
    return 0


def up(foreground: bool) -> int:
    home = peers.fetch(_say)
    for tool in ("ip", "nsenter", "unshare", "mount"):
        if shutil.which(tool) is None:
            raise Skip(f"the lab's network is built with {tool}, which is not on this machine")
    with _locked():
        if _holder() is not None:
            print(_table(ask("status")), end="")
            return 0
        folder = paths.lab()
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "nodes").mkdir(parents=True)
        log = os.open(folder / "holder.log", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        ready_read, ready_write = os.pipe()
        supervisor = os.fork()
        if supervisor == 0:
            # Above all the lock: a forked copy would hold it for as long as the lab is up.
            for fd in map(int, os.listdir("/proc/self/fd")):
                if fd > 2 and fd not in (log, ready_write):
                    with contextlib.suppress(OSError):
                        os.close(fd)
            _supervise(folder, home, log, ready_write, foreground)
        os.close(ready_write)
        try:
            answer = _ready(ready_read)
            if answer == "ready":
                print(_table(ask("status")), end="", flush=True)
                _first_answers()
        except BaseException:
            os.kill(supervisor, signal.SIGTERM)
            raise
    if answer != "ready":
        os.kill(supervisor, signal.SIGTERM)
        os.waitpid(supervisor, 0)
        text = os.pread(log, 65536, 0).decode(errors="replace").strip()
        kind = Skip if answer == "skip" else LabError
        raise kind(text or f"the lab did not start within {START_SECONDS:.0f} s")
    if foreground:
        # Set, not left as found: a shell starts what it puts in the background with Control-C ignored.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: os.kill(supervisor, signal.SIGTERM))
        print("up; Control-C ends it", flush=True)
        os.waitpid(supervisor, 0)
    return 0


def _supervise(folder: Path, home: Path, log: int, ready: int, foreground: bool) -> None:
    """In a process of its own: opens the namespaces, waits for their end, clears up."""
    code = 1
    inside = 0

    def end(*_: object) -> None:
        if inside:
            os.kill(inside, signal.SIGKILL)
        else:
            os._exit(1)

    def started(pid: int) -> None:
        nonlocal inside
        inside = pid
        text = json.dumps({"pid": pid, "born": _born(pid), "supervisor": os.getpid()})
        (folder / "holder.json.new").write_text(text)
        os.replace(folder / "holder.json.new", folder / "holder.json")

    try:
        if foreground:
            parent = os.getppid()
            space.die_with_parent(parent)
        os.setsid()
        signal.signal(signal.SIGTERM, end)
        null = os.open(os.devnull, os.O_RDWR)
        for fd, stream in ((null, 0), (log, 1), (log, 2)):
            os.dup2(fd, stream)
        argv = [paths.interpreter(), "-SB", str(paths.SITE / "holder.py"), str(folder), str(home), str(ready)]
        code = 0 if space.open_door(argv, started, keep=[ready]) == 0 else 1
    except Skip as skip:
        os.write(log, f"{skip}\n".encode())
        os.write(ready, b"skip\n")
    except BaseException as error:  # noqa: BLE001 - a forked copy must not return into the caller's code
        os.write(log, f"{error}\n".encode())
    finally:
        if (folder / "holder.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(code)


def _ready(fd: int) -> str:
    import select

    with os.fdopen(fd) as pipe:
        if not select.select([pipe], [], [], START_SECONDS)[0]:
            return "late"
        return pipe.readline().strip()


def _first_answers() -> None:
    """Returns when each daemon answers; one that does not is an error, with the end of its log."""
    waiting = [row["name"] for row in ask("status") if row["kind"] not in ("relay", "empty") and row["state"] != "stopped"]
    deadline = time.monotonic() + START_SECONDS
    while waiting:
        waiting = [name for name in waiting if not ask("probe", name)["answers"]]
        if not waiting:
            return
        if time.monotonic() > deadline:
            log = (paths.lab() / "nodes" / waiting[0] / "log").read_text(errors="replace")[-1500:]
            raise LabError(f"no answer within {START_SECONDS:.0f} s from {', '.join(waiting)}; {waiting[0]} wrote:\n{log}")
        time.sleep(0.1)


def down() -> None:
    with _locked():
        found = _holder()
        folder = paths.lab()
        if found is not None:
            os.kill(found["pid"], signal.SIGTERM)
            deadline = time.monotonic() + 5
            while _alive(found):
                if time.monotonic() > deadline:
                    os.kill(found["pid"], signal.SIGKILL)
                    deadline += 5
                time.sleep(0.02)
        # The supervisor clears up too; what it has not done yet is done here.
        deadline = time.monotonic() + 3
        while folder.exists() and time.monotonic() < deadline:
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(0.02)


def wait(what: str, rest: list[str]) -> int:
    timeout = 120.0
    if "--timeout" in rest:
        at = rest.index("--timeout")
        timeout = float(rest[at + 1])
        del rest[at : at + 2]
    deadline = time.monotonic() + timeout
    waiting = rest
    while True:
        state = {name: ask("probe", name) for name in waiting}
        waiting = [name for name in waiting if not state[name][what]]
        if not waiting:
            return 0
        if time.monotonic() > deadline:
            said = "; ".join(f"{name}: {state[name]}" for name in waiting)
            raise LabError(f"not {what} within {timeout:.0f} s: {said}")
        time.sleep(0.25)


def capture() -> int:
    """Takes new captures for the frozen daemon off the two ntpd clients, at a moment when all sorts of sources show."""
    wait("settled", ["classic", "ntpsec"])
    # A child of the pool that stops answering: neither configured nor reachable, for the minute until it is dropped.
    _relay("pool3", ["blackout", "on"])
    out = paths.REPO / "tests" / "data" / "frozen"
    out.mkdir(parents=True, exist_ok=True)
    running = []
    for family in ("classic", "ntpsec"):
        child = os.fork()
        if child == 0:
            argv = [paths.interpreter(), "-B", str(paths.SITE / "capture.py"), family, family, str(out / f"{family}.json")]
            os._exit(space.enter(_running(), "admin", argv))
        running.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in running]
    _relay("pool3", ["blackout", "off"])
    return max(codes)


def ask(*words: str) -> Any:
    """One request to the holder."""
    if _holder() is None:
        raise LabError(f"the lab is not up (no holder in {paths.lab()}); tests/lab up")
    answer = json.loads(_talk("control", json.dumps(words).encode()))
    if "error" in answer:
        raise LabError(answer["error"])
    return answer["answer"]


def _relay(name: str, words: list[str]) -> Any:
    if not (paths.lab() / f"relay-{name}").exists():
        ask("status")
        raise LabError(f"no relay {name}; tests/lab status names them")
    answer = json.loads(_talk(f"relay-{name}", " ".join(words).encode()))
    if "error" in answer:
        raise LabError(f"relay {name}: {answer['error']}")
    return answer.get("counts", answer.get("settings"))


def _talk(name: str, request: bytes) -> bytes:
    folder = os.open(paths.lab(), os.O_PATH)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(START_SECONDS)
        sock.connect(f"/proc/self/fd/{folder}/{name}")
        os.close(folder)
        sock.sendall(request)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
    if not answer:
        raise LabError(f"{name} hung up without an answer")
    return answer


def _running() -> int:
    found = _holder()
    if found is None:
        raise LabError("the lab is not up; tests/lab up")
    return found["pid"]


def _holder() -> dict[str, Any] | None:
    """The holder's process, when it is alive; a number used again by another process is not taken for it."""
    try:
        found = json.loads((paths.lab() / "holder.json").read_text())
    except (OSError, ValueError):
        return None
    return found if _alive(found) else None


def _alive(found: dict[str, Any]) -> bool:
    return _born(found["pid"]) == found["born"]


def _born(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; `None` when there is none or it is only a corpse."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


@contextlib.contextmanager
def _locked():
    """One `up` or `down` at a time; the lock lies beside the folder, which comes and goes."""
    folder = paths.lab()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [f"{'node':16}{'daemon':10}{'state':12}{'address':14}{'address':12}"]
    for row in sorted(rows, key=lambda row: row["kind"] == "relay"):
        note = row["note"]
        if row["front"]:
            note = f"behind relay {row['front']}" + (f"; {note}" if note != "server" else "")
        lines.append(f"{row['name']:16}{row['kind']:10}{row['state']:12}{row['address']:14}{row['address6']:12}{note}".rstrip())
    return "\n".join(lines) + "\n"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
