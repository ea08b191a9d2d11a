# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of formats.sh: sends what is mirrored."""
import time

from cases import CTAG, STAG, Wire, case, done, ether, in_ns, ip6, pattern, run, udp

OPTIONS = (
    "erspan_ver 1", "erspan_ver 1 vlan_tag strip", "erspan_ver 1 vlan_tag keep",
    "erspan_ver 1 port 1048575", "erspan_ver 1 port 0", "erspan_ver 1 trunc 64",
    "erspan_ver 1 trunc 64 fixlen", "erspan_ver 1 trunc 64 fixlen port 7",
    "erspan_ver 1 tos 184 ttl 9",
    "subheader 1", "subheader 1 port 4294967295", "subheader 1 timestamp 100us",
    "subheader 1 trunc 64 fixlen", "subheader 3", "subheader 3 timestamp 100us",
    "subheader 3 timestamp 100ns", "subheader 3 timestamp ns", "subheader 3 port 16383",
    "subheader 3 trunc 60 fixlen", "subheader 5", "subheader 5 port 65535 sgt 7",
    "timestamp ns", "timestamp ns subheader 5 trunc 64 fixlen", "timestamp ns subheader 7",
    "subheader 7", "subheader 7 port 1048575 erspan_dir egress erspan_hwid 63 sgt 65535",
    "subheader 7 trunc 64 fixlen", "timestamp 100ns subheader none",
    "vlan_tag strip", "vlan_tag strip trunc 64")
TYPE_I = "erspan_ver 0 id 0 src_ip", "erspan_ver 0 id 0 trunc 64 src_ip"
SOURCES = {4: "192.0.2.%d", 6: "2001:db8:9::%d"}


def send(wire):
    for frame in (ether(0x0800, udp(100)), ether(0x88cc, pattern(46)), ether(0x86dd, udp(30, ip6)),
                  ether(0x0800, udp(50), (CTAG, 5 << 13 | 1 << 12 | 0xabc)),
                  ether(0x0800, udp(50), (CTAG, 0)), ether(0x0800, udp(50), (CTAG, 7 << 13)),
                  ether(0x0800, udp(50), (STAG, 2 << 13 | 1), (CTAG, 7 << 13 | 2))):
        wire.send(frame)
        time.sleep(0.02)


def send_all(how, ident):
    for underlay in 4, 6:
        for hook, ns in ("ingress", "peer"), ("egress", "src"):
            wire = Wire(ns)
            with case(f"{how}, IPv{underlay}, {hook}", hook, wire, OPTIONS, underlay):
                send(wire)
    for underlay in 4, 6:
        first = [f"{words} {SOURCES[underlay] % n}" for n, words in enumerate(TYPE_I, ident)]
        wire = Wire("peer")
        with case(f"{how}, IPv{underlay}, type I", "ingress", wire, ("", *first), underlay):
            send(wire)


send_all("straight", 71)
wire = Wire("src", "wide")
with case("a wide index", "egress", wire,
          ("erspan_ver 1", "subheader 1", "subheader 3", "subheader 5", "subheader 7"),
          dev="wide", capture="wide"):
    send(wire)
# With a hook for locally generated packets the copies go through the IP stack.
in_ns("src", "nft", "add table inet t; add chain inet t o { type filter hook output priority 0; }")
send_all("through the stack", 73)
run("nft", "delete", "table", "inet", "t")
done()
