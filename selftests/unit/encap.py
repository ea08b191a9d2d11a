#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net/encap.c against the draft's words, scapy and tshark.

usage: encap.py DIRECTORY-OF-THE-PROGRAMS
"""
import logging
import random
import socket
import struct
import subprocess
import sys
from pathlib import Path

logging.getLogger("scapy").setLevel(logging.ERROR)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from scapy.contrib.erspan import ERSPAN_III, ERSPAN_PlatformSpecific  # noqa: E402
from scapy.layers.inet import IP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import GRE  # noqa: E402
from tap import finish, ok  # noqa: E402

OUT = Path(sys.argv[1])
FUZZ_SECONDS = 20
US100, NS100, NS = range(3)
UNIT = {US100: 100000, NS100: 100}
AUTO, INGRESS, EGRESS = range(3)
ETHERTYPE = 0x88b5          # for experiments: no dissector looks further
WRAP = 1 << 32
DEFAULT = {"ipv6": 0, "tos": 0, "ttl": 64, "session": 1, "hwid": 0, "sgt": 0, "gra": US100,
           "dir": AUTO, "time_ns": 1700000000123456789, "seq": 7, "slice_len": 64, "vlan_tci": 0,
           "truncated": 0, "egress": 0, "saddr": "192.0.2.1", "daddr": "192.0.2.9"}
V6 = {"ipv6": 1, "saddr": "2001:db8:9::1", "daddr": "2001:db8:9::9"}


def case(**what):
    values = DEFAULT | (V6 if what.get("ipv6") else {}) | what
    values["slice_len"] = min(values["slice_len"], 65535 - length(values))
    return values


def length(c):
    return (40 if c["ipv6"] else 20) + 8 + 12 + (8 if c["gra"] == NS else 0)


def packed(c, which):
    return socket.inet_pton(socket.AF_INET6 if c["ipv6"] else socket.AF_INET, c[which])


def headers(cases):
    """What net/encap.c makes of the cases."""
    lines = [" ".join(packed(c, k).hex() if k.endswith("addr") else str(v) for k, v in c.items())
             for c in cases]
    run = subprocess.run([OUT / "encap-cli"], text=True, capture_output=True, input="\n".join(lines))
    found = [bytes.fromhex(line) for line in run.stdout.splitlines()]
    if run.returncode or len(found) != len(cases):
        raise RuntimeError(f"encap-cli: status {run.returncode}\n{run.stderr[:2000]}")
    return found


def stamps(c):
    """(Timestamp, seconds in the subheader)"""
    if c["gra"] == NS:
        return c["time_ns"] % 10 ** 9, c["time_ns"] // 10 ** 9 % WRAP
    return c["time_ns"] // UNIT[c["gra"]] % WRAP, None


def direction(c):
    return c["egress"] if c["dir"] == AUTO else int(c["dir"] == EGRESS)


# --- vectors -----------------------------------------------------------------

def vectors():
    """Words that tshark and the draft's figures agree on, with BSO, Switch ID and
    Port ID, which mirrorx does not set, taken out of them."""
    common = {"vlan_tci": 0xaabc, "session": 0x2a5, "truncated": 1, "sgt": 0xbeef, "hwid": 0x2a, "seq": 7}
    bso, ids = 3 << 11, 0x03ffffff
    word0 = 0x2abcb6a5 & ~bso
    gre = [0x100022eb, 7]
    known = {
        "Gra 0": ({"gra": US100, "time_ns": 0x11223344 * 100000}, [word0, 0x11223344, 0xbeef82a8]),
        "Gra 1": ({"gra": NS100, "time_ns": 0x11223344 * 100}, [word0, 0x11223344, 0xbeef82aa]),
        "Gra 2, Platf 5": ({"gra": NS, "time_ns": 1700000000 * 10 ** 9 + 0x11223344},
                           [word0, 0x11223344, 0xbeef82ad, 0x15557777 & ~ids, 0x6553f100]),
    }
    for name, (values, words) in known.items():
        for side in {"egress": 1}, {"dir": EGRESS}, {"dir": EGRESS, "egress": 1}:
            for family in {}, V6:
                expected = struct.pack(f">{2 + len(words)}I", *gre, *words)
                found, = headers([case(**common, **values, **side, **family)])
                ok(found[40 if family else 20:] == expected,
                   f"vector: {name}, {side}, {'IPv6' if family else 'IPv4'}", found.hex(), expected.hex())
    ingress, = headers([case(**common, **known["Gra 0"][0])])
    ok(ingress[-4:].hex() == "beef82a0", "vector: ingress", ingress.hex())
    # 4500 0074 0000 4000 402f, 192.0.2.1, 192.0.2.9: summed by hand
    plain, = headers([case(slice_len=76)])
    ok(plain[:20].hex() == "4500007400004000402fb650c0000201c0000209", "vector: IPv4", plain.hex())


# --- decoders ----------------------------------------------------------------

def scapy_bytes(c):
    """The same headers as scapy writes them."""
    total = length(c) + c["slice_len"]
    if c["ipv6"]:
        outer = IPv6(tc=c["tos"], hlim=c["ttl"], nh=47, plen=total - 40, src=c["saddr"], dst=c["daddr"])
    else:
        outer = IP(tos=c["tos"], ttl=c["ttl"], proto=47, len=total, id=0, flags="DF",
                   src=c["saddr"], dst=c["daddr"])
    stamp, seconds = stamps(c)
    packet = outer / GRE(seqnum_present=1, seqence_number=c["seq"], proto=0x22eb) / ERSPAN_III(
        vlan=c["vlan_tci"] & 0xfff, cos=c["vlan_tci"] >> 13, t=c["truncated"], session_id=c["session"],
        timestamp=stamp, sgt_other=c["sgt"], p=1, hw=c["hwid"], d=direction(c), gra=c["gra"],
        o=int(c["gra"] == NS))
    if seconds is not None:
        packet /= ERSPAN_PlatformSpecific(platf_id=5, info2=seconds)
    return bytes(packet)


def tshark_fields(c):
    """Every field of the headers as tshark should show it."""
    total, (stamp, seconds) = length(c) + c["slice_len"], stamps(c)
    outer = {"ip.version": 6, "ipv6.version": 6, "ipv6.tclass": c["tos"], "ipv6.flow": 0, "ipv6.plen": total - 40,
             "ipv6.nxt": 47, "ipv6.hlim": c["ttl"], "ipv6.src": c["saddr"], "ipv6.dst": c["daddr"]} \
        if c["ipv6"] else \
            {"ip.version": 4, "ip.hdr_len": 20, "ip.dsfield": c["tos"], "ip.len": total, "ip.id": 0,
             "ip.flags": 2, "ip.frag_offset": 0, "ip.ttl": c["ttl"], "ip.proto": 47,
             "ip.checksum.status": 1, "ip.src": c["saddr"], "ip.dst": c["daddr"]}
    tail = {"erspan.platid": 5, "erspan.pid5.switchid": 0, "erspan.pid5.port_index": 0,
            "erspan.pid5.timestamp": seconds} if c["gra"] == NS else {}
    return outer | {
        "gre.flags_and_version": 0x1000, "gre.proto": 0x22eb, "gre.sequence_number": c["seq"],
        "erspan.version": 2, "erspan.vlan": c["vlan_tci"] & 0xfff, "erspan.cos": c["vlan_tci"] >> 13,
        "erspan.bso": 0, "erspan.truncated": c["truncated"], "erspan.spanid": c["session"],
        "erspan.timestamp": stamp, "erspan.sgt": c["sgt"], "erspan.p": 1, "erspan.ft": 0,
        "erspan.hw": c["hwid"], "erspan.direction": direction(c), "erspan.gra": c["gra"],
        "erspan.o": int(c["gra"] == NS), "eth.type": ETHERTYPE, "data.len": c["slice_len"] - 14} | tail


FIELDS = sorted({f for ipv6 in (0, 1) for f in tshark_fields(case(ipv6=ipv6, gra=NS))})


def write_pcap(path, packets):
    with open(path, "wb") as out:
        out.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, 101))    # raw IP
        for packet in packets:
            out.write(struct.pack("=IIII", 0, 0, len(packet), len(packet)) + packet)


def tshark(cases, found):
    """What tshark reads, one dictionary for each case."""
    path = OUT / "encap.pcap"
    write_pcap(path, [h + bytes(12) + struct.pack(">H", ETHERTYPE) + bytes(c["slice_len"] - 14)
                      for c, h in zip(cases, found)])
    run = subprocess.run(["tshark", "-n", "-r", path, "-o", "ip.check_checksum:TRUE", "-T", "fields",
                          *(word for f in FIELDS for word in ("-e", f))],
                         text=True, capture_output=True, check=True)
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    if len(rows) != len(cases):
        raise RuntimeError(f"tshark shows {len(rows)} of {len(cases)} packets")
    return [{f: value for f, value in zip(FIELDS, row) if value} for row in rows]


def same(value, expected):
    return value == expected if isinstance(expected, str) else int(value, 0) == expected


def decoded(name, cases):
    """All cases, as scapy writes them and as tshark reads them."""
    found = headers(cases)
    wrong = [f"{c}\n{h.hex()}\n{scapy_bytes(c).hex()}" for c, h in zip(cases, found) if h != scapy_bytes(c)]
    ok(not wrong, f"{name}: scapy writes the same, {len(cases)} cases", *wrong[:3])
    wrong = []
    for c, h, seen in zip(cases, found, tshark(cases, found)):
        fields = tshark_fields(c)
        wrong += [f"{f}: {seen.get(f)}, not {v}, in {c}" for f, v in fields.items()
                  if f not in seen or not same(seen[f], v)]
        wrong += [f"{f}: {seen[f]}, but should not be there, in {c}" for f in seen if f not in fields]
    ok(not wrong, f"{name}: tshark reads the same, {len(cases)} cases", *wrong[:5])


def every_format(**what):
    return [case(ipv6=ipv6, gra=gra, **what) for ipv6 in (0, 1) for gra in (US100, NS100, NS)]


def spread(field, values):
    return [c for v in values for c in every_format(**{field: v})]


def boundaries():
    values = {
        "tos": (0, 1, 3, 4, 0xb8, 255), "ttl": (1, 2, 64, 254, 255), "session": (0, 1, 512, 1022, 1023),
        "hwid": (0, 1, 32, 62, 63), "sgt": (0, 1, 0x8000, 65534, 65535), "dir": (AUTO, INGRESS, EGRESS),
        "seq": (0, 1, 2 ** 31, WRAP - 1), "slice_len": (15, 16, 128, 1446, 1500, 9000, 65435, 65535),
        "truncated": (0, 1), "egress": (0, 1),
        "vlan_tci": (0, 1, 0xfff, 0x1000, 0x1fff, 0x2000, 0xe000, 0xefff, 0xffff),
    }
    for field, these in values.items():
        decoded(field, spread(field, these))
    decoded("dir and hook", [c for d in (AUTO, INGRESS, EGRESS) for e in (0, 1)
                             for c in every_format(dir=d, egress=e)])


def times():
    """Around full units, seconds, and the wraps of each 32-bit field."""
    second = 10 ** 9
    edges = {"start": 0, "100 ns": 100, "100 us": 100000, "second": second,
             "now": 1700000000 * second, "wrap of 100 ns": WRAP * 100,
             "second wrap of 100 ns": 2 * WRAP * 100, "wrap of 100 us": WRAP * 100000,
             "wrap of 32-bit ns": WRAP, "2038": (1 << 31) * second, "2106": WRAP * second,
             "last": (1 << 64) - 1}
    for name, edge in edges.items():
        near = [edge + d for d in (-100001, -100000, -101, -100, -2, -1, 0, 1, 99, 100, 99999, 100000)]
        decoded(f"time: {name}", spread("time_ns", [t for t in near if 0 <= t < 1 << 64]))


def at_random():
    pick = random.Random(1)
    cases = []
    for _ in range(600):
        ipv6 = pick.getrandbits(1)
        hosts = [f"2001:db8:{pick.randint(1, 0xffff):x}::{pick.randint(1, 0xffff):x}" if ipv6 else
                 ".".join(str(pick.randint(1, 223)) for _ in range(4)) for _ in range(2)]
        cases.append(case(
            ipv6=ipv6, tos=pick.getrandbits(8), ttl=pick.randint(1, 255), session=pick.getrandbits(10),
            hwid=pick.getrandbits(6), sgt=pick.getrandbits(16), gra=pick.randint(0, 2),
            dir=pick.randint(0, 2), time_ns=pick.getrandbits(64), seq=pick.getrandbits(32),
            slice_len=pick.randint(15, 9000), vlan_tci=pick.getrandbits(16), truncated=pick.getrandbits(1),
            egress=pick.getrandbits(1), saddr=hosts[0], daddr=hosts[1]))
    decoded("random", cases)


def sums():
    """Headers of many sums; scapy and tshark know what is right."""
    cases = [case(daddr=d, saddr=s, tos=t, slice_len=n) for t in (0, 255) for n in (15, 65535)
             for d in ("255.255.255.254", "223.255.255.255", "1.0.0.1")
             for s in ("223.255.255.255", "1.0.0.0")]
    cases += [case(saddr=f"10.0.{i >> 8}.{i & 255}") for i in range(0, 65536, 37)]
    # Around the sum whose folding carries again
    total, = struct.unpack(">H", headers([case(saddr="10.0.0.0")])[0][10:12])
    cases += [case(saddr=f"10.0.{i >> 8}.{i & 255}") for i in range(total - 4, total + 5)]
    decoded("IPv4 checksum", cases)


def fuzz():
    run = subprocess.run([OUT / "encap-fuzz", "-seed=1", f"-max_total_time={FUZZ_SECONDS}",
                          "-max_len=256", "-len_control=0", "-print_final_stats=1",
                          f"-artifact_prefix={OUT}/"],
                         text=True, capture_output=True)
    done = [line.split()[-1] for line in run.stderr.splitlines() if "number_of_executed_units" in line]
    ok(run.returncode == 0 and done and int(done[0]) > 100000,
       f"{done and done[0]} inputs of a fuzzer, every bit checked", *[line for line in run.stderr.splitlines() if line.startswith("encap-fuzz.c:") or "runtime error" in line or "ERROR" in line])


vectors()
boundaries()
times()
sums()
at_random()
fuzz()
finish()
