#!/usr/bin/env python3
"""A UDP relay that makes a near, true server look far, lossy, silent or wrong.

All daemons of a machine share one clock and the kernel may have no netem, so delays, loss and false time are made
here: datagrams are held in a heap of due times, and the times in unauthenticated server replies are moved. Signed
replies pass unedited: their MAC would no longer fit. Delay counts from the kernel's receive stamp, so the scheduler's
lateness is not added to it.

    relay.py --control SOCKET --front ADDRESS=UPSTREAM… [--ports 123,323] [SETTING VALUE]…

Control: one line per connection, `delay 50ms`, `loss 30%`, `offset -40ms`, `drift 50ppm`, `jitter 2ms`, `there 3ms`,
`back 9ms`, `blackout on|off`, `counts`, `reset`, `settings`; one JSON line comes back.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import re
import select
import socket
import struct
import sys
import time

import space

SO_TIMESTAMPNS = 35
IDLE = 20.0  # seconds after which a flow's upstream socket is closed
FLOWS = 400
SPIN = 0.00012  # the last stretch before a due time is not left to the timer
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
CLASSES = ("time", "control", "private", "command", "other")


def seconds(text: str) -> float:
    """`50ms` → 0.05."""
    match = re.fullmatch(r"([+-]?[0-9.]+)(ns|us|ms|s)", text)
    if not match:
        raise ValueError(f"{text!r} is not a time like 50ms (units ns, us, ms, s)")
    return float(match[1]) * UNITS[match[2]]


def scaled(text: str, unit: str, factor: float) -> float:
    match = re.fullmatch(r"([+-]?[0-9.]+)" + re.escape(unit), text)
    if not match:
        raise ValueError(f"{text!r} is not a number followed by {unit}")
    return float(match[1]) * factor


class Settings:
    """What is done to datagrams, all in seconds and ratios."""

    def __init__(self) -> None:
        self.there = 0.0
        self.back = 0.0
        self.jitter = 0.0
        self.loss = 0.0
        self.offset = 0.0
        self.drift = 0.0
        self.drift_since = time.monotonic()
        self.blackout = False

    def set(self, name: str, value: str) -> None:
        if name == "delay":
            # A round trip, half of it each way: what a client measures.
            self.there = self.back = max(0.0, seconds(value)) / 2
        elif name in ("there", "back", "jitter"):
            setattr(self, name, max(0.0, seconds(value)))
        elif name == "offset":
            self.offset, self.drift_since = seconds(value), time.monotonic()
        elif name == "drift":
            # What has drifted until now stays: a clock that changes its rate does not jump.
            self.offset = self.moved()
            self.drift, self.drift_since = scaled(value, "ppm", 1e-6), time.monotonic()
        elif name == "loss":
            self.loss = min(1.0, max(0.0, scaled(value, "%", 0.01)))
        elif name == "blackout":
            if value not in ("on", "off"):
                raise ValueError("blackout is on or off")
            self.blackout = value == "on"
        else:
            raise ValueError(f"no setting {name!r}: there are delay, there, back, jitter, loss, offset, drift, blackout")

    def moved(self) -> float:
        """How far the relayed server's clock is ahead of the true one now."""
        return self.offset + self.drift * (time.monotonic() - self.drift_since)

    def plain(self) -> dict[str, object]:
        return {
            "there_ms": self.there * 1e3,
            "back_ms": self.back * 1e3,
            "jitter_ms": self.jitter * 1e3,
            "loss_percent": self.loss * 100,
            "offset_ms": self.moved() * 1e3,
            "drift_ppm": self.drift * 1e6,
            "blackout": self.blackout,
        }


class Flow:
    """One client's way through: the socket that the upstream server answers to."""

    __slots__ = ("front", "client", "up", "used")

    def __init__(self, front: socket.socket, client: tuple, up: socket.socket) -> None:
        self.front, self.client, self.up, self.used = front, client, up, time.monotonic()


class Relay:
    def __init__(self, control: str, fronts: list[tuple[str, str]], ports: list[int]) -> None:
        self.settings = Settings()
        self.random = random.Random(control.rsplit("/", 1)[-1])
        self.heap: list[tuple[float, int, object, bytes, tuple | None]] = []
        self.order = 0
        self.fronts: dict[socket.socket, tuple[str, int]] = {}
        self.flows: dict[tuple, Flow] = {}
        self.by_up: dict[socket.socket, Flow] = {}
        self.reset()
        for address, upstream in fronts:
            for port in ports:
                sock = _udp(address)
                sock.bind((address, port))
                self.fronts[sock] = (upstream, port)
        folder, name = os.path.split(control)
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # A socket's path may not be long, a checkout's is: the folder is named by descriptor.
        folder_fd = os.open(folder, os.O_PATH)
        self.control.bind(f"/proc/self/fd/{folder_fd}/{name}")
        self.control.listen(8)

    def reset(self) -> None:
        self.counts = {
            way: {name: {"datagrams": 0, "bytes": 0} for name in CLASSES} for way in ("there", "back")
        }
        self.counts["dropped"] = {"there": 0, "back": 0}
        self.counts["edited"] = 0

    def run(self) -> None:
        swept = time.monotonic()
        while True:
            now = time.monotonic()
            while self.heap and self.heap[0][0] - now <= 0:
                self._send(heapq.heappop(self.heap))
                now = time.monotonic()
            wait = 5.0
            if self.heap:
                wait = max(0.0, self.heap[0][0] - now - SPIN)
            ready = select.select([self.control, *self.fronts, *self.by_up], [], [], min(wait, 5.0))[0]
            for sock in ready:
                if sock is self.control:
                    self._answer()
                elif sock in self.fronts:
                    self._from_client(sock)
                else:
                    self._from_server(sock)
            if now - swept > 5.0:
                swept = now
                for key, flow in list(self.flows.items()):
                    if now - flow.used > IDLE:
                        self._close(key, flow)

    def _from_client(self, front: socket.socket) -> None:
        data, due, client = _receive(front)
        if data is None:
            return
        upstream, port = self.fronts[front]
        key = (front.fileno(), client)
        flow = self.flows.get(key)
        if flow is None:
            if len(self.flows) >= FLOWS:
                oldest = min(self.flows, key=lambda known: self.flows[known].used)
                self._close(oldest, self.flows[oldest])
            up = _udp(upstream)
            up.connect((upstream, port))
            flow = self.flows[key] = self.by_up[up] = Flow(front, client, up)
        flow.used = time.monotonic()
        self._queue("there", port, data, due + self.settings.there, flow.up, None)

    def _from_server(self, up: socket.socket) -> None:
        flow = self.by_up.get(up)
        if flow is None:
            return
        data, due, _ = _receive(up)
        if data is None:
            return
        flow.used = time.monotonic()
        port = self.fronts[flow.front][1]
        self._queue("back", port, self._falsify(data, port), due + self.settings.back, flow.front, flow.client)

    def _queue(self, way: str, port: int, data: bytes, due: float, sock: socket.socket, to: tuple | None) -> None:
        counter = self.counts[way][_class(port, data)]
        counter["datagrams"] += 1
        counter["bytes"] += len(data)
        if self.settings.blackout or self.random.random() < self.settings.loss:
            self.counts["dropped"][way] += 1
            return
        if self.settings.jitter:
            due += self.random.random() * self.settings.jitter
        self.order += 1
        heapq.heappush(self.heap, (due, self.order, sock, data, to))

    def _falsify(self, data: bytes, port: int) -> bytes:
        """Moves the server's clock in a plain reply: reference, receive and transmit time; the client's own stays."""
        moved = self.settings.moved()
        if port != 123 or len(data) != 48 or data[0] & 7 != 4 or not moved:
            return data
        self.counts["edited"] += 1
        step = round(moved * 2**32)
        reference, origin, receive, transmit = struct.unpack_from("!QQQQ", data, 16)
        mask = 0xFFFFFFFFFFFFFFFF
        stamps = [(stamp + step) & mask if stamp else 0 for stamp in (reference, receive, transmit)]
        return data[:16] + struct.pack("!QQQQ", stamps[0], origin, stamps[1], stamps[2])

    @staticmethod
    def _send(item: tuple[float, int, socket.socket, bytes, tuple | None]) -> None:
        _due, _order, sock, data, to = item
        try:
            if to is None:
                sock.send(data)
            else:
                sock.sendto(data, to)
        except OSError:
            # The client is gone, or nothing listens upstream: on a network the datagram would be lost just so.
            pass

    def _close(self, key: tuple, flow: Flow) -> None:
        del self.flows[key]
        del self.by_up[flow.up]
        flow.up.close()

    def _answer(self) -> None:
        peer, _ = self.control.accept()
        with peer:
            peer.settimeout(0.2)
            try:
                words = peer.recv(4096).decode().split()
                peer.sendall(json.dumps(self._command(words)).encode() + b"\n")
            except (OSError, UnicodeDecodeError):
                pass

    def _command(self, words: list[str]) -> dict[str, object]:
        try:
            if words == ["counts"]:
                return {"counts": self.counts}
            if words == ["reset"]:
                self.reset()
            elif words != ["settings"]:
                if len(words) % 2:
                    raise ValueError(f"{' '.join(words)!r} is not a list of settings and values")
                for name, value in zip(words[::2], words[1::2]):
                    self.settings.set(name, value)
            return {"settings": self.settings.plain()}
        except ValueError as error:
            return {"error": str(error)}


def _udp(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return sock


def _receive(sock: socket.socket) -> tuple[bytes | None, float, tuple]:
    """A datagram, when it arrived on the monotonic clock, and from whom."""
    try:
        data, extra, _flags, sender = sock.recvmsg(4096, 64)
    except OSError:
        return None, 0.0, ()
    arrived = time.monotonic()
    for level, kind, value in extra:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(value) == 16:
            whole, fraction = struct.unpack("qq", value)
            late = time.time() - (whole + fraction * 1e-9)
            arrived -= min(max(late, 0.0), 0.1)
    return data, arrived, sender


def _class(port: int, data: bytes) -> str:
    if port != 123:
        return "command"
    mode = data[0] & 7 if data else 0
    return "control" if mode == 6 else "private" if mode == 7 else "time" if mode else "other"


def main() -> None:
    parser = argparse.ArgumentParser(description="UDP relay with delay, loss, jitter and false time")
    parser.add_argument("--control", required=True)
    parser.add_argument("--front", action="append", required=True, metavar="ADDRESS=UPSTREAM")
    parser.add_argument("--ports", default="123,323")
    parser.add_argument("setting", nargs="*")
    options = parser.parse_args()
    space.sharp_timers()
    relay = Relay(
        options.control,
        [tuple(front.split("=", 1)) for front in options.front],
        [int(port) for port in options.ports.split(",")],
    )
    answer = relay._command(options.setting or ["settings"])
    if "error" in answer:
        sys.exit(f"relay: {answer['error']}")
    relay.run()


if __name__ == "__main__":
    main()
