#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for underlay-route.sh: gateways, multipath, rules, source addresses.

       und0 - e0 gw0 e1 - c0
    src                     col, with the collector's address on lo
       und1 - e0 gw1 e1 - c1
"""
import rawtc
from guest import batch, must, wait_for
from rawtc import address, attr
from tap import finish, ok
from wire import Scene, namespaces, sysctl

COLLECTOR = {4: "203.0.113.9", 6: "2001:db8:c::9"}
SOURCE = {4: ("192.0.2.1", "192.0.3.1"), 6: ("2001:db8:a0::1", "2001:db8:a1::1")}
GATEWAY = {4: ("192.0.2.2", "192.0.3.2"), 6: ("2001:db8:a0::2", "2001:db8:a1::2")}
SECOND = {4: "192.0.2.77", 6: "2001:db8:a0::77"}
SRC = {4: rawtc.SRC_IP4, 6: rawtc.SRC_IP6}


def topology():
    namespaces("src", "gw0", "gw1", "col")
    lines = []
    for n in 0, 1:
        lines += [f"link add und{n} netns src up type veth peer name e0 netns gw{n}",
                  f"link add e1 netns gw{n} up type veth peer name c{n} netns col"]
    batch("ip", "\n".join(lines))
    batch("ip", "\n".join(f"address add {SOURCE[f][n]}/{24 if f == 4 else 64} dev und{n}"
                          for f in SOURCE for n in (0, 1)), "src")
    for n in 0, 1:
        sysctl(f"gw{n}", "net.ipv4.ip_forward", 1)
        sysctl(f"gw{n}", "net.ipv6.conf.all.forwarding", 1)
        batch("ip", f"""link set e0 up
            address add 192.0.{2 + n}.2/24 dev e0
            address add 2001:db8:a{n}::2/64 dev e0
            address add 198.51.100.{1 + 4 * n}/30 dev e1
            address add 2001:db8:c{n}::1/64 dev e1
            route add {COLLECTOR[4]} via 198.51.100.{2 + 4 * n}
            route add {COLLECTOR[6]} via 2001:db8:c{n}::2""", f"gw{n}")
    batch("ip", f"""address add {COLLECTOR[4]}/32 dev lo
        address add {COLLECTOR[6]}/128 dev lo
        link set c0 up
        link set c1 up
        address add 198.51.100.2/30 dev c0
        address add 198.51.100.6/30 dev c1
        address add 2001:db8:c0::2/64 dev c0
        address add 2001:db8:c1::2/64 dev c1""", "col")
    sysctl("col", "net.ipv4.conf.all.rp_filter", 0)


def device(name):
    return int(must(f"ip netns exec src cat /sys/class/net/{name}/ifindex"))


def route(family, words):
    must(f"ip -{family} -n src route {words}")


def second(family):
    """One more address, which no route chooses by itself."""
    must(f"ip -n src address add {SECOND[family]} dev und0" + " preferred_lft 0" * (family == 6))


def follow(scene, taps, family):
    """The route and its changes."""
    to, gateway, source, v = COLLECTOR[family], GATEWAY[family], SOURCE[family], f"IPv{family}:"
    route(family, f"add {to} via {gateway[0]}")
    scene.mirror(to)
    scene.arrives(f"{v} by a gateway, from the address that the route chooses", taps[0], src=source[0],
                  dst=to, ttl=63, tos=0)
    route(family, f"replace {to} via {gateway[1]}")
    scene.arrives(f"{v} another route moves the copies", taps[1], src=source[1])
    route(family, f"replace {to} via {gateway[0]} src {source[1]}")
    scene.arrives(f"{v} the route's hint gives the source address", taps[0], src=source[1])
    second(family)
    route(family, f"replace {to} via {gateway[0]} src {SECOND[family]}")
    scene.arrives(f"{v} another hint gives another address", taps[0], src=SECOND[family])
    route(family, f"replace {to} via {gateway[0]}")
    scene.arrives(f"{v} without a hint it is the device's address again", taps[0], src=source[0])
    scene.mirror(to, attr(SRC[family], address(SECOND[family])))
    scene.arrives(f"{v} src_ip is the source address", taps[0], src=SECOND[family])
    route(family, f"replace {to} via {gateway[1]}")
    scene.arrives(f"{v} src_ip is it by another device, too", taps[1], src=SECOND[family])
    must(f"ip -n src address delete {SECOND[family]}/{32 if family == 4 else 128} dev und0")
    scene.mirror(to)


def restrict(scene, taps, family):
    """dev, marks, TOS."""
    to, gateway, source, v = COLLECTOR[family], GATEWAY[family], SOURCE[family], f"IPv{family}:"
    route(family, f"replace {to} via {gateway[0]}")
    route(family, f"add {to} via {gateway[1]} dev und1 metric 4000")
    scene.mirror(to)
    scene.arrives(f"{v} the better of two routes", taps[0], src=source[0])
    scene.mirror(to, attr(rawtc.IFINDEX, device("und1")))
    scene.arrives(f"{v} dev takes the other one", taps[1], src=source[1])
    route(family, f"delete {to} via {gateway[1]} dev und1 metric 4000")
    route(family, f"add {to} via {gateway[1]} table 100")
    for word, rule, attribute in (("mark", "fwmark 7", attr(rawtc.MARK, 7)),
                                  ("tos", "tos 0x10", attr(rawtc.TOS, 0x10))):
        must(f"ip -{family} -n src rule add {rule} table 100")
        scene.mirror(to)
        scene.arrives(f"{v} a rule by {word} leaves other copies alone", taps[0], src=source[0])
        scene.mirror(to, attribute)
        scene.arrives(f"{v} a rule by {word} sends these elsewhere", taps[1], src=source[1])
        must(f"ip -{family} -n src rule delete {rule} table 100")
        scene.arrives(f"{v} without the rule they go where all go", taps[0], src=source[0])
    must(f"ip -{family} -n src rule add from {SECOND[family]} table 100")
    second(family)
    scene.mirror(to, attr(SRC[family], address(SECOND[family])))
    scene.arrives(f"{v} a rule by source address sends those with this src_ip elsewhere", taps[1],
                  src=SECOND[family])
    must(f"ip -{family} -n src rule delete from {SECOND[family]} table 100")
    scene.mirror(to)


def multipath(scene, taps, family):
    to, gateway, v = COLLECTOR[family], GATEWAY[family], f"IPv{family}:"
    route(family, f"replace {to} nexthop via {gateway[0]} nexthop via {gateway[1]}")
    before = [len(tap.copies()) for tap in taps]
    scene.send(20)
    scene.adds_up(f"{v} by several next hops all copies arrive")
    gained = [len(tap.copies()) - b for tap, b in zip(taps, before)]
    ok(sorted(gained) == [0, 20], f"{v} and a session stays on its path", gained)
    used = gained.index(max(gained))
    sysctl("src", f"net.ipv{family}.conf.und{used}.ignore_routes_with_linkdown", 1)
    must(f"ip -n gw{used} link set e0 down")
    # the kernel takes its time to see it, and to share out the other next hops
    wait_for(10, lambda: "linkdown" in must(f"ip -{family} -n src route show {to}"))
    scene.arrives(f"{v} without the next hop that they took they take the other one", taps[1 - used])
    must(f"ip -n gw{used} link set e0 up")
    must(f"ip -n gw{used} -6 address replace 2001:db8:a{used}::2/64 dev e0")


def mixed(scene, taps):
    """An IPv4 route by an IPv6 gateway."""
    to = COLLECTOR[4]
    route(4, f"replace {to} via inet6 {GATEWAY[6][1]} dev und1")
    scene.mirror(to)
    scene.arrives("IPv4 by an IPv6 gateway", taps[1], src=SOURCE[4][1])
    must("ip -6 -n src neighbour flush dev und1")
    scene.mirror(to)
    scene.arrives("with the gateway to be resolved first, too", taps[1])
    route(4, f"replace {to} via {GATEWAY[4][0]}")
    scene.arrives("and back by an IPv4 gateway", taps[0])


def main():
    topology()
    scene = Scene(COLLECTOR[4])
    taps = scene.tap("col", "c0"), scene.tap("col", "c1")
    for family in 4, 6:
        follow(scene, taps, family)
        restrict(scene, taps, family)
    mixed(scene, taps)
    scene.adds_up("every copy that was sent arrived")
    for family in 4, 6:
        scene.mirror(COLLECTOR[family])
        multipath(scene, taps, family)
    finish()


main()
