#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for budget.sh: token buckets are exact, memory in flight is bounded.

Without this test a flood of traffic would be a flood of copies, and a queue that does not move
would keep as many of them as it has room for.
"""
import os
import struct
import time

import rawtc
from guest import batch, must, run, tc_actions, wait_for
from rawtc import attr
from tap import finish, ok
from wire import Scene, namespaces

FRAME = 986                     # of a copy, Ethernet header and outer headers make the difference
COPY = FRAME + 40               # IPv4, GRE with a sequence number, ERSPAN type III
SHARE = 16 << 20                # of a CPU


def limit(rate=0, burst=0, pps=0, packets=0):
    return [attr(rawtc.LIMIT_RATE, struct.pack("=Q", rate)), attr(rawtc.LIMIT_BURST, burst),
            attr(rawtc.LIMIT_PACKETS, pps), attr(rawtc.LIMIT_PACKET_BURST, packets)]


class Budget(Scene):
    """The scene, with what was sent in a time."""

    def __init__(self):
        namespaces("src", "col")
        batch("ip", "link add und0 netns src mtu 9500 type veth peer name eth0 netns col mtu 9500")
        batch("ip", """link set eth0 up address 02:00:00:00:00:09
            address add 192.0.2.9/24 dev eth0""", "col")
        # else it would be asked for, and the answer expected, while a queue holds the question back
        batch("ip", """link set und0 up
            address add 192.0.2.1/24 dev und0
            neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 nud permanent dev und0""", "src")
        super().__init__("192.0.2.9")
        must("ip link set m0 mtu 9000", "src")
        self.collector = self.tap("col", "eth0")
        wait_for(5, lambda: not self.arrive(self.collector, count=1))

    def limited(self, *words, **limits):
        self.mirror("192.0.2.9", *limit(**limits), *words)
        return time.monotonic()

    def flood(self, count, size=FRAME):
        """(copies, frames without, seconds), the frames sent as fast as can be."""
        before, started = self.counts(), time.monotonic()
        self.send(count, size)
        after = self.counts()
        return (after["sent"] - before["sent"], after["limited"] - before["limited"],
                time.monotonic() - started)

    def fresh(self):
        """An action whose buckets are full."""
        must("tc filter delete dev m0 egress", "src")
        wait_for(5, lambda: not self.netlink.flush().error and not self.netlink.list().actions())
        for tap in self.sources + self.collectors:
            tap.all().clear()
        self.known = 0
        self.mirror("192.0.2.9")
        must("tc filter add dev m0 egress matchall action mirrorx index 1", "src")


def bursts(test):
    for what, limits, least in (
            ("5 copies' bytes", {"rate": 1, "burst": 5 * COPY}, 5),
            ("5 copies' bytes less 1", {"rate": 1, "burst": 5 * COPY - 1}, 4),
            ("7 packets", {"pps": 1, "packets": 7}, 7),
            ("more bytes than packets", {"rate": 1, "burst": 50 * COPY, "pps": 1, "packets": 3}, 3),
            ("more packets than bytes", {"rate": 1, "burst": 2 * COPY, "pps": 1, "packets": 30}, 2)):
        test.fresh()
        test.limited(**limits)
        sent, refused, seconds = test.flood(60)
        most = least + (int(seconds + 1) if limits.get("pps") and least == limits.get("packets") else 0)
        ok(least <= sent <= most and sent + refused == 60, f"a burst of {what}",
           f"{sent} sent, {refused} refused in {seconds} s")
    test.adds_up("limited: the counters add up, all copies arrive")


def rates(test):
    """Tokens come back as fast as the limit says, and no faster."""
    for what, per_second, limits in (
            ("bytes", 50, {"rate": 50 * COPY, "burst": 20 * COPY}), ("packets", 50, {"pps": 50, "packets": 20})):
        test.fresh()
        began = now = test.limited(**limits)
        sent = idle = 0
        while now < began + 3:
            last = now
            sent += test.flood(20)[0]
            now = time.monotonic()
            idle += max(0, now - last - .4)     # the bucket is full: a slow machine
        seconds = now - began
        ok(20 + .8 * 50 * (seconds - .4 - idle) < sent <= 20 + per_second * seconds and idle < 2,
           f"a rate of {what}", f"{sent} sent in {seconds} s, the bucket full for {idle} s")


def replaced(test):
    """Buckets belong to the action, not to its configuration."""
    test.fresh()
    test.limited(pps=1, packets=9)
    test.flood(30)
    began = test.limited(pps=1, packets=9)
    sent, _, _ = test.flood(30)
    ok(sent <= 2 + time.monotonic() - began, "a replace does not fill the bucket", sent)

    test.fresh()
    test.limited(rate=1, burst=20 * COPY, pps=1, packets=5)
    first, _, _ = test.flood(30)
    test.limited(rate=1, burst=20 * COPY)
    second, _, seconds = test.flood(30)
    ok(first + second == 20, "a copy that one limit refuses takes nothing from the other",
       f"{first} and {second} in {seconds} s")

    test.fresh()
    test.limited(rate=1, burst=4000 * COPY)
    test.flood(100)
    test.limited(pps=1000, packets=10)
    test.limited(rate=10**9, burst=10 * COPY)
    ok(wait_for(2, lambda: test.flood(1)[0]), "what a slow limit took does not block a faster one")
    test.limited(rate=1, burst=COPY)
    sent, _, _ = test.flood(20)
    ok(sent <= 1, "a smaller bucket holds no more than it has room for", sent)
    test.limited()
    sent, refused, _ = test.flood(20)
    ok((sent, refused) == (20, 0), "without a limit all are sent", (sent, refused))


def large(test):
    done = run("tc actions replace action mirrorx dst_ip 192.0.2.9 limit 1gbit burst 1000 index 1", "src")
    ok(not done.returncode and "larger than burst" in done.stderr,
       "a burst smaller than the MTU gets a warning", done.stderr)
    test.fresh()
    test.limited(rate=10**9, burst=COPY - 1)
    sent, refused, _ = test.flood(5)
    ok((sent, refused) == (0, 5), "a copy larger than burst is not sent", (sent, refused))
    sent, _, _ = test.flood(1, FRAME - 1)
    ok(sent == 1, "one of its size is")
    shown = tc_actions("actions get action mirrorx index 1", "src")[0]
    ok((shown["limit"], shown["burst"], shown["mirrorx_stats"]["limited"]) == (10**9, COPY - 1, 5),
       "tc shows the limit and what it refused", shown)


def many_cpus(test):
    """All CPUs draw from the same bucket."""
    test.fresh()
    test.limited(pps=1, packets=200)
    before, began, children = test.counts(), time.monotonic(), []
    for cpu in range(3):
        if not (child := os.fork()):
            os.sched_setaffinity(0, [cpu])
            test.send(300, 100)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    after, seconds = test.counts(), time.monotonic() - began
    sent, refused = after["sent"] - before["sent"], after["limited"] - before["limited"]
    ok(200 <= sent <= 201 + seconds and sent + refused == 900,
       "three CPUs at once: as many copies as one would send", f"{sent} sent, {refused} not, {seconds} s")


def queues(test):
    """Whatever room a queue has, copies hold no more than their share."""
    test.fresh()
    os.sched_setaffinity(0, [1])
    for qdisc, size, count in (
            ("netem delay 200s limit 1000000", 200, 4500),
            ("tbf rate 8kbit burst 10000 limit 1000000000", 8000, 2000),
            ("plug limit 1000000000", 1400, 9000)):
        must(f"tc -n src qdisc replace dev und0 root {qdisc}")
        queue(test, qdisc, size, count)
        must("tc -n src qdisc delete dev und0 root")
        ok(wait_for(5, lambda: test.counts()["in_flight"] == 0), f"{qdisc}: gone, nothing is in flight",
           test.counts())
        test.known = test.counts()["sent"] - len(test.copies())
        test.arrives(f"{qdisc}: gone, copies flow again", test.collector)
    shown = tc_actions("actions get action mirrorx index 1", "src")[0]["mirrorx_stats"]
    ok(shown["in_flight_max"] == 4 * SHARE and shown["congested"] > 1000, "tc shows the bound and its drops",
       shown)


def queue(test, qdisc, size, count):
    for tap in test.sources:
        tap.all().clear()
    before = test.counts()
    test.send(count, size)
    after = test.counts()
    sent, refused = after["sent"] - before["sent"], after["congested"] - before["congested"]
    one = 2 * (size + 1024)     # what a copy may take
    name = f"{qdisc.split()[0]}, {count} frames of {size} bytes"
    ok(SHARE - one < after["in_flight"] <= SHARE + 2 * one + 4096,
       f"{name}: {after['in_flight']} bytes are in flight, and no more", after)
    ok(refused > 0 and sent + refused == count, f"{name}: {sent} copies sent, all others are congested",
       {key: after[key] - before[key] for key in after})
    ok(len(test.originals()) == count, f"{name}: all originals pass", len(test.originals()))
    other = run("ip netns exec col tc -s actions add action mirrorx dst_ip 203.0.113.9")
    stats = tc_actions("actions list action mirrorx", "col")[0]["mirrorx_stats"]
    must("tc -n col actions flush action mirrorx")
    ok(not other.returncode and stats["in_flight"] == 0, f"{name}: another namespace has its own", stats)


def unloaded(test):
    """Copies in a queue outlive the action and the module."""
    must("tc -n src qdisc replace dev und0 root netem delay 4s")
    test.send(5)
    must("tc filter delete dev m0 egress", "src")
    wait_for(3, lambda: not test.netlink.flush().error and not test.netlink.list().actions())
    before = len(test.copies())
    gone = wait_for(10, lambda: not run("rmmod act_mirrorx").returncode)
    ok(gone and len(test.copies()) == before, "the module can be unloaded while copies are in a queue",
       f"unloaded: {gone}, {len(test.copies()) - before} copies came before that")
    ok(wait_for(10, lambda: len(test.copies()) == before + 5), "they still arrive",
       len(test.copies()) - before)


def main():
    test = Budget()
    bursts(test)
    rates(test)
    replaced(test)
    large(test)
    many_cpus(test)
    test.limited()
    queues(test)
    unloaded(test)
    finish()


main()
