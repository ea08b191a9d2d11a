#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for underlay-dev.sh: devices between src and col, one kind after the other.

Two veth pairs, u0 - c0 and u1 - c1; each scene puts what it is about on both ends and takes it off
again.  "use" is the device with the addresses in src, "get" the one in col.
"""
import rawtc
from guest import batch, must, netns, tc_actions, wait_for
from rawtc import attr
from tap import finish, ok
from wire import Scene, Tap, namespaces

ADDRESSES = {"src": ("192.0.2.1/24", "2001:db8:9::1/64"), "col": ("192.0.2.9/24", "2001:db8:9::9/64")}
COLLECTOR = {4: "192.0.2.9", 6: "2001:db8:9::9"}


def index(name, ns="src"):
    with netns(ns):
        return rawtc.socket.if_nametoindex(name)


def up(**devices):
    """Addresses, on a device in each namespace, which may take a moment to have its carrier."""
    for ns, dev in devices.items():
        batch("ip", "\n".join(f"address replace {a} dev {dev}" for a in ADDRESSES[ns]), ns)
        wait_for(5, lambda: "LOWER_UP" in must(f"ip -n {ns} link show dev {dev}"))


def away(**devices):
    for ns, dev in devices.items():
        batch("ip", f"address flush dev {dev} scope global", ns)


def both(scene, what, tap, *more, wire=None):
    """Both families arrive at the tap, and nothing of them anywhere else."""
    for family in 4, 6:
        scene.mirror(COLLECTOR[family], *more)
        scene.arrives(f"{what}, IPv{family}", tap)
    if wire:
        wire.all()


def vlan(scene, taps):
    batch("ip", """link add link u0 name u0.5 up type vlan id 5
        link add link u0.5 name q up type vlan id 7""", "src")
    batch("ip", """link add link c0 name c0.5 up type vlan id 5
        link add link c0.5 name q up type vlan id 7""", "col")
    for use, get in ("u0.5", "c0.5"), ("q", "q"):
        up(src=use, col=get)
        tap = Tap("col", get)
        both(scene, f"by a VLAN device ({use})", tap)
        scene.mirror(COLLECTOR[4], attr(rawtc.TRUNC, 0))
        scene.arrives(f"by a VLAN device ({use}), as large as it takes", tap, size=1400)
        away(src=use, col=get)
    must("ip -n src link delete u0.5")
    must("ip -n col link delete c0.5")


def bond(scene, taps):
    batch("ip", """link set u0 down
        link set u1 down
        link add bond0 type bond mode active-backup miimon 20
        link set u0 master bond0
        link set u1 master bond0
        link set bond0 up""", "src")
    batch("ip", """link add br0 type bridge
        link set c0 master br0
        link set c1 master br0
        link set br0 up""", "col")
    up(src="bond0", col="br0")
    tap = Tap("col", "br0")

    def active(dev):
        link = must(f"ip -d -n src link show dev {dev}")
        return " state UP " in link and " state ACTIVE " in link

    wait_for(5, lambda: active("u0"))
    forwarding("col", "c0", "c1")
    both(scene, "by a bond", tap)
    must("ip -n col link set c0 down")
    ok(wait_for(5, lambda: active("u1")), "the bond's first member loses its carrier")
    scene.arrives("the copies go by the other member", tap)
    must("ip -n col link set c0 up")
    must("ip -n col link set c1 down")
    ok(wait_for(5, lambda: active("u0")), "the bond's second member loses its carrier")
    forwarding("col", "c0")
    scene.arrives("the copies go by the first one again", tap)
    must("ip -n col link set c1 up")
    must("ip -n src link delete bond0")
    must("ip -n col link delete br0")
    batch("ip", "link set u0 up\nlink set u1 up", "src")


def forwarding(ns, *ports):
    """Whether a bridge's ports have noticed in time that they have a carrier."""
    return wait_for(5, lambda: all("state forwarding" in must(f"bridge -n {ns} link show dev {port}")
                                   for port in ports))


def bridge(scene, taps):
    batch("ip", """link add br0 type bridge
        link set u0 master br0
        link set u1 master br0
        link set br0 up""", "src")
    up(src="br0", col="c1")
    forwarding("src", "u0", "u1")
    both(scene, "by a bridge", taps[1])
    must("ip -n src link set u1 nomaster")
    must("ip -n src link delete br0")
    away(col="c1")


def macvlan(scene, taps):
    must("ip -n src link add link u0 name mv0 up type macvlan mode bridge")
    up(src="mv0", col="c0")
    both(scene, "by a macvlan", taps[0])
    must("ip -n src link delete mv0")
    away(col="c0")


def vrf(scene, taps):
    """und0 in a VRF: only `dev` finds it."""
    batch("ip", """link add vrf0 up type vrf table 100
        link set u0 master vrf0""", "src")
    up(src="u0", col="c0")
    for dev in "vrf0", "u0":
        both(scene, f"by a VRF, dev {dev}", taps[0], attr(rawtc.IFINDEX, index(dev)))
    for family in 4, 6:
        scene.mirror(COLLECTOR[family])
        count = scene.count()
        ok(count == {"no_route": 3}, f"without dev there is no route into a VRF, IPv{family}", count)
    must("ip -n src link set u0 nomaster")
    must("ip -n src link delete vrf0")
    up(src="u0")
    for family in 4, 6:
        scene.mirror(COLLECTOR[family])
        scene.arrives(f"out of the VRF there is one, IPv{family}", taps[0])
    away(src="u0", col="c0")


def rename(scene, taps):
    up(src="u0", col="c0")
    both(scene, "by a device given by name", taps[0], attr(rawtc.IFINDEX, index("u0")))
    batch("ip", "link set u0 down\nlink set u0 name other\nlink set other up", "src")
    up(src="other")
    wait_for(3, lambda: "LOWER_UP" in must("ip -n src link show dev other"))
    shown = tc_actions(ns="src")[0]["dev"]
    ok(shown == "other", "tc shows the new name of a renamed device", shown)
    for family in 4, 6:
        scene.mirror(COLLECTOR[family], attr(rawtc.IFINDEX, index("other")))
    scene.arrives("the copies go by the renamed device", taps[0])
    batch("ip", "link set other down\nlink set other name u0\nlink set u0 up", "src")
    up(src="u0")
    scene.arrives("and again by its old name", taps[0])
    away(src="u0", col="c0")


def mtu(scene, taps):
    """Copies that do not fit are cut, as soon as they do not fit, and whole again afterwards."""
    up(src="u0", col="c0")
    for family, head in (4, 20 + 20), (6, 40 + 20):
        scene.mirror(COLLECTOR[family])
        scene.arrives(f"whole in the MTU, IPv{family}", taps[0], size=1000, truncated=False)
        scene.arrives(f"whole to the last byte, IPv{family}", taps[0], size=1500 - head, truncated=False)
        scene.arrives(f"one byte more is cut off, with T, IPv{family}", taps[0], size=1500 - head + 1,
                      length=1500 - head, truncated=True)
        must("ip -n src link set u0 mtu 1300")
        if family == 6:
            up(src="u0")
        count = scene.count(size=1400)
        ok(count == {"sent": 3, "cut": 3}, f"after a smaller MTU they count as cut, IPv{family}", count)
        scene.arrives(f"and are cut to that, IPv{family}", taps[0], size=1400, length=1300 - head,
                      truncated=True)
        scene.arrives(f"small ones are whole, IPv{family}", taps[0], size=500, truncated=False)
        scene.mirror(COLLECTOR[family], attr(rawtc.TRUNC, 200))
        scene.arrives(f"trunc below the MTU, IPv{family}", taps[0], size=1400, length=200, truncated=True)
        must("ip -n src link set u0 mtu 1500")
        scene.mirror(COLLECTOR[family])
        scene.arrives(f"after a larger MTU they are whole again, IPv{family}", taps[0], size=1400,
                      truncated=False)
        words = f"ip -{family} -n src route {{}} {COLLECTOR[family]} dev u0"
        must(words.format("add") + " mtu 1280")
        scene.arrives(f"a route's MTU cuts, IPv{family}", taps[0], size=1400, length=1280 - head,
                      truncated=True)
        must(words.format("delete"))
        scene.arrives(f"without that route they are whole, IPv{family}", taps[0], size=1400)
    tiny(scene)
    away(src="u0", col="c0")


def tiny(scene):
    scene.mirror(COLLECTOR[4])
    must("ip -n src link set u0 mtu 68")
    scene.arrives("an MTU with room for some bytes", scene.collectors[0], size=200, length=28, truncated=True)
    must(f"ip -n src route add {COLLECTOR[4]} dev u0 mtu lock 54")
    scene.arrives("an MTU with room for an Ethernet header", scene.collectors[0], length=14, truncated=True)
    must(f"ip -n src route replace {COLLECTOR[4]} dev u0 mtu lock 53")
    count = scene.count()
    ok(count == {"mtu": 3}, "an MTU without room for one is counted", count)
    must(f"ip -n src route delete {COLLECTOR[4]} dev u0")
    must("ip -n src link set u0 mtu 1500")
    scene.arrives("all are whole with the old MTU", scene.collectors[0], size=1400)


def linklocal(scene, taps):
    up(src="u0", col="c0")
    address = must("ip -n col -6 -o address show dev c0 scope link").split()[3].split("/")[0]
    must("ip -n src link set u1 up")
    scene.mirror(address, attr(rawtc.IFINDEX, index("u0")))
    scene.arrives("a link-local collector, by its device", taps[0], dst=address)
    scene.mirror(address, attr(rawtc.IFINDEX, index("u1")))
    before = len(taps[0].copies())
    scene.send(3)
    ok(len(taps[0].copies()) == before, "by another device it is not to be found")
    away(src="u0", col="c0")


def main():
    namespaces("src", "col")
    batch("ip", """link add u0 netns src up type veth peer name c0 netns col
        link add u1 netns src up type veth peer name c1 netns col""")
    batch("ip", "link set c0 up\nlink set c1 up", "col")
    scene = Scene(COLLECTOR[4])
    taps = scene.tap("col", "c0"), scene.tap("col", "c1")
    for part in vlan, bond, bridge, macvlan, vrf, rename, mtu, linklocal:
        part(scene, taps)
    finish()


main()
