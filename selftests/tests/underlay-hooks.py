#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for underlay-stack.sh: what waits for locally sent packets gets the copies, too.

    src und0 - e0 rtr e1 - eth0 col
"""
import json
import socket
import time

import rawtc
from guest import batch, must, netns, run, wait_for
from tap import finish, ok
from wire import Copy, Scene, Tap, namespaces, sysctl, tunnelled_in

COLLECTOR = {4: "203.0.113.9", 6: "2001:db8:c::9"}
SOURCE = {4: "192.0.2.1", 6: "2001:db8:9::1"}
ROUTER = {4: "192.0.2.2", 6: "2001:db8:9::2"}
TABLE = {4: "ip", 6: "ip6"}


def topology():
    namespaces("src", "rtr", "col")
    batch("ip", """link add und0 netns src type veth peer name e0 netns rtr
        link add e1 netns rtr type veth peer name eth0 netns col""")
    batch("ip", """link set und0 up
        address add 192.0.2.1/24 dev und0
        address add 2001:db8:9::1/64 dev und0
        route add default via 192.0.2.2
        route add default via 2001:db8:9::2""", "src")
    sysctl("rtr", "net.ipv4.ip_forward", 1)
    sysctl("rtr", "net.ipv6.conf.all.forwarding", 1)
    batch("ip", """link set e0 up
        link set e1 up
        address add 192.0.2.2/24 dev e0
        address add 2001:db8:9::2/64 dev e0
        address add 203.0.113.1/24 dev e1
        address add 2001:db8:c::1/64 dev e1""", "rtr")
    batch("ip", """link set eth0 up
        address add 203.0.113.9/24 dev eth0
        address add 2001:db8:c::9/64 dev eth0
        route add default via 203.0.113.1
        route add default via 2001:db8:c::1""", "col")


def nft(rules, ns="src"):
    must("nft -f -", ns, rules)


def counters(family, ns="src"):
    """{name: packets} of the named counters of table t."""
    tree = json.loads(must(f"nft -j list table {TABLE[family]} t", ns))["nftables"]
    return {item["counter"]["name"]: item["counter"]["packets"] for item in tree if "counter" in item}


def netfilter(scene, tap, family):
    v, meta = f"IPv{family}:", f"{TABLE[family]} daddr {COLLECTOR[family]} meta l4proto gre"
    nft(f"""table {TABLE[family]} t {{
        counter sent {{ }}
        counter post {{ }}
        chain output {{ type filter hook output priority 0; {meta} counter name sent; }}
        chain post {{ type filter hook postrouting priority 0; {meta} oifname und0 counter name post; }}
        }}""")
    scene.arrives(f"{v} copies pass netfilter", tap)
    seen = counters(family)
    ok(seen == {"sent": 3, "post": 3}, f"{v} output and postrouting saw each of them", seen)
    nft(f"add rule {TABLE[family]} t output {meta} drop")
    count = scene.count()
    ok(count == {"xmit": 3}, f"{v} what a rule drops counts as xmit", count)
    nft(f"flush chain {TABLE[family]} t output")
    scene.arrives(f"{v} without the rule they arrive", tap)
    nft(f"add rule {TABLE[family]} t post {meta} drop")
    count = scene.count()
    ok(count == {"xmit": 3}, f"{v} dropped in postrouting, too", count)
    nft(f"flush table {TABLE[family]} t\n"
        f"add rule {TABLE[family]} t output {meta} meta mark set 7 {TABLE[family]} dscp set 10")
    scene.arrives(f"{v} a rule may change them", tap, tos=40)
    nft(f"delete table {TABLE[family]} t")
    nft(f"""table {TABLE[family]} t {{
        counter new {{ }}
        counter every {{ }}
        chain output {{ type filter hook output priority 0;
            {meta} ct state new counter name new
            {meta} counter name every
        }}
        }}""")
    scene.arrives(f"{v} copies pass connection tracking", tap)
    seen = counters(family)
    ok(seen["every"] == 3 and seen["new"] >= 1, f"{v} it saw each of them", seen)
    nft(f"delete table {TABLE[family]} t")
    scene.arrives(f"{v} without hooks they arrive as before", tap)
    snat(scene, tap, family)


def snat(scene, tap, family):
    run("conntrack -F", "src")          # what is known already is not translated
    other = {4: "192.0.2.66", 6: "2001:db8:9::66"}[family]
    nft(f"""table {TABLE[family]} t {{ chain post {{ type nat hook postrouting priority 100;
            meta l4proto gre snat to {other}
        }}
        }}""")
    scene.arrives(f"IPv{family}: copies are translated like all packets", tap, src=other)
    nft(f"delete table {TABLE[family]} t")


def raw_gre(family):
    """What col gets as GRE, decrypted."""
    with netns("col"):
        sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_RAW, 47)
    sock.setblocking(False)
    return sock


def drain(sock, family):
    found = []
    while True:
        try:
            data = sock.recv(1 << 16)
        except BlockingIOError:
            return found
        # an IPv6 socket gives no IP header: make one up
        found.append(Copy(data if family == 4 else bytes([0x60]) + bytes(39) + data))


def xfrm(scene, family, mode):
    v, src, dst = f"IPv{family} {mode}:", SOURCE[family], COLLECTOR[family]
    keys = "aead 'rfc4106(gcm(aes))' 0x" + 20 * "5a" + " 128"
    scene.mirror(dst)
    scene.send(1)               # its route is known before IPsec comes
    tunnel = f"src {src} dst {dst}" if mode == "tunnel" else ""
    for ns, way in ("src", "out"), ("col", "in"):
        batch("ip", f"""xfrm state add src {src} dst {dst} proto esp spi 0x100 reqid 1 mode {mode} {keys}
            xfrm policy add dir {way} src {src} dst {dst} proto gre tmpl {tunnel} proto esp reqid 1 mode {mode}
            """, ns)
    wire, plain = Tap("rtr", "e0"), raw_gre(family)
    got = []
    frames = scene.send(3)
    wait_for(3, lambda: got.extend(drain(plain, family)) or len(got) >= 3)
    ok([copy.inner for copy in got] == frames, f"{v} the collector decrypts what was copied", len(got),
       scene.counts())
    protos = [frame[23] if family == 4 else frame[20] for frame in wire.all()
              if frame[12:14] in (b"\x08\x00", b"\x86\xdd")]
    ok(protos.count(50) == 3 and 47 not in protos, f"{v} nothing of them is in clear on the wire", protos)
    frames = scene.send(3, 1500)
    got.clear()
    wait_for(3, lambda: got.extend(drain(plain, family)) or len(got) >= 3)
    whole = [len(frame) for frame in wire.all() if len(frame) > 1000]
    ok(len(got) == 3 and all(c.truncated and f.startswith(c.inner) and len(c.inner) > 1300
                             for c, f in zip(got, frames)) and all(n <= 1514 for n in whole),
       f"{v} large ones are cut so that they fit with their encryption",
       [(len(c.inner), c.truncated) for c in got], whole, scene.counts())
    for ns, way in ("src", "out"), ("col", "in"):
        batch("ip", "xfrm policy flush\nxfrm state flush", ns)


def block(scene, family):
    """Policies that let nothing pass: one without keys, one that says so."""
    ways = f"src {SOURCE[family]} dst {COLLECTOR[family]}"
    must(f"ip -n src xfrm policy add dir out {ways} tmpl proto esp reqid 1 mode transport")
    wire = Tap("rtr", "e0")
    scene.send(3)
    time.sleep(0.1)
    ok(not wire.copies(), f"IPv{family}: what a policy has no keys for is not on the wire")
    must("ip -n src xfrm policy flush")
    must(f"ip -n src xfrm policy add dir out {ways} action block")
    count = scene.count()
    ok(count == {"xmit": 3}, f"IPv{family}: what a policy blocks counts as xmit", count)
    must("ip -n src xfrm policy flush")


def pmtu(scene, tap, family, what):
    """The link behind the router gets small, and the router says so."""
    v, head = f"IPv{family}, {what}:", 40 if family == 4 else 60
    scene.mirror(COLLECTOR[family])
    scene.arrives(f"{v} whole by a wide path", tap, size=1400, truncated=False)
    batch("ip", "link set e1 mtu 1300", "rtr")
    must("ip -n col link set eth0 mtu 1300")
    scene.send(3, 1400)
    time.sleep(0.3)
    tap.all()
    scene.arrives(f"{v} cut to the MTU that a router told", tap, size=1400, length=1300 - head,
                  truncated=True)
    must("ip -n rtr link set e1 mtu 1500")
    must("ip -n col link set eth0 mtu 1500")
    if family == 4:
        must("ip -n src route flush cache")
    else:
        must("ip -n src -6 route flush cache")
    scene.arrives(f"{v} whole when the kernel forgets it", tap, size=1400, truncated=False)


def pmtu_encap(scene, tap, family, encap, head, mark=0):
    """The same, for copies that are no ERSPAN."""
    v, known = f"IPv{family}, encap {encap}, mark {mark}:", len(tap.all())
    scene.mirror(COLLECTOR[family], rawtc.attr(rawtc.ENCAP, encap), rawtc.attr(rawtc.MARK, mark))

    def arrived():
        return [len(found.inner) for found in map(tunnelled_in, tap.all()[known:]) if found]

    scene.send(3, 1400)
    ok(wait_for(3, lambda: arrived() == 3 * [1400]), f"{v} whole by a wide path", arrived())
    batch("ip", "link set e1 mtu 1300", "rtr")
    must("ip -n col link set eth0 mtu 1300")
    scene.send(3, 1400)
    time.sleep(0.3)
    count, known = scene.count(3, 1400), len(tap.all())
    ok(count == {"sent": 3, "cut": 3}, f"{v} cut once a router has told", count)
    scene.send(3, 1400)
    size = 1300 - head - (20 if family == 4 else 40)
    ok(wait_for(3, lambda: arrived() == 3 * [size]), f"{v} to the MTU that it told", arrived())
    must("ip -n rtr link set e1 mtu 1500")
    must("ip -n col link set eth0 mtu 1500")
    must("ip -n src route flush cache" if family == 4 else "ip -n src -6 route flush cache")
    if mark:        # of which ip flushes no IPv6 route
        must(f"ip -n src -{family} route replace default via {ROUTER[family]} table {mark}")
    time.sleep(0.3)
    known = len(tap.all())
    scene.send(3, 1400)
    ok(wait_for(3, lambda: arrived() == 3 * [1400]), f"{v} whole when the kernel forgets it", arrived())
    tap.all().clear()           # which are no ERSPAN


def main():
    topology()
    scene = Scene(COLLECTOR[4])
    tap = scene.tap("col", "eth0")
    for family in 4, 6:
        scene.mirror(COLLECTOR[family])
        netfilter(scene, tap, family)
    scene.adds_up("every copy that was sent arrived")
    for family in 4, 6:
        pmtu(scene, tap, family, "no other tunnel loaded")
    for family in 4, 6:
        for encap, head in (1, 4), (2, 16), (3, 16):
            pmtu_encap(scene, tap, family, encap, head)
    # For UDP some kernels note by themselves what the router says, but with the route that has no mark.
    for family in 4, 6:
        must(f"ip -n src -{family} rule add fwmark 7 table 7")
        must(f"ip -n src -{family} route add default via {ROUTER[family]} table 7")
        pmtu_encap(scene, tap, family, 2, 16, mark=7)
    scene.mirror(COLLECTOR[4])
    must("modprobe -a ip_gre ip6_gre")
    for family in 4, 6:
        pmtu(scene, tap, family, "ip_gre loaded")
    for family in 4, 6:
        for mode in "transport", "tunnel":
            xfrm(scene, family, mode)
        block(scene, family)
        scene.arrives(f"IPv{family}: without IPsec they are in clear", tap)
    finish()


main()
