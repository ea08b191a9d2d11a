# SPDX-License-Identifier: GPL-2.0-only
"""What mirrorx sent, decoded by tshark, against what was on the wire.

For the host's halves of the packet tests, with what tests/cases.py recorded.
"""
import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from scapy.all import IP, SCTP, TCP, UDP, Ether, IPv6
from scapy.utils import RawPcapReader
from tap import ok

ETH_LEN = 14
TPIDS = (0x8100, 0x88a8)
MARK_TYPE = 0x88b5
LINKTYPE_ETHERNET, LINKTYPE_LINUX_SLL = 1, 113      # all others here are plain IP
GOOD, NONE = "1", "3"
CHECKSUMS = ("ip.checksum.status", "tcp.checksum.status", "udp.checksum.status",
             "sctp.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status")
FIELDS = ("frame.time_epoch", "frame.protocols", "frame.len", "eth.type",
          "ip.version", "ip.hdr_len", "ip.dsfield", "ip.len", "ip.id", "ip.flags", "ip.frag_offset",
          "ip.ttl", "ip.proto", "ip.src", "ip.dst",
          "ipv6.version", "ipv6.tclass", "ipv6.flow", "ipv6.plen", "ipv6.nxt", "ipv6.hlim",
          "ipv6.src", "ipv6.dst", "gre.flags_and_version", "gre.proto", "gre.sequence_number",
          "erspan.version", "erspan.vlan", "erspan.cos", "erspan.bso", "erspan.truncated",
          "erspan.spanid", "erspan.timestamp", "erspan.sgt", "erspan.p", "erspan.ft", "erspan.hw",
          "erspan.direction", "erspan.gra", "erspan.o", "erspan.platid", "erspan.pid5.switchid",
          "erspan.pid5.port_index", "erspan.pid5.timestamp", "tcp.checksum", *CHECKSUMS)
PREFERENCES = ("ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE",
               "sctp.checksum:CRC-32C", "ip.defragment:FALSE", "ipv6.defragment:FALSE",
               "tcp.desegment_tcp_streams:FALSE", "tcp.analyze_sequence_numbers:FALSE")


class Copy(NamedTuple):
    """One ERSPAN packet: all of it, the frame inside, fields by tshark (outermost first)."""
    packet: bytes
    frame: bytes
    fields: dict

    def field(self, name, which=0):
        return self.fields[name][which]

    def number(self, name, which=0):
        return int(self.field(name, which), 0)


def tshark(pcap, *args):
    preferences = [word for p in PREFERENCES for word in ("-o", p)]
    run = subprocess.run(["tshark", "-n", "-r", pcap, *preferences, *args], text=True,
                         capture_output=True)
    if run.returncode:
        raise RuntimeError(f"tshark {pcap}: {run.stderr}")
    return run.stdout


def layers(pcap):
    """Of each ERSPAN packet: its bytes, and where tshark finds the frame in it."""
    text = tshark(pcap, "-Y", "erspan", "-T", "jsonraw", "-j", "frame")

    # Layers of the same name must not hide each other: all pairs, no dict.
    for packet in json.loads(text or "[]", object_pairs_hook=lambda pairs: pairs):
        found = dict(dict(packet)["_source"])["layers"]
        raw = bytes.fromhex(dict(found)["frame_raw"][0])
        names = [name for name, _ in found]
        frame = names.index("eth_raw", names.index("erspan_raw"))
        yield raw, raw[found[frame][1][1]:]


def copies(pcap):
    """All ERSPAN packets of a capture."""
    wanted = [word for field in FIELDS for word in ("-e", field)]
    rows = tshark(pcap, "-Y", "erspan", "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a",
                  "-E", "aggregator=,", *wanted).splitlines()
    fields = [dict(zip(FIELDS, (value.split(",") if value else [] for value in row.split("\t"))))
              for row in rows]
    return [Copy(*raw, values) for raw, values in zip(layers(pcap), fields, strict=True)]


def with_ethernet(linktype, packet):
    """What a device without link-layer headers shows, behind the header that copies of it have."""
    if linktype == LINKTYPE_ETHERNET:
        return packet
    if linktype == LINKTYPE_LINUX_SLL:
        return bytes(12) + packet[14:]
    return bytes(12) + {4: b"\x08\0", 6: b"\x86\xdd"}[packet[0] >> 4] + packet


def frames(pcap):
    """Every frame of a capture: (ns since 1970, bytes)."""
    reader = RawPcapReader(str(pcap))
    return [((meta.sec * 1000000 + meta.usec) * 1000, with_ethernet(reader.linktype, packet))
            for packet, meta in reader]


def is_mark(frame, what):
    return frame.rstrip(b"\0").endswith(MARK_TYPE.to_bytes(2, "big") + what.encode())


def find_marks(found, ident):
    """Where in FOUND "begin IDENT" and "end IDENT" are, None if not once each."""
    where = [[i for i, frame in enumerate(found) if is_mark(frame, f"{what} {ident}")]
             for what in ("begin", "end")]
    return tuple(w[0] if len(w) == 1 else None for w in where)


def outer_tag(frame):
    """TCI of the outermost VLAN tag, 0 if there is none"""
    tagged = len(frame) >= ETH_LEN + 4 and int.from_bytes(frame[12:14], "big") in TPIDS
    return int.from_bytes(frame[14:16], "big") if tagged else 0


class Session:
    """One mirrorx action within a case."""

    def __init__(self, case, record, sent):
        words = record["options"].split()
        self.options = dict(zip(words[::2], words[1::2]))
        self.case, self.stats, self.packets = case, record["stats"], record["packets"]
        self.id, self.trunc = record["id"], int(self.options.get("trunc", 0)) or None
        # less those that were sent after the counters were read
        self.copies = [c for c in sent if c.number("erspan.spanid") == self.id and
                       c.number("gre.sequence_number") < self.stats["sent"]]
        self.name = case.name + (f", {record['options']}" if record["options"] else "")


def whole(capture):
    """A capture's frames, if tcpdump saw all there were."""
    capture = Path(capture)
    said = capture.with_suffix(".tcpdump").read_text()
    ok("\n0 packets dropped by kernel" in said, f"{capture.stem} is a whole capture", said)
    return frames(capture)


class Case:
    """A filter and what passed it: FRAMES of the wire, among them those from mark to mark."""

    def __init__(self, record, sent, captures):
        self.__dict__.update(record)
        self.sessions = [Session(self, s, sent) for s in record["sessions"]]
        capture = captures[self.capture]
        self.marks = find_marks([frame for _, frame in capture], self.mark)
        self.frames = self.mirrored(capture)

    def mirrored(self, capture):
        """The filter was there a little longer than from mark to mark: as many as it saw."""
        begin, end = self.marks
        marks = [find_marks([c.frame for c in s.copies], self.mark) for s in self.sessions]
        before, after = next((m for m in marks if None not in m), (None, None))
        if None in (begin, end, before, after):
            return []
        return capture[begin - before:begin - before + max(len(s.copies) for s in self.sessions)]


class Results:
    """What a test brought back from its VM."""

    def __init__(self, directory, collector="copies"):
        directory = Path(directory)
        records = json.loads((directory / "cases.json").read_text())
        self.captures = {name: whole(directory / f"{name}.pcap")
                         for name in sorted({r["capture"] for r in records})}
        whole(directory / f"{collector}.pcap")
        self.copies = copies(directory / f"{collector}.pcap")
        self.cases = [Case(r, self.copies, self.captures) for r in records]

    def sessions(self):
        return [s for case in self.cases for s in case.sessions]


def no_fragments(directory, collector="copies"):
    """What is no ERSPAN packet would be the rest of one, in fragments."""
    others = tshark(Path(directory) / f"{collector}.pcap", "-Y",
                    "!erspan && (ip.proto == 47 || ipv6.nxt == 47 || ipv6.nxt == 44)")
    ok(not others, "all copies are whole ERSPAN packets", others)


# --- what holds for every session: lists of what is wrong

def finished(frame):
    """FRAME with the TCP, UDP or SCTP checksum that a device would put in."""
    dissected = Ether(frame)
    layer = next((l for l in (TCP, UDP, SCTP) if l in dissected), None)
    fragment = IP in dissected and (dissected[IP].frag or dissected[IP].flags.MF)
    if not layer or fragment or IPv6 in dissected and dissected[IPv6].nh == 44:
        return frame
    if layer is UDP and not dissected[UDP].chksum:
        return frame                    # sent without one
    at = frame.rindex(bytes(dissected[layer].original))
    where, size = {TCP: (16, 2), UDP: (6, 2), SCTP: (8, 4)}[layer]
    del dissected[layer].chksum
    built = bytes(dissected)
    summed = built[at + where:at + where + size]
    return frame[:at + where] + (summed if any(summed) else b"\xff" * size) + \
        frame[at + where + size:]


def on_the_wire(case):
    """The frames of a case as a wire carries them, which no veth with offloads does."""
    found = [frame for _, frame in case.frames]
    return [finished(frame) for frame in found] if hasattr(case, "unfinished") else found


def room(case, session, expected):
    """Where the underlay's MTU cuts, if the case set it, and how many frames for that reason."""
    if not hasattr(case, "mtu"):
        return None, 0
    head = {4: 20, 6: 40}[case.underlay] + 8 + 12
    if session.options.get("timestamp") == "ns":
        head += 8
    fits = case.mtu - head
    if session.trunc and session.trunc <= fits:
        return fits, 0
    return fits, sum(len(frame) > fits for frame in expected)


def wrong_bytes(session, expected, room=None):
    """EXPECTED: frames of the wire; a copy is all of one or, if cut, its beginning."""
    wrong = []
    limit = min(x for x in (session.trunc, room, 1 << 16) if x)
    if len(session.copies) != len(expected):
        wrong.append(f"{len(session.copies)} copies of {len(expected)} frames")
    for i, (copy, frame) in enumerate(zip(session.copies, expected)):
        if copy.frame != frame[:limit]:
            wrong.append(f"frame {i}: {len(copy.frame)} of {len(frame)} bytes, not as the wire's:\n"
                         f" {copy.frame[:80].hex()}\n {frame[:limit][:80].hex()}")
        if copy.number("erspan.truncated") != (limit < len(frame)):
            wrong.append(f"frame {i}: T is {copy.field('erspan.truncated')} "
                         f"for {len(copy.frame)} of {len(frame)} bytes")
        if copy.number("erspan.vlan") | copy.number("erspan.cos") << 13 != \
                outer_tag(frame) & 0xefff:
            wrong.append(f"frame {i}: VLAN {copy.field('erspan.vlan')} COS "
                         f"{copy.field('erspan.cos')} for {frame[:22].hex()}")
    return wrong


def said(session):
    """What tshark must read in every copy of a session."""
    option = session.options.get
    egress = session.case.hook == "egress"
    gra = ("100us", "100ns", "ns").index(option("timestamp", "100us"))
    source = option("src_ip") or getattr(session.case, "source", None)
    tos, ttl = int(option("tos", "0"), 0), int(option("ttl", "64"))
    want = {"gre.flags_and_version": 0x1000, "gre.proto": 0x22eb, "erspan.version": 2,
            "erspan.bso": 0, "erspan.spanid": session.id, "erspan.sgt": int(option("sgt", "0"), 0),
            "erspan.p": 1, "erspan.ft": 0, "erspan.hw": int(option("erspan_hwid", "0"), 0),
            "erspan.direction": {"auto": egress, "egress": True, "ingress": False}[
                option("erspan_dir", "auto")],
            "erspan.gra": gra, "erspan.o": gra == 2}
    if gra == 2:
        want |= {"erspan.platid": 5, "erspan.pid5.switchid": 0, "erspan.pid5.port_index": 0}
    if session.case.underlay == 4:
        return want | {"eth.type": 0x0800, "ip.version": 4, "ip.hdr_len": 20, "ip.dsfield": tos,
                       "ip.id": 0, "ip.flags": 2, "ip.frag_offset": 0, "ip.ttl": ttl,
                       "ip.proto": 47, "ip.checksum.status": 1,
                       "ip.src": source or "192.0.2.1", "ip.dst": option("dst_ip", "192.0.2.9")}
    return want | {"eth.type": 0x86dd, "ipv6.version": 6, "ipv6.tclass": tos, "ipv6.flow": 0,
                   "ipv6.nxt": 47, "ipv6.hlim": ttl, "ipv6.src": source or "2001:db8:9::1",
                   "ipv6.dst": option("dst_ip", "2001:db8:9::9")}


def wrong_headers(session):
    """Every field of the outer headers but VLAN, COS, T and time, and the sequence."""
    want, wrong = said(session), []
    for i, copy in enumerate(session.copies):
        for name, value in {**want, "gre.sequence_number": i}.items():
            found = copy.fields[name][:1]
            if found != [value] and found and not isinstance(value, str):
                found = [int(found[0], 0)]
            if found != [value]:
                wrong.append(f"copy {i}: {name} is {found}, not {value}")
        size = copy.number("ip.len") if session.case.underlay == 4 else \
            copy.number("ipv6.plen") + 40
        if ETH_LEN + size != len(copy.packet):
            wrong.append(f"copy {i}: {len(copy.packet)} bytes for an IP length of {size}")
    return wrong


def wrong_times(session, early, late):
    """The time in the copies is the wire's, less at most EARLY and plus at most LATE ns."""
    wrong = []
    for i, (copy, (seen, _)) in enumerate(zip(session.copies, session.case.frames)):
        stamp = copy.number("erspan.timestamp")
        if copy.number("erspan.gra") == 2:
            unit, wrap = 1, 1 << 64
            stamp += copy.number("erspan.pid5.timestamp") * 10 ** 9
        else:
            unit, wrap = (100000, 100)[copy.number("erspan.gra")], 1 << 32
        low, high = ((seen + by) // unit for by in (-early, late))
        if (stamp - low) % wrap > high - low:
            wrong.append(f"copy {i}: time {stamp}, not from {low % wrap} to {high % wrap}")
    return wrong


def wrong_counters(session, cut_to_fit=0):
    """Nothing vanishes uncounted."""
    stats, wrong = session.stats, []
    packets = session.packets
    if hasattr(session.case, "uncounted"):      # tc counts no segments of what user space made
        packets = stats["sent"] + stats["unsampled"]
    reasons = {k: v for k, v in stats.items() if k not in ("sent", "bytes", "truncated", "cut")}
    sizes = sum(len(c.packet) - ETH_LEN for c in session.copies)
    cut = sum(c.number("erspan.truncated") for c in session.copies)
    for what, value, expected in (
            ("packets", packets, stats["sent"] + sum(reasons.values())),
            ("sent", stats["sent"], len(session.copies)), ("bytes", stats["bytes"], sizes),
            ("cut", stats["cut"], cut_to_fit), ("truncated", stats["truncated"], cut - cut_to_fit)):
        if value != expected:
            wrong.append(f"{what} is {value}, not {expected}: {stats}")
    return wrong


def fragment(copy):
    """Is the frame a fragment, of which no checksum can be verified?"""
    return "ipv6.fraghdr" in copy.field("frame.protocols") or \
        int(copy.fields["ip.flags"][-1:] == ["0x01"])


def ones(copy):
    """Linux writes 0xffff for 0, which all receivers take and only tshark does not."""
    return copy.fields["tcp.checksum"] == ["0xffff"]


def wrong_checksums(session):
    """Every inner checksum that tshark finds must be good."""
    wrong = []
    for i, copy in enumerate(session.copies):
        for name in CHECKSUMS:
            bad = [s for s in copy.fields[name] if s not in (GOOD, NONE)]
            if bad and not fragment(copy) and not ones(copy):
                wrong.append(f"copy {i}: {name} {bad}: {copy.frame[:100].hex()}")
    return wrong


def judge(session, *wrong):
    """One test case."""
    wrong = [line for lines in wrong for line in lines]
    ok(not wrong and session.copies, session.name, *wrong[:3],
       *([f"and {len(wrong) - 3} more"] if len(wrong) > 3 else []))
