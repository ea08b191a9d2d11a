#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for resume.sh: causes that come and go, one after the other.

Pings from src to peer, mirrored in both directions to col, go on through all of it; no tc command is
given in between.
"""
import rawtc
from guest import batch, must, netns, wait_for
from rawtc import address, attr
from tap import finish, ok
from wire import Account, Pinger, Tap, namespaces, sysctl

COLLECTOR = {4: "192.0.2.9", 6: "2001:db8:9::9"}
SOURCE = {4: "192.0.2.1", 6: "2001:db8:9::1"}
OTHER = {4: "192.0.2.50", 6: "2001:db8:9::50"}
LENGTH = {4: 24, 6: 64}
SRC = {4: rawtc.SRC_IP4, 6: rawtc.SRC_IP6}


class Scene(Account):
    """Mirrored pings."""

    def __init__(self):
        namespaces("src", "peer")
        must("ip link add eth0 netns src type veth peer name eth0 netns peer")
        for ns, own, other in ("src", 1, 2), ("peer", 2, 1):
            sysctl(ns, "net.ipv6.conf.eth0.disable_ipv6", 1)
            batch("ip", f"""link set eth0 address 02:00:00:00:01:0{own}
                link set eth0 up
                address add 198.51.100.{own}/24 dev eth0
                neighbour add 198.51.100.{other} lladdr 02:00:00:00:01:0{other} dev eth0 nud permanent
                """, ns)
        super().__init__()
        self.underlay()
        self.netlink.replace(rawtc.action(rawtc.options(dst=COLLECTOR[4], index=1)))
        batch("tc", """qdisc add dev eth0 clsact
            filter add dev eth0 ingress matchall action mirrorx index 1
            filter add dev eth0 egress matchall action mirrorx index 1""", "src")
        self.sources = [Tap("src", "eth0"), Tap("src", "eth0", outgoing=True)]
        self.pinger = Pinger("src", "198.51.100.2")

    def underlay(self):
        """The collector, and the way to it."""
        namespaces("col")
        self.wire()

    def wire(self):
        must("ip link add und0 netns src type veth peer name eth0 netns col")
        sysctl("col", "net.ipv6.conf.eth0.keep_addr_on_down", 1)
        batch("ip", "\n".join(["link set eth0 up"] + [
            f"address add {COLLECTOR[f]}/{LENGTH[f]} dev eth0" for f in COLLECTOR]), "col")
        batch("ip", "link set und0 up", "src")
        self.addresses()
        self.collectors.append(Tap("col", "eth0"))

    @staticmethod
    def addresses():
        batch("ip", "\n".join(f"address replace {SOURCE[f]}/{LENGTH[f]} dev und0" for f in SOURCE), "src")

    def mirror(self, family, *more):
        answer = self.netlink.replace(
            rawtc.action(rawtc.options(*more, dst=COLLECTOR[family], index=1)))
        assert not answer.error, answer

    def count(self, pings=2):
        """Ping: how many were lost, and which counters went up."""
        before = self.counts()
        answered = self.pinger.ping(pings)
        after = self.counts()
        return pings - answered, {key: after[key] - before[key] for key in after
                                  if after[key] != before[key] and key not in ("bytes", "seen", "in_flight")}

    def flows(self):
        """Are copies sent again, all of them?"""
        return wait_for(6, lambda: self.count(1) == (0, {"sent": 2}))

    def cause(self, description, reason, begin, end):
        """Something that keeps copies away, and its end."""
        if not ok(self.flows(), f"{description}: before, copies flow", self.count()):
            return
        begin()
        result = self.count()
        ok(result == (0, {reason: 4}), f"{description}: pings are answered, copies count as {reason}",
           "lost, counted:", result)
        end()
        ok(self.flows(), f"{description}: after it, copies flow by themselves", self.count())
        wrong = self.wrong()
        ok(not wrong, f"{description}: every frame is sent and arrives, or has a reason", wrong, self.counts())


def src(command):
    return lambda: must(f"ip -n src {command}")


def col(command):
    return lambda: must(f"ip -n col {command}")


def both(*steps):
    return lambda: [step() for step in steps]


def without(dev, ns="src"):
    """Whether the kernel knows that the device has no carrier."""
    return lambda: wait_for(3, lambda: "NO-CARRIER" in must(f"ip -n {ns} link show dev {dev}"))


def routes(scene, family):
    v, to, f = f"IPv{family}", COLLECTOR[family], f"-{family}"
    net = f"{'192.0.2.0' if family == 4 else '2001:db8:9::'}/{LENGTH[family]}"
    scene.mirror(family)
    scene.cause(f"{v}, no route", "no_route", src(f"{f} route delete {net} dev und0"),
                src(f"{f} route add {net} dev und0"))
    for kind in "unreachable", "blackhole", "prohibit":
        scene.cause(f"{v}, {kind} route", "no_route", src(f"{f} route add {kind} {to}"),
                    src(f"{f} route delete {kind} {to}"))
    scene.cause(f"{v}, the host's only address removed", "no_route",
                both(src(f"{f} address flush dev und0"), src(f"{f} route flush dev und0")), scene.addresses)
    scene.mirror(family, attr(SRC[family], address(OTHER[family])))
    missing = scene.count()
    ok(missing == (0, {"no_route": 4}), f"{v}, src_ip is not an address of the host: counts as no_route",
       missing)
    src(f"address add {OTHER[family]}/{LENGTH[family]} dev und0")()
    scene.cause(f"{v}, src_ip removed", "no_route",
                src(f"address delete {OTHER[family]}/{LENGTH[family]} dev und0"),
                src(f"address add {OTHER[family]}/{LENGTH[family]} dev und0"))
    src(f"address delete {OTHER[family]}/{LENGTH[family]} dev und0")()


def hops(scene, family):
    v, to = f"IPv{family}", COLLECTOR[family]
    scene.mirror(family)

    def silent():
        col(f"address delete {to}/{LENGTH[family]} dev eth0")()
        must("ip -n src neighbour flush dev und0")
        scene.pinger.ping()
        wait_for(6, lambda: "FAILED" in must(f"ip -n src neighbour show {to} dev und0"))

    scene.cause(f"{v}, next hop does not answer", "no_neigh", silent,
                col(f"address add {to}/{LENGTH[family]} dev eth0"))


def devices(scene, family, dev):
    """With and without dev."""
    v = f"IPv{family}" + (", dev und0" if dev else "")
    reason = "dev_down" if dev else "no_route"

    def given():
        with netns("src"):
            index = rawtc.socket.if_nametoindex("und0")
        scene.mirror(family, *([attr(rawtc.IFINDEX, index)] if dev else []))

    given()
    scene.cause(f"{v}, carrier lost", "dev_down", both(col("link set eth0 down"), without("und0")),
                col("link set eth0 up"))
    scene.cause(f"{v}, device down", reason, src("link set und0 down"),
                both(src("link set und0 up"), scene.addresses))
    scene.cause(f"{v}, device deleted and made again", reason, src("link delete und0"), scene.wire)
    scene.cause(f"{v}, collector's namespace deleted and made again", reason,
                lambda: leave(scene), scene.underlay)


def leave(scene):
    for tap in scene.collectors:
        tap.close()
    must("ip netns delete col")
    wait_for(5, lambda: "und0" not in must("ip -n src -br link show"))


def main():
    scene = Scene()
    for family in 4, 6:
        routes(scene, family)
        hops(scene, family)
        for dev in False, True:
            devices(scene, family, dev)
    ok(scene.pinger.lost == 0, "no ping was lost in all that time", scene.pinger.lost)
    finish()


main()
