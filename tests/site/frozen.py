#!/usr/bin/env python3
"""The frozen daemon: answers mode 6 with what a real ntpd said once, byte for byte and always the same.

    frozen.py FILE [--port N] [--address A]… [--silent | --error N] [--controlkey N]

FILE is a capture (`tests/data/frozen/*.json`, made by capture.py). Default replies are sent with the fragments they
came in; a request for chosen names is answered in the daemon's own order, with its line breaks and its cuts. What the
header must look like, what is dropped and what is refused follows the real daemons; nothing of the program under test is
used. A change is answered as the daemon answered it when the capture was made, and changes nothing; one that was not
made then succeeds. Traps are not frozen: error 1 unsigned, error 3 signed.

Prints `ready` when bound. Ends on SIGTERM, and when its standard input, if that is a pipe, is closed.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import hmac
import json
import os
import select
import signal
import socket
import stat
import struct
import sys
from dataclasses import dataclass

# Nothing is left in the source tree by a test that starts this.
sys.dont_write_bytecode = True

import clients  # noqa: E402 - behind the line above
from clients import Refused  # noqa: E402
from mode6 import (  # noqa: E402
    CONFIGURE,
    ERROR,
    HEADER,
    MORE,
    ORDERED,
    READCLOCK,
    READMRU,
    READSTAT,
    READVAR,
    REQNONCE,
    RESPONSE,
    ROOM,
    SAVECONFIG,
)

BAD_AUTH, BAD_FORMAT, BAD_OPCODE, BAD_ASSOCIATION, BAD_NAME = 1, 2, 3, 4, 5
# The line length from which the daemons break, and the room they keep for a separator.
LINE, SEPARATOR = 72, 3
# The lab's keys that need no cipher: number → (digest, key).
KEYS = {1: ("md5", b"secretmd5"), 2: ("sha1", b"SecretSha1")}
# Need a signature; NTPsec has no op 9 and no traps (6, 31).
PRIVILEGED = {"classic": {3, 5, 6, 8, 9, ORDERED, 31}, "ntpsec": {3, 5, 8, ORDERED}}


@dataclass
class Answer:
    """A status word and the data of each datagram."""

    status: int
    fragments: list[bytes]


class Frozen:
    def __init__(self, capture: dict, controlkey: int) -> None:
        self.capture = capture
        self.family: str = capture["family"]
        self.controlkey = controlkey
        # The daemons do not clear the offset of an error reply: it is that of the last fragment sent before.
        self.stale = 0
        # NTPsec does not clear its padding either.
        self.buffer = bytearray(ROOM + 12)

    def respond(self, request: bytes, force: int = 0) -> list[bytes]:
        """The datagrams that answer one datagram; none when it is to be dropped."""
        if len(request) < HEADER.size:
            return []
        first, op, sequence, _status, association, offset, count = HEADER.unpack_from(request)
        version, opcode = first >> 3 & 7, op & 31
        if first & 7 != 6 or op & (RESPONSE | ERROR | MORE) or offset or not 1 <= version <= 4:
            return []
        lead = self.capture["leap"] << 6 | version << 3 | 6
        key: int | None = None
        try:
            room = len(request) - HEADER.size
            if len(request) % 4 or count > room or (self.family == "ntpsec" and count > ROOM):
                raise Refused(BAD_FORMAT)
            data = request[HEADER.size : HEADER.size + count]
            key = self._key(request, HEADER.size + count)
            if force:
                raise Refused(force)
            answer = self._answer(opcode, association, data, key == self.controlkey)
            if answer is None:
                return []
        except Refused as refused:
            header = HEADER.pack(lead, RESPONSE | ERROR | opcode, sequence, refused.code << 8, association, self.stale, 0)
            return [header + self._mac(header, key)]
        datagrams = []
        at = 0
        for number, fragment in enumerate(answer.fragments):
            more = MORE if number + 1 < len(answer.fragments) else 0
            message = HEADER.pack(lead, RESPONSE | more | opcode, sequence, answer.status, association, at, len(fragment))
            self.stale = at
            at += len(fragment)
            datagrams.append(self._signed(message + fragment, key))
        return datagrams

    def _key(self, request: bytes, end: int) -> int | None:
        """The key that signed the request; `None` without a trailer, 0 with a wrong one, below 0 when the key is unknown."""
        start = end + -end % 8
        trailer = request[start:]
        if len(trailer) not in (4, 8, 12, 16, 20, 24):
            return None
        number = int.from_bytes(trailer[:4])
        if number in KEYS:
            name, key = KEYS[number]
            right = hashlib.new(name, key + request[:start]).digest()
            return number if hmac.compare_digest(right, trailer[4:]) else 0
        return -1

    def _mac(self, message: bytes, key: int | None) -> bytes:
        if key in KEYS:
            name, secret = KEYS[key]
            return struct.pack("!I", key) + hashlib.new(name, secret + message).digest()
        # Classic says "not yours" with a key number of zero; NTPsec says nothing.
        return bytes(4) if key == 0 and self.family == "classic" else b""

    def _signed(self, message: bytes, key: int | None) -> bytes:
        end = len(message)
        if self.family == "ntpsec":
            count = end - HEADER.size
            self.buffer[:count] = message[HEADER.size :]
            message += bytes(self.buffer[count : count + -end % 4])
        else:
            message += bytes(-end % 4)
        if key in KEYS or (key is not None and self.family == "classic"):
            message += bytes(-len(message) % 8)
        if key in KEYS and self.family == "ntpsec":
            # NTPsec 1.2.2 writes the key's number once too early, into the padding.
            padded = bytearray(message + bytes(4))
            padded[end : end + 4] = struct.pack("!I", key)
            message = bytes(padded[: len(message)])
        return message + self._mac(message, key)

    def _answer(self, opcode: int, association: int, data: bytes, trusted: bool) -> Answer | None:
        if opcode in PRIVILEGED[self.family]:
            if not trusted:
                raise Refused(BAD_AUTH)
            if opcode == ORDERED:
                return self._list(data)
            if opcode == 3:
                raise Refused(self._write(association, data))
            if opcode in (CONFIGURE, SAVECONFIG):
                known = self.capture["changes"]["configure" if opcode == CONFIGURE else "saveconfig"]
                text = known.get(data.decode("latin-1"), "Config Succeeded\r\n")
                return Answer(0, [text.encode("latin-1")])
            # Writing clock variables is refused whoever asks; the others are not frozen.
            raise Refused(BAD_AUTH if opcode == 5 else BAD_OPCODE)
        if opcode == 0:
            return Answer(self._entry("variables", association)["status"], [b""])
        if opcode == READSTAT and association == 0:
            known = self.capture["readstat"]
            return Answer(known["status"], [bytes.fromhex(part) for part in known["data"]])
        if opcode == READSTAT:
            entry = self._entry("variables", association)
            return Answer(entry["status"], [part.encode("latin-1") for part in entry["readstat"]])
        if opcode == READVAR:
            return self._read("variables", association, data, self.capture["tables"]["peer" if association else "system"])
        if opcode == REQNONCE:
            return Answer(0, [f"nonce={clients.NONCE}\r\n".encode()])
        if opcode == READMRU:
            known = self.capture["mru"]
            rows = clients.Clients([row.split(", ") for row in known["rows"]], known["now"])
            fragments = rows.answer(data, lambda items: lay_out(items, self.family == "classic"))
            return fragments and Answer(0, fragments)
        if opcode == READCLOCK:
            return self._read("clocks", association, data, self.capture["tables"]["clock"])
        raise Refused(BAD_OPCODE)

    def _entry(self, kind: str, association: int) -> dict:
        entry = self.capture[kind].get(str(association))
        if entry is None:
            raise Refused(BAD_ASSOCIATION)
        return entry

    def _read(self, kind: str, association: int, data: bytes, table: list[str]) -> Answer:
        entry = self._entry(kind, association)
        wanted = names_in(data.decode("latin-1"))
        if not wanted:
            return Answer(entry["status"], [part.encode("latin-1") for part in entry["defaults"]])
        if not wanted <= set(table):
            raise Refused(BAD_NAME)
        items = [entry["items"][name] for name in table if name in wanted]
        return Answer(entry["status"], lay_out([item.encode("latin-1") for item in items if item], self.family == "classic"))

    def _write(self, association: int, data: bytes) -> int:
        """Always refused: `leap` is the only name that counts as writable, and the daemons answer error 0 for it."""
        names = names_in(data.decode("latin-1"))
        if not names <= set(self.capture["tables"]["system"]):
            return BAD_NAME
        return BAD_AUTH if association or names - {"leap"} else 0

    def _list(self, data: bytes) -> Answer:
        name = data.decode("latin-1") or "ifstats"
        known = self.capture["lists"].get(name)
        if known is None:
            raise Refused(BAD_NAME)
        return Answer(known["status"], [part.encode("latin-1") for part in known["fragments"]])


def names_in(text: str) -> set[str]:
    """The names asked for. Leading blanks do not count, a trailing one is part of the name; values are ignored."""
    found = set()
    for item in text.split(","):
        name = item.lstrip(" \t\r\n").split("=", 1)[0]
        if name:
            found.add(name)
    return found


def lay_out(items: list[bytes], in_parts: bool) -> list[bytes]:
    """Items as the daemons write them: separated by `, ` or, on a full line, `,` and a line end; cut at 468 bytes.

    Behind what is written there is always room left for a separator; where there is none, the datagram is cut: in the
    middle if need be. NTPsec writes an item at once, classic 4.2.8p15 in parts (name, equals sign, value), and may
    cut between them. The closing line end is left out when the last datagram has no room for it.
    """
    done: list[bytes] = []
    now = bytearray()
    column = 0
    for number, item in enumerate(items):
        if number:
            now += b","
            column += 1
            if len(item) + column + 1 >= LINE:
                now += b"\r\n"
                column = 0
            else:
                now += b" "
                column += 1
        column += len(item)
        for part in _parts(item) if in_parts else [item]:
            while len(part) + SEPARATOR + len(now) > ROOM:
                room = ROOM - len(now)
                now += part[:room]
                part = part[room:]
                done.append(bytes(now))
                now.clear()
            now += part
    if items and len(now) + 2 < ROOM:
        now += b"\r\n"
    return [*done, bytes(now)]


def _parts(item: bytes) -> list[bytes]:
    name, equals, value = item.partition(b"=")
    if value[:1] == b'"':
        return [name, b'="', value[1:-1], b'"']
    return [name, equals, value]


def serve(frozen: Frozen, sockets: list[socket.socket], silent: bool, force: int) -> None:
    watched: list = [*sockets]
    # A pipe that is closed is a parent that is gone; /dev/null is nobody's.
    held = os.fstat(0).st_mode
    if stat.S_ISFIFO(held) or stat.S_ISSOCK(held):
        watched.append(sys.stdin)
    while True:
        for source in select.select(watched, [], [])[0]:
            if source is sys.stdin:
                if not os.read(0, 4096):
                    return
                continue
            request, sender = source.recvfrom(4096)
            if silent:
                continue
            for datagram in frozen.respond(request, force):
                try:
                    source.sendto(datagram, sender)
                except OSError:
                    # Whoever asked is gone.
                    break


def bind(addresses: list[str], port: int, optional: bool) -> list[socket.socket]:
    """A socket on each address; a default address that this machine does not have is left out."""
    sockets = []
    for address in addresses:
        try:
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((address, port))
        except OSError as error:
            if optional and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) and ":" in address:
                continue
            raise SystemExit(f"frozen: cannot listen on {address} port {port}: {error.strerror}") from None
        sockets.append(sock)
    return sockets


def main() -> None:
    parser = argparse.ArgumentParser(description="a daemon that answers mode 6 from a capture")
    parser.add_argument("file")
    parser.add_argument("--port", type=int, default=123)
    parser.add_argument("--address", action="append", help="default: 127.0.0.1 and ::1")
    parser.add_argument("--controlkey", type=int, choices=sorted(KEYS), default=1)
    failure = parser.add_mutually_exclusive_group()
    failure.add_argument("--silent", action="store_true", help="answer nothing")
    failure.add_argument("--error", type=int, default=0, metavar="N", help="answer everything with error N")
    options = parser.parse_args()
    with open(options.file) as file:
        frozen = Frozen(json.load(file), options.controlkey)
    sockets = bind(options.address or ["127.0.0.1", "::1"], options.port, options.address is None)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    print("ready", flush=True)
    serve(frozen, sockets, options.silent, options.error)


if __name__ == "__main__":
    main()
