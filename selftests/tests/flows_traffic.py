# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of flows.sh: sends what is mirrored."""
import socket
import struct

from cases import CTAG, STAG, Wire, broken, case, done, ones_sum, pattern, socket_in, stream, zoo
from flow_frames import CHANCE, UDP, addresses, flow, framed, ip, l4

IPIP, IP6IP, GRE, FRAGMENT = 4, 41, 47, 44
EGRESS = ("sample 4 flow trunc 64", "sample 4 flow flow_seed 81985529216486895 trunc 64",
          "sample 16 flow trunc 64", "sample 2 flow flow_inner trunc 96", "sample 1 flow trunc 64",
          "sample 4294967295 flow trunc 64")


def packets(version, count):
    """Of COUNT flows, in both directions, in any order"""
    found = []
    for _ in range(count):
        pair, proto, ports = flow(version)
        for _ in range(CHANCE.randrange(1, 3)):
            found.append(ip(version, pair, proto, l4(proto, ports, CHANCE.randrange(60))))
            found.append(ip(version, pair[::-1], proto, l4(proto, ports[::-1], CHANCE.randrange(60))))
    CHANCE.shuffle(found)
    return found


def pieces(version, ident):
    """Fragments of one datagram of UDP, and a whole packet of the same flow"""
    pair, ports = addresses(version), (CHANCE.randrange(1024, 65536), 53)
    whole = l4(UDP, ports, 200)
    yield ip(version, pair[::-1], UDP, l4(UDP, ports[::-1], 20))
    for at in range(0, len(whole), 80):
        part, more = whole[at:at + 80], at + 80 < len(whole)
        if version == 6:
            head = struct.pack("!BBHI", UDP, 0, at | more, ident)
            yield ip(6, pair, FRAGMENT, head + part)
            continue
        packet = ip(4, pair, UDP, part)
        head = packet[:4] + struct.pack("!HH", ident, more << 13 | at // 8) + packet[8:10] + b"\0\0" + packet[12:20]
        yield head[:10] + struct.pack("!H", ~ones_sum(head) & 0xffff) + head[12:] + part


def datagrams():
    """Fragments of several at a time; of some, the first one does not come first."""
    for version in 4, 6:
        for number in range(0, 200, 4):
            rows = [list(pieces(version, 0x1000 + number + i)) for i in range(4)]
            CHANCE.choice(rows).sort(key=lambda _: CHANCE.random())
            while rows:
                row = CHANCE.choice(rows)
                yield framed(row.pop(0))
                rows = [row for row in rows if row]


def tunnelled(packet):
    """In one of the tunnels, which hashes its source port itself"""
    pair = addresses(4)
    frame = framed(packet)
    version = packet[0] >> 4
    kind = struct.pack("!H", 0x0800 if version == 4 else 0x86dd)

    def over_udp(port, payload):
        return ip(4, pair, UDP, struct.pack("!HHHH", CHANCE.randrange(49152, 65536), port, 8 + len(payload), 0)
                  + payload)

    return framed(CHANCE.choice((
        lambda: ip(4, pair, IPIP if version == 4 else IP6IP, packet),
        lambda: ip(4, pair, GRE, b"\0\0" + kind + packet),
        lambda: ip(4, pair, GRE, b"\x30\0" + kind + struct.pack("!II", 7, CHANCE.randrange(9)) + packet),
        lambda: ip(4, pair, GRE, b"\0\0\x65\x58" + frame),
        lambda: ip(6, addresses(6), GRE, b"\0\0\x65\x58" + frame),
        lambda: over_udp(4789, struct.pack("!II", 8 << 24, 5 << 8) + frame),
        lambda: over_udp(6081, struct.pack("!II", 0x6558, 5 << 8) + frame),
        lambda: over_udp(6081, struct.pack("!II", 1 << 24 | 0x6558, 5 << 8) + bytes(4) + frame),
        lambda: over_udp(4789, frame),
    ))())


def exchange(port):
    """A few datagrams of UDP from src to peer, and back"""
    server = socket_in("peer", socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("198.51.100.2", port))
    client = socket_in("src", socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(("198.51.100.2", port))
    for number in range(3):
        client.send(pattern(30, number))
        _, sender = server.recvfrom(99)
        server.sendto(pattern(40, number), sender)
        client.recv(99)


wire = Wire("src")
with case("flows", "egress", wire, EGRESS, settle=0.1):
    wire.send(*map(framed, packets(4, 1500)), *map(framed, packets(6, 700)))
    wire.send(*(framed(p, *CHANCE.choice(([(CTAG, 5)], [(STAG, 6), (CTAG, 7)])))
                for p in packets(4, 100) + packets(6, 50)))
with case("kinds of frames", "egress", wire, EGRESS, settle=0.1):
    wire.send(*(f for f in (*zoo(), *broken()) if 14 <= len(f) <= 1514))
with case("fragments", "egress", wire, EGRESS, settle=0.1):
    wire.send(*datagrams())
with case("tunnels", "egress", wire, EGRESS, settle=0.1):
    wire.send(*map(tunnelled, packets(4, 300) + packets(6, 200)))
with case("segments of TCP", "egress", wire, ("sample 2 flow trunc 64", "sample 3 flow trunc 64"), settle=0.1):
    for _ in range(16):
        stream("egress", "198.51.100.2", 50000)
with case("both hooks: out", "egress", wire, ("sample 2 flow flow_seed 9",), settle=0.2), \
        case("both hooks: in", "ingress", Wire("peer"), ("sample 2 flow flow_seed 9",), settle=0.2):
    for number in range(40):
        exchange(2000 + number)
    for _ in range(10):
        stream("egress", "198.51.100.2", 3000)
with case("every", "egress", wire, ("sample 3 every trunc 64", "sample 5 every burst 4 trunc 64",
                                    "sample 10 every burst 100 trunc 64"), settle=0.1):
    wire.send(*(framed(ip(4, addresses(4), UDP, l4(UDP, (7, 9), 40))) for _ in range(3000)))
with case("every segment", "egress", wire, ("sample 7 every trunc 64", "sample 4 every burst 3 trunc 64"),
          settle=0.1):
    stream("egress", "198.51.100.2", 1000000)
with case("runs", "egress", wire, ("sample 10 burst 5 trunc 64", "sample 3 random burst 20 trunc 64"), settle=0.1):
    wire.send(*(framed(ip(4, addresses(4), UDP, l4(UDP, (7, 9), 40))) for _ in range(20000)))
done()
