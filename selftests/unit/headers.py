#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net/headers.c against scapy and tshark.

usage: headers.py DIRECTORY-OF-THE-PROGRAMS
"""
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from corpus import FRAMES, NEVER  # noqa: E402
from fuzzer import fuzz  # noqa: E402
from tap import finish, ok  # noqa: E402

OUT = Path(sys.argv[1])
FUZZ_SECONDS = 20
JUMBO = 2000
# Enough to see what a fix could have broken
SAME = ["eth.src", "eth.dst", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.id", "ip.ttl", "ip.proto",
        "ip.frag_offset", "ipv6.nxt", "ipv6.fraghdr.offset", "tcp.srcport", "tcp.dstport", "tcp.seq_raw",
        "tcp.ack_raw", "tcp.flags", "udp.srcport", "udp.dstport", "sctp.srcport", "sctp.verification_tag",
        "icmp.type", "icmp.ident", "icmpv6.type", "vlan.id"]
SUMS = ["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "sctp.checksum.status",
        "icmp.checksum.status", "icmpv6.checksum.status"]
FIELDS = [*SAME, *SUMS, "_ws.malformed", "_ws.short", "_ws.expert.message", "_ws.expert.severity"]
QUOTES = ("unreachable", "exceeded", "too big", "redirect")
BAD, GOOD = "0", "1"
WARNING = 0x600000
OPTIONS = ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE",
           "sctp.checksum:CRC32C", "ip.defragment:FALSE", "ipv6.defragment:FALSE",
           "tcp.analyze_sequence_numbers:FALSE", "sctp.tsn_analysis:FALSE",
           "esp.do_esp_sequence_analysis:FALSE"]


def ask(requests):
    """All lines that come back."""
    run = subprocess.run([OUT / "headers-cli"], text=True, capture_output=True, input="\n".join(requests))
    if run.returncode:
        raise RuntimeError(f"headers-cli: status {run.returncode}\n{run.stderr[:2000]}")
    return run.stdout.splitlines()


def write_pcap(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, 1))
        for frame in frames:
            out.write(struct.pack("=IIII", 0, 0, len(frame), len(frame)) + frame)


def tshark(name, frames, *args):
    path = OUT / f"{name}.pcap"
    write_pcap(path, frames)
    return subprocess.run(["tshark", "-n", "-r", path, *(w for o in OPTIONS for w in ("-o", o)), *args],
                          text=True, capture_output=True, check=True).stdout


def read(name, frames):
    """What tshark reads in each frame: {field: [values]}."""
    said = tshark(name, frames, "-T", "fields", "-E", "aggregator=;",
                  *(word for f in FIELDS for word in ("-e", f))).splitlines()
    if len(said) != len(frames):
        raise RuntimeError(f"tshark shows {len(said)} of {len(frames)} frames")
    return [{f: v.split(";") for f, v in zip(FIELDS, line.split("\t")) if v} for line in said]


def complaints(seen, known=()):
    """What tshark finds wrong with a packet, but not with the one that was cut."""
    wrong = [f"{s}: {seen[s]}" for s in SUMS if BAD in seen.get(s, ())]
    wrong += [f for f in ("_ws.malformed", "_ws.short") if f in seen]
    wrong += [m for m, s in zip(seen.get("_ws.expert.message", ()), seen.get("_ws.expert.severity", ()))
              if int(s, 0) >= WARNING and m not in known]
    return wrong


def lengths(frame):
    """All cuts; of long frames those near the headers and the end."""
    size = len(frame.data)
    return range(14, size + 1) if size < JUMBO else [*range(14, 200), *range(size - 100, size + 1)]


# --- where the headers are ---------------------------------------------------

def find():
    """As scapy laid them out, in one piece or two."""
    for pieces in "one", "two":
        wrong = []
        requests = [(f, n) for f in FRAMES for n in (
            (len(f.data),) if pieces == "one" else (0, 1, 13, *range(14, min(len(f.data), 120), 3)))]
        for (f, n), answer in zip(requests, ask([f"find {n} {f.data.hex()}" for f, n in requests])):
            type_at, l3, l4, end, *_ = map(int, answer.split())
            if (type_at, l3, l4, end) != (f.l3 - 2, f.l3, f.l4, f.end):
                wrong.append(f"{f.name}: {(type_at, l3, l4, end)}, not {(f.l3 - 2, f.l3, f.l4, f.end)}, "
                             f"{n} bytes in the first piece")
        ok(not wrong, f"headers in {pieces}: where scapy put them, {len(requests)} views", *wrong[:20])


NETWORK = ("ip", "ipv6", "arp")
# How long tshark's item is, if it is more than the header
TRANSPORT = {"tcp": None, "udp": 8, "sctp": 12, "dccp": None, "udplite": 8, "icmp": 8,
             "icmpv6": 8, "igmp": 8}


def find_tshark():
    """Where tshark sees the network and transport headers."""
    frames = [f for f in FRAMES if f.valid and f.end > f.l3]
    said = ElementTree.fromstring(tshark("find", [f.data for f in frames], "-T", "pdml"))
    wrong, compared = [], 0
    for f, packet in zip(frames, said):
        protos = [(p.get("name"), int(p.get("pos")), int(p.get("size"))) for p in packet
                  if p.get("pos")]
        network = next((p for p in protos if p[0] in NETWORK), None)
        if network and network[1] != f.l3:
            wrong.append(f"{f.name}: network header at {network[1]}, not {f.l3}")
        if network and network[0] != "ipv6" and network[1] + network[2] != f.l4:
            wrong.append(f"{f.name}: network header up to {network[1] + network[2]}, not {f.l4}")
        transport = next((p for p in protos if p[0] in TRANSPORT), None)
        if f.end > f.l4:
            compared += 1
            name, at, size = transport or ("none", 0, 0)
            end = at + (TRANSPORT.get(name) or size)
            if (at, end) != (f.l4, f.end):
                wrong.append(f"{f.name}: {name} from {at} to {end}, not {f.l4} to {f.end}")
    ok(not wrong and compared > 100, f"tshark sees them there too, {compared} transport headers",
       *wrong[:20])


# --- cuts --------------------------------------------------------------------

def expected(frame, cut):
    """Can this cut be made valid?"""
    return cut >= min(frame.least, frame.whole)


def fix():
    """Every cut of every frame: only those that can be made valid change."""
    fixed, undecided, touched, count = [], [], [], 0
    for f in FRAMES:
        cuts = lengths(f)
        answers = ask([f"cuts {f.data.hex()}"] if len(cuts) == len(f.data) - 13 else
                      [f"fix {n} {f.data.hex()}" for n in cuts])
        assert len(answers) == len(cuts)
        for cut, answer in zip(cuts, answers):
            said, data = answer.split()
            count += 1
            data = bytes.fromhex(data)
            if (said == "1") != expected(f, cut):
                undecided.append(f"{f.name}, {cut} of {len(f.data)} bytes: {said}; headers at {f.l3}, "
                                 f"{f.l4}, {f.end}, valid from {min(f.least, f.whole)} on")
            if said != "1" and data != f.data[:cut]:
                touched.append(f"{f.name}, {cut} bytes: not valid, but changed")
            if said == "1" and f.valid:
                fixed.append((f, cut, data))
    ok(not undecided, f"{count} cuts of {len(FRAMES)} kinds of frames: those are fixed that can be",
       *undecided[:40], len(undecided))
    ok(not touched, "those that cannot stay as they were", *touched[:10])
    return fixed


def kept(field, seen, was, frame):
    """Of the packet that an ICMP error quotes there may be less."""
    if any(error in frame.name for error in QUOTES):
        return seen[:1] == was[:1] or field.startswith("udp.")
    return seen == was


def valid(fixed):
    """What was fixed, for tshark."""
    originals = {f.name: seen for f, seen in zip(FRAMES, read("whole", [f.data for f in FRAMES]))}
    known = {name: set(seen.get("_ws.expert.message", ())) for name, seen in originals.items()}
    wrong = [f"{f.name}: {complaints(originals[f.name], known[f.name])}" for f in FRAMES
             if f.valid and f.least != NEVER and complaints(originals[f.name], known[f.name])]
    ok(not wrong, "the whole frames are valid", *wrong)
    wrong, changed, sums = [], [], 0
    for (f, cut, data), seen in zip(fixed, read("cut", [data for _, _, data in fixed])):
        was = originals[f.name]
        wrong += [f"{f.name}, {cut} of {len(f.data)} bytes: {what}\n  {data.hex()}"
                  for what in complaints(seen, known[f.name])]
        changed += [f"{f.name}, {cut} bytes: {field} {seen.get(field)}, not {was.get(field)}"
                    for field in (*SAME, *SUMS)
                    if not kept(field, seen.get(field, []), was.get(field, []), f)]
        sums += sum(s.count(GOOD) for s in map(seen.get, SUMS) if s)
    ok(not wrong, f"tshark finds {len(fixed)} cuts valid, {sums} checksums right", *wrong[:20], len(wrong))
    ok(not changed, f"and in them what was in the frames: {', '.join(SAME)}", *changed[:20])
    return wrong


def seeds():
    """See headers-fuzz.c"""
    for frame in FRAMES:
        for cut in {frame.l3 + 4, frame.l4, frame.end, (frame.end + len(frame.data)) // 2, len(frame.data)}:
            yield struct.pack("<HHB", min(frame.l4 + 4, len(frame.data)), cut, 255) + frame.data[:1500]


find()
find_tshark()
valid(fix())
fuzz(OUT, "headers", seeds(), FUZZ_SECONDS, 1505)
finish()
