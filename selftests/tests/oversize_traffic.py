# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of oversize.sh: sends what is mirrored."""
import struct

from cases import (ACK, CTAG, CWR, ECE, FIN, PSH, STAG, SYN, URG, Wire, case, done, ether, in_ns, ip4, ip6,
                   ones_sum, pattern, pseudo, run, stream, udp)

RST = 4
HOOKS = (("ingress", "peer"), ("egress", "src"))
STREAMS = {4: "198.51.100.2", 6: "2001:db8:1::2"}
TIMESTAMPS = bytes.fromhex("0101080a0102030405060708")


def tcp(size, make=ip4, flags=PSH | ACK, options=b"", urgent=0, wrong=0, seq=1000, **words):
    head = struct.pack("!HHIIBBHHH", 5, 6, seq & 0xffffffff, 77, 20 + len(options) << 2, flags, 512, 0, urgent)
    head += options
    bare = make(6, head + bytes(size), **words)
    total = ones_sum(head + pattern(size), pseudo(bare, 6, len(head) + size))
    check = struct.pack("!H", (~total & 0xffff) ^ wrong)
    return make(6, head[:16] + check + head[18:] + pattern(size), **words)


def with_destination(proto, payload, **words):
    """IPv6 with a destination options header"""
    return ip6(60, struct.pack("!BBBBI", proto, 0, 1, 4, 0) + payload, **words)


def fragment(proto, payload):
    """The first fragment of an IPv4 datagram"""
    bare = ip4(proto, payload)
    head = bare[:6] + b"\x20\0" + bare[8:10] + b"\0\0" + bare[12:20]
    return head[:10] + struct.pack("!H", ~ones_sum(head) & 0xffff) + head[12:] + payload


def segments():
    """TCP segments that fill a frame, of every sort"""
    every = FIN | PSH | ACK | URG | ECE | CWR
    for make, kind, full in (ip4, 0x0800, 1460), (ip6, 0x86dd, 1440):
        for flags in ACK, PSH | ACK, FIN | PSH | ACK, ACK | CWR, every, SYN, RST | ACK:
            yield ether(kind, tcp(full, make, flags, urgent=9))
        yield ether(kind, tcp(full, make, ACK | URG, urgent=1))
        yield ether(kind, tcp(full, make, ACK | URG, urgent=1000))
        yield ether(kind, tcp(full, make, seq=-700))
        yield ether(kind, tcp(full - 12, make, options=TIMESTAMPS))
        yield ether(kind, tcp(full - 1, make))
        yield ether(kind, tcp(full, make), (CTAG, 5 << 13 | 100))
        yield ether(kind, tcp(full - 8, make), (STAG, 8), (CTAG, 9))
    yield ether(0x86dd, tcp(1432, with_destination))
    yield ether(0x0800, tcp(1460, ident=0xffff, tos=3, ttl=1))


def others():
    """What cannot be split: all else, what is damaged, and what says that it ends elsewhere"""
    yield ether(0x0800, udp(1472))
    yield ether(0x86dd, udp(1452, ip6))
    yield ether(0x88b6, pattern(1500))
    yield ether(0x0800, tcp(1460, wrong=1))
    yield ether(0x86dd, tcp(1440, ip6, wrong=0x8000))
    yield ether(0x0800, fragment(6, pattern(1480)))
    yield ether(0x0800, tcp(1400) + bytes(60))
    yield ether(0x0800, udp(1472), (CTAG, 100))


def sizes():
    """Around what fits"""
    for size in range(1400, 1473):
        yield ether(0x0800, udp(size))


def one(name, hook, options, underlay, frames, mtu=1500, **words):
    """A session of its own: what the kernel unpacks has no Session ID any more"""
    wire = Wire({"ingress": "peer", "egress": "src"}[hook])
    with case(f"{name}, {hook}, IPv{underlay}", hook, wire, (options,), underlay, mtu=mtu, **words):
        wire.send(*frames)


def send_all(how):
    for underlay in 4, 6:
        for hook, _ in HOOKS:
            for options in ("oversize cut", "oversize fragment", "oversize split",
                            "erspan_ver 1 oversize fragment", "erspan_ver 1 vlan_tag strip oversize split"):
                one(how, hook, options, underlay, [*segments(), *others()])
        one(how, "ingress", "trunc 1480 oversize fragment", underlay, [*segments(), *others()])
        one(how, "ingress", "trunc 1480 oversize split", underlay, [*segments(), *others()])
        one(f"{how}, around what fits", "ingress", "oversize fragment", underlay, sizes())


def send_streams():
    for underlay, there in STREAMS.items():
        for hook, ns in HOOKS:
            for options in "oversize fragment", "oversize split":
                with case(f"a stream, {hook}, IPv{underlay}", hook, Wire(ns), (options,), underlay, mtu=1500,
                          settle=0.1, stream=100000):
                    stream(hook, there, 100000)


def send_jumbos():
    for ns in "src", "peer":
        in_ns(ns, "ip", "link", "set", "eth0", "mtu", 9000)
    frames = [ether(0x0800, tcp(8960)), ether(0x86dd, tcp(8940, ip6)), ether(0x0800, udp(8972)),
              ether(0x0800, tcp(5000), (CTAG, 7))]
    for mtu in 1500, 1280:
        in_ns("src", "ip", "link", "set", "und0", "mtu", mtu)
        for underlay in 4, 6:
            for options in "oversize fragment", "oversize split", "oversize cut":
                one(f"jumbo frames by MTU {mtu}", "ingress", options, underlay, frames, mtu)
    in_ns("src", "ip", "link", "set", "und0", "mtu", 1500)


send_all("straight")
send_jumbos()
# With a hook for locally generated packets the copies go through the IP stack.
in_ns("src", "nft", "add table inet t; add chain inet t o { type filter hook output priority 0; }")
one("through the stack", "ingress", "oversize fragment", 4, [*segments(), *others()])
one("through the stack", "ingress", "oversize fragment", 6, [*segments(), *others()])
run("nft", "delete", "table", "inet", "t")
for ns in "src", "peer":
    in_ns(ns, "ip", "link", "set", "eth0", "mtu", 1500)
send_streams()
done()
