#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for underlay-neigh.sh: the link-layer address of the next hop."""
from contextlib import contextmanager

from guest import batch, must, wait_for
from tap import finish, ok
from wire import Scene, Tap, namespaces, sysctl

COLLECTOR = {4: "192.0.2.9", 6: "2001:db8:9::9"}
MACS = "02:00:00:00:09:01", "02:00:00:00:09:02"


def flush():
    must("ip -n src neighbour flush dev und0 nud all")


def known():
    return must("ip -n src neighbour show dev und0")


def first(scene, tap, family):
    """Configured just now, to a next hop that nobody knows."""
    flush()
    scene.mirror(COLLECTOR[family])
    scene.arrives(f"IPv{family}: the first packet after an action is configured", tap, count=1)
    flush()
    batch("tc", """filter delete dev m0 egress
        filter add dev m0 egress matchall action mirrorx dst_ip %s index 2""" % COLLECTOR[family], "src")
    scene.arrives(f"IPv{family}: the first packet after tc filter add", tap, count=1)
    batch("tc", """filter delete dev m0 egress
        filter add dev m0 egress matchall action mirrorx index 1""", "src")


@contextmanager
def unheard():
    """The collector is not asked for its address; else it may have answered before we look."""
    must("nft -f -", "col", """table netdev deaf {
        chain input {
            type filter hook ingress device eth0 priority 0
            meta protocol arp drop
            icmpv6 type nd-neighbor-solicit drop
        }
        }
        """)
    yield
    must("nft delete table netdev deaf", "col")


def lost(scene, tap, family):
    """Known, then forgotten: the kernel finds it again."""
    scene.arrives(f"IPv{family}: the next hop is known", tap)
    with unheard():
        flush()
        count = scene.count(1)
    ok(count == {"no_neigh": 1}, f"IPv{family}: a packet while it is looked for is counted", count)
    wait_for(3, lambda: "lladdr" in known())
    scene.arrives(f"IPv{family}: it is found again", tap)


def move(scene, tap, family):
    """The collector gets another MAC address, and says so."""
    for mac in MACS[1], MACS[0]:
        batch("ip", f"link set eth0 down\nlink set eth0 address {mac}\nlink set eth0 up", "col")
        if family == 4:
            must("ip netns exec col arping -q -U -c 1 -I eth0 192.0.2.9")
        wait_for(3, lambda: mac in known())
        scene.arrives(f"IPv{family}: a collector that moves to {mac} is followed", tap)
        hop = tap.copies()[-1].frame[:6].hex(":")
        ok(hop == mac, f"IPv{family}: by its new address", hop)


def stale(scene, tap, family):
    """A next hop that moved and said nothing: the kernel probes it, as it does for all."""
    scene.arrives(f"IPv{family}: before a silent move", tap)
    hop = must(f"ip -n src neighbour show {COLLECTOR[family]} dev und0")
    must(f"ip -n src neighbour replace {COLLECTOR[family]} dev und0 lladdr 02:00:00:00:0f:0f nud stale")
    wire = Tap("col", "eth0")
    scene.send(1)
    ok(any(frame[:6].hex(":") == "02:00:00:00:0f:0f" for frame in wire.all()),
       f"IPv{family}: goes where the kernel believes it to be", hop)
    ok(wait_for(10, lambda: scene.send(1) and MACS[0] in known()),
       f"IPv{family}: sending makes the kernel ask again", known())
    scene.arrives(f"IPv{family}: after a silent move", tap)


def permanent(scene, tap, family):
    must(f"ip -n src neighbour replace {COLLECTOR[family]} dev und0 lladdr {MACS[0]} nud permanent")
    scene.arrives(f"IPv{family}: a permanent next hop", tap)
    must(f"ip -n src neighbour replace {COLLECTOR[family]} dev und0 lladdr {MACS[0]} nud noarp")
    scene.arrives(f"IPv{family}: one that is never asked for", tap)
    flush()


def main():
    namespaces("src", "col")
    must("ip link add und0 netns src type veth peer name eth0 netns col")
    batch("ip", f"""link set eth0 address {MACS[0]}
        link set eth0 up
        address add 192.0.2.9/24 dev eth0
        address add 2001:db8:9::9/64 dev eth0""", "col")
    batch("ip", """link set und0 up
        address add 192.0.2.1/24 dev und0
        address add 2001:db8:9::1/64 dev und0""", "src")
    sysctl("col", "net.ipv6.conf.eth0.keep_addr_on_down", 1)
    sysctl("col", "net.ipv6.conf.eth0.ndisc_notify", 1)
    sysctl("col", "net.ipv4.conf.eth0.arp_notify", 1)
    for key in "delay_first_probe_time", "retrans_time_ms", "ucast_solicit":
        for family in 4, 6:
            sysctl("src", f"net.ipv{family}.neigh.und0.{key}", 1 if key != "retrans_time_ms" else 100)
    wait_for(3, lambda: " state UP " in must("ip -n src link show dev und0"))
    scene = Scene(COLLECTOR[4])
    tap = scene.tap("col", "eth0")
    for family in 4, 6:
        first(scene, tap, family)
        for part in lost, move, stale, permanent:
            scene.mirror(COLLECTOR[family])
            part(scene, tap, family)
    finish()


main()
