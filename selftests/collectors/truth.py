# SPDX-License-Identifier: GPL-2.0-only
"""What happened: the frames of collectors.sh as they were on the wire, and what a copy of each
has to be, by the words of its session."""
import ipaddress
import json
from functools import cache
from pathlib import Path

import erspan
from scapy.all import IP, TCP, UDP, Ether, IPv6
from scapy.layers.inet import defragment
from scapy.layers.inet6 import defragment6

ETH_LEN, TAG_LEN = 14, 4
WHOLE = 1 << 16


def headers(frame):
    """Where the headers of L2, L3 and L4 end: of the protocols that are in these tests."""
    at = ETH_LEN
    while int.from_bytes(frame[at - 2:at], "big") in erspan.TPIDS:
        at += TAG_LEN
    if frame[at] >> 4 == 4:
        network, proto = at + 4 * (frame[at] & 15), frame[at + 9]
    else:
        network, proto = at + 40, frame[at + 6]
    return {"l2": at, "l3": network,
            "l4": network + (8 if proto == 17 else 4 * (frame[network + 12] >> 4))}


def limit(action, frame):
    """How many bytes `trunc` leaves."""
    after = action["trunc_after"]
    if after:
        return headers(frame)[after] + action["trunc"]
    return action["trunc"] or WHOLE


def fixed(frame):
    """A frame that was cut, as a packet that was never longer: scapy fills in what is left out."""
    packet = Ether(frame)
    for layer, fields in (IP, ("len", "chksum")), (IPv6, ("plen",)), (TCP, ("chksum",)), \
            (UDP, ("len", "chksum")):
        if layer in packet:
            for field in fields:
                delattr(packet[layer], field)
    return bytes(packet)


def without_tag(frame):
    return frame[:12] + frame[16:] if erspan.outer_tag(frame) else frame


def tags(frame):
    """VLAN IDs, outermost first"""
    at, found = 12, []
    while int.from_bytes(frame[at:at + 2], "big") in erspan.TPIDS:
        found.append(int.from_bytes(frame[at + 2:at + 4], "big") & 0xfff)
        at += TAG_LEN
    return found


class Session:
    """One of the actions: its words, and where it sends to."""

    def __init__(self, number, record):
        self.number, self.words, self.address = number, record["words"], record["address"]
        self.family = 6 if ":" in self.address else 4

    @property
    def name(self):
        return self.words + (", IPv6" if self.family == 6 else "")


class Frame:
    """A frame of the wire and what a collector must see of it, by the words of an action."""

    def __init__(self, original, action):
        frame = without_tag(original) if action["vlan_tag"] == "strip" else original
        self.bytes = frame[:limit(action, frame)]
        self.cut = len(self.bytes) < len(frame)
        if self.cut and action["fixlen"]:
            self.bytes = fixed(self.bytes)
        self.original = original


class Case:
    """What passed in one kind of conversation."""

    def __init__(self, record, wire):
        self.__dict__.update(record)
        self.made = {}
        self.original = {direction: [frame for when, frame in found if self.during(when)]
                         for direction, found in wire.items()}

    def during(self, when):
        return self.begin <= when / 1e9 <= self.end

    def action(self, session):
        """What tc said of the action."""
        return self.sessions[session.number]

    def frames(self, session):
        """Of each direction what a collector must see."""
        action = self.action(session)
        key = tuple(action[what] for what in ("vlan_tag", "trunc", "trunc_after", "fixlen"))
        if key not in self.made:
            self.made[key] = {direction: [Frame(frame, action) for frame in found]
                              for direction, found in self.original.items()}
        return self.made[key]

    def room(self, session):
        """Bytes of a frame that the underlay's MTU leaves"""
        action = self.action(session)
        own = {0: 0, 1: 4 + 8, 2: 4 + 12 + (0 if action["subheader"] == "none" else 8)}
        return self.mtu - {4: 20, 6: 40}[session.family] - 4 - own[action["erspan_ver"]]

    def whole(self):
        return "trunc" not in self.words

    def splits(self):
        return self.words == "oversize split"

    def repeats(self):
        """Did TCP send anything twice?"""
        sent = [(tcp.sport, tcp.seq, tcp.flags) for tcp in (
            packet[TCP] for frame in sum(self.original.values(), []) for packet in [Ether(frame)]
            if TCP in packet and (payload_size(packet) or packet[TCP].flags & "SF"))]
        return len(set(sent)) < len(sent)


class Results:
    """What collectors.sh brought back."""

    def __init__(self, directory):
        self.directory = Path(directory)
        record = json.loads((self.directory / "cases.json").read_text())
        self.sessions = {number: Session(number, s) for number, s in record["sessions"].items()}
        wire = {name: erspan.whole(self.directory / f"{name}.pcap") for name in ("in", "out")}
        self.cases = [Case(c, wire) for c in record["cases"]]
        self.copies = erspan.whole(self.directory / "copies.pcap")

    def packets(self, session, case):
        """(ns, packet) of what was sent to the address of SESSION during CASE."""
        kind, at, size = {4: (b"\x08\0", 30, 4), 6: (b"\x86\xdd", 38, 16)}[session.family]
        address = ipaddress.ip_address(session.address).packed
        return [(when, packet) for when, packet in self.copies if case.during(when)
                and packet[12:14] == kind and packet[at:at + size] == address]


def direction(frame, case):
    """Whose frame is it?  "" if nobody's."""
    sources = {name: found[0][6:12] for name, found in case.original.items() if found}
    return next((name for name, mac in sources.items() if frame[6:12] == mac), "")


def by_direction(frames, case):
    found = {name: [] for name in ("in", "out", "")}
    for frame in frames:
        found[direction(frame, case)].append(frame)
    return found


def piece_of(packet):
    """What an outer fragment is one of, or None"""
    if packet[12:14] == b"\x08\0" and int.from_bytes(packet[20:22], "big") & 0x3fff:
        return 4, packet[18:20]
    if packet[12:14] == b"\x86\xdd" and packet[20] == 44:
        return 6, packet[58:62]
    return None


def whole_packets(packets):
    """PACKETS, the outer fragments among them put together by scapy."""
    found = {}
    for number, packet in enumerate(packets):
        found.setdefault(piece_of(packet) or (0, number), []).append(packet)
    return [packet for (family, _), pieces in found.items()
            for packet in (joined(family, pieces) if family else pieces)]


def joined(family, pieces):
    made = [Ether(piece) for piece in pieces]
    return [bytes(p) for p in (defragment(made) if family == 4 else [defragment6(made)])]


@cache
def payload(frames):
    """What each direction of each TCP connection carried, and which bytes of that are there."""
    made = {}
    for frame in frames:
        packet = Ether(frame)
        if TCP not in packet:
            continue
        tcp, size = packet[TCP], payload_size(packet)
        first, stream, there = made.setdefault((tcp.sport, tcp.dport),
                                               (tcp.seq, bytearray(), bytearray()))
        at = (tcp.seq - first) % (1 << 32)
        for array in stream, there:
            array.extend(bytes(max(0, at + size - len(array))))
        stream[at:at + size] = bytes(tcp.payload)[:size]
        there[at:at + size] = size * b"x"
    return made


def payload_size(packet):
    """Bytes above TCP or UDP, by what the headers say"""
    if IP in packet:
        size = packet[IP].len - 4 * packet[IP].ihl
    else:
        size = packet[IPv6].plen
    return size - (4 * packet[TCP].dataofs if TCP in packet else 8)


@cache
def conversations(frames):
    """{(protocol, both ends): (packets, bytes of payload)}"""
    found = {}
    for frame in frames:
        packet = Ether(frame)
        network = packet[IP] if IP in packet else packet[IPv6]
        transport = packet[TCP] if TCP in packet else packet[UDP]
        size = payload_size(packet)
        flow = (6 if TCP in packet else 17, frozenset(
            [(packed(network.src), transport.sport), (packed(network.dst), transport.dport)]))
        count, total = found.get(flow, (0, 0))
        found[flow] = count + 1, total + size
    return found


def packed(address):
    return ipaddress.ip_address(address).packed
