# SPDX-License-Identifier: GPL-2.0-only
"""What happened: the frames of collectors.sh as they were on the wire, and what a copy of each
has to be, by the words of its session."""
import json
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


def limit(words, frame):
    """How many bytes `trunc` leaves."""
    if "trunc" not in words:
        return WHOLE
    start, _, size = words[words.index("trunc") + 1].rpartition("+")
    return int(size) + (headers(frame)[start] if start else 0)


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


class Format:
    """One of the actions: how it wraps, where to."""

    def __init__(self, name, record):
        self.name, self.id, self.address = name, record["id"], record["address"]
        self.words = record["words"].split()
        self.strips = self.words[-2:] == ["vlan_tag", "strip"]


class Frame:
    """A frame of the wire and what a collector must see of it."""

    def __init__(self, original, format, words):
        frame = without_tag(original) if format.strips else original
        self.bytes = frame[:limit(words, frame)]
        self.cut = len(self.bytes) < len(frame)
        if self.cut and "fixlen" in words:
            self.bytes = fixed(self.bytes)
        self.original, self.vlans = original, tags(original)

    def flow(self):
        """(protocol, {address, port} of both ends)"""
        packet = Ether(self.original)
        network = packet[IP] if IP in packet else packet[IPv6]
        transport = packet[TCP] if TCP in packet else packet[UDP]
        return ({TCP: "TCP", UDP: "UDP"}[type(transport)],
                frozenset([(network.src, transport.sport), (network.dst, transport.dport)]))


class Case:
    """What passed in one kind of conversation."""

    def __init__(self, record, wire):
        self.__dict__.update(record)
        self.words = self.words.split()
        self.original = {direction: [frame for when, frame in found if self.during(when)]
                         for direction, found in wire.items()}

    def during(self, when):
        return self.begin <= when / 1e9 <= self.end

    def frames(self, format):
        """Of each direction what a collector must see."""
        return {direction: [Frame(frame, format, self.words) for frame in found]
                for direction, found in self.original.items()}


class Results:
    """What collectors.sh brought back."""

    def __init__(self, directory):
        directory = Path(directory)
        self.directory = directory
        record = json.loads((directory / "cases.json").read_text())
        self.formats = {name: Format(name, f) for name, f in record["formats"].items()}
        wire = {name: erspan.whole(directory / f"{name}.pcap") for name in ("in", "out")}
        self.cases = {c["kind"]: Case(c, wire) for c in record["cases"]}
        self.copies = erspan.whole(directory / "copies.pcap")

    def packets(self, format, case):
        """(ns, packet) of what was sent to the address of FORMAT during CASE."""
        address = bytes(IP(dst=format.address))[16:] if "." in format.address else \
            bytes(IPv6(dst=format.address))[24:]
        where = {4: (12, b"\x08\0", 30), 16: (12, b"\x86\xdd", 38)}[len(address)]
        return [(when, packet) for when, packet in self.copies if case.during(when)
                and packet[12:14] == where[1] and packet[where[2]:][:len(address)] == address]


def direction(frame, case):
    """Whose frame is it?  "" if nobody's."""
    sources = {name: found[0][6:12] for name, found in case.original.items() if found}
    return next((name for name, mac in sources.items() if frame[6:12] == mac), "")


def by_direction(frames, case):
    found = {name: [] for name in ("in", "out", "")}
    for frame in frames:
        found[direction(frame, case)].append(frame)
    return found


def whole_packets(packets):
    """PACKETS, the outer fragments among them put together by scapy."""
    made = [Ether(packet) for packet in packets]
    for done in defragment, defragment6:
        layer = {defragment: IP, defragment6: IPv6}[done]
        pieces = [p for p in made if layer in p and (
            p[IP].flags.MF or p[IP].frag if layer is IP else p[IPv6].nh == 44)]
        if pieces:
            others = [p for p in made if not any(p is piece for piece in pieces)]
            joined = defragment(pieces) if layer is IP else [defragment6(g) for g in groups(pieces)]
            made = others + list(joined)
    return [bytes(packet) for packet in made]


def groups(pieces):
    """Fragments of IPv6 by their identification"""
    found = {}
    for piece in pieces:
        found.setdefault(piece.id if hasattr(piece, "id") else piece[2].id, []).append(piece)
    return found.values()


def payload(frames):
    """Bytes of each direction of each connection: {(source port, destination port): bytes}."""
    pieces = {}
    for frame in frames:
        packet = Ether(frame)
        if TCP not in packet:
            continue
        tcp, data = packet[TCP], bytes(packet[TCP].payload)
        network = packet[IP] if IP in packet else packet[IPv6]
        size = (network.len - 4 * network.ihl if IP in packet else network.plen) - 4 * tcp.dataofs
        if size > 0:
            pieces.setdefault((tcp.sport, tcp.dport), {})[tcp.seq] = data[:size]
    made = {}
    for ports, found in pieces.items():
        first, stream = min(found), b""
        for seq, data in sorted(found.items()):
            if seq - first != len(stream):
                stream += b"<gap>"
                break
            stream += data
        made[ports] = stream
    return made
