# SPDX-License-Identifier: GPL-2.0-only
"""To which flow a frame belongs, as the manual has it: from what scapy dissects, and SipHash."""
import functools
import ipaddress
import logging
import struct

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.contrib.geneve import GENEVE  # noqa: E402
from scapy.layers.inet import IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment  # noqa: E402
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Dot3, Ether  # noqa: E402
from scapy.layers.sctp import SCTP  # noqa: E402
from scapy.layers.vxlan import VXLAN  # noqa: E402
from scapy.packet import Padding, Raw  # noqa: E402

KNOWN = 64                      # datagrams in fragments
TUNNELS = 4                     # that are entered, one in the other
EXTENSIONS = ("IPv6ExtHdr", "AH", "PseudoIPv6")
PORTS = {6: TCP, 17: UDP, 132: SCTP}
RAW_PORTS = (33, 136)           # DCCP and UDP-Lite, which scapy does not know
MASK = (1 << 64) - 1


def siphash(key, data):
    """SipHash-2-4 (Aumasson and Bernstein, 2012) of bytes, with a key of two numbers."""
    v = [key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
         key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573]

    def turn(x, by):
        return (x << by | x >> 64 - by) & MASK

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & MASK
            v[2] = (v[2] + v[3]) & MASK
            v[1] = turn(v[1], 13) ^ v[0]
            v[3] = turn(v[3], 16) ^ v[2]
            v[0] = turn(v[0], 32)
            v[2] = (v[2] + v[1]) & MASK
            v[0] = (v[0] + v[3]) & MASK
            v[1] = turn(v[1], 17) ^ v[2]
            v[3] = turn(v[3], 21) ^ v[0]
            v[2] = turn(v[2], 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 255])
    for word, in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def mix(data):
    """What takes the place of SipHash where flows are not sampled"""
    total = 0
    for word, in struct.iter_unpack("<Q", data):
        total = (total ^ word) * 0x61c8864680b583eb & MASK
        total ^= total >> 32
    return total


def ends(source, target, ports):
    """Both directions the same: the lower address first, or the lower port."""
    here, there = sorted(zip((source, target), ports))
    return here[0] + there[0] + struct.pack("!HH", here[1], there[1])


class Level:
    """An IP packet, or a frame without one, and what is in it."""

    def __init__(self, outermost):
        self.frame = layer = outermost
        while isinstance(layer, (Ether, Dot3, Dot1Q, Dot1AD)):
            self.type, layer = layer.len if isinstance(layer, Dot3) else layer.type, layer.payload
        self.net, self.payload = layer, layer.payload
        self.fragment = self.later = False
        self.id = 0
        if isinstance(layer, IP) and layer.ihl * 4 <= len(layer.original):
            self.proto, self.id = layer.proto, layer.id
            self.later, self.fragment = layer.frag > 0, layer.frag > 0 or bool(layer.flags.MF)
        elif isinstance(layer, IPv6):
            self.enter_extensions()
        else:
            self.net = None

    def enter_extensions(self):
        self.proto = self.net.nh
        while type(self.payload).__name__.startswith(EXTENSIONS) and not self.later:
            if isinstance(self.payload, IPv6ExtHdrFragment):
                self.id, self.later = self.payload.id, self.payload.offset > 0
                self.fragment = self.later or bool(self.payload.m)
            self.proto, self.payload = self.payload.nh, self.payload.payload

    def ports(self):
        if self.later or self.proto not in (*PORTS, *RAW_PORTS):
            return 0, 0
        if isinstance(self.payload, PORTS.get(self.proto, Raw)) and self.proto in PORTS:
            return self.payload.sport, self.payload.dport
        data = bytes(self.payload)
        return struct.unpack_from("!HH", data) if len(data) >= 4 else (0, 0)

    def key(self):
        if not self.net:
            macs = bytes(self.frame)[6:12], bytes(self.frame)[:6]
            return b"".join(sorted(macs)) + struct.pack("!HBB", self.type, 0, 2)
        source, target = (ipaddress.ip_address(a).packed for a in (self.net.src, self.net.dst))
        return ends(source, target, self.ports()) + bytes([0, 0, self.proto, self.net.version])

    def datagram(self):
        proto = self.proto if self.net.version == 4 else 0
        return self.key()[:-8] + struct.pack("!IBBBB", self.id, 0, 1, proto, self.net.version)

    def inside(self):
        """What a tunnel carries"""
        if self.later or not self.net:
            return None
        carried = self.payload
        if isinstance(carried, UDP):
            if carried.dport not in (4789, 6081):
                return None
            carried = carried.payload
            if not isinstance(carried, (VXLAN, GENEVE)) or isinstance(carried, VXLAN) and \
                    not carried.flags.Instance or isinstance(carried, GENEVE) and carried.version:
                return None
            carried = carried.payload
        elif isinstance(carried, GRE):
            if carried.version or carried.routing_present or carried.strict_route_source:
                return None
            carried = carried.payload
        return carried if isinstance(carried, (IP, IPv6, Ether)) else None


@functools.cache
def find(frame, inner):
    """(key, what tells its datagram if it is a fragment, whether it is not the first)"""
    level = Level(Ether(frame))
    key, datagram, later = level.key(), None, False
    for depth in range(TUNNELS + 1):
        key = level.key()
        if level.net and level.fragment and not datagram:
            datagram, later = level.datagram(), level.later
        carried = level.inside() if inner and depth < TUNNELS else None
        if not carried or isinstance(carried, (Raw, Padding)):
            break
        level = Level(carried)
    return key, datagram, later


class Flows:
    """Numbers of flows, with what the last first fragments told, as far as one CPU knows"""

    def __init__(self, seed=0, inner=False, sampled=True, secret=0):
        self.seed, self.inner, self.sampled, self.secret = seed, inner, sampled, secret
        self.known = {}

    def hash(self, data):
        return siphash((self.seed, self.secret), data) if self.sampled else mix(data)

    def number(self, frame):
        key, datagram, later = find(frame, self.inner)
        hashed = self.hash(key)
        if not datagram:
            return hashed
        told = self.hash(datagram)
        if not later:
            self.known[told % KNOWN] = told, hashed
        known, flow = self.known.get(told % KNOWN, (None, None))
        return flow if known == told else hashed

    def chosen(self, frame, rate):
        return self.number(frame) & 0xffffffff <= 0xffffffff // rate
