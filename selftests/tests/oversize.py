#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of oversize.sh: what the kernel put together again, and whether it is all there."""
import sys
from pathlib import Path

import erspan
from scapy.all import IP, TCP, Ether, IPv6
from scapy.utils import RawPcapReader
from tap import finish, ok

FIN, SYN, RST, PSH, URG, CWR = 0x01, 0x02, 0x04, 0x08, 0x20, 0x80
out = Path(sys.argv[1])


def wrong_fragments(packets, mtu):
    """Outer packets fit, and only those in fragments may be fragmented."""
    wrong, idents = [], []
    for packet in packets:
        size = len(packet) - erspan.ETH_LEN
        if size > mtu:
            wrong.append(f"{size} bytes by an MTU of {mtu}")
        if packet[12:14] != b"\x08\0":
            continue
        where = int.from_bytes(packet[20:22], "big")
        if where & 0x3fff and where & 0x4000:
            wrong.append(f"a fragment with DF: {packet[14:34].hex()}")
        if where == 0x2000:
            idents.append(packet[18:20])
    if len(set(idents)) != len(idents):
        wrong.append("an IPv4 ID twice")
    return wrong


def is_tcp(frame):
    """A TCP segment that fills its frame, and whose checksums are right"""
    dissected = Ether(frame)
    ip = dissected.getlayer(IP) or dissected.getlayer(IPv6)
    if TCP not in dissected or not ip or isinstance(ip, IP) and (ip.frag or ip.flags.MF):
        return False
    end = ip.len if isinstance(ip, IP) else 40 + ip.plen
    return erspan.start_of(frame, ip) + end == len(frame) and erspan.finished(frame) == frame


def flags_of(frame):
    return frame[erspan.header_ends(frame)[1] + 13]


def wrong_pieces(frame, pieces, fits):
    """Do the pieces say together what the frame said?"""
    _, l4, end = erspan.header_ends(frame)
    wrong, seq, data = [], int.from_bytes(frame[l4 + 4:l4 + 8], "big"), b""
    flags, urgent = flags_of(frame), int.from_bytes(frame[l4 + 18:l4 + 20], "big")
    for i, piece in enumerate(pieces):
        first, last, done = i == 0, i == len(pieces) - 1, len(data)
        want = flags & ~(0 if last else FIN | PSH | RST) & ~(0 if first else SYN | CWR)
        if done and flags & URG and urgent <= done:
            want &= ~URG
        # scapy knows the lengths and checksums that belong there
        made = bytearray(frame[:end])
        made[l4 + 4:l4 + 8] = ((seq + done + bool(done and flags & SYN)) & 0xffffffff).to_bytes(4, "big")
        made[l4 + 13] = want
        if done:
            made[l4 + 18:l4 + 20] = (urgent - done if want & URG else 0).to_bytes(2, "big")
        built = Ether(bytes(made) + piece[end:])
        ip = built.getlayer(IP) or built.getlayer(IPv6)
        for field in ("len", "chksum") if isinstance(ip, IP) else ("plen",):
            delattr(ip, field)
        del built[TCP].chksum
        if bytes(built) != piece:
            wrong.append(f"piece {i} of {frame[:70].hex()}:\n {piece[:80].hex()}\n {bytes(built)[:80].hex()}")
        if len(piece) > fits:
            wrong.append(f"piece {i} has {len(piece)} bytes, and {fits} fit")
        data += piece[end:]
    if data != frame[end:]:
        wrong.append(f"the pieces of {frame[:70].hex()} have {len(data)} of {len(frame[end:])} bytes")
    return wrong


def take_pieces(frame, received):
    """As many of the received frames as make up the payload."""
    end, pieces, size = erspan.header_ends(frame)[2], [], 0
    while received and size < len(frame) - end:
        pieces.append(received.pop(0))
        size += len(pieces[-1]) - end
    return pieces


def wrong_received(session, expected, received, fits):
    """What the kernel's device got is all that was there, in the way that was asked for."""
    wrong, split, oversize = [], 0, session.options.get("oversize", "cut")
    limit = min(int(session.options.get("trunc", 1 << 16)), 1 << 16 if oversize == "fragment" else fits)
    received = list(received)
    for frame in map(session.stripped, expected):
        if oversize == "split" and "trunc" not in session.options and len(frame) > fits and is_tcp(frame):
            pieces = take_pieces(frame, received)
            split += len(pieces) - 1
            wrong += wrong_pieces(frame, pieces, fits)
        elif not received or received.pop(0) != frame[:limit]:
            wrong.append(f"not received: {frame[:80].hex()}")
    if split != session.stats["split"]:
        wrong.append(f"split is {session.stats['split']}, not {split}")
    return wrong + [f"received, but not sent: {frame[:80].hex()}" for frame in received]


def wrong_counts(session, expected, fits):
    stats, oversize = session.stats, session.options.get("oversize", "cut")
    cut = [frame for frame in map(session.stripped, expected)
           if min(len(frame), erspan.wanted(session, frame)) > fits]
    whole = "trunc" not in session.options
    want = {"fragmented": len(cut) if oversize == "fragment" else 0,
            "cut": {"fragment": 0, "cut": len(cut)}.get(
                oversize, sum(not (whole and is_tcp(frame)) for frame in cut))}
    wrong = [f"{name} is {stats[name]}, not {value}" for name, value in want.items() if stats[name] != value]
    seen = stats["sent"] + sum(stats[reason] for reason in erspan.rawtc.REASONS) - stats["split"]
    if seen != len(expected) or stats["sent"] - stats["split"] != len(expected):
        wrong.append(f"{len(expected)} frames: {stats}")
    return wrong


def content(received):
    """The bytes of a TCP stream: the longest that the segments of one direction make up."""
    ways = {}
    for frame in map(Ether, received):
        if TCP in frame and frame[TCP].payload:
            ip = frame.getlayer(IP) or frame[IPv6]
            size = ip.len - ip.ihl * 4 if isinstance(ip, IP) else ip.plen
            data = bytes(frame[TCP].payload)[:size - frame[TCP].dataofs * 4]
            ways.setdefault((frame[TCP].sport, frame[TCP].dport), {})[frame[TCP].seq] = data
    found = b""
    for way in ways.values():
        at, data = min(way, default=0), b""
        while at in way:
            data, at = data + way[at], at + len(way[at])
        found = max(found, data, key=len)
    return found


def between(frames, ident):
    begin, end = erspan.find_marks(frames, ident)
    return frames[begin:end + 1] if None not in (begin, end) else []


results = erspan.Results(out)
devices = {n: [frame for _, frame in erspan.whole(out / f"ers{n}.pcap")] for n in (4, 6)}
outer = [packet for packet, _ in RawPcapReader(str(out / "copies.pcap"))]
for case in results.cases:
    session, = case.sessions
    expected = between([frame for _, frame in results.captures[case.capture]], case.mark)
    received = between(devices[case.underlay], case.mark)
    fits = case.mtu - erspan.overhead(session)
    wrong = wrong_received(session, expected, received, fits) + wrong_counts(session, expected, fits)
    if hasattr(case, "stream"):
        data = content(received)
        if data != bytes((i * 7 + case.stream) & 0xff for i in range(case.stream)):
            wrong.append(f"{len(data)} bytes of the stream")
    ok(expected and not wrong, f"{case.name}, {session.options}", *wrong[:4], len(wrong))
wrong = wrong_fragments(outer, 1500)
ok(len(outer) > 1000 and not wrong, "no outer packet is too large, or a wrong fragment", *wrong[:3])
finish()
