"""NTP control messages, as small as tests need them: asking, signing, reassembling.

Written against RFC 9327 and what the real daemons send; shares nothing with the program under test.
"""

from __future__ import annotations

import hashlib
import select
import socket
import struct
import time
from dataclasses import dataclass, field

HEADER = struct.Struct("!BBHHHHH")
RESPONSE, ERROR, MORE = 0x80, 0x40, 0x20
READSTAT, READVAR, READCLOCK, CONFIGURE, SAVECONFIG, READMRU, ORDERED, REQNONCE = 1, 2, 4, 8, 9, 10, 11, 12
# The most data in one datagram.
ROOM = 468


@dataclass
class Reply:
    """What came back: `error` is 0 and the text complete, or the daemon's error code."""

    status: int = 0
    error: int = 0
    leap_version: int = 0
    fragments: list[bytes] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        return b"".join(self.fragments)

    @property
    def text(self) -> str:
        return self.data.decode("latin-1")


def digest(key: bytes, message: bytes, name: str = "md5") -> bytes:
    return hashlib.new(name, key + message).digest()


def request(opcode: int, sequence: int, association: int = 0, data: bytes = b"", key: tuple[int, bytes] | None = None) -> bytes:
    """One request; with a key, signed with MD5 on the daemons' eight-byte boundary."""
    message = HEADER.pack(0x16, opcode, sequence, 0, association, 0, len(data)) + data
    message += bytes(-len(message) % 4)
    if key is not None:
        message += bytes(-len(message) % 8)
        message += struct.pack("!I", key[0]) + digest(key[1], message)
    return message


class Asker:
    """One socket towards one daemon."""

    def __init__(self, address: str, port: int = 123) -> None:
        family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM)[0]
        self.socket = socket.socket(family, kind, protocol)
        self.socket.connect(where)
        self.sequence = int(time.monotonic() * 1000) & 0x7FFF

    def close(self) -> None:
        self.socket.close()

    def ask(
        self,
        opcode: int,
        association: int = 0,
        data: bytes = b"",
        key: tuple[int, bytes] | None = None,
        timeout: float = 1.0,
    ) -> Reply | None:
        """Asks once. `None` when no complete answer came in time."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        try:
            self.socket.send(request(opcode, self.sequence, association, data, key))
        except OSError:
            return None
        deadline = time.monotonic() + timeout
        parts: dict[int, bytes] = {}
        end: int | None = None
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                datagram = self.socket.recv(2048)
            except OSError:
                return None
            if len(datagram) < 12:
                continue
            first, op, sequence, status, _assoc, offset, count = HEADER.unpack_from(datagram)
            if first & 7 != 6 or not op & RESPONSE or sequence != self.sequence or op & 31 != opcode:
                continue
            if op & ERROR:
                return Reply(status=status, error=(status >> 8) or 256, leap_version=first)
            parts[offset] = datagram[12 : 12 + count]
            if not op & MORE:
                end = offset + count
            if end is not None and sum(map(len, parts.values())) == end:
                return Reply(status=status, leap_version=first, fragments=[parts[at] for at in sorted(parts)])

    def associations(self, timeout: float = 1.0) -> dict[int, int] | None:
        """Association id → status word, ascending."""
        reply = self.ask(READSTAT, timeout=timeout)
        if reply is None or reply.error:
            return None
        pairs = struct.iter_unpack("!HH", reply.data)
        return dict(sorted(pairs))


def serves(address: str, timeout: float = 0.5) -> tuple[int, int] | None:
    """Asks for the time once: (leap indicator, stratum), or `None` without an answer."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        try:
            sock.connect((address, 123))
            sock.send(bytes([0x23]) + bytes(39) + struct.pack("!Q", time.time_ns() & 0xFFFFFFFFFFFFFFFF))
            reply = sock.recv(512)
        except OSError:
            return None
    if len(reply) < 48 or reply[0] & 7 != 4:
        return None
    return reply[0] >> 6, reply[1]
