# SPDX-License-Identifier: GPL-2.0-only
"""Collectors that no Debian release has: how they take a copy apart, as their sources say it.

A table for each, and one reader for all.  Only what decides whether, and where,
the frame in a copy is found, and whether the packet in it is accepted.  Sources:

  Zeek    zeek/zeek 040d7583c855 src/packet_analysis/protocol/gre/GRE.cc,
          022486e11532 src/packet_analysis/protocol/ip/IP.cc
  Snort 3 snort3/snort3 a19c078de010 src/codecs/ip/cd_gre.cc, src/codecs/link/cd_erspan2.cc,
          cd_erspan3.cc, 013e44b4636f src/codecs/ip/cd_ipv4.cc
  Arkime  arkime/arkime 01455b2bca39 capture/parsers/gre.c, erspan.c
  ntopng  ntop/ntopng e21c91d7 src/NetworkInterface.cpp, issue 9820
"""
import struct
from typing import NamedTuple

import erspan

GRE, TYPE_II, TYPE_III = 47, 0x88be, 0x22eb
S_BIT, O_BIT = 0x1000, 1
CHECKSUM, KEY = 0x8000, 0x2000


class Rule(NamedTuple):
    """TYPE_I, _II, _III: length of the header.  OPTIONAL: the O bit of type III says whether there
    are 8 more bytes."""
    version: str
    forbidden: int              # bits of GRE's first word
    type_i: int
    type_ii: int
    type_iii: int
    optional: bool
    versions: bool              # is ERSPAN's own version number looked at?
    ipv6_type_iii: bool = True  # over an outer IPv6
    refuses_cut: bool = True    # an inner packet shorter than it says
    verifies: bool = True       # inner checksums
    defragments: bool = True    # the outer packet


RULES = {
    "Zeek": Rule("040d7583", 0x407f, 0, 8, 12, True, False),
    "Snort 3": Rule("a19c078d", 0x07ff, 8, 8, 20, False, True),
    "Arkime": Rule("01455b2b", 7, 0, 8, 12, True, True, verifies=False),
    "ntopng": Rule("e21c91d7", 0, 8, 8, 20, False, False, ipv6_type_iii=False, refuses_cut=False,
                   verifies=False, defragments=False),
}


class Refused(Exception):
    """Why a collector goes no further."""


def frame_in(rule, packet):
    """The frame that a collector finds in a copy."""
    family = packet[14] >> 4
    at = 14 + (4 * (packet[14] & 15) if family == 4 else 40)
    size = struct.unpack_from("!H", packet, 16)[0] if family == 4 else \
        40 + struct.unpack_from("!H", packet, 18)[0]
    packet = packet[:14 + size]
    if packet[23 if family == 4 else 20] != GRE:
        raise Refused("no GRE")
    flags, proto = struct.unpack_from("!HH", packet, at)
    if flags & rule.forbidden:
        raise Refused("GRE flags")
    at += 4 + sum(4 for bit in (CHECKSUM, KEY, S_BIT) if flags & bit)
    if proto == TYPE_II:
        length, version = (rule.type_ii if flags & S_BIT else rule.type_i), 1
    elif proto == TYPE_III and (rule.ipv6_type_iii or family == 4):
        length, version = rule.type_iii, 2
        if rule.optional and packet[at + 11] & O_BIT:
            length += 8
    else:
        raise Refused("GRE protocol")
    if rule.versions and length and packet[at] >> 4 != version:
        raise Refused("ERSPAN version")
    return packet[at + length:]


def payload_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def flow_in(rule, frame):
    """(protocol, both ends), bytes of payload: if the collector accepts the packet in the frame."""
    at = 14
    while struct.unpack_from("!H", frame, at - 2)[0] in erspan.TPIDS:
        at += 4
    kind, packet = struct.unpack_from("!H", frame, at - 2)[0], frame[at:]
    if kind == 0x0800 and packet[0] >> 4 == 4:
        head, size, proto = 4 * (packet[0] & 15), struct.unpack_from("!H", packet, 2)[0], packet[9]
        addresses = packet[12:16], packet[16:20]
        if rule.verifies and payload_sum(packet[:head]) != 0xffff:
            raise Refused("IP checksum")
    elif kind == 0x86dd and packet[0] >> 4 == 6:
        head, size, proto = 40, 40 + struct.unpack_from("!H", packet, 4)[0], packet[6]
        addresses = packet[8:24], packet[24:40]
    else:
        raise Refused("no IP")
    if size > len(packet) and rule.refuses_cut:
        raise Refused("cut")
    body = packet[head:size]
    pseudo = b"".join(addresses) + struct.pack("!HH", proto, len(body))
    if rule.verifies and payload_sum(pseudo + body) != 0xffff:
        raise Refused("checksum")
    ports = struct.unpack_from("!HH", body)
    return (proto, frozenset(zip(addresses, ports))), \
        len(body) - (8 if proto == 17 else 4 * (body[12] >> 4))


class Reading:
    """What a collector would say of copies: frames, flows, and how many it refused and why."""

    def __init__(self, rule, packets):
        self.frames, self.flows, self.refused = [], {}, {}
        for packet in packets:
            try:
                frame = frame_in(rule, packet)
                self.frames.append(frame)
                flow, size = flow_in(rule, frame)
                count, total = self.flows.get(flow, (0, 0))
                self.flows[flow] = count + 1, total + size
            except (Refused, struct.error, IndexError) as why:
                why = str(why) if isinstance(why, Refused) else "nonsense"
                self.refused[why] = self.refused.get(why, 0) + 1
