#!/usr/bin/env python3
"""A time server at every address of this machine, on one socket: `responder.py` prints its port and answers until ended.

Each answer comes from the address that was asked, so that 127.0.0.0/8 is as many servers as one likes.
"""

import socket
import struct
import time

IP_PKTINFO = 8
PKTINFO = struct.Struct("=I4s4s")
SINCE_1900 = 2_208_988_800


def stamp() -> bytes:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return struct.pack(">II", (seconds + SINCE_1900) & 0xFFFFFFFF, (nanoseconds << 32) // 1_000_000_000)


def main() -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    server.bind(("0.0.0.0", 0))
    print(server.getsockname()[1], flush=True)
    while True:
        request, extra, _, client = server.recvmsg(512, socket.CMSG_SPACE(PKTINFO.size))
        received = stamp()
        asked = next((PKTINFO.unpack(data)[2] for level, kind, data in extra if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO)), None)
        if len(request) < 48 or asked is None:
            continue
        # Version as asked, mode 4, stratum 2; root delay and dispersion of a millisecond each.
        head = struct.pack(">BBbbII4s", request[0] & 0x38 | 4, 2, 6, -23, 66, 66, b"\x0a\x00\x00\x01")
        answer = head + received + request[40:48] + received + stamp()
        source = (socket.IPPROTO_IP, IP_PKTINFO, PKTINFO.pack(0, asked, bytes(4)))
        server.sendmsg([answer], [source], 0, client)


main()
