# SPDX-License-Identifier: GPL-2.0-only
"""In a VM: frames of many flows, for flows_traffic.py and spread_traffic.py."""
import random
import struct

from cases import ether, ip4, ip6, pattern

CHANCE = random.Random(1)
TCP, UDP, ICMP, ICMP6, SCTP, ESP = 6, 17, 1, 58, 132, 50


def addresses(version):
    """Two of them"""
    def one():
        return f"10.{CHANCE.randrange(256)}.{CHANCE.randrange(256)}.{CHANCE.randrange(1, 255)}" \
            if version == 4 else f"2001:db8:{CHANCE.randrange(65536):x}::{CHANCE.randrange(1, 65536):x}"
    return one(), one()


def l4(proto, ports, payload):
    """Of so many bytes, or these"""
    payload = pattern(payload) if isinstance(payload, int) else payload
    head = {TCP: struct.pack("!HHIIBBHHH", *ports, 1, 2, 0x50, 0x18, 512, 0, 0),
            UDP: struct.pack("!HHHH", *ports, 8 + len(payload), 0),
            SCTP: struct.pack("!HHII", *ports, 1, 0)}.get(proto, struct.pack("!BBHI", 8, 0, 0, 7))
    return head + payload


def ip(version, pair, proto, payload):
    return (ip4 if version == 4 else ip6)(proto, payload, src=pair[0], dst=pair[1])


def flow(version):
    """(addresses, protocol, ports)"""
    proto = CHANCE.choice((TCP, TCP, UDP, UDP, SCTP, ICMP if version == 4 else ICMP6, ESP))
    return addresses(version), proto, (CHANCE.randrange(1024, 65536), CHANCE.randrange(1, 1024))


def framed(packet, *tags):
    return ether(0x0800 if packet[0] >> 4 == 4 else 0x86dd, packet, *tags)
