# SPDX-License-Identifier: GPL-2.0-only
"""Frames for headers.py, and seeds for its fuzzer: as scapy writes them.

Each says where its headers end and which cuts can be made valid.
"""
import logging
import struct
from dataclasses import dataclass

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.contrib.icmp_extensions import ICMPExtensionHeader, ICMPExtensionMPLS  # noqa: E402
from scapy.contrib.mpls import MPLS  # noqa: E402
from scapy.layers.inet import (ICMP, IP, TCP, UDP, IPOption_LSRR, IPOption_Router_Alert,  # noqa: E402
                               IPOption_RR, IPOption_SSRR)
from scapy.layers.inet6 import (HAO, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest,  # noqa: E402
                                ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, ICMPv6TimeExceeded,
                                IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, IPv6ExtHdrSegmentRouting,
                                Jumbo, PadN)
from scapy.layers.ipsec import AH, ESP  # noqa: E402
from scapy.layers.l2 import ARP, GRE, LLC, SNAP, STP, Dot1AD, Dot1Q, Dot3, Ether  # noqa: E402
from scapy.layers.sctp import SCTP, SCTPChunkCookieEcho, SCTPChunkData, SCTPChunkSACK  # noqa: E402
from scapy.packet import Raw, Packet  # noqa: E402

# Nothing that a dissector knows
PORTS = {"sport": 40001, "dport": 40003}
PAYLOAD = bytes(range(0xa0, 0xf7))
MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
V4 = {"src": "192.0.2.1", "dst": "198.51.100.2"}
V6 = {"src": "2001:db8:1::1", "dst": "2001:db8:2::2"}

NEVER = 1 << 32

EXTENSIONS = {IPv6ExtHdrHopByHop: 0, IPv6ExtHdrRouting: 43, IPv6ExtHdrSegmentRouting: 43,
              IPv6ExtHdrFragment: 44, AH: 51, IPv6ExtHdrDestOpt: 60}


@dataclass
class Frame:
    """
    l3, l4, end: where the headers end
    least: the shortest cut that can be made a valid packet
    whole: from this cut on only padding is missing
    """
    name: str
    data: bytes
    l3: int
    l4: int
    end: int
    least: int
    whole: int
    valid: bool


FRAMES = []


def ether(*tags):
    frame = Ether(**MACS)
    for tag in tags:
        frame /= tag
    return frame


def add(name, l2, l3=b"", l4=b"", payload=b"", known=0, least=None, whole=None, padding=0, edit=(),
        valid=True, sum_over=None):
    """A frame of four parts.  SUM_OVER has other addresses for the checksum than the
    second part.  KNOWN bytes of the third are a transport header.

    LEAST is counted from the start of the fourth, and without it no cut of the
    packet is valid.  EDIT changes bytes: (from the end of which part, offset, bytes).
    """
    if isinstance(l4, (TCP, UDP)) and isinstance(l3, (IP, IPv6)):
        # not all that may stand before it is known to scapy's checksums
        plain = sum_over or type(l3)(src=l3.src, dst=l3.dst)
        l4 = bytes(plain / l4 / payload)[len(plain):][:len(bytes(l4))]
    parts = [part if isinstance(part, Packet) else Raw(part) for part in (l2, l3, l4, payload) if part]
    built = parts[0]
    for part in parts[1:]:
        built = built / part
    data = bytearray(bytes(built))
    ends = [len(bytes(part)) for part in (l2, l3, l4)]
    l3_at = ends[0]
    l4_at = l3_at + ends[1]
    end = l4_at + ends[2]
    packet = len(data)
    data += bytes(padding)
    for part, offset, new in edit:
        at = (0, l3_at, l4_at, end)[part] + offset
        data[at:at + len(new)] = new
    FRAMES.append(Frame(name, bytes(data), l3_at, l4_at, l4_at + known,
                        NEVER if least is None else end + least,
                        (packet if whole is None else l3_at + whole), valid))


def sixteen(value):
    return struct.pack(">H", value)


def transports(family, ip, l2=None, note=""):
    """What IP carries, over any IP header."""
    l2 = l2 or ether()
    first = f"{note or family}: "
    over = IPv6 if family == "IPv6" else IP
    options = [("MSS", 1460), ("NOP", None), ("WScale", 7), ("NOP", None), ("NOP", None),
               ("Timestamp", (1, 2)), ("SAckOK", b""), ("EOL", None)]
    add(first + "TCP", l2, ip(6), TCP(**PORTS, seq=7, ack=9, flags="PA"), PAYLOAD, known=20, least=0)
    add(first + "TCP, even", l2, ip(6), TCP(**PORTS, seq=7), PAYLOAD[1:], known=20, least=0)
    tcp = TCP(**PORTS, seq=7, options=options)
    add(first + "TCP with options", l2, ip(6), tcp, PAYLOAD, known=len(bytes(tcp)), least=0)
    add(first + "TCP with 40 bytes of options", l2, ip(6), TCP(**PORTS, options=[("NOP", None)] * 40),
        PAYLOAD, known=60, least=0)
    add(first + "UDP", l2, ip(17), UDP(**PORTS), PAYLOAD, known=8, least=0)
    if over is IP:
        add(first + "UDP without a checksum", l2, ip(17), UDP(**PORTS, chksum=0), PAYLOAD, known=8, least=0)
    # cut after 20 bytes, the sum is 0, which is not what UDP has in its header then
    start = PAYLOAD[:18]
    plain = IPv6(**V6) if over is IPv6 else IP(**V4)
    start += bytes(plain / UDP(**PORTS) / (start + bytes(2)))[len(plain) + 6:][:2]
    add(first + "UDP, a sum of 0", l2, ip(17), UDP(**PORTS), start + PAYLOAD, known=8, least=0)
    add(first + "SCTP", l2, ip(132), SCTP(**PORTS, tag=5),
        SCTPChunkData(tsn=1, beginning=1, ending=1, proto_id=77, data=PAYLOAD[:84]), known=12)
    add(first + "ESP", l2, ip(50), ESP(spi=77, seq=1, data=b""), PAYLOAD, least=0)
    add(first + "no next header", l2, ip(59), b"", PAYLOAD, least=1)
    dccp = struct.pack(">HHBBHI", 40001, 40003, 4, 0, 0, 0) + bytes(4)
    add(first + "DCCP", l2, ip(33), dccp, PAYLOAD, known=16)
    add(first + "UDP-Lite", l2, ip(136), struct.pack(">HHHH", 40001, 40003, 8, 0), PAYLOAD, known=8)
    add(first + "GRE", l2, ip(47), b"", bytes(GRE(proto=0x800) / IP(**V4) / UDP(**PORTS) / PAYLOAD))
    add(first + "IP in IP", l2, ip(4), b"", bytes(IP(**V4) / UDP(**PORTS) / PAYLOAD))
    add(first + "IPv6 in IP", l2, ip(41), b"", bytes(IPv6(**V6) / UDP(**PORTS) / PAYLOAD))
    add(first + "protocol 253", l2, ip(253), b"", PAYLOAD)


def ipv4(**more):
    return lambda proto: IP(**V4, id=1, proto=proto, **more)


def ipv6(*headers, **more):
    """Extension headers as scapy's objects; the last one names what follows."""
    def made(proto):
        packet = IPv6(**V6, **more)
        for header in headers:
            packet.lastlayer().nh = EXTENSIONS[type(header)]
            packet /= header.copy()
        packet.lastlayer().nh = proto
        return packet
    return made


def icmp():
    l2 = ether()
    quote = bytes(IP(**V4) / UDP(**PORTS) / PAYLOAD)[:60]
    add("IPv4: echo", l2, IP(**V4), ICMP(id=1, seq=2), PAYLOAD, known=8, least=0)
    add("IPv4: unreachable", l2, IP(**V4), ICMP(type=3, code=1), quote, known=8, least=28)
    options = [IPOption_RR(pointer=4, routers=["0.0.0.0"])]
    options = bytes(IP(**V4, options=options) / UDP(**PORTS) / PAYLOAD)
    add("IPv4: unreachable, options", l2, IP(**V4), ICMP(type=3, code=1), options, known=8, least=36)
    # RFC 4884: a quote of 128 bytes, and extensions
    long = bytes(IP(**V4) / UDP(**PORTS) / bytes(100)) + bytes(
        ICMPExtensionHeader() / ICMPExtensionMPLS(stack=[MPLS(label=5, s=1)]))
    add("IPv4: time exceeded, extended", l2, IP(**V4), ICMP(type=11, length=32), long, known=8)
    add("IPv4: time exceeded", l2, IP(**V4), ICMP(type=11), quote, known=8, least=28)
    add("IPv4: redirect", l2, IP(**V4), ICMP(type=5, gw="203.0.113.255"), quote, known=8)
    stamps = bytes(IP(**V4) / ICMP(type=13))[20:]
    add("IPv4: ICMP timestamps", l2, IP(**V4, proto=1), stamps[:8], stamps[8:], known=8)
    add("IPv4: IGMP", l2, IP(**V4, proto=2), b"\x16\x00\x09\x04\xe0\x00\x00\xfb", b"", known=8)
    add("IPv4: unknown ICMP", l2, IP(**V4), ICMP(type=77), PAYLOAD, known=8)
    add("IPv6: echo", l2, IPv6(**V6), ICMPv6EchoRequest(id=1, seq=2), PAYLOAD, known=8, least=0)
    add("IPv6: unreachable", l2, IPv6(**V6), ICMPv6DestUnreach(),
        bytes(IPv6(**V6) / UDP(**PORTS) / PAYLOAD), known=8, least=48)
    quote = bytes(IPv6(**V6) / UDP(**PORTS) / PAYLOAD)
    add("IPv6: too big", l2, IPv6(**V6), ICMPv6PacketTooBig(mtu=1280), quote, known=8, least=48)
    add("IPv6: time exceeded", l2, IPv6(**V6), ICMPv6TimeExceeded(), quote, known=8, least=48)
    add("IPv6: time exceeded, extended", l2, IPv6(**V6), ICMPv6TimeExceeded(length=16), quote, known=8)
    add("IPv6: echo reply", l2, IPv6(**V6), ICMPv6EchoReply(id=1, seq=2), PAYLOAD, known=8, least=0)
    solicit = bytes(IPv6(**V6, hlim=255) / ICMPv6ND_NS(tgt="2001:db8:2::2") /
                    ICMPv6NDOptSrcLLAddr(lladdr=MACS["src"]))
    add("IPv6: neighbour solicitation", l2, IPv6(solicit[:40]), solicit[40:48], solicit[48:], known=8)
    add("IPv4: ICMPv6", l2, IP(**V4, proto=58), b"\x80\x00\x00\x00\x00\x01\x00\x02", PAYLOAD, known=8,
        valid=False)
    add("IPv6: ICMPv4", l2, IPv6(**V6, nh=1), b"\x08\x00\x00\x00\x00\x01\x00\x02", PAYLOAD, known=8,
        valid=False)


def chunks():
    """One that is cut would need a length of its own: SCTP stays as it is."""
    sack = SCTPChunkSACK(cumul_tsn_ack=1, a_rwnd=9)
    for family, ip in ("IPv4", ipv4()(132)), ("IPv6", ipv6()(132)):
        def sctp(name, *these):
            packet = b"".join(bytes(SCTP(**PORTS) / chunk)[12:] for chunk in these)
            add(f"{family}: SCTP, {name}", ether(), ip, SCTP(**PORTS, tag=5) / packet, known=12)
        data = [SCTPChunkData(tsn=n, beginning=1, ending=1, proto_id=77, data=PAYLOAD[:30 + n])
                for n in range(4)]
        sctp("data", data[0])
        sctp("four with data", *data)
        sctp("SACK and cookie", sack, SCTPChunkCookieEcho(cookie=PAYLOAD[:40]))


def fragments():
    l2 = ether()
    data = bytes(range(128, 224))
    for name, more, offset, rest in (("first", 1, 0, data), ("middle", 1, 100, data),
                                     ("last", 0, 200, data), ("last, odd", 0, 200, data[:77])):
        known = 8 if not offset else 0
        least = 8 if more else 1
        l4 = bytes(UDP(**PORTS, len=2000, chksum=1)) if not offset else b""
        for family, ip in (("IPv4", IP(**V4, id=7, proto=17, flags=more, frag=offset)),
                           ("IPv6", IPv6(**V6) / IPv6ExtHdrFragment(nh=17, m=more, offset=offset, id=7))):
            add(f"{family}: {name} fragment", l2, ip, l4, rest, known=known, least=least)
            if known:       # IP alone decides
                FRAMES[-1].least = FRAMES[-1].l4 + 8
    options = IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))], nh=17)
    add("IPv6: middle fragment behind options", l2,
        IPv6(**V6) / IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))]) /
        IPv6ExtHdrFragment(nh=17, m=1, offset=8, id=7), b"", data, least=8)
    add("IPv6: first fragment with options", l2,
        IPv6(**V6) / IPv6ExtHdrFragment(m=1, id=7) / options, bytes(UDP(**PORTS, len=2000, chksum=1)), data,
        known=8, least=0)


def extensions():
    pad = IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(4))])
    options = IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(12))])
    via = IPv6ExtHdrRouting(addresses=["2001:db8:3::3"], segleft=0)
    srh = IPv6ExtHdrSegmentRouting(addresses=["2001:db8:2::2"], segleft=0, lastentry=0)
    icv = AH(spi=1, seq=1, icv=bytes(12), payloadlen=4)
    for name, headers in {
            "IPv6 + hop-by-hop": [pad], "IPv6 + destination options": [options],
            "IPv6 + routing": [via], "IPv6 + segment routing": [srh],
            "IPv6 + AH": [icv], "IPv6 + atomic fragment": [IPv6ExtHdrFragment(id=7)],
            "IPv6 + five": [pad, options, via, icv, options]}.items():
        transports("IPv6", ipv6(*headers), note=name)
    for number, name in (135, "mobility"), (139, "HIP"), (140, "Shim6"):
        # 59: nothing follows
        header = bytes([59, 1, 5 if number == 135 else 0, 0]) + bytes(12)
        add(f"IPv6 + {name}", ether(), IPv6(**V6, nh=number) / header, b"", PAYLOAD, least=1, valid=False)
    for count in 2, 15, 16:
        add(f"IPv6 + {count} headers", ether(), ipv6(*[options] * count)(17), UDP(**PORTS),
            PAYLOAD, known=8, least=0)


def addresses():
    """The checksum is over another address than the IP header's."""
    udp = UDP(**PORTS)
    for name, option in (("loose", IPOption_LSRR), ("strict", IPOption_SSRR)):
        ip = IP(**V4, proto=6, options=[option(pointer=4, routers=["203.0.113.1"])])
        add(f"IPv4: {name} source route", ether(), ip, TCP(**PORTS), PAYLOAD, known=20,
            sum_over=IP(**V4 | {"dst": "203.0.113.1"}))
    ip = ipv6(IPv6ExtHdrRouting(addresses=["2001:db8:3::3"], segleft=1))
    add("IPv6: routing, not there yet", ether(), ip(17), udp, PAYLOAD, known=8,
        sum_over=IPv6(**V6 | {"dst": "2001:db8:3::3"}))
    ip = ipv6(IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(2)), HAO(hoa="2001:db8:4::4")]))
    add("IPv6: home address", ether(), ip(17), udp, PAYLOAD, known=8,
        sum_over=IPv6(**V6 | {"src": "2001:db8:4::4"}))
    ip = IP(**V4, proto=6, options=[IPOption_RR(pointer=4, routers=["0.0.0.0"])])
    add("IPv4: record route", ether(), ip, TCP(**PORTS), PAYLOAD, known=20, least=0)
    ip = IP(**V4, proto=17, options=[IPOption_Router_Alert()])
    add("IPv4: router alert", ether(), ip, udp, PAYLOAD, known=8, least=0)


def tags():
    inner = ipv4()
    for name, these in {"802.1Q": [Dot1Q(vlan=5, prio=3)], "802.1ad": [Dot1AD(vlan=5)],
                        "QinQ": [Dot1AD(vlan=5), Dot1Q(vlan=6)]}.items():
        transports("IPv4", inner, ether(*these), note=f"IPv4 in {name}")
    for count in 3, 7, 8:
        add(f"{count} tags", ether(*[Dot1Q(vlan=n) for n in range(count)]), inner(17), UDP(**PORTS),
            PAYLOAD, known=8, least=0)
        add(f"{count} tags, IPv6", ether(*[Dot1Q(vlan=n) for n in range(count)]), ipv6()(17), UDP(**PORTS),
            PAYLOAD, known=8, least=0)
    add("8 tags, ARP", ether(*[Dot1AD(vlan=1)] * 8), ARP(), padding=9)
    FRAMES[-1].least = FRAMES[-1].l4
    for count in 9, 12:
        add(f"{count} tags", ether(*[Dot1Q(vlan=n) for n in range(count)]), inner(17), UDP(**PORTS),
            PAYLOAD, whole=NEVER)
        FRAMES[-1].l3 = FRAMES[-1].l4 = FRAMES[-1].end = 14 + 8 * 4
        FRAMES[-1].whole = NEVER


def not_ip():
    add("ARP", ether(), ARP(), padding=18, whole=28)
    l2 = Ether(**MACS, type=0x88b5)
    add("unknown EtherType", l2, b"", b"", PAYLOAD, whole=NEVER)
    add("MPLS", Ether(**MACS, type=0x8847), b"", b"", b"\x00\x01\x01\x40" + bytes(IP(**V4) / PAYLOAD),
        whole=NEVER)
    add("LLC", Dot3(**MACS), b"", b"", bytes(LLC(dsap=0x26, ssap=0x26, ctrl=3)) + PAYLOAD)
    FRAMES[-1].least = 14 + 4
    add("LLC, information frame", Dot3(**MACS), b"", b"", b"\x26\x26\x00\x00" + PAYLOAD)
    FRAMES[-1].least = 14 + 4
    add("LLC, padded", Dot3(**MACS), b"", b"", bytes(LLC(dsap=0x26, ssap=0x26, ctrl=3)) + PAYLOAD[:11],
        padding=30)
    FRAMES[-1].least = 14 + 4
    add("SNAP", Dot3(**MACS), b"", b"", bytes(LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / SNAP(code=0x800) /
                                            IP(**V4) / UDP(**PORTS) / PAYLOAD))
    add("STP", Dot3(**MACS), b"", b"", bytes(LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP()), padding=8)


def padded():
    for proto, l4, known in (17, UDP(**PORTS), 8), (6, TCP(**PORTS), 20):
        add(f"padded, protocol {proto}", ether(), ipv4()(proto), l4, b"ab", known=known, least=0,
            padding=20)
        add(f"padded, IPv6, protocol {proto}", ether(), ipv6()(proto), l4, b"ab", known=known, least=0,
            padding=9)
    # RFC 768 leaves room for more behind the datagram
    add("UDP with a surplus", ether(), IP(**V4, proto=17, len=28 + len(PAYLOAD) + 24), UDP(**PORTS),
        PAYLOAD, known=8, least=0, padding=24)
    FRAMES[-1].whole += 24
    add("empty IPv4", ether(), IP(**V4, proto=59), padding=26)
    add("jumbo", ether(), ipv4()(6), TCP(**PORTS), PAYLOAD * 103, known=20, least=0)
    add("jumbo, IPv6", ether(), ipv6()(17), UDP(**PORTS), PAYLOAD * 103, known=8, least=0)


def lies():
    """What no cut can make valid, whatever it is."""
    def lie(name, ip, l4, *edit, **more):
        add(f"lie: {name}", ether(), ip, l4, PAYLOAD, edit=edit, valid=False, **({"whole": NEVER} | more))

    tcp, udp, tcp4, udp4, udp6 = TCP(**PORTS), UDP(**PORTS), ipv4()(6), ipv4()(17), ipv6()(17)
    size = len(PAYLOAD)
    lie("IPv4 longer than the frame", udp4, udp, (1, 2, sixteen(29 + size)), known=8)
    lie("IPv4 shorter than its header", udp4, udp, (1, 2, sixteen(19)), known=8)
    lie("IPv4 of no length", udp4, udp, (1, 2, sixteen(0)), known=8)
    lie("IPv6 longer than the frame", udp6, udp, (1, 4, sixteen(9 + size)), known=8)
    lie("UDP longer than IPv4", udp4, udp, (2, 4, sixteen(9 + size)), known=8, whole=28 + size)
    lie("UDP longer than IPv6", udp6, udp, (2, 4, sixteen(9 + size)), known=8, whole=48 + size)
    lie("UDP shorter than its header", udp4, udp, (2, 4, sixteen(7)), known=8, whole=28 + size)
    lie("UDP of no length", udp6, udp, (2, 4, sixteen(0)), known=8, whole=48 + size)
    lie("TCP shorter than its header", tcp4, tcp, (2, 12, b"\x40"), whole=40 + size)
    short = add_short("TCP options longer than the frame", IP(**V4), tcp, (2, 12, b"\xf0"))
    assert short
    # no network header where it should be
    for name, ip, edit in (("IPv4 that is 6", udp4, b"\x65"), ("IPv4 header of 16 bytes", udp4, b"\x44"),
                           ("IPv6 that is 4", udp6, b"\x45")):
        lie(name, ip, udp, (1, 0, edit))
        FRAMES[-1].l4 = FRAMES[-1].end = FRAMES[-1].l3
    short = add_short("IPv4 options longer than the frame", IP(**V4), b"", (1, 0, b"\x4f"))
    short.l4 = short.end = short.l3
    short.whole = NEVER
    for name, length in ("longer than IPv4", 200), ("shorter than its header", 3):
        lie(f"SCTP chunk {name}", ipv4()(132), SCTP(**PORTS) / SCTPChunkData(len=length), known=12,
            whole=20 + 12 + 16 + size)
    # DCCP's header is never that short
    lie("DCCP shorter than its header", ipv4()(33), bytes(16), (2, 4, b"\x02"), whole=36 + size)
    # Extensions: where they stop to make sense is where they end
    lie("17 extension headers", ipv6(*[IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))])] * 17)(17), udp)
    FRAMES[-1].l4 = FRAMES[-1].end = 14 + 40 + 16 * 8
    lie("extension longer than the frame", ipv6(IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))]))(17),
        udp, (1, 41, b"\xff"))
    FRAMES[-1].l4 = FRAMES[-1].end = 14 + 40
    jumbo = IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=16 + size + 8)], nh=17)
    lie("jumbogram", IPv6(**V6, plen=0) / jumbo, udp, known=8)
    lie("extensions longer than IPv6", IPv6(**V6, plen=4) / IPv6ExtHdrHopByHop(nh=17), udp, known=8)
    add("lie: 802.3 longer than the frame", Dot3(**MACS, len=100), b"", b"", b"\x26\x26\x03" + PAYLOAD[:60],
        valid=False, whole=NEVER)
    FRAMES[-1].whole = NEVER
    add("lie: ARP longer than the frame", ether(), ARP(), padding=4, edit=((1, 4, b"\xff"),), valid=False)
    FRAMES[-1].l4 = FRAMES[-1].end = 14
    FRAMES[-1].whole = NEVER


def add_short(name, ip, l4, *edit):
    """A transport or network header that claims more than the frame has."""
    add(f"lie: {name}", ether(), ip, l4, b"", edit=edit, padding=3, valid=False)
    return FRAMES[-1]


transports("IPv4", ipv4())
transports("IPv6", ipv6())
icmp()
chunks()
fragments()
extensions()
addresses()
tags()
not_ip()
padded()
lies()

if __name__ == "__main__":
    for frame in FRAMES:
        print(frame.l3, frame.l4, frame.end, int(frame.valid), frame.data.hex(), frame.name, sep="\t")
