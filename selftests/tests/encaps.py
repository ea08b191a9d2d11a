#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of encaps.sh: what the kernel's devices received, and what tshark reads."""
import json
import sys
from pathlib import Path

import erspan
import flowmodel
from tap import finish, ok

MTU, ETH_LEN = 9000, 14
PORTS = {"vxlan": 4789, "geneve": 6081}
# Of each encapsulation: bytes of its headers behind IP, and what tshark calls it
LENGTHS = {"erspan": 20, "gretap": 4, "vxlan": 16, "geneve": 16}
FILTERS = {"gretap": "gre", "vxlan": "vxlan", "geneve": "geneve"}
NAMES = ("ip.src", "ip.dsfield", "ip.ttl", "ip.proto", "ip.flags.df", "ip.flags.mf", "ip.checksum.status",
         "ipv6.src", "ipv6.tclass", "ipv6.hlim", "ipv6.flow", "ipv6.nxt", "udp.srcport", "udp.dstport",
         "udp.length", "udp.checksum.status", "gre.flags_and_version", "gre.proto", "vxlan.flags", "vxlan.vni",
         "geneve.version", "geneve.flags", "geneve.proto_type", "geneve.vni")
NONE, GOOD = 3, 1               # of a checksum
FLOWS, PORTS_LEAST = 300, 280


def window(frames, ident):
    """From mark to mark"""
    begin, end = erspan.find_marks(frames, ident)
    return frames[begin:end + 1] if None not in (begin, end) else []


class Session:
    """One action; what its copies say"""

    def __init__(self, case, record, device):
        self.options = erspan.parse(record["options"])
        self.case, self.device, self.stats = case, device, record["stats"]
        self.encap = self.options.get("encap", "erspan")
        self.udp = self.encap in PORTS
        self.v6 = case["underlay"] == 6
        self.name = f"{case['name']}: {record['options']}"

    def room(self):
        return MTU - (40 if self.v6 else 20) - LENGTHS[self.encap]

    def said(self, frame, size, flow):
        """What tshark must read in the copy of a frame."""
        option, upper = self.options.get, flow >> 32
        tos, ttl = int(option("tos", 0)), int(option("ttl", 64))
        want = {"ipv6.src": "2001:db8:9::1", "ipv6.tclass": tos, "ipv6.hlim": ttl,
                "ipv6.nxt": 17 if self.udp else 47, "ipv6.flow": upper & 0xfffff or 1} if self.v6 else \
            {"ip.src": "192.0.2.1", "ip.dsfield": tos, "ip.ttl": ttl, "ip.proto": 17 if self.udp else 47,
             "ip.flags.df": 1, "ip.flags.mf": 0, "ip.checksum.status": GOOD}
        if not self.udp:
            return want | {"gre.flags_and_version": 0, "gre.proto": 0x6558}
        want |= {"udp.srcport": 49152 + upper % 16384,
                 "udp.dstport": int(option("dst_port", PORTS[self.encap])), "udp.length": 16 + size, "udp.checksum.status": GOOD if self.v6 else NONE}
        vni = int(option("vni"))
        return want | ({"vxlan.flags": 0x0800, "vxlan.vni": vni} if self.encap == "vxlan" else
                       {"geneve.version": 0, "geneve.flags": 0, "geneve.proto_type": 0x6558,
                        "geneve.vni": vni})

    def is_mine(self, copy):
        if self.v6 != (copy.packet[12:14] == b"\x86\xdd"):
            return False
        name, value = (f"{self.encap}.vni", int(self.options["vni"])) if self.udp else ("gre.proto", 0x6558)
        # others carry GRE, too
        return copy.packet[20 if self.v6 else 23] == (17 if self.udp else 47) and \
            [int(found, 0) for found in copy.fields[name][:1]] == [value]

    def wrong_fields(self, copies, frames):
        """FRAMES: whole ones; the flow is that of the frame and not of the slice."""
        model, wrong = flowmodel.Flows(sampled="sample" in self.options), []
        for i, (copy, frame) in enumerate(zip(copies, frames)):
            for name, value in self.said(frame, len(copy.frame), model.number(frame)).items():
                found = copy.fields[name][:1]
                if found and not isinstance(value, str):
                    found = [int(found[0], 0)]
                if found != [value]:
                    wrong.append(f"copy {i}: {name} is {found}, not {value}")
        return wrong


def same(found, expected, description):
    wrong = next((f"frame {i}:\n {a.hex()}\n {b.hex()}"
                  for i, (a, b) in enumerate(zip(found, expected)) if a != b), "")
    ok(expected and found == expected, description, f"{len(found)} of {len(expected)} frames", wrong)


def judge_ports(session, copies):
    """Both directions of a flow have one source port or flow label, and flows have many."""
    key = "udp.srcport" if session.udp else "ipv6.flow"
    told = [copy.number(key) for copy in copies if copy.frame[12:14] in (b"\x08\0", b"\x86\xdd")]
    ok(len(told) == 2 * FLOWS and told[::2] == told[1::2],
       f"{session.name}: both directions of each flow have the same {key}", len(told))
    ok(len(set(told)) >= PORTS_LEAST, f"{session.name}: there are many of them", len(set(told)))


def judge(session, reference, captured, received, copies):
    case, mark = session.case, session.case["mark"]
    kind, slices = case["name"].split(",")[0], "trunc" in session.options
    # what ERSPAN has of the same frames, all of it tested elsewhere, and what was on the wire
    whole = captured if kind != "segments" else reference
    fragments = session.options.get("oversize") == "fragment"
    expected = reference if slices and kind == "slices" else \
        [frame[:int(session.options.get("trunc", len(frame)))] for frame in whole]
    if not fragments:
        expected = [frame[:session.room()] for frame in expected]
    same(window(received, mark), expected, f"{session.device}: {session.name}")
    if fragments:
        ok(session.stats["fragmented"] > 0, f"{session.name}: there were fragments", session.stats)
        return
    mine = [copy for copy in copies if session.is_mine(copy)]
    begin, end = erspan.find_marks([copy.frame for copy in mine], mark)
    mine = mine[begin:end + 1] if None not in (begin, end) else []
    same([copy.frame for copy in mine], expected, f"tshark: {session.name}")
    wrong = session.wrong_fields(mine, whole)
    ok(not wrong, f"{session.name}: fields", *wrong[:3], f"and {len(wrong)} in all")
    if kind == "flows" and (session.udp or session.v6):
        judge_ports(session, mine)


def main():
    out = Path(sys.argv[1])
    cases = json.loads((out / "cases.json").read_text())
    links = {link["ifname"]: link["stats64"]["rx"] for link in json.loads((out / "links.json").read_text())}
    capture = {name: [frame for _, frame in erspan.whole(out / f"{name}.pcap")] for name in ("in", "out")}
    references = erspan.copies(out / "copies.pcap")
    copies = {encap: erspan.copies(out / "copies.pcap", what, NAMES) for encap, what in FILTERS.items()}
    devices = {device for case in cases for device in case["devices"]}
    received = {device: [frame for _, frame in erspan.whole(out / f"{device}.pcap")] for device in devices}
    for case in cases:
        first, *others = case["sessions"]
        wanted = [str(first["id"])]
        reference = window([copy.frame for copy in references if copy.fields["erspan.spanid"] == wanted],
                           case["mark"])
        captured = window(capture[case["capture"]], case["mark"])
        for record, device in zip(others, case["devices"], strict=True):
            session = Session(case, record, device)
            judge(session, reference, captured, received[device], copies[session.encap])
    for device in sorted(devices):
        rx = links[device]
        ok(rx["errors"] == rx["fifo_errors"] == 0, f"{device} has no complaints", rx)
    finish()


main()
