# SPDX-License-Identifier: GPL-2.0-only
"""What mirrorx sent, decoded by tshark, against what was on the wire.

For the host's halves of the packet tests, with what tests/cases.py recorded.
"""
import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from scapy.all import ARP, ICMP, IP, SCTP, TCP, UDP, Dot1AD, Dot1Q, Ether, IPv6, Raw
from scapy.utils import RawPcapReader
import flowmodel
import rawtc
from tap import ok

ETH_LEN = 14
TPIDS = (0x8100, 0x88a8)
MARK_TYPE, DCCP = 0x88b5, 33
LINKTYPE_ETHERNET, LINKTYPE_LINUX_SLL = 1, 113      # all others here are plain IP
GOOD, NONE = "1", "3"
# Words of a command line that are all there is to an option
FLAGS = ("fixlen", "random", "every", "flow", "flow_inner", "anonymize_mac", "zero_payload")
CHECKSUMS = ("ip.checksum.status", "tcp.checksum.status", "udp.checksum.status",
             "sctp.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status")
FIELDS = ("frame.number", "frame.time_epoch", "frame.protocols", "frame.len", "eth.type",
          "ip.version", "ip.hdr_len", "ip.dsfield", "ip.len", "ip.id", "ip.flags.rb",
          "ip.flags.df", "ip.flags.mf", "ip.frag_offset", "ip.ttl", "ip.proto", "ip.src", "ip.dst",
          "ipv6.version", "ipv6.tclass", "ipv6.flow", "ipv6.plen", "ipv6.nxt", "ipv6.hlim",
          "ipv6.src", "ipv6.dst", "gre.flags_and_version", "gre.proto", "gre.sequence_number",
          "erspan.version", "erspan.vlan", "erspan.cos", "erspan.bso", "erspan.truncated",
          "erspan.spanid", "erspan.timestamp", "erspan.sgt", "erspan.p", "erspan.ft", "erspan.hw",
          "erspan.direction", "erspan.gra", "erspan.o", "erspan.encap", "erspan.index",
          "erspan.platid", "erspan.pid1.vsmid", "erspan.pid1.port_index",
          "erspan.pid3.port_index", "erspan.pid3.timestamp",
          "erspan.pid5.switchid", "erspan.pid5.port_index", "erspan.pid5.timestamp",
          "erspan.pid7.source_index", "erspan.pid7.timestamp", "tcp.checksum", *CHECKSUMS)
PREFERENCES = ("ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE",
               "sctp.checksum:CRC-32C", "ip.defragment:FALSE", "ipv6.defragment:FALSE",
               "tcp.desegment_tcp_streams:FALSE", "tcp.analyze_sequence_numbers:FALSE")
# Ports of collectors that are not the usual ones
DECODE_AS = ("udp.port==14789,vxlan", "udp.port==16081,geneve")


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
    preferences = [word for p in PREFERENCES for word in ("-o", p)] + \
        [word for port in DECODE_AS for word in ("-d", port)]
    chroot = ["chroot", root] if (root := os.environ.get("TSHARK_ROOT")) else []
    with open(pcap, "rb") as packets:
        run = subprocess.run([*chroot, "tshark", "-n", "-r", "-", *preferences, *args],
                             stdin=packets, text=True, capture_output=True)
    if run.returncode:
        raise RuntimeError(f"tshark {pcap}: {run.stderr}")
    return run.stdout


def layers(pcap, encap="erspan"):
    """Of each ERSPAN packet, or other one: its bytes, and where tshark finds the frame in it."""
    text = tshark(pcap, "-Y", encap, "-T", "jsonraw", "-j", "frame")

    # Layers of the same name must not hide each other: all pairs, no dict.
    for packet in json.loads(text or "[]", object_pairs_hook=lambda pairs: pairs):
        found = dict(dict(packet)["_source"])["layers"]
        raw = bytes.fromhex(dict(found)["frame_raw"][0])
        names = [name for name, _ in found]
        inside = names[names.index(f"{encap}_raw"):]
        if "eth_raw" in inside:
            frame = names.index("eth_raw", names.index(f"{encap}_raw"))
            yield raw, raw[found[frame][1][1]:]
        else:                   # a tunnel's packet in a slice
            yield raw, b""


def numbers(values):
    """A field's values, of which newer tsharks have words for some."""
    return [{"False": "0", "True": "1"}.get(value, value) for value in values.split(",")]


def copies(pcap, encap="erspan", names=FIELDS):
    """All ERSPAN packets of a capture, or those of another encapsulation."""
    wanted = [word for field in names for word in ("-e", field)]
    rows = tshark(pcap, "-Y", encap, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a",
                  "-E", "aggregator=,", *wanted).splitlines()
    fields = [dict(zip(names, (numbers(value) if value else [] for value in row.split("\t"))))
              for row in rows]
    return [Copy(*raw, values) for raw, values in zip(layers(pcap, encap), fields, strict=True)]


def complaints(pcap):
    """{number of a packet: what tshark finds wrong with it}, errors only

    What lies within TCP and the like is bound to be cut."""
    rows = tshark(pcap, "--disable-protocol", "icq", "--disable-protocol", "stp",
                  "--disable-protocol", "cdp", "-Y", "_ws.malformed || _ws.short || _ws.expert.severity == 8388608",
                  "-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message")
    return dict(row.split("\t", 1) for row in rows.splitlines())


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


def is_tagged(frame):
    return len(frame) >= ETH_LEN + 4 and int.from_bytes(frame[12:14], "big") in TPIDS


def outer_tag(frame):
    """TCI of the outermost VLAN tag, 0 if there is none"""
    return int.from_bytes(frame[14:16], "big") if is_tagged(frame) else 0


def parse(options):
    """The words of a command line as a dict."""
    words, found = iter(options.split()), {}
    for word in words:
        found[word] = True if word in FLAGS else next(words)
    return found


class Session:
    """One mirrorx action within a case."""

    def __init__(self, case, record, sent):
        self.options, self.record = parse(record["options"]), record["options"]
        self.case, self.stats, self.packets = case, record["stats"], record["packets"]
        self.id, self.type = record["id"], int(self.options.get("erspan_ver", 2))
        trunc = self.options.get("trunc", "0")
        self.trunc = int(trunc) or None if trunc.isdigit() else None
        self.copies = self.mine(sent)
        self.name = case.name + (f", {record['options']}" if record["options"] else "")

    def mine(self, sent):
        """Its copies, less those that were sent after the counters were read."""
        if self.type == 0:      # has no Session ID, and a source address instead
            source = "ip.src" if self.case.underlay == 4 else "ipv6.src"
            return [c for c in sent if not c.fields["erspan.spanid"] and
                    c.fields[source][:1] == [self.options["src_ip"]]][:self.stats["sent"]]
        return [c for c in sent if c.fields["erspan.spanid"] == [str(self.id)] and
                c.number("gre.sequence_number") < self.stats["sent"]]

    def stripped(self, frame):
        """A frame of the wire less the tag that the session takes out."""
        strip = self.options.get("vlan_tag") == "strip" and is_tagged(frame)
        return frame[:12] + frame[16:] if strip else frame


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


def platf(session):
    """The Platf ID of the subheader, None without one."""
    option = session.options.get
    given = option("subheader", "5" if option("timestamp") == "ns" else "none")
    return None if given == "none" else int(given)


def timestamp(session):
    return session.options.get("timestamp", "ns" if platf(session) in (5, 7) else "100us")


def overhead(session):
    """Bytes of the headers in front of the slice."""
    return {4: 20, 6: 40}[session.case.underlay] + (4, 16, 20)[session.type] + \
        (8 if platf(session) else 0)


def room(case, session, expected):
    """Where the underlay's MTU cuts, if the case set it, and how many frames for that reason."""
    if not hasattr(case, "mtu"):
        return None, 0
    fits = case.mtu - overhead(session)
    return fits, sum(min(wanted(session, frame), len(frame)) > fits
                     for frame in map(session.stripped, expected))


def start_of(frame, layer):
    """Offset of a layer that scapy has dissected."""
    return frame.rindex(bytes(layer.original))


def header_ends(frame):
    """(behind L2, L3, L4) as scapy dissects a frame; the last one there is, where there is none."""
    dissected, l2 = Ether(frame), ETH_LEN
    while frame[l2 - 2:l2] in (b"\x81\0", b"\x88\xa8") and len(frame) >= l2 + 4:
        l2 += 4
    layer = dissected.firstlayer()
    while isinstance(layer, (Ether, Dot1Q, Dot1AD)):
        layer = layer.payload
    if isinstance(layer, ARP):
        return l2, l2 + 28, l2 + 28
    if not isinstance(layer, (IP, IPv6)):
        return l2, l2, l2
    l3 = l2 + (layer.ihl * 4 if isinstance(layer, IP) else 40)
    later = isinstance(layer, IP) and layer.frag
    layer = layer.payload
    while type(layer).__name__.startswith(("IPv6ExtHdr", "AH")):
        later = later or getattr(layer, "offset", 0)
        l3 += len(layer.original) - len(layer.payload.original)
        layer = layer.payload
    if type(layer).__name__.startswith("ICMPv6"):
        size = 8
    elif isinstance(layer, Raw) and IP in dissected and dissected[IP].proto == DCCP:
        size = frame[l3 + 4] * 4
    else:
        sizes = {TCP: lambda: layer.dataofs * 4, UDP: lambda: 8, SCTP: lambda: 12, ICMP: lambda: 8}
        size = sizes.get(type(layer), lambda: 0)()
    return l2, l3, l3 if later or l3 + size > len(frame) else l3 + size


def packet_end(frame):
    """Where the packet in a frame ends, by its own length; None if it has none, or lies."""
    l2, l3, _ = header_ends(frame)
    layer, length = Ether(frame).getlayer(IP) or Ether(frame).getlayer(IPv6), None
    kind = int.from_bytes(frame[l2 - 2:l2], "big")
    if kind < 0x600:
        length = kind
    elif ARP in Ether(frame):
        length = 28
    elif l3 > l2:
        length = layer.len if isinstance(layer, IP) else 40 + layer.plen
    return l2 + length if length is not None and l3 <= l2 + length <= len(frame) else None


def wanted(session, frame):
    """How many bytes of a frame the session asks for."""
    words = str(session.options.get("trunc", 1 << 16)).split("+")
    if words[0] not in ("l2", "l3", "l4"):
        return int(words[0])
    return header_ends(frame)[int(words[0][1]) - 2] + (int(words[1]) if len(words) > 1 else 0)


def rewritten(frame):
    """Offsets of what fixlen may change."""
    dissected = Ether(frame)
    length = header_ends(frame)[0] - 2
    found = {length, length + 1} if int.from_bytes(frame[length:length + 2], "big") < 0x600 else set()
    for layer, where in ((IP, (2, 3, 10, 11)), (IPv6, (4, 5)), (TCP, (16, 17)), (UDP, (4, 5, 6, 7)),
                         (ICMP, (2, 3)), (SCTP, (8, 9, 10, 11))):
        if layer in dissected:
            start = start_of(frame, dissected[layer])
            found |= {start + at for at in where}
    if IPv6 in dissected and type(dissected.lastlayer()).__name__.startswith("ICMPv6"):
        found |= {start_of(frame, dissected[IPv6]) + 40 + at for at in (2, 3)}
    return found


def differs(session, copy, frame, length):
    """Is the copy anything else than the beginning of the frame?"""
    if copy.frame == frame[:length]:
        return False
    if "fixlen" not in session.options or length >= len(frame) or len(copy.frame) != length:
        return True
    changed = {at for at in range(length) if copy.frame[at] != frame[at]}
    if hasattr(session.case, "lies"):       # then it may be anywhere: two lengths and two checksums
        return len(changed) > 8
    return not changed <= rewritten(frame)


def wrong_bytes(session, wire, room=None):
    """WIRE: frames as they were; a copy is all of one or, if cut, its beginning."""
    wrong = []
    expected = [session.stripped(frame) for frame in wire]
    if len(session.copies) != len(expected):
        wrong.append(f"{len(session.copies)} copies of {len(expected)} frames")
    for i, (copy, frame) in enumerate(zip(session.copies, expected)):
        length = min(wanted(session, frame), room or 1 << 16, len(frame)) \
            if not hasattr(session.case, "lies") else len(copy.frame)   # nobody knows where headers end
        if differs(session, copy, frame, length):
            wrong.append(f"frame {i}: {len(copy.frame)} of {len(frame)} bytes, not as the wire's:\n"
                         f" {copy.frame[:80].hex()}\n {frame[:length][:80].hex()}")
    return wrong + wrong_tags(session, wire) + wrong_truncated(session, wire)


def wrong_tags(session, expected):
    """VLAN, COS and En say what the frames' outermost tags were, and where they are."""
    wrong = []
    for i, (copy, frame) in enumerate(zip(session.copies, expected)):
        tag, strip = outer_tag(frame), session.options.get("vlan_tag") == "strip"
        want = {"erspan.vlan": tag & 0xfff, "erspan.cos": tag >> 13}
        if session.type == 1:
            want["erspan.encap"] = (2 if strip else 3) if is_tagged(frame) else 0
            if not strip:
                want["erspan.vlan"] = 0
        if session.type == 0:
            want = {}
        found = {name: copy.number(name) for name in want}
        if found != want:
            wrong.append(f"frame {i}: {found}, not {want} for {frame[:22].hex()}")
    return wrong


def wrong_truncated(session, expected):
    """T says whether a copy is shorter than its frame; type I cannot."""
    return [f"frame {i}: T is {copy.field('erspan.truncated')} for {len(copy.frame)} of "
            f"{len(frame)} bytes"
            for i, (copy, frame) in enumerate(zip(session.copies, map(session.stripped, expected)))
            if session.type and copy.number("erspan.truncated") != (len(copy.frame) < len(frame))]


def said_port(session, frame):
    """{field: what tshark must read there} for the port."""
    width = {1: 32, 3: 14, 5: 16, 7: 20}.get(platf(session), 20 if session.type == 1 else 0)
    if not width:
        return {}
    port = int(session.options.get("port", len(frame) if "fixlen" in session.options
                                   else session.case.ifindex))
    name = "erspan.index" if session.type == 1 else \
        f"erspan.pid{platf(session)}.{'source_index' if platf(session) == 7 else 'port_index'}"
    return {name: port if port < 1 << width else 0}


def said(session):
    """What tshark must read in every copy of a session."""
    option = session.options.get
    egress = session.case.hook == "egress"
    source = option("src_ip") or getattr(session.case, "source", None)
    tos, ttl = int(option("tos", "0"), 0), int(option("ttl", "64"))
    want = {"gre.flags_and_version": 0x1000 if session.type else 0,
            "gre.proto": 0x22eb if session.type == 2 else 0x88be}
    if session.type:
        want |= {"erspan.version": session.type, "erspan.spanid": session.id}
    if session.type == 2:
        unit = ("100us", "100ns", "ns").index(timestamp(session))
        want |= {"erspan.bso": 0, "erspan.sgt": int(option("sgt", "0"), 0),
                 "erspan.p": 1, "erspan.ft": 0,
                 "erspan.hw": 0 if option("erspan_hwid") == "cpu" else
                 int(option("erspan_hwid", "0"), 0),
                 "erspan.direction": {"auto": egress, "egress": True, "ingress": False}[
                     option("erspan_dir", "auto")],
                 "erspan.gra": 3 if unit == 2 and platf(session) != 5 else unit,
                 "erspan.o": platf(session) is not None}
    if platf(session):
        want |= {"erspan.platid": platf(session)} | {1: {"erspan.pid1.vsmid": 0}, 5: {
            "erspan.pid5.switchid": 0}}.get(platf(session), {})
    if session.case.underlay == 4:
        return want | {"eth.type": 0x0800, "ip.version": 4, "ip.hdr_len": 20, "ip.dsfield": tos,
                       "ip.id": 0, "ip.flags.rb": 0, "ip.flags.df": 1, "ip.flags.mf": 0, "ip.frag_offset": 0,
                       "ip.ttl": ttl, "ip.proto": 47, "ip.checksum.status": 1,
                       "ip.src": source or "192.0.2.1", "ip.dst": option("dst_ip", "192.0.2.9")}
    return want | {"eth.type": 0x86dd, "ipv6.version": 6, "ipv6.tclass": tos,
                   "ipv6.nxt": 47, "ipv6.hlim": ttl, "ipv6.src": source or "2001:db8:9::1",
                   "ipv6.dst": option("dst_ip", "2001:db8:9::9")}


def wrong_ports(session):
    """The port, which may tell each frame's length."""
    wrong = []
    for i, (copy, (_, frame)) in enumerate(zip(session.copies, session.case.frames)):
        want = said_port(session, frame)
        found = {name: copy.number(name) for name in want}
        if found != want:
            wrong.append(f"copy {i}: {found}, not {want}")
    return wrong


def wrong_labels(session):
    """The flow label of the outer IPv6 header, which is each frame's flow."""
    if session.case.underlay == 4 or hasattr(session.case, "lies"):     # scapy believes others
        return []
    model, wrong = flowmodel.Flows(sampled=False), []
    for i, (copy, (_, frame)) in enumerate(zip(session.copies, session.case.frames)):
        want = model.number(frame) >> 32 & 0xfffff or 1
        if copy.number("ipv6.flow") != want:
            wrong.append(f"copy {i}: ipv6.flow is {copy.number('ipv6.flow')}, not {want}")
    return wrong


def wrong_headers(session):
    """Every field of the outer headers but VLAN, COS, T and time, and the sequence."""
    want, wrong = said(session), wrong_ports(session) + wrong_labels(session)
    for i, copy in enumerate(session.copies):
        for name, value in {**want, **({"gre.sequence_number": i} if session.type else {})}.items():
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


def wrong_times(session, early, late, leaps=0):
    """The time in the copies is the wire's, less at most EARLY and plus at most LATE ns.

    LEAPS: between so many copies and their frames the clock may go back by a second.
    """
    wrong = []
    for i, (copy, (seen, _)) in enumerate(zip(session.copies, session.case.frames)):
        stamp, sub = copy.number("erspan.timestamp"), platf(session)
        unit, wrap = {"100us": 100000, "100ns": 100, "ns": 1}[timestamp(session)], 1 << 32
        if sub and sub > 1:
            upper = copy.number(f"erspan.pid{sub}.timestamp")
            stamp, wrap = stamp + upper * (10 ** 9 if sub == 5 else wrap), 1 << 64
        low, high = ((seen + by) // unit for by in (-early, late))
        if (stamp - low) % wrap <= high - low:
            continue
        if leaps and (stamp - 10 ** 9 // unit - low) % wrap <= high - low:
            leaps -= 1
        else:
            wrong.append(f"copy {i}: time {stamp}, not from {low % wrap} to {high % wrap}")
    return wrong


def wrong_counters(session, cut_to_fit=0):
    """Nothing vanishes uncounted."""
    stats, wrong = session.stats, []
    packets = session.packets
    if hasattr(session.case, "uncounted"):      # tc counts no segments of what user space made
        packets = stats["sent"] + stats["unsampled"]
    reasons = [stats[name] for name in rawtc.REASONS]
    sizes = sum(len(c.packet) - ETH_LEN for c in session.copies)
    cut = sum(c.fields["erspan.truncated"] == ["1"] for c in session.copies)
    if session.type == 0:
        cut = stats["cut"] + stats["truncated"]
    for what, value, expected in (
            ("packets", packets + stats["split"], stats["sent"] + sum(reasons)),
            ("sent", stats["sent"], len(session.copies)), ("bytes", stats["bytes"], sizes),
            ("cut", stats["cut"], cut_to_fit), ("truncated", stats["truncated"], cut - cut_to_fit)):
        if value != expected:
            wrong.append(f"{what} is {value}, not {expected}: {stats}")
    return wrong


def fragment(copy):
    """Is the frame a fragment, of which no checksum can be verified?"""
    return "ipv6.fraghdr" in copy.field("frame.protocols") or \
        copy.fields["ip.flags.mf"][-1:] == ["1"]


def ones(copy):
    """Linux writes 0xffff for 0, which all receivers take and only tshark does not."""
    return [int(value, 0) for value in copy.fields["tcp.checksum"]] == [0xffff]


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
