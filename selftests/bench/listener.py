#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Listen to what act_sample takes, and for each line of input print how much that was.

Nothing is read in between: on a machine with more than one CPU this would not
be the work of the CPU that takes samples.
"""
import socket
import struct
import sys

NETLINK_GENERIC, SOL_NETLINK, ADD_MEMBERSHIP, SO_RCVBUFFORCE = 16, 270, 1, 33
GENL_ID_CTRL, GETFAMILY, FAMILY_NAME, MCAST_GROUPS, GRP_NAME, GRP_ID = 16, 3, 2, 7, 1, 2


def attributes(data):
    """(type, payload) of each netlink attribute."""
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3fff, data[4:length]
        data = data[(length + 3) & ~3:]


def group(sock, family, name):
    """Number of a multicast group of a generic netlink family."""
    family = family.encode() + b"\0"
    attribute = struct.pack("=HH", 4 + len(family), FAMILY_NAME) + family
    attribute += bytes(-len(attribute) % 4)
    sock.send(struct.pack("=IHHIIBBH", 20 + len(attribute), GENL_ID_CTRL, 1, 1, 0,
                          GETFAMILY, 1, 0) + attribute)
    for kind, groups in attributes(sock.recv(65536)[20:]):
        for _, one in attributes(groups) if kind == MCAST_GROUPS else ():
            of_group = dict(attributes(one))
            if of_group[GRP_NAME] == name.encode() + b"\0":
                return struct.unpack("=I", of_group[GRP_ID])[0]
    sys.exit("listener: no such group")


def drain(sock):
    """How many messages have come."""
    count = 0
    try:
        while sock.recv(65536, socket.MSG_DONTWAIT):
            count += 1
    except BlockingIOError:
        return count


def main():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 28)
    sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group(sock, "psample", "packets"))
    total = 0
    for _ in sys.stdin:
        total += drain(sock)
        print(total, flush=True)


if __name__ == "__main__":
    main()
