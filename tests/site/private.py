#!/usr/bin/env python3
"""Mode 7: captures what a real ntpd answers, and answers the same as a frozen daemon.

    private.py capture FILE ADDRESS [ADDRESS-OF-A-PEER]… [--clock ADDRESS]
    private.py serve FILE [--port N] [--address A]… [--now SECONDS] [--requestkey N] [--log FILE]
                          [--silent | --error N | --only IMPLEMENTATION | --size BYTES] [--noise SEED]

A capture (`tests/data/frozen/private.json`) holds the datagrams of every reply, for both implementations; about what is
named in a request it holds an item for each name. The kept one is of ntpd 4.2.8p15 with these lines, after three minutes
beside another one at 10.8.0.2 and fd08::2, in namespaces of their own:

    keys …, trustedkey 1 2 5, requestkey 1, controlkey 1, enable mode7, server 127.127.1.0 minpoll 3 maxpoll 3 prefer,
    fudge 127.127.1.0 stratum 9, server 10.8.0.2 minpoll 4 maxpoll 6 iburst prefer key 1, server fd08::2 minpoll 4 iburst,
    peer 10.8.0.77, server 10.9.9.9, broadcast 10.8.0.255, trap 10.8.0.77, restrict default nomodify nopeer notrap limited kod,
    restrict 10.5.5.0 mask 255.255.255.0 noquery, restrict 10.8.0.0 mask 255.255.255.0 nomodify, restrict 127.0.0.1,
    restrict ::1, restrict fd08::2

The frozen daemon checks requests as ntpd 4.2.8p15 does: their size and
that of their items, the key, the digest, the time (against --now, for whoever asks may live at another time). What
would change a real daemon it says to have done. With --noise the items hold any bytes, the same for the same seed. With --log it writes down each request, without its time and digest.

Prints `ready` when bound. Ends on SIGTERM, and when its standard input, if that is a pipe, is closed.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import random
import select
import signal
import socket
import stat
import struct
import sys
import time
from dataclasses import dataclass, field

sys.dont_write_bytecode = True

HEADER = struct.Struct("!BBBBHH")
RESPONSE, MORE, AUTHENTICATED = 0x80, 0x40, 0x80
UNKNOWN_IMPLEMENTATION, UNKNOWN_REQUEST, FORMAT, NO_DATA, PERMISSION = 1, 2, 3, 4, 7
# Bytes of items in one datagram of a reply, and of a request.
ROOM, REQUEST_ROOM = 500, 176
# The lab's keys that need no cipher: number → (digest, key).
KEYS = {1: ("md5", b"secretmd5"), 2: ("sha1", b"SecretSha1")}
# What brings data, what names something in its items, what needs a key, and what changes the daemon, by request code.
LISTS = (0, 1, 4, 5, 6, 7, 8, 9, 16, 28, 29, 34, 38)
NAMED = {2: (32, 8), 3: (32, 8), 36: (4,), 39: (4,)}
KEYED_LISTS = (44, 45)
CHANGES = {
    10: (168, 144, 16), 11: (24, 4), 12: (4,), 13: (4,), 17: (60, 24), 18: (60, 24), 19: (60, 24), 21: (4,), 22: (24, 4),
    23: (0,), 26: (8,), 27: (8,), 30: (48, 12), 31: (48, 12), 32: (8,), 33: (8,), 37: (20,),
}  # fmt: skip
RETIRED = (20, 42)


def request(code: int, items: bytes = b"", size: int = 0, implementation: int = 3, key: int = 0, now: float = 0.0) -> bytes:
    """A request as ntpdc sends it; with a key, signed at the time `now`."""
    count = len(items) // size if size else 0
    head = HEADER.pack(0x17, AUTHENTICATED if key else 0, implementation, code, count, size)
    if not key:
        return (head + items).ljust(192, b"\0")
    name, secret = KEYS[key]
    stamp = struct.pack("!Q", int((now + 2208988800) * 2**32) & (2**64 - 1))
    covered = (head + items).ljust(184, b"\0") + stamp
    return covered + struct.pack("!I", key) + hashlib.new(name, secret + covered).digest()


@dataclass
class Reply:
    """What came back: an error, or items of one size."""

    error: int = 0
    size: int = 0
    items: list[bytes] = field(default_factory=list)
    datagrams: list[bytes] = field(default_factory=list)


class Asker:
    def __init__(self, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.connect((address, 123))

    def ask(self, code: int, items: bytes = b"", size: int = 0, implementation: int = 3, key: int = 0) -> Reply:
        self.socket.send(request(code, items, size, implementation, key, time.time()))
        parts: dict[int, bytes] = {}
        last = None
        reply = Reply()
        while last is None or len(parts) <= last:
            if not select.select([self.socket], [], [], 2)[0]:
                raise SystemExit(f"capture: no answer to request {code} of implementation {implementation}")
            datagram = self.socket.recv(1024)
            first, second, _, _, counted, sized = HEADER.unpack_from(datagram)
            if counted >> 12:
                return Reply(error=counted >> 12, datagrams=[datagram])
            reply.size = sized & 0xFFF
            parts[second & 0x7F] = datagram
            if not first & MORE:
                last = second & 0x7F
        for place in sorted(parts):
            datagram = parts[place]
            count = HEADER.unpack_from(datagram)[4] & 0xFFF
            reply.items += [datagram[8 + n * reply.size : 8 + (n + 1) * reply.size] for n in range(count)]
            reply.datagrams.append(datagram)
        return reply


def capture(file: str, address: str, peers: list[str], clocks: list[str]) -> None:
    asker = Asker(address)
    found: dict[str, dict] = {}
    for implementation in (3, 2):
        lists = {str(code): vars(asker.ask(code, implementation=implementation)) for code in LISTS}
        for code in KEYED_LISTS:
            lists[str(code)] = vars(asker.ask(code, implementation=implementation, key=1))
        named: dict[str, dict[str, object]] = {}
        for code, sizes in NAMED.items():
            named[str(code)] = {}
            for name in clocks if sizes == (4,) else peers:
                if implementation == 2 and ":" in name:
                    continue
                item = name_item(name, 4 if sizes == (4,) else sizes[implementation == 2])
                named[str(code)][name] = vars(asker.ask(code, item, len(item), implementation))
        found[str(implementation)] = {"lists": lists, "named": named}
    with open(file, "w") as out:
        json.dump(found, out, indent=1, default=lambda data: data.hex())
        out.write("\n")


def name_item(name: str, size: int) -> bytes:
    """An association or a clock as a request names it."""
    if size == 4:
        return socket.inet_aton(name)
    if ":" in name:
        return (bytes(4) + struct.pack("!H", 123) + bytes(2) + struct.pack("<I", 1) + bytes(4)) + socket.inet_pton(socket.AF_INET6, name)
    return (socket.inet_aton(name) + struct.pack("!H", 123)).ljust(size, b"\0")


class Refused(Exception):
    """An error reply with this code."""

    def __init__(self, code: int) -> None:
        self.code = code


class Frozen:
    def __init__(self, known: dict, options: argparse.Namespace) -> None:
        self.known = known
        self.options = options

    def respond(self, datagram: bytes) -> list[bytes]:
        """The datagrams that answer one datagram; none when it is to be dropped."""
        if len(datagram) < HEADER.size:
            return []
        first, second, implementation, code, counted, sized = HEADER.unpack_from(datagram)
        version = first >> 3 & 7
        if first & 7 != 7 or first & (RESPONSE | MORE) or second & 0x7F or counted >> 12 or sized >> 12 or not 1 <= version <= 4:
            return []
        self._write_down(datagram, counted, sized)
        try:
            if self.options.error:
                raise Refused(self.options.error)
            reply = self._answer(datagram, implementation, code, counted, sized)
        except Refused as refused:
            return [HEADER.pack(RESPONSE | version << 3 | 7, 0, implementation, code, refused.code << 12, 0)]
        lead = RESPONSE | version << 3 | 7
        items = [bytes.fromhex(item) for item in reply["items"]]
        size = reply["size"]
        if self.options.noise:
            items = [random.Random(f"{self.options.noise} {code} {place}").randbytes(size) for place in range(len(items))]
            # The letters of a clock are printed as they come.
            items = [item[:-4] + b"LOCL" if code == 36 else item for item in items]
        room = max(ROOM // size, 1) if size else 1
        chunks = [items[at : at + room] for at in range(0, len(items), room)] or [[]]
        datagrams = []
        for place, chunk in enumerate(chunks):
            more = MORE if place + 1 < len(chunks) else 0
            datagrams.append(HEADER.pack(lead | more, place, implementation, code, len(chunk), size) + b"".join(chunk))
        return datagrams

    def _answer(self, datagram: bytes, implementation: int, code: int, count: int, size: int) -> dict:
        if implementation not in (0, 2, 3) or self.options.only not in (0, implementation):
            raise Refused(UNKNOWN_IMPLEMENTATION)
        if implementation == 0:
            raise Refused(UNKNOWN_REQUEST)
        if code in (*RETIRED, *LISTS):
            self._check_size(datagram, code, count, size)
            if code in RETIRED:
                raise Refused(NO_DATA)
            return self._kept(self.known[str(implementation)]["lists"][str(code)])
        if code in NAMED:
            self._check_size(datagram, code, count, size)
            if size not in NAMED[code]:
                raise Refused(FORMAT)
            return self._named(self.known[str(implementation)]["named"][str(code)], datagram, count, size)
        if code in KEYED_LISTS or code in CHANGES:
            self._check_size(datagram, code, count, size)
            self._check_key(datagram, count, size)
            if code in KEYED_LISTS:
                return self._kept(self.known[str(implementation)]["lists"][str(code)])
            if size not in CHANGES[code] or (size and not count):
                raise Refused(FORMAT)
            return {"size": 0, "items": []}
        raise Refused(UNKNOWN_REQUEST)

    def _check_size(self, datagram: bytes, code: int, count: int, size: int) -> None:
        """A daemon of another age wants datagrams of another length; none wants items beyond the end."""
        if self.options.size and len(datagram) - (20 if datagram[1] & AUTHENTICATED else 0) != self.options.size:
            raise Refused(FORMAT)
        if count * size > REQUEST_ROOM or (code in CHANGES and 8 + count * size > len(datagram)):
            raise Refused(FORMAT)

    def _check_key(self, datagram: bytes, count: int, size: int) -> None:
        if not datagram[1] & AUTHENTICATED:
            raise Refused(PERMISSION)
        end = tail_start(datagram, count, size) + 8
        covered, mac = datagram[:end], datagram[end:]
        key = int.from_bytes(mac[:4])
        if key != self.options.requestkey or key not in KEYS:
            raise Refused(PERMISSION)
        name, secret = KEYS[key]
        if not hmac.compare_digest(hashlib.new(name, secret + covered).digest(), mac[4:]):
            raise Refused(PERMISSION)
        sent = int.from_bytes(covered[-8:]) / 2**32 - 2208988800
        if abs(sent - (self.options.now or time.time())) > 10:
            raise Refused(PERMISSION)

    def _kept(self, reply: dict) -> dict:
        if reply["error"]:
            raise Refused(reply["error"])
        return reply

    def _named(self, known: dict, datagram: bytes, count: int, size: int) -> dict:
        """An item for each name that is known; ntpd passes over the others."""
        found: dict = {"size": 0, "items": []}
        for place in range(count):
            item = datagram[8 + place * size : 8 + (place + 1) * size]
            name = name_of(item)
            reply = known.get(name)
            if reply is not None and not reply["error"]:
                found["size"] = reply["size"]
                found["items"] += reply["items"]
        if not found["items"]:
            raise Refused(NO_DATA)
        return found

    def _write_down(self, datagram: bytes, count: int, size: int) -> None:
        if not self.options.log:
            return
        text = f"{len(datagram)} {datagram.hex()}"
        if datagram[1] & AUTHENTICATED:
            start = tail_start(datagram, count, size)
            key = int.from_bytes(datagram[start + 8 : start + 12])
            text = f"{len(datagram)} {datagram[:start].hex()} key {key}"
        with open(self.options.log, "a") as log:
            log.write(text + "\n")


def tail_start(datagram: bytes, count: int, size: int) -> int:
    """Where the time of a signed request stands: told by the length of the whole."""
    lengths = {212: 184, 180: 152, 68: 40}
    return lengths.get(len(datagram), (8 + count * size + 3) & ~3)


def name_of(item: bytes) -> str:
    if len(item) == 32 and item[8:12] != bytes(4):
        return socket.inet_ntop(socket.AF_INET6, item[16:32])
    return socket.inet_ntoa(item[:4])


def serve(frozen: Frozen, sockets: list[socket.socket], silent: bool) -> None:
    watched: list = [*sockets]
    held = os.fstat(0).st_mode
    if stat.S_ISFIFO(held) or stat.S_ISSOCK(held):
        watched.append(sys.stdin)
    while True:
        for source in select.select(watched, [], [])[0]:
            if source is sys.stdin:
                if not os.read(0, 4096):
                    return
                continue
            datagram, sender = source.recvfrom(4096)
            answers = frozen.respond(datagram)
            for answer in [] if silent else answers:
                try:
                    source.sendto(answer, sender)
                except OSError:
                    # Whoever asked is gone.
                    break


def bind(addresses: list[str], port: int) -> list[socket.socket]:
    sockets = []
    for address in addresses:
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, port))
        sockets.append(sock)
    return sockets


def main() -> None:
    parser = argparse.ArgumentParser(description="mode 7, captured and said again")
    commands = parser.add_subparsers(dest="command", required=True)
    taking = commands.add_parser("capture")
    taking.add_argument("file")
    taking.add_argument("address")
    taking.add_argument("peers", nargs="*")
    taking.add_argument("--clock", action="append", default=[])
    serving = commands.add_parser("serve")
    serving.add_argument("file")
    serving.add_argument("--port", type=int, default=123)
    serving.add_argument("--address", action="append")
    serving.add_argument("--now", type=int, default=0, help="the time of those who ask, in seconds since 1970")
    serving.add_argument("--requestkey", type=int, choices=sorted(KEYS), default=1)
    serving.add_argument("--log")
    serving.add_argument("--silent", action="store_true", help="answer nothing")
    serving.add_argument("--error", type=int, default=0, metavar="N", help="answer everything with error N")
    serving.add_argument("--only", type=int, default=0, metavar="N", help="know no implementation but this")
    serving.add_argument("--size", type=int, default=0, metavar="N", help="take only requests of so many bytes without key and digest")
    serving.add_argument("--noise", type=int, default=0, metavar="SEED", help="fill items with any bytes")
    options = parser.parse_args()
    if options.command == "capture":
        return capture(options.file, options.address, options.peers, options.clock)
    with open(options.file) as file:
        frozen = Frozen(json.load(file), options)
    sockets = bind(options.address or ["127.0.0.1", "::1"], options.port)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    print("ready", flush=True)
    serve(frozen, sockets, options.silent)


if __name__ == "__main__":
    main()
