#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Let TCP packets that stand for many frames each arrive from a tap device.

usage: gso.py TAP SIZE COUNT         frames of SIZE bytes (with FCS), at least COUNT of them

Prints microseconds and the number of frames.
"""
import fcntl
import os
import struct
import sys
import time

TUNSETIFF = 0x400454ca
TAP, NO_PI, VNET_HDR = 2, 0x1000, 0x4000
NEEDS_CSUM, GSO_TCPV4 = 1, 1
ETH, IP, TCP, FCS = 14, 20, 20, 4


def packet(payload, frames):
    """A packet of so many frames, behind the header that tells tap how to split it."""
    offload = struct.pack("=BBHHHH", NEEDS_CSUM, GSO_TCPV4, ETH + IP + TCP, payload, ETH + IP, 16)
    ethernet = bytes.fromhex("020000000001 020000000002 0800")
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, IP + TCP + payload * frames, 1, 0, 64, 6, 0,
                     bytes((198, 18, 0, 2)), bytes((198, 18, 0, 1)))
    tcp = struct.pack(">HHIIBBHHH", 9, 9, 1, 1, TCP // 4 << 4, 0x10, 1024, 0, 0)
    return offload + ethernet + ip + tcp + bytes(payload * frames)


def main():
    tap, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    payload = size - ETH - IP - TCP - FCS
    frames = (65535 - IP - TCP) // payload
    rounds = -(-count // frames)
    data = packet(payload, frames)
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", tap.encode(), TAP | NO_PI | VNET_HDR))
    start = time.monotonic_ns()
    for _ in range(rounds):
        os.write(fd, data)
    print((time.monotonic_ns() - start) // 1000, rounds * frames)


if __name__ == "__main__":
    main()
