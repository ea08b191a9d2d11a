#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net/flow.c against scapy, and the model's SipHash against its authors'.

usage: flow.py DIRECTORY-OF-THE-PROGRAMS
"""
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from corpus import FRAMES, PAYLOAD, V4, V6, ether  # noqa: E402
from scapy.contrib.geneve import GENEVE, GeneveOptions  # noqa: E402
from scapy.layers.inet import IP, TCP, UDP  # noqa: E402
from scapy.layers.ipsec import AH  # noqa: E402
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop  # noqa: E402
from scapy.layers.l2 import ARP, GRE, Dot1Q, Ether  # noqa: E402
from scapy.layers.vxlan import VXLAN  # noqa: E402
from scapy.packet import Raw  # noqa: E402
import flowmodel  # noqa: E402
from fuzzer import fuzz  # noqa: E402
from tap import finish, ok  # noqa: E402

OUT = Path(sys.argv[1])
TAGS = 8
FUZZ_SECONDS = 15
# Appendix A of the paper: bytes 0, 1, ... as key and message
VECTOR = (0x0706050403020100, 0x0f0e0d0c0b0a0908), bytes(range(15)), 0xa129ca6149be45e5

TCP4 = IP(src="10.1.2.3", dst="10.1.2.4") / TCP(sport=40001, dport=40003) / PAYLOAD
TCP6 = IPv6(src="2001:db8:5::1", dst="2001:db8:5::2") / TCP(sport=40005, dport=40003) / PAYLOAD
INSIDE = {"TCP over IPv4": TCP4, "TCP over IPv6": TCP6,
          "a fragment": IP(src="10.1.2.3", dst="10.1.2.4", flags="MF", id=77) / UDP(sport=7, dport=8) / PAYLOAD,
          "a later one": IP(src="10.1.2.3", dst="10.1.2.4", frag=9, id=77, proto=17) / Raw(PAYLOAD)}
FRAMED = INSIDE | {"a tag": None, "ARP": None}


def as_frame(name):
    eth = Ether(src="02:00:00:00:07:01", dst="02:00:00:00:07:02")
    return {"a tag": eth / Dot1Q(vlan=5) / TCP4, "ARP": eth / ARP(psrc="10.0.0.1", pdst="10.0.0.2"),
            }.get(name) or eth / INSIDE[name]


def tunnels(outer):
    """(name, packet); OUTER is an IP header."""
    for name, packet in INSIDE.items():
        yield f"IP with {name}", outer / packet
        yield f"GRE with {name}", outer / GRE() / packet
        yield f"GRE with checksum, key, number and {name}", \
            outer / GRE(chksum_present=1, key_present=1, seqnum_present=1, key=5) / packet
        yield f"GRE of RFC 1701 with {name}", outer / GRE(routing_present=1) / packet
        yield f"GRE of version 1 with {name}", outer / GRE(version=1) / packet
        yield f"Geneve with {name}", outer / UDP(sport=5, dport=6081) / GENEVE(vni=9) / packet
    for name in FRAMED:
        frame = as_frame(name)
        yield f"GRE with a frame, {name}", outer / GRE(proto=0x6558) / frame
        yield f"VXLAN with {name}", outer / UDP(sport=5, dport=4789) / VXLAN(vni=5) / frame
        yield f"VXLAN without a VNI, {name}", outer / UDP(sport=5, dport=4789) / VXLAN(flags=0) / frame
        yield f"another port with {name}", outer / UDP(sport=5, dport=5790) / Raw(bytes(VXLAN(vni=5) / frame))
        yield f"Geneve with options and a frame, {name}", outer / UDP(sport=5, dport=6081) / \
            GENEVE(vni=9, proto=0x6558, optionlen=3, options=GeneveOptions(length=2, data=bytes(8))) / frame
        yield f"VXLAN in GRE with {name}", outer / GRE() / IP(**V4) / UDP(sport=5, dport=4789) / \
            VXLAN(vni=5) / frame
    for depth in range(3, 7):
        packet = TCP4
        for level in range(depth):
            packet = IP(src=f"10.9.{level}.1", dst=f"10.9.{level}.2") / packet
        yield f"{depth + 1} tunnels", outer / packet


def frames():
    """{name: bytes}, all of them whole as far as scapy understands them, and net/headers.c"""
    found = {f.name: f.data for f in FRAMES if f.valid and len(f.data) < 2000 and
             AH not in Ether(f.data) and not Ether(f.data).getlayer(Dot1Q, TAGS + 1)}
    for name, outer in {"IPv4": IP(src="10.1.1.1", dst="10.1.1.1"),
                        "IPv6": IPv6(src="2001:db8::1", dst="2001:db8::1")}.items():
        found[f"{name} to itself"] = bytes(ether() / outer / UDP(sport=9, dport=5) / PAYLOAD)
        found[f"{name} to itself, the higher port"] = bytes(ether() / outer / TCP(sport=5, dport=9) / PAYLOAD)
    for name, outer in {"IPv4": IP(**V4), "IPv6": IPv6(**V6),
                        "IPv6 with options": IPv6(**V6) / IPv6ExtHdrHopByHop(),
                        "first of IPv4": IP(**V4, flags="MF", id=4711),
                        "later of IPv4": IP(**V4, frag=3, id=4711),
                        "first of IPv6": IPv6(**V6) / IPv6ExtHdrFragment(m=1, id=0x12345678),
                        "later of IPv6": IPv6(**V6) / IPv6ExtHdrFragment(offset=3, id=0x12345678),
                        }.items():
        for tunnel, packet in tunnels(outer):
            found[f"{name}, {tunnel}"] = bytes(ether() / packet)
    return found


def swapped(frame, tunnels=()):
    """The same in the other direction, by scapy, at all levels; checksums do not matter.
    To these ports, TUNNELS send in both directions."""
    packet = Ether(frame)
    layer = packet
    while layer and not isinstance(layer, Raw):
        for one, other in ("src", "dst"), ("sport", "dport"):
            if one in layer.fields and other in layer.fields and layer.fields[other] not in tunnels:
                here, there = layer.fields[one], layer.fields[other]
                setattr(layer, one, there)
                setattr(layer, other, here)
        layer = layer.payload
    return bytes(packet)


def ask(requests):
    """Keys of (bytes in the first piece, inner, frame)."""
    run = subprocess.run([OUT / "flow-cli"], text=True, capture_output=True, input="\n".join(
        f"{first} {inner:d} {frame.hex()}" for first, inner, frame in requests))
    answers = [line.split() for line in run.stdout.splitlines()]
    if run.returncode or len(answers) != len(requests):
        raise RuntimeError(f"flow-cli: status {run.returncode}\n{run.stderr[:2000]}")
    return answers


def as_scapy(found):
    """In one piece and in two, and by the short cut."""
    for inner in False, True:
        requests, names = [], []
        for name, frame in found.items():
            for first in {len(frame), 0, 14, 37, 38, 54, 57, 58}:
                if first <= len(frame):
                    requests.append((first, inner, frame))
                    names.append(name)
        wrong, usual = [], 0
        for name, (first, _, frame), (key, datagram, later, short) in zip(names, requests, ask(requests)):
            want = flowmodel.find(frame, inner)
            said = (bytes.fromhex(key), None if datagram == "-" else bytes.fromhex(datagram), later == "1")
            if said != want or short not in ("-", want[0].hex()):
                wrong.append(f"{name}, {first} bytes in one piece: {key} {datagram} {later} {short}, not "
                             f"{want[0].hex()} {want[1] and want[1].hex()} {want[2]}: {frame.hex()}")
            usual += short != "-"
        ok(not wrong and usual > 20, f"{'inner' if inner else 'outer'} flows as scapy has them, "
           f"{len(requests)} views, {usual} by the short cut", *wrong[:10], len(wrong))


def both_directions(found):
    for inner in False, True:
        pairs = [(name, frame, swapped(frame, (4789, 6081) if inner and "without" not in name else ()))
                 for name, frame in found.items()
                 if flowmodel.find(frame, True)[0][-2] not in flowmodel.RAW_PORTS]  # which swapped() cannot
        changed = sum(frame != other for _, frame, other in pairs)
        one = ask([(len(frame), inner, frame) for _, frame, _ in pairs])
        two = ask([(len(other), inner, other) for _, _, other in pairs])
        wrong = [f"{name}: {a} {b}" for (name, _, _), a, b in zip(pairs, one, two)
                 if a[:2] != b[:2]]
        ok(not wrong and changed > 200, f"{'inner' if inner else 'outer'} flows: the same the other way round",
           *wrong[:10], len(wrong), changed)


def seeds(found):
    """See flow-fuzz.c"""
    return [struct.pack("<HB", len(frame) if number % 2 else 40, 255) + frame
            for number, frame in enumerate(found.values())]


ok(flowmodel.siphash(*VECTOR[:2]) == VECTOR[2], "the model's SipHash is that of its authors")
FOUND = frames()
as_scapy(FOUND)
both_directions(FOUND)
fuzz(OUT, "flow", seeds(FOUND), FUZZ_SECONDS, 600)
finish()
