# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of segments.sh: sends what is mirrored."""
import json
import os
import socket
import struct
import sys
import time
from contextlib import contextmanager

from cases import (ACK, CTAG, CWR, ECE, ECN, FIN, PSH, STAG, TCP4, TCP6, UDP_GSO, UDP_L4, URG, Wire, case,
                   done, family_of, in_ns, ip4, ip6, ones_sum, pattern, pseudo, run, socket_in, stream,
                   super_packet)

HOOKS = (("ingress", "peer"), ("egress", "src"))
SESSIONS = ("", "vlan_tag strip", "trunc 128", "trunc l4", "trunc l4+9 fixlen")
OLD = os.uname().release.startswith("6.1.")
UDP_SEGMENT = 103


def packets(counter):
    """How many a counter has seen since the last call"""
    shown = json.loads(in_ns("src", "nft", "-j", "reset", "counter", "netdev", "seen", counter))
    return next(o["counter"]["packets"] for o in shown["nftables"] if "counter" in o)


@contextmanager
def gso_case(name, hook, wire, merged=True, **words):
    with case(name, hook, wire, SESSIONS, settle=0.1, merged=merged, **words) as note:
        packets(hook)
        yield note
        time.sleep(0.1)
        note["seen"] = packets(hook)


def streams():
    addresses = {"IPv4": "198.51.100.2", "IPv6": "2001:db8:1::2", "VLAN": "10.1.1.2",
                 "IPv6, VLAN": "fd00:1::2", "VXLAN": "10.1.2.2", "IPv6 in VXLAN": "fd00:2::2",
                 "gretap": "10.1.3.2", "IPv6 in gretap": "fd00:3::2", "IPIP": "10.1.4.2"}
    for hook, ns in HOOKS:
        for name, address in addresses.items():
            # GRO of 6.1 takes the inner addresses for the outer checksum's
            broken = "VXLAN" in name and hook == "ingress" and OLD
            # A VLAN device has no more offloads than the device below.
            merged = "VLAN" not in name or hook == "ingress"
            with gso_case(f"TCP, {name}, {hook}", hook, Wire(ns), merged, no_outer_sum=broken):
                stream(hook, address, 54321)
        for name in "IPv4", "IPv6":
            with gso_case(f"SCTP, {name}, {hook}", hook, Wire(ns), merged=hook == "egress"):
                stream(hook, addresses[name], 54321, socket.IPPROTO_SCTP)


def send_udp(hook, there, sizes, gso_size):
    here = {"198.51.100.2": "198.51.100.1", "2001:db8:1::2": "2001:db8:1::1"}[there]
    if hook == "egress":
        here, there = there, here
    sender = socket_in({"egress": "src", "ingress": "peer"}[hook], family_of(there),
                       socket.SOCK_DGRAM)
    receiver = socket_in({"egress": "peer", "ingress": "src"}[hook], family_of(there),
                         socket.SOCK_DGRAM)
    receiver.bind((here, 0))
    sender.connect(receiver.getsockname()[:2])
    sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, gso_size)
    for size in sizes:
        sender.send(pattern(size, size))


def datagrams():
    """UDP GSO at egress, and what GRO makes of it at ingress"""
    sizes = (2800, 14000, 1401, 20001, 1399)
    for ns in "src", "peer":                # no UDP GSO in 6.1 without
        in_ns(ns, "ethtool", "-K", "eth0", "tx", "on")
    for address in "198.51.100.2", "2001:db8:1::2":
        with gso_case(f"UDP GSO to {address}", "egress", Wire("src"), unfinished=True):
            send_udp("egress", address, sizes, 1400)
            send_udp("egress", address, (6400,), 100)
    for feature in "rx-udp-gro-forwarding", "rx-gro-list":
        in_ns("src", "ethtool", "-K", "eth0", feature, "on")
        for address in "198.51.100.2", "2001:db8:1::2":
            with gso_case(f"UDP by {feature} from {address}", "ingress", Wire("peer"),
                          unfinished=True):
                send_udp("ingress", address, sizes, 1400)
            with gso_case(f"TCP by {feature} from {address}", "ingress", Wire("peer"),
                          unfinished=True):
                stream("ingress", address, 54321)
        in_ns("src", "ethtool", "-K", "eth0", feature, "off")
    for ns in "src", "peer":
        in_ns(ns, "ethtool", "-K", "eth0", "tx", "off")


def jumbograms():
    """BIG TCP: packets larger than an IPv6 header can say"""
    in_ns("src", "ip", "link", "set", "eth0", "gso_max_size", 120000)
    run("ip", "-6", "route", "add", "2001:db8:1::2", "dev", "eth0", "initcwnd", 150)
    run("sysctl", "-qw", "net.ipv4.tcp_tso_rtt_log=31", "net.ipv4.tcp_wmem=4096 4000000 4000000")
    in_ns("peer", "sysctl", "-qw", "net.ipv4.tcp_rmem=4096 4000000 4000000")
    with gso_case("jumbograms", "egress", Wire("src")) as note:
        for _ in range(5):              # how large they grow is TCP's to decide
            stream("egress", "2001:db8:1::2", 1200000)
            note["jumbo"] = packets("jumbo")
            if note["jumbo"]:
                break
    in_ns("src", "ip", "link", "set", "eth0", "gso_max_size", 65536)


def let_gro_wait():
    """Else it depends on the machine's pace what it merges."""
    in_ns("src", "ip", "netns", "exec", "src", "sh", "-c",
          "cd /sys/class/net/eth0; echo 20000000 >gro_flush_timeout; echo 10 >napi_defer_hard_irqs")


def with_options(proto, payload, **words):
    """IPv4 with a router alert"""
    bare = ip4(proto, payload, **words)
    head = struct.pack("!BBH", 0x46, bare[1], len(bare) + 4) + bare[4:10] + b"\0\0" + \
        bare[12:20] + bytes.fromhex("94040000")
    return head[:10] + struct.pack("!H", ~ones_sum(head) & 0xffff) + head[12:] + payload


def with_extension(proto, payload, **words):
    """IPv6 with an empty destination options header"""
    bare = ip6(proto, struct.pack("!BBBBI", proto, 0, 1, 4, 0) + payload, **words)
    return bare[:6] + bytes([60]) + bare[7:]


def without_sum(gso_size, count, flags):
    """Payload for which the checksum of each segment is 0"""
    made = b""
    for i in range(count):
        seq = 1000 + i * gso_size
        last = i == count - 1
        head = struct.pack("!HHIIBBHHH", 5, 6, seq, 77, 20 << 2,
                           flags if last else flags & ~(PSH | FIN), 512, 0, 0)
        payload = bytes(2) + pattern(gso_size - 2, i)
        total = ones_sum(head + payload, pseudo(ip4(6, head + payload), 6, 20 + gso_size))
        made += struct.pack("!H", 0xffff - total) + payload[2:]
    return made


def crafted():
    """What sockets hardly ever send"""
    every = FIN | PSH | ACK | URG | ECE | CWR
    timestamps = bytes.fromhex("0101080a0102030405060708")
    sack = bytes.fromhex("0101080a01020304050607080101051a") + pattern(24)
    for kind in TCP4, TCP6:
        for flags in ACK, PSH | ACK, FIN | PSH | ACK, ACK | CWR, every, ACK | ECE:
            yield super_packet(kind, 1000, pattern(3500), flags)
            yield super_packet(kind | ECN, 1000, pattern(3500), flags)
        for options in timestamps, sack[:40]:
            yield super_packet(kind, 1400, pattern(14000), options=options)
        yield super_packet(kind, 1448, pattern(1449))
        yield super_packet(kind, 1448, pattern(2896), seq=-1000)       # exact; the sequence wraps
        yield super_packet(kind, 1, pattern(100))
        yield super_packet(kind, 7, pattern(99), FIN | ACK)
        for tags in [(CTAG, 5 << 13 | 100)], [(STAG, 200), (CTAG, 300)], [(CTAG, 0)]:
            yield super_packet(kind, 1000, pattern(2500), tags=tags)
    yield super_packet(TCP4, 1000, pattern(5000), ident=0xfffe)        # wraps
    yield super_packet(TCP4, 1000, pattern(5000), tos=0x03)
    yield super_packet(TCP6, 1000, pattern(5000), tclass=0xb9)
    yield super_packet(TCP4, 1000, pattern(5000), make=with_options)
    yield super_packet(TCP6, 1000, pattern(5000), make=with_extension)


def damaged_sums():
    """What is to be completed was not the sum of the pseudo header: it is as wrong in all segments."""
    for kind in (TCP4, TCP6, *UDP_GSO):
        field = 6 if kind == UDP_L4 else 16
        packet = super_packet(kind, 1000, pattern(2500))
        at = 10 + int.from_bytes(packet[6:8], sys.byteorder) + field
        yield packet[:at] + bytes([packet[at] ^ 0x40]) + packet[at + 1:]
        yield packet + pattern(7)               # longer than its headers say
        yield packet[:-7]


def send_crafted(name, **words):
    with gso_case(f"made by hand, {name}", "egress", Wire("src"), uncounted=True, **words):
        Wire("src", vnet=True).send(*crafted())


send_crafted("Ethernet")
send_crafted("VLAN", first="action vlan push id 100 priority 5")
send_crafted("802.1ad", first="action vlan push id 200 protocol 802.1ad")
with gso_case("checksums that are 0", "egress", Wire("src"), uncounted=True):
    Wire("src", vnet=True).send(super_packet(TCP4, 1000, without_sum(1000, 4, PSH | ACK)))
with gso_case("checksums that are wrong from the start", "egress", Wire("src"), uncounted=True, damaged=True):
    Wire("src", vnet=True).send(*damaged_sums())
in_ns("src", "ip", "link", "set", "und0", "mtu", 1500)
send_crafted("cut to fit", mtu=1500)
in_ns("src", "ip", "link", "set", "und0", "mtu", 9000)
jumbograms()
let_gro_wait()
streams()
datagrams()
done()
