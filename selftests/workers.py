# SPDX-License-Identifier: GPL-2.0-only
"""What a cluster's workers were sent, and what Suricata said there, as tests/cluster.sh leaves it."""
import ipaddress
import json
import struct
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

ETHERNET, OUTER = 14, 14 + 20 + 8 + 8       # in IPv4, GRE with a sequence, and ERSPAN type II
TYPE_II_BYTES = 8                           # Suricata counts that header as part of the packet
TCP, GRE = 6, 47
FIN, SYN = 1, 2


class Packet(NamedTuple):
    """When, from where to where, how many bytes; WORKER: who got a copy, if it is one"""
    time: float
    ends: tuple
    frame: bytes
    worker: str = None

    @property
    def flow(self):
        return frozenset(self.ends)


def frames(path):
    """(time, frame) of each packet of a capture"""
    data, at = path.read_bytes(), 24
    while at < len(data):
        seconds, fraction, length = struct.unpack_from("=III", data, at)
        yield seconds + fraction / 1e6, data[at + 16:at + 16 + length]
        at += 16 + length


def ends(frame):
    """(address, port) of sender and receiver of a TCP segment, None of anything else"""
    six = frame[12:14] == b"\x86\xdd"
    at, size, l4, proto = (22, 16, 54, 20) if six else (26, 4, 34, 23)
    if len(frame) < l4 + 20 or not six and frame[12:14] != b"\x08\0" or frame[proto] != TCP:
        return None
    ports = struct.unpack_from("!HH", frame, l4)
    return tuple((str(ipaddress.ip_address(frame[at + n * size:at + (n + 1) * size])), ports[n])
                 for n in (0, 1))


def source(path):
    """TCP segments on the mirrored device"""
    return [Packet(when, found, frame) for when, frame in frames(path) if (found := ends(frame))]


def copies(path):
    """Copies of such, and who got them"""
    return [Packet(when, found, frame[OUTER:], str(ipaddress.ip_address(frame[30:34])))
            for when, frame in frames(path)
            if frame[12:14] == b"\x08\0" and frame[23] == GRE and (found := ends(frame[OUTER:]))]


def repeating(packets):
    """Flows in which the sender itself has sent something twice, as on a busy machine"""
    seen, found = set(), set()
    for packet in packets:
        tcp = packet.frame[54 if packet.frame[12:14] == b"\x86\xdd" else 34:]
        size = len(tcp) - (tcp[12] >> 4) * 4
        segment = packet.ends, tcp[4:8], size, tcp[13] & (SYN | FIN)
        if (size or segment[-1]) and segment in seen:
            found.add(packet.flow)
        seen.add(segment)
    return found


def expected(packets):
    """{flow: [packets, bytes]} as Suricata counts"""
    flows = defaultdict(lambda: [0, 0])
    for packet in packets:
        flows[packet.flow][0] += 1
        flows[packet.flow][1] += len(packet.frame) + TYPE_II_BYTES
    return dict(flows)


class Report:
    """eve.json of one start of Suricata: by flow what it counted, read and complained of"""

    def __init__(self, path):
        self.flows, self.complaints = defaultdict(list), defaultdict(list)
        self.alerts, self.requests, self.files = Counter(), Counter(), Counter()
        self.dropped = 0
        for line in path.read_text().splitlines():
            if not line.endswith("}"):      # the last one of somebody who was killed
                continue
            record = json.loads(line)
            key = frozenset((str(ipaddress.ip_address(record[f"{end}_ip"])), record.get(f"{end}_port"))
                            for end in ("src", "dest")) if "src_ip" in record else None
            getattr(self, record["event_type"], lambda *_: None)(key, record)

    def seen(self):
        """Connections of which it has logged anything"""
        return {key for key, found in self.flows.items() if found}

    def flow(self, key, record):
        if record["proto"] == "TCP":
            flow = record["flow"]
            self.flows[key].append([flow["pkts_toserver"] + flow["pkts_toclient"],
                                    flow["bytes_toserver"] + flow["bytes_toclient"]])

    def alert(self, key, record):
        if record["alert"]["signature"].startswith("mirrorx"):
            self.alerts[record["http"]["url"]] += 1
        else:
            self.complaints[key].append(record["alert"]["signature"])

    def anomaly(self, key, record):
        self.complaints[key].append(record["anomaly"]["event"])

    def http(self, _, record):
        self.requests[record["http"]["url"]] += 1

    def fileinfo(self, _, record):
        info = record["fileinfo"]
        self.files[info["filename"], info["size"], info["state"]] += 1

    def stats(self, _, record):
        self.dropped = record["stats"]["capture"]["kernel_drops"]


class Cluster:
    """All of it"""

    def __init__(self, directory):
        directory = Path(directory)
        self.__dict__.update(json.loads((directory / "cluster.json").read_text()))
        self.source, self.copies = source(directory / "source.pcap"), copies(directory / "copies.pcap")
        self.reports = {host: [Report(directory / log / "eve.json") for log in logs]
                        for host, logs in self.workers.items()}

    def during(self, packets, number):
        phase = self.phases[number]
        return [p for p in packets if phase["begin"] <= p.time <= phase["end"]]

    def where(self, number):
        """{flow: workers that got something of it} in a phase"""
        found = defaultdict(set)
        for copy in self.during(self.copies, number):
            found[copy.flow].add(copy.worker)
        return found
