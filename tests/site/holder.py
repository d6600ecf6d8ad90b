"""Process 1 of the lab: builds the network, starts the daemons, answers `tests/lab`.

Everything in the lab is a child of this process, in its pid namespace: when it ends, however it ends, the kernel
ends the rest and the network goes with it. Started by `lab.py`, never by hand.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import check
import mode6
import nodes
import paths
import space
from nodes import Front, Node
from paths import LabError

# A falsetick status, a system peer: selection field of a peer's status word.
FALSETICK, SYSPEER = 1, 6


class Holder:
    def __init__(self, folder: Path, home: Path, ready: int) -> None:
        self.folder, self.home, self.ready = folder, home, ready
        self.nodes: dict[str, Node] = {}
        self.pids: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.paused: set[str] = set()
        self.known = json.loads((home / "peers.json").read_text())
        self.links = 0
        self.next_many = nodes.FIRST_MANY

    def build(self) -> None:
        space.furnish(nodes.hosts(), str(self.folder))
        space.run("ip", "link", "add", "lab0", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        _sysctl("ipv6/conf/lab0/accept_dad", "0")
        space.run("ip", "link", "set", "lab0", "up")
        space.run("ip", "address", "add", f"{nodes.PREFIX4}{nodes.HOLDER}/16", "dev", "lab0")
        space.run("ip", "address", "add", f"{nodes.PREFIX6}{nodes.HOLDER}/64", "dev", "lab0", "nodad")
        for node in nodes.NODES:
            self.add(node)
        relays = self.nodes["relays"]
        for front in nodes.FRONTS:
            self._address(relays, f"{front.address}/16", f"{front.address6}/64")
        for front in nodes.FRONTS:
            self.relay(front)
        # Servers first: a client's first burst should find them answering.
        for node in sorted(nodes.NODES, key=lambda node: node.number < 100):
            if node.kind == "openntpd" and _no_groups():
                print("openntpd is left out: it changes its groups, which needs root outside", flush=True)
            elif node.kind != "empty":
                self.start(node.name)

    def add(self, node: Node) -> None:
        """A network namespace on the bridge, with the node's addresses and files."""
        self.links += 1
        outer = f"lab-{self.links}"
        space.run("ip", "netns", "add", node.name)
        space.run("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", node.name)
        space.run("ip", "link", "set", outer, "master", "lab0", "up")
        space.run("ip", "-n", node.name, "link", "set", "lo", "up")
        space.run("ip", "-n", node.name, "link", "set", "eth0", "up")
        self._address(node, f"{node.address}/16", f"{node.address6}/64", *node.extra)
        # As a host with a default route has it: without a way to groups ntpd cannot join one.
        space.run("ip", "-n", node.name, "route", "add", "224.0.0.0/4", "dev", "eth0")
        place = self.folder / "nodes" / node.name
        place.mkdir(parents=True, exist_ok=True)
        if node.kind != "empty":
            for name, text in nodes.files(node, str(place)).items():
                (place / name).write_text(text)
                (place / name).chmod(0o640)
        if node.name not in self.nodes and node not in nodes.NODES:
            # Written in place: the file lies over /etc/hosts by itself, not by its name.
            with open(self.folder / "hosts", "a") as hosts:
                hosts.write(f"{node.address} {node.name}\n{node.address6} {node.name}\n")
        self.nodes[node.name] = node

    def _address(self, node: Node, *addresses: str) -> None:
        batch = "".join(f"address add {address} dev eth0{' nodad' if ':' in address else ''}\n" for address in addresses)
        space.run("ip", "-n", node.name, "-batch", "-", text=batch)

    def relay(self, front: Front) -> None:
        up = self.nodes[front.upstream]
        command = [paths.interpreter(), "-SB", str(paths.SITE / "relay.py"), "--control", str(self.folder / f"relay-{front.name}")]
        command += ["--front", f"{front.address}={up.address}", "--front", f"{front.address6}={up.address6}"]
        self._spawn(f"relay-{front.name}", "relays", [*command, "--", *front.settings.split()], {}, self.folder / "relays.log")

    def start(self, name: str) -> str:
        node = self._daemon(name)
        if name in self.pids:
            return f"{name} runs already\n"
        place = self.folder / "nodes" / name
        program, arguments = nodes.command(node, str(place))
        entry = self.known[program]
        command = [*entry["argv"], *arguments]
        if node.kind == "openntpd":
            command = self._dressed_openntpd(place, command)
        self._spawn(name, name, check.wrap(name, command), entry["env"], place / "log")
        return f"{name} started\n"

    def _spawn(self, name: str, netns: str, command: list[str], env: dict[str, str], log: Path) -> None:
        with open(log, "ab") as out:
            child = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{netns}", "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **env},
                start_new_session=True,
            )
        # Reaped with everything else that ends in here.
        child.returncode = 0
        self.pids[name] = child.pid
        self.ended.pop(name, None)
        self.paused.discard(name)

    def _dressed_openntpd(self, place: Path, command: list[str]) -> list[str]:
        """openntpd insists on an account of its own and on folders under /var/lib: it gets both, for itself alone."""
        users = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith("ntpd:")]
        (place / "passwd").write_text("\n".join([*users, "ntpd:x:0:0::/var/lib/openntpd/run:/bin/false", ""]))
        script = (
            "mount -t tmpfs -o mode=755 none /var/lib && mkdir -p /var/lib/openntpd/run /var/lib/openntpd/db"
            ' && mount --bind "$0/passwd" /etc/passwd && exec "$@"'
        )
        return ["unshare", "--mount", "sh", "-c", script, str(place), *command]

    def signal(self, name: str, number: int) -> str:
        self._daemon(name)
        pid = self.pids.get(name)
        if pid is None:
            raise LabError(f"{name} is not running")
        os.kill(pid, number)
        if number == signal.SIGSTOP:
            self.paused.add(name)
        elif number == signal.SIGCONT:
            self.paused.discard(name)
        return ""

    def stop(self, name: str) -> str:
        if name not in self.pids:
            self._daemon(name)
            return f"{name} does not run\n"
        if name in self.paused:
            self.signal(name, signal.SIGCONT)
        self.signal(name, signal.SIGTERM)
        deadline = time.monotonic() + 4
        while name in self.pids and time.monotonic() < deadline:
            time.sleep(0.01)
            self.reap()
        if name in self.pids:
            self.signal(name, signal.SIGKILL)
            while name in self.pids:
                time.sleep(0.01)
                self.reap()
        return f"{name} stopped\n"

    def many(self, kind: str, count: int, limited: bool) -> str:
        if kind not in ("classic", "ntpsec", "chrony") or not 1 <= count <= nodes.RESPONDER_ADDRESSES:
            raise LabError(f"many: classic, ntpsec or chrony, and 1 to {nodes.RESPONDER_ADDRESSES} associations; not {kind} {count}")
        if limited and kind == "chrony":
            raise LabError("many: chrony answers no questions that it could limit")
        if "responder" not in self.nodes:
            self.add(nodes.responder())
            self.start("responder")
        node = nodes.many(kind, count, limited, self.next_many)
        if node.name not in self.nodes:
            self.next_many += 1
            self.add(node)
        self.start(node.name)
        return f"{node.name} {self.nodes[node.name].address}\n"

    def probe(self, name: str) -> dict[str, object]:
        """What a daemon says now: does it answer, is it in step, has it seen through the falseticker?"""
        node = self._daemon(name)
        served = mode6.serves(node.address, 0.3)
        found: dict[str, object] = {"runs": name in self.pids, "answers": served is not None, "synced": False, "settled": False}
        if served is not None:
            found["leap"], found["stratum"] = served
            found["synced"] = served[0] != 3 and 0 < served[1] < 8
        if node.kind in ("classic", "ntpsec") and name != "noquery" and not name.endswith("limited"):
            asker = mode6.Asker(node.address)
            known = asker.associations(0.3)
            asker.close()
            found["answers"] = known is not None
            picked = {status >> 8 & 7 for status in (known or {}).values()}
            found["settled"] = bool(found["synced"]) and SYSPEER in picked and FALSETICK in picked
        else:
            found["settled"] = found["synced"]
        return found

    def status(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = []
        for node in self.nodes.values():
            state = "-"
            if node.kind != "empty":
                state = "paused" if node.name in self.paused else "runs" if node.name in self.pids else "stopped"
                if node.name in self.ended:
                    state = f"ended ({self.ended[node.name]})"
            rows.append(
                {"name": node.name, "kind": node.kind, "state": state, "address": node.address, "address6": node.address6,
                 "pid": self.pids.get(node.name), "front": node.front, "note": node.note}
            )
        for front in nodes.FRONTS:
            runs = "runs" if f"relay-{front.name}" in self.pids else "ended"
            note = f"→ {front.upstream}, {front.settings}" + (f" ({front.note})" if front.note else "")
            rows.append(
                {"name": front.name, "kind": "relay", "state": runs, "address": front.address, "address6": front.address6,
                 "pid": self.pids.get(f"relay-{front.name}"), "front": "", "note": note}
            )
        return rows

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for name, known in list(self.pids.items()):
                if known == pid:
                    del self.pids[name]
                    self.ended[name] = os.waitstatus_to_exitcode(status)
                    self.paused.discard(name)

    def _daemon(self, name: str) -> Node:
        node = self.nodes.get(name)
        if node is None:
            raise LabError(f"no node {name}; there are {', '.join(self.nodes)}")
        if node.kind == "empty":
            raise LabError(f"no daemon in node {name}")
        return node

    def command(self, words: list[str]) -> object:
        match words:
            case ["start", name]:
                return self.start(name)
            case ["stop", name]:
                return self.stop(name)
            case ["restart", name]:
                return self.stop(name) and self.start(name)
            case ["pause", name]:
                return self.signal(name, signal.SIGSTOP)
            case ["resume", name]:
                return self.signal(name, signal.SIGCONT)
            case ["many", kind, count, *limited] if count.isdigit() and limited in ([], ["limited"]):
                return self.many(kind.lower(), int(count), limited != [])
            case ["probe", name]:
                return self.probe(name)
            case ["status"]:
                return self.status()
        raise LabError(f"no such request: {' '.join(words)}")

    def serve(self) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder_fd = os.open(self.folder, os.O_PATH)
        listener.bind(f"/proc/self/fd/{folder_fd}/control")
        listener.listen(16)
        alarm_read, alarm_write = socket.socketpair()
        alarm_write.setblocking(False)
        signal.set_wakeup_fd(alarm_write.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        selector = selectors.DefaultSelector()
        selector.register(listener, selectors.EVENT_READ)
        selector.register(alarm_read, selectors.EVENT_READ)
        self.reap()
        os.write(self.ready, b"ready\n")
        os.close(self.ready)
        while True:
            for key, _ in selector.select():
                if key.fileobj is alarm_read:
                    alarm_read.recv(64)
                    self.reap()
                else:
                    self._answer(listener)

    def _answer(self, listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            # Whoever connects speaks at once, but may be kept from it by whatever else there is to do.
            peer.settimeout(20)
            try:
                words = json.loads(peer.recv(65536))
            except (OSError, ValueError):
                return
            try:
                self.reap()
                answer: dict[str, object] = {"answer": self.command(words)}
            except (LabError, OSError) as error:
                answer = {"error": str(error)}
            try:
                peer.sendall(json.dumps(answer).encode())
            except OSError:
                pass


def _no_groups() -> bool:
    """Is this a user's own namespace, in which the kernel forbids setgroups?"""
    return Path("/proc/self/setgroups").read_text().strip() == "deny"


def _sysctl(name: str, value: str) -> None:
    try:
        Path("/proc/sys/net", name).write_text(value)
    except OSError:
        # Only saves the second that duplicate address detection takes.
        pass


def main() -> None:
    folder, home, ready = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    os.set_inheritable(ready, False)
    holder = Holder(folder, home, ready)
    try:
        holder.build()
    except (LabError, OSError) as error:
        print(f"lab: {error}", flush=True)
        sys.exit(1)
    holder.serve()


if __name__ == "__main__":
    main()
