# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of slices.sh: sends what is mirrored."""
import random
import struct

from cases import (ACK, CTAG, PSH, STAG, Wire, broken, case, done, ether, ip4, ip6, ones_sum, pattern,
                   pseudo, udp, zoo)

HOOKS = (("ingress", "peer"), ("egress", "src"))
HEADERS = ("trunc l2", "trunc l3", "trunc l4", "trunc l2+1", "trunc l3+9", "trunc l4+20", "trunc l4+65535")
FIXED = ("trunc l4 fixlen", "trunc l4+1 fixlen", "trunc l4+20 fixlen", "trunc 40 fixlen",
         "trunc 62 fixlen", "trunc 75 fixlen", "trunc 90 fixlen", "trunc 128 fixlen", "trunc l3 fixlen")
TCP, UDP, ICMP, ICMP6, IPIP = 6, 17, 1, 58, 4
HOP, ROUTING, FRAGMENT, DEST = 0, 43, 44, 60
OPTIONS = bytes.fromhex("020405b4 01030307 0402080a 00000001 00000002 0000")


def summed(proto, l4, at, make, **words):
    """A packet with the checksum of what it carries."""
    total = ones_sum(l4, 0 if proto == ICMP else pseudo(make(proto, l4, **words), proto, len(l4)))
    return l4[:at] + struct.pack("!H", ~total & 0xffff or 0xffff) + l4[at + 2:]


def tcp(size, make=ip4, options=b"", **words):
    head = struct.pack("!HHIIBBHHH", 5, 6, 1000, 77, 20 + len(options) << 2, PSH | ACK, 512, 0, 0)
    return make(TCP, summed(TCP, head + options + pattern(size), 16, make), **words)


def icmp(size, proto, make):
    return make(proto, summed(proto, struct.pack("!BBHHH", 8 if proto == ICMP else 128, 0, 0, 7, 1)
                              + pattern(size), 2, make))


def chain(first, *extensions, proto, l4):
    """An IPv6 packet; EXTENSIONS: (type, body less the two bytes of type and length)."""
    types = [kind for kind, _ in extensions][1:] + [proto]
    body = b"".join(bytes([follows, 0 if kind == FRAGMENT else
                           (len(rest) + 2) // 8 - 1])
                    + rest for (kind, rest), follows in zip(extensions, types))
    return ip6(first, body + l4)


def ip6_zoo():
    l4 = udp(100, ip6)[40:]
    pad = (HOP, bytes.fromhex("010400000000"))
    dest = (DEST, bytes.fromhex("010c") + bytes(12))
    yield chain(HOP, pad, proto=UDP, l4=l4)
    yield chain(DEST, dest, proto=UDP, l4=l4)
    yield chain(HOP, pad, dest, (ROUTING, bytes.fromhex("000000000000")), proto=UDP, l4=l4)
    yield chain(HOP, pad, *[dest] * 6, proto=TCP, l4=tcp(100, ip6)[40:])
    yield chain(FRAGMENT, (FRAGMENT, bytes.fromhex("000100000007")), proto=UDP, l4=l4 + bytes(4))
    yield chain(FRAGMENT, (FRAGMENT, bytes.fromhex("007000000007")), proto=UDP, l4=pattern(99))
    yield chain(FRAGMENT, (FRAGMENT, bytes.fromhex("000000000007")), proto=UDP, l4=l4)
    yield ip6(59, b"") + bytes(100)
    yield ip6(50, pattern(120))


def fragment(packet, offset):
    """A piece of an IPv4 datagram: OFFSET with flags"""
    head = packet[:6] + struct.pack("!H", offset) + packet[8:10] + b"\0\0" + packet[12:20]
    return head[:10] + struct.pack("!H", ~ones_sum(head) & 0xffff) + head[12:] + packet[20:]


def packets():
    """(EtherType, IP packet)"""
    for size in 0, 1, 99, 100, 1400, 8000:
        yield 0x0800, tcp(size)
        yield 0x86dd, tcp(size, ip6)
        yield 0x0800, udp(size)
        yield 0x86dd, udp(size, ip6)
    for make, kind, proto in (ip4, 0x0800, ICMP), (ip6, 0x86dd, ICMP6):
        yield kind, tcp(200, make, OPTIONS + bytes(2))
        yield kind, tcp(200, make, bytes([1] * 40))
        yield kind, icmp(300, proto, make)
    no_sum = udp(200)
    yield 0x0800, no_sum[:26] + b"\0\0" + no_sum[28:]
    yield 0x0800, fragment(udp(203), 0x2000)
    yield 0x0800, fragment(udp(204), 0x2010)
    yield 0x0800, fragment(udp(203), 0x0020)
    yield 0x0800, ip4(IPIP, udp(200))
    yield 0x0800, ip4(132, struct.pack("!HHII", 1, 2, 3, 0) + pattern(200))
    yield 0x0800, ip4(33, pattern(200)[:4] + b"\x04" + pattern(195))
    yield from ((0x86dd, packet) for packet in ip6_zoo())


def liars():
    """IP packets whose lengths cannot be right, and headers that are not whole."""
    good = udp(200)
    yield from (ether(0x0800, good[:2] + struct.pack("!H", n) + good[4:]) for n in (0, 19, 27, 229, 65535))
    yield from (ether(0x0800, good[:24] + struct.pack("!H", n) + good[26:]) for n in (0, 7, 209, 65535))
    yield from (ether(0x0800, bytes([0x40 + n]) + good[1:]) for n in (0, 4, 6, 15))
    yield from (ether(0x86dd, udp(200, ip6)[:4] + struct.pack("!H", n) + udp(200, ip6)[6:])
                for n in (0, 207, 209, 65535))
    yield from (ether(0x0800, tcp(200)[:32] + bytes([n << 4]) + tcp(200)[33:]) for n in (0, 4, 15))
    yield from (ether(0x86dd, chain(HOP, (HOP, b"\x01\x04" + bytes(4)), proto=UDP, l4=b"")[:41] +
                      bytes([n]) + pattern(150)) for n in (1, 31, 255))
    dest = (DEST, bytes.fromhex("010c") + bytes(12))
    yield ether(0x86dd, chain(DEST, *[dest] * 30, proto=UDP, l4=udp(100, ip6)[40:]))
    yield ether(0x0800, udp(200), *[(STAG, 5)] * 9)


def mutants(count):
    """Frames of every kind with some bytes of their headers changed, many of them cut short"""
    pick = random.Random(1)
    whole = [ether(kind, packet, *tags) for tags in ((), ((CTAG, 7),)) for kind, packet in packets()]
    whole = [frame for frame in whole if len(frame) < 2000]
    for _ in range(count):
        frame = bytearray(pick.choice(whole))
        for _ in range(pick.randint(1, 4)):
            at = pick.randint(12, min(len(frame) - 1, 110))
            frame[at] = pick.choice((0, 1, 4, 6, 0x11, 0x2c, 0x45, 0x60, 0x7f, 0x80, 0xff, pick.getrandbits(8)))
        yield bytes(frame[:pick.randint(14, len(frame))] if pick.random() < 0.5 else frame)


def send(name, sessions, frames, **note):
    """What may pass as a packet, and has its checksums right"""
    for underlay, (hook, ns) in (4, HOOKS[0]), (6, HOOKS[1]):
        wire = Wire(ns)
        with case(f"{name}, {hook}, IPv{underlay}", hook, wire, sessions, underlay, **note):
            wire.send(*frames)


def main():
    plain = [ether(kind, packet) for kind, packet in packets()]
    send("headers", HEADERS, [*zoo(), *plain])
    send("fixlen", FIXED, [*zoo(), *plain])
    tagged = [ether(kind, packet, *tags) for tags in (((CTAG, 7),), ((STAG, 8), (CTAG, 9)))
              for kind, packet in packets()]
    send("headers behind tags", ("", *HEADERS[:3]), tagged)
    send("fixlen behind tags", FIXED[1:3] + ("vlan_tag strip trunc 90 fixlen", "erspan_ver 1 trunc 80 fixlen"),
         tagged)
    send("lies", ("", *HEADERS[:3]) + ("trunc 60 fixlen", "trunc l4+9 fixlen"), [*liars(), *broken()],
         lies=True)
    send("changed at random", ("", *HEADERS[:3], "trunc l3+5 fixlen", "trunc l4+9 fixlen", "trunc 60 fixlen",
                               "vlan_tag strip trunc l4+1 fixlen"), [*mutants(500)], lies=True)
    # nothing but the link-layer header, or a little more, lies in the linear part
    for linear in 14, 30, 60:
        wire, vnet = Wire("src"), Wire("src", vnet=True)
        with case(f"{linear} bytes not in pages", "egress", wire, ("", *HEADERS[:3], *FIXED[:2])):
            vnet.send(*(struct.pack("=BBHHHH", 0, 0, linear, 0, 0, 0) + f for f in plain if len(f) > 64))
    # checksums that are left to the device
    wire, vnet = Wire("src"), Wire("src", vnet=True)
    with case("checksums left to the device", "egress", wire, FIXED, unfinished=True):
        for make, kind, l4 in (ip4, 0x0800, 34), (ip6, 0x86dd, 54):
            packet = make(UDP, struct.pack("!HHHH", 4, 5, 308, pseudo(make(UDP, bytes(308)), UDP, 308))
                          + pattern(300))
            vnet.send(struct.pack("=BBHHHH", 1, 0, 14, 0, l4, 6) + ether(kind, packet))
    done()


main()
