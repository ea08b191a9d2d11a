#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of anonymize.sh: what copies say, by another's AES."""
import ipaddress
import json
import sys
from pathlib import Path

import erspan
import flowmodel
from anonymize_frames import HOST4, HOST6, PEER4, PEER6, RECIPES, Names
from cryptopan import PUBLISHED, SAMPLE, Pan
from scapy.all import IP, Ether, IPv6
from tap import finish, ok

PAN = Pan(SAMPLE)
DIRECTORY = Path(sys.argv[1])


def names(session):
    options = session.options
    return Names(PAN if "anonymize" in options else None, "anonymize_mac" in options, "zero_payload" in options)


def wrong_frames(session):
    """Byte by byte what the recipe makes of the names that a copy must have."""
    wanted = [(name, session.stripped(frame)) for name, frame in RECIPES[session.case.recipe](names(session))]
    copies, wrong = unmarked(session), []
    if len(copies) != len(wanted):
        return [f"{len(copies)} copies of {len(wanted)} frames"]
    for (name, frame), copy in zip(wanted, copies):
        if session.trunc:
            wrong += leaks(session, name, frame, copy)
        elif copy.frame != frame:
            wrong.append(f"{name}:\n {copy.frame.hex()}\n {frame.hex()}")
    return wrong


def leaks(session, name, frame, copy):
    """A header that is cut is cleared, with all behind it; what is whole is as ever."""
    got, want = copy.frame, frame[:session.trunc]
    start = 14 + 4 * sum(frame[at:at + 2] in (b"\x81\0", b"\x88\xa8") for at in (12, 16))
    head = start + (40 if frame[start] >> 4 == 6 else 20)
    same = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), len(want))
    if len(got) == len(want) and not any(got[same:]) and (same == len(want) or session.trunc < head + 32):
        return []
    return [f"{name}, cut:\n {got.hex()}\n {want.hex()}"]


def wrong_fixed(session, plain):
    """With lengths that say what is left: no worse than without pseudonyms."""
    wrong = erspan.wrong_checksums(session)
    if len(wrong) == len(erspan.wrong_checksums(plain)):    # UDP-Lite's, which fixlen leaves
        wrong = []
    for copy, other in zip(session.copies, plain.copies, strict=True):
        found, known = (complaints.get(c.fields["frame.number"][0]) for c in (copy, other))
        if found and not known:
            wrong.append(f"{found}: {copy.frame.hex()}")
    if session.stats["unfixed"] != plain.stats["unfixed"]:
        wrong.append(f"unfixed is {session.stats['unfixed']}, not {plain.stats['unfixed']}")
    return wrong


def unmarked(session):
    """Its copies, less those of the two marks."""
    return session.copies[1:-1]


def wrong_stream(session):
    """A connection of the kernel's, in segments: its ends, its checksums, and its payload."""
    hosts = [HOST6, PEER6] if ":" in session.name.split(",")[2] else [HOST4, PEER4]
    n, seen, wrong, load = names(session), set(), erspan.wrong_checksums(session), 0
    for copy in unmarked(session):
        packet = Ether(copy.frame)
        layer = next((packet[kind] for kind in (IP, IPv6) if kind in packet), None)
        if layer is None or layer.fields.get("proto", layer.fields.get("nh")) != 6:
            continue
        seen |= {(layer.src, layer.dst)}
        body = bytes(layer.payload.payload)
        load += len(body)
        if n.zero and any(body):
            wrong.append(f"payload: {body[:40].hex()}")
        if not n.zero and body and not any(body):
            wrong.append("no payload")
    a, b = map(n.ip, hosts)
    if not seen or not seen <= {(a, b), (b, a)}:
        wrong.append(f"addresses {seen}, not {a} and {b}")
    if load < 300000:
        wrong.append(f"{load} bytes of payload")
    return wrong


def common(a, b):
    """Length of the prefix that two addresses share"""
    a, b = map(ipaddress.ip_address, (a, b))
    return a.max_prefixlen - (int(a) ^ int(b)).bit_length()


def prefixes(session):
    """Real addresses and pseudonyms of all frames have prefixes in common, pair by pair."""
    pairs = {}
    for (_, frame), copy in zip(RECIPES["published"](Names()), unmarked(session)):
        for kind in IP, IPv6:
            was, now = Ether(frame), Ether(copy.frame)
            if kind in was:
                pairs |= {was[kind].src: now[kind].src, was[kind].dst: now[kind].dst}
    wrong, longest, count = [], 0, 0
    for a in pairs:
        for b in pairs:
            if a < b and (":" in a) == (":" in b):
                count += 1
                longest = max(longest, common(a, b))
                if common(a, b) != common(pairs[a], pairs[b]):
                    wrong.append(f"{a} {b}: {pairs[a]} {pairs[b]}")
    known = {address: pairs[address] for address in PUBLISHED}
    ok(known == PUBLISHED, f"{session.name}: as published", known)
    ok(not wrong and count > 10000 and longest > 30, f"{session.name}: common prefixes of {count} pairs are kept",
       *wrong[:5], count, longest)


def labels(session):
    """The flow label is that of the real addresses, by a secret: nobody can try them."""
    model, wrong = flowmodel.Flows(secret=PAN.flows()), []
    for (name, frame), copy in zip(RECIPES["published"](Names()), unmarked(session)):
        found, want = copy.number("ipv6.flow"), model.number(frame) >> 32 & 0xfffff or 1
        if found != want:
            wrong.append(f"{name}: label {found}, not {want}")
    ok(not wrong, f"{session.name}: flow labels by a secret", *wrong[:5], len(wrong))


results = erspan.Results(DIRECTORY)
complaints = erspan.complaints(DIRECTORY / "copies.pcap")
for case in results.cases:
    for session in case.sessions:
        if hasattr(case, "recipe"):
            erspan.judge(session, wrong_frames(session), erspan.wrong_counters(session))
        elif hasattr(case, "stream"):
            erspan.judge(session, wrong_stream(session))
        else:
            erspan.judge(session, wrong_fixed(session, case.sessions[0]), erspan.wrong_counters(session))
        if getattr(case, "recipe", "") == "published" and "anonymize" in session.options:
            prefixes(session)
            if case.underlay == 6:
                labels(session)

received = [frame for _, frame in erspan.whole(DIRECTORY / "received.pcap")]
sent = [frame for name in RECIPES for _, frame in RECIPES[name](Names())]
missing = set(sent) - set(received)
ok(not missing, f"{len(sent)} originals arrive as they were", *[frame.hex() for frame in missing][:3])
shown = json.loads((DIRECTORY / "shown.json").read_text())
ok(PAN.fingerprint() in json.dumps(shown), "the fingerprint is the documented one", shown)
finish()
