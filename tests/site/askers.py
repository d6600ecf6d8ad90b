#!/usr/bin/env python3
"""Makes a daemon hear of many clients: one packet, or several, from each of many addresses of this machine.

    askers.py ADDRESS COUNT [--packets N] [--first A.B.C.D] [--pause SECONDS]

For a network namespace of its own, where a whole block belongs to the loopback device (`ip route add local 10.0.0.0/8 dev
lo`), so that any address of it can be sent from. The answers are not read. The daemon takes what comes one packet after the
other, so there is a short rest after each hundred.
"""

from __future__ import annotations

import argparse
import ipaddress
import socket
import sys
import time

sys.dont_write_bytecode = True

# A client's request: version 4, mode 3.
REQUEST = bytes([0x23]) + bytes(47)


def main() -> None:
    parser = argparse.ArgumentParser(description="many clients of one daemon")
    parser.add_argument("address")
    parser.add_argument("count", type=int)
    parser.add_argument("--packets", type=int, default=1, help="most packets from one address; they take turns from one up")
    parser.add_argument("--first", default="10.64.0.1")
    parser.add_argument("--pause", type=float, default=0.004, help="after each hundred packets")
    options = parser.parse_args()
    first = int(ipaddress.IPv4Address(options.first))
    sent = 0
    for round_number in range(options.packets):
        for number in range(options.count):
            if number % options.packets < round_number:
                continue
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind((str(ipaddress.IPv4Address(first + number)), 0))
                sock.sendto(REQUEST, (options.address, 123))
            sent += 1
            if sent % 100 == 0:
                time.sleep(options.pause)


if __name__ == "__main__":
    main()
