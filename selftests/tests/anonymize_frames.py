# SPDX-License-Identifier: GPL-2.0-only
"""For anonymize.sh: frames, and what becomes of them.

Each recipe is written once, and made with real names by the VM and with those that a copy must
have by the host: what is right of the one, checksums and all, has to be right of the other.
"""
import ipaddress
import random
import struct

from cases import CTAG, STAG, ip4, ip6, ones_sum, pattern, pseudo

TCP, UDP, ICMP, ICMP6, IGMP, LITE, SCTP, ESP, GRE, DCCP, OSPF = 6, 17, 1, 58, 2, 136, 132, 50, 47, 33, 89
HOST4, PEER4, HOST6, PEER6 = "198.51.100.1", "198.51.100.2", "2001:db8:1::1", "2001:db8:1::2"
OURS, THEIRS = bytes.fromhex("020000000002"), bytes.fromhex("020000000001")
KINDS = {ip4: 0x0800, ip6: 0x86dd}


class Names:
    """Real ones; with PAN (cryptopan.py) those of a copy.  ZERO: no payload either."""

    def __init__(self, pan=None, mac=False, zero=False):
        self.pan, self.macs, self.zero = pan, pan and mac, zero

    def ip(self, text):
        return self.pan.text(text) if self.pan else text

    def packed(self, text):
        return ipaddress.ip_address(self.ip(text)).packed

    def mac(self, packed):
        return self.pan.mac(packed) if self.macs else packed

    def load(self, data):
        """What transport headers are followed by"""
        return bytes(len(data)) if self.zero else data

    def unknown(self, data):
        """What may have addresses"""
        return bytes(len(data)) if self.zero or self.pan else data


def ether(n, kind, payload, *tags, dst=OURS, src=THEIRS):
    return n.mac(dst) + n.mac(src) + b"".join(struct.pack("!HH", *tag) for tag in tags) + \
        struct.pack("!H", kind) + payload


def inet(n, make, proto, payload, src=None, dst=None):
    six = make is ip6
    return make(proto, payload, src=n.ip(src or (PEER6 if six else PEER4)),
                dst=n.ip(dst or (HOST6 if six else HOST4)))


def summed(n, make, proto, l4, at, wrong=0, plain=False, **ends):
    total = ones_sum(l4, 0 if plain else pseudo(inet(n, make, proto, l4, **ends), proto, len(l4)))
    value = ones_sum(struct.pack("!HH", ~total & 0xffff, wrong))
    if not value and proto in (UDP, LITE):
        value = 0xffff
    return inet(n, make, proto, l4[:at] + struct.pack("!H", value) + l4[at + 2:], **ends)


def tcp(n, make, size=100, wrong=0, **ends):
    head = struct.pack("!HHIIBBHHH", 5, 6, 1000, 77, 8 << 4, 0x18, 512, 0, 0) + \
        bytes.fromhex("0101080a0000000100000002")
    return summed(n, make, TCP, head + n.load(pattern(size)), 16, wrong, **ends)


def udp(n, make, load=None, none=False, wrong=0, port=9, proto=UDP, **ends):
    load = n.load(pattern(101)) if load is None else load
    l4 = struct.pack("!HHHH", 4000, port, 8 + len(load), 0) + load
    return inet(n, make, proto, l4, **ends) if none else summed(n, make, proto, l4, 6, wrong, **ends)


def icmp(n, kind, rest, code=0):
    return summed(n, ip4, ICMP, bytes([kind, code, 0, 0]) + rest, 2, plain=True)


def icmp6(n, kind, rest, dst=None):
    return summed(n, ip6, ICMP6, bytes([kind, 0, 0, 0]) + rest, 2, dst=dst)


def quote(n, packet, size):
    """What an error quotes: of what is behind the headers, nothing is left"""
    if n.zero:
        return bytes(size)
    head = (20 if packet[0] >> 4 == 4 else 40) + 8
    return packet[:head] + (bytes(size - head) if n.pan else packet[head:size])


def arp(n, op, sha, spa, tha, tpa):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) + n.mac(sha) + n.packed(spa) + n.mac(tha) + n.packed(tpa)


def lladdr(n, kind, mac):
    return bytes([kind, 1]) + n.mac(mac)


def options(n, route):
    """IPv4 with options"""
    body = tcp(n, ip4)
    head = body[:20] + (bytes(len(route)) if n.pan else route)
    head = bytes([0x40 + len(head) // 4]) + head[1:2] + struct.pack("!H", len(head) + len(body) - 20) + \
        head[4:10] + b"\0\0" + head[12:]
    return head[:10] + struct.pack("!H", ~ones_sum(head) & 0xffff) + head[12:] + body[20:]


def extended(n, kind, rest, wipe):
    """IPv6 with an extension header, of whose REST those behind WIPE may be addresses"""
    body = tcp(n, ip6)
    ext = bytes([TCP, (len(rest) + 2) // 8 - 1]) + (rest[:wipe] + bytes(len(rest) - wipe) if n.pan else rest)
    return inet(n, ip6, kind, ext + body[40:])


def piece(packet, offset):
    """Of an IPv4 datagram, OFFSET with flags"""
    head = packet[:6] + struct.pack("!H", offset) + packet[8:10] + b"\0\0" + packet[12:20]
    return head[:10] + struct.pack("!H", ~ones_sum(head) & 0xffff) + head[12:] + packet[20:]


def first(n, packet):
    """Its checksum is one of more than this: that of the whole payload, changed by addresses only"""
    return piece(packet(n), 0x2000)


def transports(n):
    for make in ip4, ip6:
        kind = KINDS[make]
        for size in 0, 1, 100, 1200:
            yield f"TCP, {size}", ether(n, kind, tcp(n, make, size))
        yield "UDP", ether(n, kind, udp(n, make))
        yield "the other way", ether(n, kind, udp(n, make, src=HOST6 if make is ip6 else HOST4,
                                                  dst=PEER6 if make is ip6 else PEER4))
        yield "UDP-Lite", ether(n, kind, udp(n, make, proto=LITE))
        yield "in a VLAN", ether(n, kind, tcp(n, make), (CTAG, 7))
        yield "in two", ether(n, kind, udp(n, make), (STAG, 8), (CTAG, 9))
    yield "no UDP checksum", ether(n, 0x0800, udp(n, ip4, none=True))
    yield "echo", ether(n, 0x0800, icmp(n, 8, struct.pack("!HH", 1, 2) + n.load(pattern(56))))
    yield "echo6", ether(n, 0x86dd, icmp6(n, 128, struct.pack("!HH", 1, 2) + n.load(pattern(56))))
    yield "ARP request", ether(n, 0x0806, arp(n, 1, THEIRS, PEER4, bytes(6), HOST4) + bytes(18), dst=b"\xff" * 6)
    yield "ARP reply", ether(n, 0x0806, arp(n, 2, OURS, HOST4, THEIRS, PEER4))
    yield "padding", ether(n, 0x0800, udp(n, ip4, n.load(b"x")) + n.unknown(b"\1" * 17))
    yield "no IP", ether(n, 0x88cc, n.unknown(pattern(60)))
    yield "802.3", ether(n, 60, n.unknown(pattern(60)))
    yield "unknown protocol", ether(n, 0x0800, inet(n, ip4, OSPF, n.unknown(pattern(60))))


def published(n):
    """Addresses whose pseudonyms others know, and many more"""
    rng = random.Random(7)
    for address in "128.11.68.132", "129.118.74.4", "130.132.252.244", "141.223.7.43", "224.0.0.1", "0.0.0.0":
        yield address, ether(n, 0x0800, udp(n, ip4, n.load(b"1234"), src=address))
    for address in "::1", "2001:db8::1", "ff02::1", "::":
        yield address, ether(n, 0x86dd, udp(n, ip6, n.load(b"1234"), src=address))
    near = [ipaddress.ip_address(rng.getrandbits(32)) for _ in range(40)]
    near += [ipaddress.ip_address(int(a) ^ 1 << rng.randrange(32)) for a in near for _ in range(5)]
    for a, b in zip(near, near[1:] + near[:1]):
        yield f"{a} {b}", ether(n, 0x0800, udp(n, ip4, n.load(b"1234"), src=str(a), dst=str(b)))
    for _ in range(40):
        a = ipaddress.IPv6Address(0x2001 << 112 | rng.getrandbits(112))
        b = ipaddress.IPv6Address(int(a) ^ 1 << rng.randrange(112))
        yield f"{a} {b}", ether(n, 0x86dd, udp(n, ip6, n.load(b"1234"), src=str(a), dst=str(b)))


def within(n):
    """Addresses elsewhere than in front; not for "zero_payload", which leaves none of them"""
    asks = bytes.fromhex("3333ff000001")
    whole4, whole6 = tcp(n, ip4, src=HOST4, dst=PEER4), udp(n, ip6, src=HOST6, dst=PEER6)
    yield "unreachable", ether(n, 0x0800, icmp(n, 3, bytes(4) + quote(n, whole4, 28), 1))
    yield "exceeded, more quoted", ether(n, 0x0800, icmp(n, 11, bytes(4) + quote(n, udp(
        n, ip4, src=HOST4, dst=PEER4), 90)))
    yield "redirect", ether(n, 0x0800, icmp(n, 5, n.packed("198.51.100.77") + quote(n, whole4, 28), 1))
    yield "too big", ether(n, 0x86dd, icmp6(n, 2, struct.pack("!I", 1280) + quote(n, whole6, 120)))
    yield "router advertisement of IPv4", ether(n, 0x0800, icmp(n, 9, n.unknown(pattern(24))))
    yield "solicitation", ether(n, 0x86dd, icmp6(n, 135, bytes(4) + n.packed(HOST6) + lladdr(n, 1, THEIRS),
                                                 "ff02::1:ff00:1"), dst=asks)
    yield "advertisement", ether(n, 0x86dd, icmp6(n, 136, b"\x60\0\0\0" + n.packed(PEER6) + lladdr(n, 2, THEIRS)))
    yield "ND redirect", ether(n, 0x86dd, icmp6(n, 137, bytes(4) + n.packed("fe80::5") + n.packed(HOST6) +
                                                b"\4\2" + n.unknown(pattern(14))))
    yield "router solicitation", ether(n, 0x86dd, icmp6(n, 133, bytes(4) + lladdr(n, 1, THEIRS), "ff02::2"))
    yield "router advertisement", ether(n, 0x86dd, icmp6(
        n, 134, bytes(12) + bytes.fromhex("03044080 00000e10 00000e10 00000000") + n.packed("2001:db8:1::") +
        bytes.fromhex("0501000000000578") + b"\x19\3" + n.unknown(pattern(22)), "ff02::1"))
    yield "MLD", ether(n, 0x86dd, icmp6(n, 131, bytes(4) + n.packed("ff02::1:ff00:1")))
    yield "MLDv2", ether(n, 0x86dd, icmp6(n, 143, n.unknown(pattern(24))))
    yield "record route", ether(n, 0x0800, options(n, bytes.fromhex("07070401020304 00")))
    yield "routing header", ether(n, 0x86dd, extended(n, 43, bytes([0, 0]) + pattern(20), 2))
    yield "long destination options", ether(n, 0x86dd, extended(n, 60, b"\1\x14" + pattern(20), 0))
    inner = ether(n, 0x0800, udp(n, ip4, src="10.1.2.3", dst="10.1.2.4"), src=bytes.fromhex("0a0000000007"))
    yield "IPv4 in IPv4", ether(n, 0x0800, inet(n, ip4, 4, tcp(n, ip4, src="10.1.2.3")))
    yield "IPv6 in IPv4", ether(n, 0x0800, inet(n, ip4, 41, tcp(n, ip6, src="2001:db8::77")))
    yield "IPv4 in IPv6", ether(n, 0x86dd, inet(n, ip6, 4, tcp(n, ip4, src="10.1.2.3")))
    yield "GRE", ether(n, 0x0800, inet(n, ip4, GRE, b"\x20\0\x65\x58\0\0\0\7" + inner))
    gre = b"\x80\0\x08\0\0\0\0\0" + tcp(n, ip4)
    yield "GRE, summed", ether(n, 0x0800, inet(n, ip4, GRE, gre[:4] + struct.pack(
        "!H", ~ones_sum(gre) & 0xffff) + gre[6:]))
    yield "GRE of something", ether(n, 0x0800, inet(n, ip4, GRE, b"\0\0\x88\x0b" + n.unknown(pattern(40))))
    for make in ip4, ip6:
        yield "VXLAN", ether(n, KINDS[make], udp(n, make, b"\x08\0\0\0\0\0\x09\0" + inner, port=4789))
    yield "VXLAN, no checksum", ether(n, 0x0800, udp(n, ip4, b"\x08\0\0\0\0\0\x09\0" + inner, True, port=4789))
    yield "Geneve", ether(n, 0x0800, udp(n, ip4, b"\1\0\x65\x58\0\0\x09\0" + n.unknown(b"\1\2\3\4") + inner,
                                         port=6081))
    deep = [tcp(n, ip4) if not n.pan else bytes(len(tcp(n, ip4)))]
    for _ in range(4):
        deep.append(inet(n, ip4, 4, deep[-1]))
    yield "too deep", ether(n, 0x0800, deep[-1])
    for proto in IGMP, SCTP:
        yield f"protocol {proto}", ether(n, 0x0800, inet(n, ip4, proto, n.unknown(pattern(60))))
    yield "ESP", ether(n, 0x0800, inet(n, ip4, ESP, pattern(80)))
    yield "first fragment", ether(n, 0x0800, first(n, lambda n: udp(n, ip4, pattern(104))))
    yield "later fragment", ether(n, 0x0800, piece(inet(n, ip4, UDP, pattern(104)), 0x10))
    yield "later fragment of ICMP", ether(n, 0x0800, piece(inet(n, ip4, ICMP, n.unknown(pattern(104))), 0x10))
    yield "fragment of IPv6", ether(n, 0x86dd, inet(n, ip6, 44, bytes([UDP, 0, 0, 0x70, 0, 0, 0, 7]) + pattern(96)))


def wrong(n):
    """What was wrong stays as wrong"""
    for make in ip4, ip6:
        for off in 1, 0x1234, 0xfffe:
            yield f"TCP, off by {off}", ether(n, KINDS[make], tcp(n, make, wrong=off))
            yield f"UDP, off by {off}", ether(n, KINDS[make], udp(n, make, wrong=off))


RECIPES = {"transports": transports, "published": published, "within": within, "wrong": wrong}
