#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net/encap.c against the words of the draft and of RFCs, scapy and tshark.

usage: encap.py DIRECTORY-OF-THE-PROGRAMS
"""
import functools
import logging
import random
import socket
import struct
import subprocess
import sys
from pathlib import Path

logging.getLogger("scapy").setLevel(logging.ERROR)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from scapy.contrib.erspan import ERSPAN_I, ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific  # noqa: E402
from scapy.contrib.geneve import GENEVE as Geneve  # noqa: E402
from scapy.layers.inet import IP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import GRE  # noqa: E402
from scapy.layers.vxlan import VXLAN as Vxlan  # noqa: E402
from scapy.packet import Raw  # noqa: E402
from tap import finish, ok  # noqa: E402

OUT = Path(sys.argv[1])
FUZZ_SECONDS = 20
I, II, III = range(3)
ERSPAN, GRETAP, VXLAN, GENEVE = range(4)
DST_PORTS = {ERSPAN: 0, GRETAP: 0, VXLAN: 4789, GENEVE: 6081}
US100, NS100, NS = range(3)
UNIT = {US100: 100000, NS100: 100, NS: 1}
AUTO, INGRESS, EGRESS = range(3)
IFINDEX, LENGTH, VALUE = range(3)
TAGGED = 1 << 16            # MIRRORX_TAGGED
CPU = 64                    # TC_MIRRORX_HWID_CPU
ETHERTYPE = 0x88b5          # for experiments: no dissector looks further
WRAP = 1 << 32
# As encap-cli reads them
DEFAULT = {"saddr": "192.0.2.1", "daddr": "192.0.2.9", "ipv6": 0, "tos": 0, "ttl": 64, "type": III,
           "session": 1, "dir": AUTO, "encap": ERSPAN, "vni": 0xabcdef, "dst_port": 0,
           "hwid": 0, "sgt": 0, "timestamp": US100, "platf": 0,
           "port": IFINDEX, "port_value": 0, "strip": 0,
           "time_ns": 1700000000123456789, "seq": 7, "slice_len": 64, "frame_len": 64, "ifindex": 2,
           "tag": 0, "cpu": 0, "truncated": 0, "egress": 0, "flow": 0x9abcdef0}
V6 = {"ipv6": 1, "saddr": "2001:db8:9::1", "daddr": "2001:db8:9::9"}
# What the draft allows together, and the width of the field for the port
FORMATS = {(I, US100, 0): 0, (II, US100, 0): 20, (III, US100, 0): 0, (III, NS100, 0): 0,
           (III, US100, 1): 32, (III, US100, 3): 14, (III, NS100, 3): 14, (III, NS, 3): 14,
           (III, NS, 5): 16, (III, NS, 7): 20}


def case(**what):
    values = DEFAULT | (V6 if what.get("ipv6") else {}) | {
        "dst_port": DST_PORTS[what.get("encap", ERSPAN)]} | what
    values["slice_len"] = min(values["slice_len"], 65535 - length(values))
    return values


def length(c):
    ip = 40 if c["ipv6"] else 20
    if c["encap"] != ERSPAN:
        return ip + (16 if is_udp(c) else 4)
    return ip + {I: 4, II: 16, III: 20}[c["type"]] + (8 if c["platf"] else 0)


def is_udp(c):
    return c["encap"] in (VXLAN, GENEVE)


@functools.cache
def slice_of(size):
    """The same as in encap-cli"""
    return (bytes(12) + struct.pack(">H", ETHERTYPE) +
            bytes((i * 7 + (i >> 8)) & 255 for i in range(14, size)))[:size]


def packed(c, which):
    return socket.inet_pton(socket.AF_INET6 if c["ipv6"] else socket.AF_INET, c[which])


def headers(cases):
    """What net/encap.c makes of the cases."""
    lines = [" ".join(packed(c, k).hex() if k.endswith("addr") else str(c[k]) for k in DEFAULT)
             for c in cases]
    run = subprocess.run([OUT / "encap-cli"], text=True, capture_output=True, input="\n".join(lines))
    found = [bytes.fromhex(line) for line in run.stdout.splitlines()]
    if run.returncode or len(found) != len(cases):
        raise RuntimeError(f"encap-cli: status {run.returncode}\n{run.stderr[:2000]}")
    return found


# What the fields have to say

def stamps(c):
    """(Timestamp, second word of the subheader if that is time)"""
    if c["platf"] == 5:
        return c["time_ns"] % 10 ** 9, c["time_ns"] // 10 ** 9 % WRAP
    stamp = c["time_ns"] // UNIT[c["timestamp"]]
    return stamp % WRAP, stamp // WRAP


def gra(c):
    return {US100: 0, NS100: 1, NS: 2 if c["platf"] == 5 else 3}[c["timestamp"]]


def source_port(c):
    return 49152 + c["flow"] % 16384


def label(c):
    return c["flow"] % (1 << 20) or 1


def width(c):
    return FORMATS[c["type"], c["timestamp"], c["platf"]]


def port(c):
    value = {IFINDEX: c["ifindex"], LENGTH: c["frame_len"], VALUE: c["port_value"]}[c["port"]]
    return value if value < 1 << width(c) else 0


def vlan_cos(c):
    """Of type II, VLAN means something only if the tag is nowhere else."""
    tci = c["tag"] & 0xffff
    return (0 if c["type"] == II and not c["strip"] else tci & 0xfff), tci >> 13


def encap(c):
    """En of type II"""
    return 0 if not c["tag"] else 2 if c["strip"] else 3


def hwid(c):
    return c["cpu"] if c["hwid"] == CPU else c["hwid"]


def direction(c):
    return c["egress"] if c["dir"] == AUTO else int(c["dir"] == EGRESS)


# --- vectors -----------------------------------------------------------------

def vectors():
    """Words that tshark and the draft's figures agree on, less what mirrorx never
    sets: BSO, VSM Domain ID and Switch ID."""
    common = {"tag": TAGGED | 0xaabc, "session": 0x2a5, "truncated": 1, "sgt": 0xbeef, "hwid": 0x2a,
              "seq": 7, "port": VALUE}
    bso, vsm, switch = 3 << 11, 0xfff, 0x3ff << 16
    word0, low, upper = 0x2abcb6a5 & ~bso, 0x11223344, 0x55667788
    stamp = upper << 32 | low
    known = {
        "Gra 0": ({"time_ns": low * 100000}, [0xbeef82a8]),
        "Gra 1": ({"timestamp": NS100, "time_ns": low * 100}, [0xbeef82aa]),
        "Platf 1, Gra 0": ({"platf": 1, "port_value": 0xaabbccdd, "time_ns": low * 100000},
                           [0xbeef82a9, 0x04000123 & ~vsm, 0xaabbccdd]),
        "Platf 3, Gra 3": ({"platf": 3, "timestamp": NS, "port_value": 0x1555, "time_ns": stamp},
                           [0xbeef82af, 0x0c001555, upper]),
        "Platf 5, Gra 2": ({"platf": 5, "timestamp": NS, "port_value": 0x7777,
                            "time_ns": 1700000000 * 10 ** 9 + low},
                           [0xbeef82ad, 0x15557777 & ~switch, 0x6553f100]),
        "Platf 7, Gra 3": ({"platf": 7, "timestamp": NS, "port_value": 0xabcde, "time_ns": stamp},
                           [0xbeef82af, 0x1c0abcde, upper]),
    }
    for name, (values, words) in known.items():
        for side in {"egress": 1}, {"dir": EGRESS}, {"dir": EGRESS, "egress": 1}:
            for family in {}, V6:
                expected = struct.pack(f">{4 + len(words)}I", 0x100022eb, 7, word0, low, *words)
                found, = headers([case(**common, **values, **side, **family)])
                ok(found[40 if family else 20:] == expected,
                   f"vector: {name}, {side}, {'IPv6' if family else 'IPv4'}", found.hex(), expected.hex())
    ingress, = headers([case(**common, **known["Gra 0"][0])])
    ok(ingress[-4:].hex() == "beef82a0", "vector: ingress", ingress.hex())
    # 4500 0074 0000 4000 402f, 192.0.2.1, 192.0.2.9: summed by hand
    plain, = headers([case(slice_len=76)])
    ok(plain[:20].hex() == "4500007400004000402fb650c0000201c0000209", "vector: IPv4", plain.hex())
    # RFC 2784 with RFC 1701's Transparent Ethernet Bridging; RFC 7348, section 5; RFC 8926, section 3.4
    ports = f"{source_port(DEFAULT):04x}"
    for encap, tail in ((GRETAP, "00006558"), (VXLAN, ports + "12b50050000008000000abcdef00"),
                        (GENEVE, ports + "17c10050000000006558abcdef00")):
        found, = headers([case(encap=encap)])
        ok(found[20:].hex() == tail, f"vector: encap {encap}", found.hex(), tail)
    # The draft's first octets of types I and II
    found = [h[20:].hex() for h in headers([case(type=I, **common), case(type=II, seq=7)])]
    ok(found == ["000088be", "100088be000000071000000100000002"], "vectors: types I and II", found)


# --- decoders ----------------------------------------------------------------

def scapy_erspan(c):
    vlan, cos = vlan_cos(c)
    stamp, upper = stamps(c)
    if c["type"] == I:
        return GRE(proto=0x88be) / ERSPAN_I()
    gre = GRE(seqnum_present=1, seqence_number=c["seq"], proto={II: 0x88be, III: 0x22eb}[c["type"]])
    if c["type"] == II:
        return gre / ERSPAN_II(ver=1, vlan=vlan, cos=cos, en=encap(c), t=c["truncated"],
                               session_id=c["session"], index=port(c))
    erspan = gre / ERSPAN_III(
        vlan=vlan, cos=cos, t=c["truncated"], session_id=c["session"], timestamp=stamp,
        sgt_other=c["sgt"], p=1, hw=hwid(c), d=direction(c), gra=gra(c), o=int(c["platf"] > 0))
    words = (0, port(c)) if c["platf"] == 1 else (port(c), upper)
    return erspan / ERSPAN_PlatformSpecific(platf_id=c["platf"], info1=words[0], info2=words[1]) \
        if c["platf"] else erspan


def scapy_bytes(c):
    """The same headers as scapy writes them."""
    total, proto = length(c) + c["slice_len"], 17 if is_udp(c) else 47
    if c["ipv6"]:
        outer = IPv6(tc=c["tos"], hlim=c["ttl"], nh=proto, plen=total - 40, src=c["saddr"], dst=c["daddr"],
                     fl=label(c))
    else:
        outer = IP(tos=c["tos"], ttl=c["ttl"], proto=proto, len=total, id=0, flags="DF",
                   src=c["saddr"], dst=c["daddr"])
    if c["encap"] == ERSPAN:
        return bytes(outer / scapy_erspan(c))
    if c["encap"] == GRETAP:
        return bytes(outer / GRE(proto=0x6558))
    udp = UDP(sport=source_port(c), dport=c["dst_port"], **({} if c["ipv6"] else {"chksum": 0}))
    tunnel = Vxlan(flags=8, vni=c["vni"]) if c["encap"] == VXLAN else Geneve(proto=0x6558, vni=c["vni"])
    return bytes(outer / udp / tunnel / Raw(slice_of(c["slice_len"])))[:length(c)]


def tshark_subheader(c):
    platf, upper = c["platf"], stamps(c)[1]
    return {0: {},
            1: {"erspan.pid1.rsvd1": 0, "erspan.pid1.vsmid": 0, "erspan.pid1.port_index": port(c)},
            3: {"erspan.pid3.rsvd1": 0, "erspan.pid3.port_index": port(c),
                "erspan.pid3.timestamp": upper},
            5: {"erspan.pid5.switchid": 0, "erspan.pid5.port_index": port(c),
                "erspan.pid5.timestamp": upper},
            7: {"erspan.pid7.rsvd1": 0, "erspan.pid7.source_index": port(c),
                "erspan.pid7.timestamp": upper}}[platf] | ({"erspan.platid": platf} if platf else {})


def tshark_erspan(c):
    vlan, cos = vlan_cos(c)
    if c["type"] == I:
        return {"gre.flags_and_version": 0, "gre.proto": 0x88be}
    word0 = {"gre.flags_and_version": 0x1000, "gre.sequence_number": c["seq"], "erspan.vlan": vlan,
             "erspan.cos": cos, "erspan.truncated": c["truncated"], "erspan.spanid": c["session"]}
    if c["type"] == II:
        return word0 | {"gre.proto": 0x88be, "erspan.version": 1, "erspan.encap": encap(c),
                        "erspan.reserved": 0, "erspan.index": port(c)}
    return word0 | {
        "gre.proto": 0x22eb, "erspan.version": 2, "erspan.bso": 0, "erspan.timestamp": stamps(c)[0],
        "erspan.sgt": c["sgt"], "erspan.p": 1, "erspan.ft": 0, "erspan.hw": hwid(c),
        "erspan.direction": direction(c), "erspan.gra": gra(c), "erspan.o": int(c["platf"] > 0),
    } | tshark_subheader(c)


def tshark_udp(c):
    fields = {"udp.srcport": source_port(c), "udp.dstport": c["dst_port"],
              "udp.length": 16 + c["slice_len"], "udp.checksum.status": 1 if c["ipv6"] else 3}
    if c["encap"] == VXLAN:
        return fields | {"vxlan.flags": 0x0800, "vxlan.gbp": 0, "vxlan.vni": c["vni"],
                         "vxlan.reserved8": 0}
    return fields | {"geneve.version": 0, "geneve.flags": 0,
                     "geneve.proto_type": 0x6558, "geneve.vni": c["vni"], "geneve.reserved": 0}


def tshark_encap(c):
    if is_udp(c):
        return tshark_udp(c)
    return {"gre.flags_and_version": 0, "gre.proto": 0x6558} if c["encap"] == GRETAP else tshark_erspan(c)


def tshark_fields(c):
    """Every field of the headers as tshark should show it."""
    total, proto = length(c) + c["slice_len"], 17 if is_udp(c) else 47
    outer = {"ip.version": 6, "ipv6.version": 6, "ipv6.tclass": c["tos"], "ipv6.flow": label(c),
             "ipv6.plen": total - 40, "ipv6.nxt": proto, "ipv6.hlim": c["ttl"],
             "ipv6.src": c["saddr"], "ipv6.dst": c["daddr"]} \
        if c["ipv6"] else \
            {"ip.version": 4, "ip.hdr_len": 20, "ip.dsfield": c["tos"], "ip.len": total, "ip.id": 0,
             "ip.flags": 2, "ip.frag_offset": 0, "ip.ttl": c["ttl"], "ip.proto": proto,
             "ip.checksum.status": 1, "ip.src": c["saddr"], "ip.dst": c["daddr"]}
    return outer | tshark_encap(c) | {"eth.type": ETHERTYPE, "data.len": c["slice_len"] - 14}


def formats():
    return [{"type": t, "timestamp": stamp, "platf": platf} for t, stamp, platf in FORMATS] + [
        {"encap": encap} for encap in (GRETAP, VXLAN, GENEVE)]


FIELDS = sorted({f for ipv6 in (0, 1) for form in formats()
                 for f in tshark_fields(case(ipv6=ipv6, **form))})


def write_pcap(path, packets):
    with open(path, "wb") as out:
        out.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, 101))    # raw IP
        for packet in packets:
            out.write(struct.pack("=IIII", 0, 0, len(packet), len(packet)) + packet)


def tshark(cases, found):
    """What tshark reads, one dictionary for each case."""
    path = OUT / "encap.pcap"
    write_pcap(path, [h + slice_of(c["slice_len"]) for c, h in zip(cases, found)])
    run = subprocess.run(["tshark", "-n", "-r", path, "-o", "ip.check_checksum:TRUE",
                          "-o", "udp.check_checksum:TRUE", "-T", "fields",
                          *(word for f in FIELDS for word in ("-e", f))],
                         text=True, capture_output=True, check=True)
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    if len(rows) != len(cases):
        raise RuntimeError(f"tshark shows {len(rows)} of {len(cases)} packets")
    return [{f: value for f, value in zip(FIELDS, row) if value} for row in rows]


def same(value, expected):
    return value == expected if isinstance(expected, str) else int(value, 0) == expected


def written(name, cases):
    """All cases, as scapy writes them."""
    found = headers(cases)
    wrong = [f"{c}\n{h.hex()}\n{scapy_bytes(c).hex()}" for c, h in zip(cases, found) if h != scapy_bytes(c)]
    ok(not wrong, f"{name}: scapy writes the same, {len(cases)} cases", *wrong[:3])
    return found


def decoded(name, cases):
    """All cases, as scapy writes them and as tshark reads them."""
    found, wrong = written(name, cases), []
    for c, h, seen in zip(cases, found, tshark(cases, found)):
        fields = tshark_fields(c)
        wrong += [f"{f}: {seen.get(f)}, not {v}, in {c}" for f, v in fields.items()
                  if f not in seen or not same(seen[f], v)]
        wrong += [f"{f}: {seen[f]}, but should not be there, in {c}" for f in seen if f not in fields]
    ok(not wrong, f"{name}: tshark reads the same, {len(cases)} cases", *wrong[:5])


def every_format(**what):
    return [case(ipv6=ipv6, **form, **what) for ipv6 in (0, 1) for form in formats()]


def spread(field, values):
    return [c for v in values for c in every_format(**{field: v})]


def boundaries():
    values = {
        "tos": (0, 1, 3, 4, 0xb8, 255), "ttl": (1, 2, 64, 254, 255), "session": (0, 1, 512, 1022, 1023),
        "hwid": (0, 1, 32, 62, 63), "sgt": (0, 1, 0x8000, 65534, 65535), "dir": (AUTO, INGRESS, EGRESS),
        "seq": (0, 1, 2 ** 31, WRAP - 1), "slice_len": (15, 16, 128, 1446, 1500, 9000, 65435, 65535),
        "truncated": (0, 1), "egress": (0, 1), "vni": (0, 1, 0x800000, 0xfffffe, 0xffffff),
        "flow": (0, 1, 0x3fff, 0x4000, 0xfffff, 0x100000, 0xfff00000, WRAP - 1),
    }
    for field, these in values.items():
        decoded(field, spread(field, these))
    decoded("dir and hook", [c for d in (AUTO, INGRESS, EGRESS) for e in (0, 1)
                             for c in every_format(dir=d, egress=e)])
    decoded("hwid cpu", [c for cpu in (0, 1, 31, 32, 63) for own in (0, CPU)
                         for c in every_format(cpu=cpu, hwid=own)])


def tags():
    """Untagged is not the same as a tag whose TCI is 0."""
    these = [0] + [TAGGED | tci for tci in (0, 1, 0xfff, 0x1000, 0x1fff, 0x2000, 0xe000, 0xefff, 0xffff)]
    for strip in 0, 1:
        decoded(f"tag, {'stripped' if strip else 'kept'}",
                [c for tag in these for c in every_format(tag=tag, strip=strip)])


def ports():
    """Around the width of each field; a configured value always fits."""
    edges = sorted({edge + d for width in (0, 14, 16, 20, 31, 32) for edge in [1 << width]
                    for d in (-1, 0, 1) if edge + d < WRAP})
    # the other one of the two must not matter
    decoded("port: ifindex", [c for n in edges for c in every_format(ifindex=n, frame_len=77)])
    decoded("port: length", [c for n in edges
                             for c in every_format(port=LENGTH, frame_len=n, ifindex=77)])
    decoded("port: value", [c for n in edges for c in every_format(port=VALUE, port_value=n, ifindex=77)
                            if n >> width(c) == 0])


def times():
    """Around full units, seconds, and the wraps of each 32-bit field, low or high."""
    second = 10 ** 9
    edges = {"start": 0, "100 ns": 100, "100 us": 100000, "second": second,
             "now": 1700000000 * second, "wrap of 100 ns": WRAP * 100,
             "second wrap of 100 ns": 2 * WRAP * 100, "wrap of 100 us": WRAP * 100000,
             "second wrap of 100 us": 2 * WRAP * 100000, "wrap of 32-bit ns": WRAP,
             "second wrap of 32-bit ns": 2 * WRAP, "sign of 64-bit ns": 1 << 63,
             "2038": (1 << 31) * second, "2106": WRAP * second, "last": (1 << 64) - 1}
    for name, edge in edges.items():
        near = [edge + d for d in (-100001, -100000, -101, -100, -2, -1, 0, 1, 99, 100, 99999, 100000)]
        decoded(f"time: {name}", spread("time_ns", [t for t in near if 0 <= t < 1 << 64]))


def at_random():
    pick = random.Random(1)
    cases = []
    for _ in range(1000):
        ipv6 = pick.getrandbits(1)
        hosts = [f"2001:db8:{pick.randint(1, 0xffff):x}::{pick.randint(1, 0xffff):x}" if ipv6 else
                 ".".join(str(pick.randint(1, 223)) for _ in range(4)) for _ in range(2)]
        form = pick.choice(formats())
        cases.append(case(
            **form, ipv6=ipv6, tos=pick.getrandbits(8), ttl=pick.randint(1, 255),
            session=pick.getrandbits(10), hwid=pick.choice([pick.getrandbits(6), CPU]),
            sgt=pick.getrandbits(16), dir=pick.randint(0, 2), time_ns=pick.getrandbits(64),
            seq=pick.getrandbits(32), slice_len=pick.randint(15, 9000), tag=pick.choice(
                [0, TAGGED | pick.getrandbits(16)]), strip=pick.getrandbits(1),
            port=pick.choice([IFINDEX, LENGTH, VALUE]), ifindex=pick.getrandbits(pick.randint(1, 32)),
            frame_len=pick.getrandbits(pick.randint(4, 17)), cpu=pick.getrandbits(6),
            port_value=pick.getrandbits(width(DEFAULT | form)), truncated=pick.getrandbits(1),
            egress=pick.getrandbits(1), vni=pick.getrandbits(24), flow=pick.getrandbits(32),
            saddr=hosts[0], daddr=hosts[1]))
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


def udp_sums():
    """Of all lengths, odd ones too; what comes out as 0 is written as 0xffff."""
    decoded("UDP checksum", [case(ipv6=1, encap=e, slice_len=n) for e in (VXLAN, GENEVE)
                             for n in range(15, 200)])
    for encap in VXLAN, GENEVE:
        for size in 63, 64:
            sum_at = slice(46, 48)
            found, = headers([case(ipv6=1, encap=encap, slice_len=size, saddr="2001:db8:9::")])
            total = int.from_bytes(found[sum_at], "big")        # makes that 0 where it is an address
            zero, = written(f"UDP checksum 0, encap {encap}, {size} bytes", [
                case(ipv6=1, encap=encap, slice_len=size, saddr=f"2001:db8:9::{total:x}")])
            ok(zero[sum_at] == b"\xff\xff", f"UDP checksum 0 is 0xffff, encap {encap}, {size} bytes",
               zero.hex())


def udp_ports():
    written("UDP destination port", [case(ipv6=ipv6, encap=e, dst_port=n) for ipv6 in (0, 1)
                                     for e in (VXLAN, GENEVE) for n in (1, 4789, 6081, 8472, 65535)])


def fuzz():
    run = subprocess.run([OUT / "encap-fuzz", "-seed=1", f"-max_total_time={FUZZ_SECONDS}",
                          "-max_len=256", "-len_control=0", "-print_final_stats=1",
                          f"-artifact_prefix={OUT}/"],
                         text=True, capture_output=True)
    done = [line.split()[-1] for line in run.stderr.splitlines() if "number_of_executed_units" in line]
    said = [line for line in run.stderr.splitlines()
            if line.startswith("encap-fuzz.c:") or "runtime error" in line or "ERROR" in line]
    ok(run.returncode == 0 and done and int(done[0]) > 100000,
       f"{done and done[0]} inputs of a fuzzer, every bit checked", *said)


vectors()
boundaries()
tags()
ports()
times()
sums()
udp_sums()
udp_ports()
at_random()
fuzz()
finish()
