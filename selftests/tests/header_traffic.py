# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of header.sh: sends what is mirrored."""
import json
import socket
import time

from cases import CTAG, STAG, Wire, case, cases, done, ether, in_ns, ip6, pattern, run, udp

OPTIONS = ("", "erspan_hwid 63 sgt 65535", "erspan_hwid 1", "sgt 1", "erspan_hwid 32 sgt 0x8000",
           "erspan_dir ingress", "erspan_dir egress", "erspan_dir auto",
           "timestamp 100us", "timestamp 100ns", "timestamp ns",
           "timestamp ns trunc 40 erspan_dir egress sgt 43690 erspan_hwid 21",
           "tos 255", "tos 184", "tos 1", "tos 2", "ttl 1", "ttl 255", "mark 42 priority 7")
MORE = {4: ("src_ip 192.0.2.77", "id 1023"), 6: ("src_ip 2001:db8:9::77", "id 1022")}
ROUTED = {4: ("dst_ip 203.0.113.9", "192.0.2.77"), 6: ("dst_ip 2001:db8:77::9", "2001:db8:9::77")}
SO_TIMESTAMP = 29
HOOKS = (("ingress", "peer"), ("egress", "src"))


def send(wire):
    """Among them what must not show in the outer header: TOS, congestion, TTL."""
    for frame in (ether(0x0800, udp(100, tos=0xff, ttl=1)), ether(0x88cc, pattern(46)),
                  ether(0x86dd, udp(30, ip6, tclass=0xbb, hops=255)),
                  ether(0x0800, udp(50, tos=3), (CTAG, 5 << 13 | 1 << 12 | 0xabc)),
                  ether(0x0800, udp(50), (STAG, 2 << 13 | 1), (CTAG, 7 << 13 | 2))):
        wire.send(frame)
        time.sleep(0.02)


def marked():
    """How many packets with mark and priority have gone to the collector"""
    shown = json.loads(in_ns("src", "tc", "-j", "-s", "actions", "get", "action", "gact", "index", 42))
    return next(a["stats"]["packets"] for part in shown for a in part.get("actions", ()))


def send_all(how, **words):
    for underlay in 4, 6:
        for hook, ns in HOOKS:
            before = marked()
            wire = Wire(ns)
            with case(f"{how}, IPv{underlay}, {hook}", hook, wire, OPTIONS, underlay,
                      **words):
                send(wire)
            cases[-1]["marked"] = marked() - before


# As soon as anyone wants stamps, packets are stamped when they are received.
anyone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
anyone.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
time.sleep(0.2)
send_all("straight", stamped=True)
anyone.close()
for underlay, (options, source) in ROUTED.items():
    wire = Wire("src")
    with case(f"source by the route, IPv{underlay}", "egress", wire, (options,), underlay,
              source=source):
        send(wire)
    with case(f"own source and Session ID, IPv{underlay}", "ingress", Wire("peer"), MORE[underlay],
              underlay):
        send(Wire("peer"))
with case("Session ID 0", "egress", Wire("src"), ("id 0",)):
    send(Wire("src"))
# With a hook for locally generated packets the copies go through the IP stack.
in_ns("src", "nft", "add table inet t; add chain inet t o { type filter hook output priority 0; }")
send_all("through the stack")
run("nft", "delete", "table", "inet", "t")
done()
