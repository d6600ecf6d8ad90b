#!/usr/bin/env python3
"""Stands before a daemon and loses answers to what changes it, or ends it in the middle.

    deaf.py PORT [--lose N,…] [--end N PID]

Passes on what comes to 127.0.0.1:PORT to port 123 and answers back. Of requests with opcode 8,
counted from 1, the answers to those named with --lose are dropped; before number N of --end is
passed on, the process PID is killed. Writes a line when it listens.
"""

import argparse
import os
import select
import signal
import socket

CONFIGURE = 8


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--lose", default="")
    parser.add_argument("--end", nargs=2, type=int, default=(0, 0))
    options = parser.parse_args()
    lost = {int(number) for number in options.lose.split(",") if number}
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind(("127.0.0.1", options.port))
    there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    print("listens", flush=True)
    client, told, losing = None, 0, False
    while True:
        for ready in select.select([here, there], [], [])[0]:
            try:
                datagram, sender = ready.recvfrom(4096)
            except ConnectionError:
                continue
            is_change = len(datagram) > 1 and datagram[1] & 0x1F == CONFIGURE
            if ready is here:
                client = sender
                if is_change:
                    told += 1
                    losing = told in lost
                    if told == options.end[0]:
                        os.kill(options.end[1], signal.SIGKILL)
                there.sendto(datagram, ("127.0.0.1", 123))
            elif client and not (is_change and losing):
                here.sendto(datagram, client)


main()
