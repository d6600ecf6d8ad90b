"""Where the benchmarks play: a lab, daemons with N associations in it, and a relay in front of each.

A benchmark has two halves. The outer one, on this machine, brings the lab up (unless it is up) and starts itself
again in the lab's `admin` node; the inner one, there, starts the programs as its own children: nothing stands between
the clock and what it times.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "site"))

import paths  # noqa: E402 - found through the line above

LAB = BENCH.parent / "lab"
# The name of our relay's control socket in the lab's folder.
RELAY = "relay-bench"
# Relays of the daemons with N associations: the last number of the daemon's address, in a network of its own.
FRONT_PREFIX = "10.77.2."
# The remote addresses of those daemons' associations are this and 1 to N.
SOURCE_PREFIX = "10.77.1."
SYNC_SECONDS = 120


@dataclass
class Daemon:
    """A daemon to ask: directly at `address`, through the relay at `far`."""

    node: str
    kind: str
    count: int
    address: str
    far: str


class Stage:
    """The outer half's hold on the lab; what it started ends with the `with` block."""

    def __init__(self) -> None:
        self.folder = paths.target() / "bench"
        self.folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("NTPSCOPE_LAB_DIR", str(self.folder / "lab"))
        self.ours = False
        self.relay: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Stage:
        if _lab("status", quiet=True, fails=True) != 0:
            self.ours = True
            say("bringing a lab up")
            code = _lab("up", quiet=True, fails=True)
            if code != 0:
                sys.exit(code)
        return self

    def __exit__(self, *_: object) -> None:
        if self.relay is not None:
            self.relay.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.relay.wait(5)
        if self.ours:
            _lab("down", quiet=True, fails=True)

    def daemons(self, wanted: list[tuple[str, int]]) -> list[Daemon]:
        """One daemon for each (kind, number of associations), in step, with a relay in front."""
        found = []
        for kind, count in wanted:
            node, address = _said("many", kind, str(count)).split()
            far = FRONT_PREFIX + address.rpartition(".")[2]
            found.append(Daemon(node, kind, count, address, far))
        say(f"waiting for {len(found)} daemons to be in step")
        _lab("wait", "synced", *[daemon.node for daemon in found], "--timeout", str(SYNC_SECONDS))
        self._relay(found)
        return found

    def _relay(self, daemons: list[Daemon]) -> None:
        folder = paths.lab()
        (folder / RELAY).unlink(missing_ok=True)
        command = [paths.interpreter(), "-S", str(paths.SITE / "relay.py"), "--control", str(folder / RELAY)]
        for daemon in daemons:
            command += ["--front", f"{daemon.far}={daemon.address}"]
        addresses = "; ".join(f"ip address replace {daemon.far}/16 dev eth0" for daemon in daemons)
        script = f"set -e; {addresses}; exec \"$@\""
        self.relay = subprocess.Popen([str(LAB), "exec", "relays", "sh", "-c", script, "relay", *command])
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError, ValueError):
                relay("settings")
                return
            if self.relay.poll() is not None or time.monotonic() > deadline:
                sys.exit("bench: the relay did not start")
            time.sleep(0.02)

    def inside(self, script: str, plan: dict[str, object]) -> int:
        """Runs a benchmark's inner half in the node `admin`; returns its exit status."""
        (self.folder / "home").mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile("w", suffix=".json", dir=self.folder) as file:
            json.dump(plan, file)
            file.flush()
            command = [str(LAB), "exec", "admin", paths.interpreter(), "-S", script, "--inside", file.name]
            return subprocess.run(command).returncode


def plan(path: str) -> tuple[dict[str, object], list[Daemon]]:
    """What the outer half wrote down for the inner one."""
    found = json.loads(Path(path).read_text())
    return found, [Daemon(**entry) for entry in found["daemons"]]


def plain(daemons: list[Daemon]) -> list[dict[str, object]]:
    return [asdict(daemon) for daemon in daemons]


def relay(*words: str) -> dict[str, object]:
    """One request to our relay: its settings, as `tests/lab relay` takes them."""
    return _talk(RELAY, " ".join(words).encode())


def daemon_of(what: str, node: str) -> None:
    """`pause` or `resume` a node's daemon, as `tests/lab` would from outside."""
    _talk("control", json.dumps([what, node]).encode())


def programs() -> dict[str, dict[str, object]]:
    """The real programs' argument vectors and environments, without the wrappers; ours, where it is built."""
    known = json.loads((paths.peers() / "peers.json").read_text())
    ours = paths.target() / "release" / "ntpscope"
    if os.access(ours, os.X_OK):
        known["ntpscope"] = {"argv": [str(ours)], "env": {}}
    return known


def environment(extra: dict[str, str]) -> dict[str, str]:
    """The same bare environment for every program: no dot files, no settings, one locale."""
    home = str(paths.target() / "bench" / "home")
    base = {"PATH": os.defpath, "HOME": home, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    return {**base, **extra}


def say(text: str) -> None:
    """Progress, apart from the tables."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _talk(name: str, request: bytes) -> dict[str, object]:
    # A socket's path may not be long, a checkout's is: the folder is named by descriptor.
    folder = os.open(paths.lab(), os.O_PATH)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(10)
        try:
            sock.connect(f"/proc/self/fd/{folder}/{name}")
        finally:
            os.close(folder)
        sock.sendall(request)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
    found = json.loads(answer)
    if "error" in found:
        raise OSError(f"{name}: {found['error']}")
    return found


def _lab(*words: str, quiet: bool = False, fails: bool = False) -> int:
    out = subprocess.DEVNULL if quiet else None
    # That no lab is up is an answer to `status`, not an error to show.
    error = subprocess.DEVNULL if quiet and words[0] == "status" else None
    code = subprocess.run([str(LAB), *words], stdout=out, stderr=error).returncode
    if code != 0 and not fails:
        sys.exit(code)
    return code


def _said(*words: str) -> str:
    done = subprocess.run([str(LAB), *words], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return done.stdout
