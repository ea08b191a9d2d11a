# SPDX-License-Identifier: GPL-2.0-only
"""What mirrorx sent, decoded by tshark, against what was on the wire.

For the host's halves of the packet tests, with what tests/cases.py recorded.
"""
import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from scapy.utils import RawPcapReader
from tap import ok

ETH_LEN = 14
TPIDS = (0x8100, 0x88a8)
MARK_TYPE = 0x88b5
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


def frames(pcap):
    """Every frame of a capture: (ns since 1970, bytes)."""
    return [((meta.sec * 1000000 + meta.usec) * 1000, frame)
            for frame, meta in RawPcapReader(str(pcap))]


def is_mark(frame, what):
    return frame[12:14] == MARK_TYPE.to_bytes(2, "big") and \
        frame[ETH_LEN:].rstrip(b"\0") == what.encode()


def between_marks(found, ident, frame=lambda entry: entry[1]):
    """From mark "begin IDENT" to mark "end IDENT", both included."""
    begin = [i for i, e in enumerate(found) if is_mark(frame(e), f"begin {ident}")]
    end = [i for i, e in enumerate(found) if is_mark(frame(e), f"end {ident}")]
    return found[begin[0]:end[0] + 1] if len(begin) == len(end) == 1 else []


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
        self.copies = [c for c in sent if c.number("erspan.spanid") == self.id]
        self.name = case.name + (f", {record['options']}" if record["options"] else "")


def whole(capture):
    """A capture's frames, if tcpdump saw all there were."""
    said = capture.with_suffix(".tcpdump").read_text()
    ok("\n0 packets dropped by kernel" in said, f"{capture.stem} is a whole capture", said)
    return frames(capture)


class Case:
    """A filter and what passed it."""

    def __init__(self, record, sent, captures):
        self.__dict__.update(record)
        self.wire = between_marks(captures[self.capture], self.mark)
        self.sessions = [Session(self, s, sent) for s in record["sessions"]]


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

def wrong_bytes(session, expected, room=None):
    """EXPECTED: frames of the wire; a copy is all of one or, if cut, its beginning."""
    wrong = []
    limit = min(x for x in (session.trunc, room, 1 << 16) if x)
    if len(session.copies) != len(expected):
        wrong.append(f"{len(session.copies)} copies of {len(expected)} frames")
    for i, (copy, frame) in enumerate(zip(session.copies, expected)):
        if copy.frame != frame[:limit]:
            wrong.append(f"frame {i}: {len(copy.frame)} of {len(frame)} bytes, not as the wire's:\n"
                         f" {copy.frame[:100].hex()}\n {frame[:limit][:100].hex()}")
        if copy.number("erspan.truncated") != (limit < len(frame)):
            wrong.append(f"frame {i}: T is {copy.field('erspan.truncated')} "
                         f"for {len(copy.frame)} of {len(frame)} bytes")
        if copy.number("erspan.vlan") | copy.number("erspan.cos") << 13 != \
                outer_tag(frame) & 0xefff:
            wrong.append(f"frame {i}: VLAN {copy.field('erspan.vlan')} COS "
                         f"{copy.field('erspan.cos')} for {frame[:22].hex()}")
    return wrong


def wrong_headers(session):
    """What every copy's headers say alike, and the sequence."""
    wrong = []
    v4 = session.case.underlay == 4
    egress = {"auto": session.case.hook == "egress", "egress": True, "ingress": False}[
        session.options.get("erspan_dir", "auto")]
    want = {"gre.flags_and_version": 0x1000, "gre.proto": 0x22eb, "erspan.version": 2,
            "erspan.bso": 0, "erspan.p": 1, "erspan.ft": 0, "erspan.direction": egress}
    for i, copy in enumerate(session.copies):
        for name, value in {**want, "gre.sequence_number": i}.items():
            if copy.number(name) != value:
                wrong.append(f"copy {i}: {name} is {copy.field(name)}, not {value}")
        size = copy.number("ip.len") if v4 else copy.number("ipv6.plen") + 40
        if ETH_LEN + size != len(copy.packet):
            wrong.append(f"copy {i}: {len(copy.packet)} bytes for an IP length of {size}")
        if v4 and (copy.field("ip.checksum.status"), copy.number("ip.flags")) != ("1", 2):
            wrong.append(f"copy {i}: outer IP checksum or flags")
    return wrong


def wrong_counters(session, cut_to_fit=0):
    """Nothing vanishes uncounted."""
    stats, wrong = session.stats, []
    reasons = {k: v for k, v in stats.items() if k not in ("sent", "bytes", "truncated", "cut")}
    sizes = sum(len(c.packet) - ETH_LEN for c in session.copies)
    cut = sum(c.number("erspan.truncated") for c in session.copies)
    for what, value, expected in (
            ("packets", session.packets, stats["sent"] + sum(reasons.values())),
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
            bad = [s for s in copy.fields[name] if s != "1"]
            if bad and not fragment(copy) and not ones(copy):
                wrong.append(f"copy {i}: {name} {bad}: {copy.frame[:100].hex()}")
    return wrong


def judge(session, *wrong):
    """One test case."""
    wrong = [line for lines in wrong for line in lines]
    ok(not wrong and session.copies, session.name, *wrong[:5],
       *([f"and {len(wrong) - 5} more"] if len(wrong) > 5 else []))
