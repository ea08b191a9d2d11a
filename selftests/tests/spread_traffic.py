# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of spread.sh: sends what is mirrored, and changes collectors while it is."""
import json
import struct
import time

from cases import TCP4, Wire, case, done, in_ns, pattern, stream, super_packet
from guest import PATIENCE
from flow_frames import CHANCE, flow, framed, ip, l4

FLOWS = 1000
HOSTS = [f"192.0.2.{i}" for i in (9, 10, 11, 12)]
HOSTS6 = [f"2001:db8:9::{i}" for i in (9, 10, 11)]
INDEX = 77
wire = Wire("src")
flows = [(version, *flow(version)) for version in (4, 6) for _ in range(FLOWS // 2)]


def send(phase, some=flows):
    """A frame in each direction of each flow; PHASE and number are its payload."""
    frames = []
    for number, (version, pair, proto, ports) in enumerate(some):
        payload = struct.pack("!4sHH", b"mark", phase, number)
        frames.append(framed(ip(version, pair, proto, l4(proto, ports, payload))))
        frames.append(framed(ip(version, pair[::-1], proto, l4(proto, ports[::-1], payload))))
    CHANCE.shuffle(frames)
    for at in range(0, len(frames), 100):
        wire.send(*frames[at:at + 100])
        time.sleep(0.01)


def options(hosts, spread="flow", more="trunc 96"):
    return f"dst_ip {','.join(hosts)} spread {spread} {more}"


def replace(hosts, ident, spread="flow", more="trunc 96"):
    in_ns("src", "tc", "actions", "replace", "action", "mirrorx",
          *options(hosts, spread, more).split(), "id", ident, "index", INDEX)
    time.sleep(0.1)


def shown():
    """What tc says of each collector"""
    text = in_ns("src", "tc", "-s", "-j", "actions", "get", "action", "mirrorx", "index", INDEX)
    act = next(a for part in json.loads(text) for a in part.get("actions", []))
    return {c["dst_ip"]: c for c in act["collectors"]}


def wait_until(what):
    end = time.monotonic() + 20 * PATIENCE
    while time.monotonic() < end:
        send(99, flows[:100])           # away is as of the last frame
        if what():
            return True
    return False


def in_place():
    """One action, whose collectors change"""
    with case("in place", "egress", wire, (f"{options(HOSTS)} id 500 index {INDEX}",), settle=0.2) as note:
        send(0)
        replace(HOSTS[::-1], 500)
        send(1)                         # the same in another order
        replace(HOSTS[:2] + HOSTS[3:], 500)
        send(2)                         # without the third
        replace(HOSTS, 500)
        send(3)                         # with it again
        replace([*HOSTS, "192.0.2.13"], 500)
        send(4)                         # and one more
        replace(HOSTS, 500, more="trunc 96 flow_seed 5")
        send(5)
        note["hosts"] = HOSTS


def out_of_reach():
    """One collector has no route for a while, and then does not answer for a while."""
    lost = HOSTS[1]
    with case("out of reach", "egress", wire, (f"{options(HOSTS)} id 501 index {INDEX}",), settle=0.2) as note:
        send(0)
        in_ns("src", "ip", "route", "add", "unreachable", f"{lost}/32")
        send(1)
        note["no_route"] = shown()
        in_ns("src", "ip", "route", "del", "unreachable", f"{lost}/32")
        note["back"] = wait_until(lambda: not shown()[lost]["away"])
        send(2)
        in_ns("col", "ip", "address", "del", f"{lost}/24", "dev", "eth0")
        note["silent"] = wait_until(lambda: shown()[lost]["away"])
        send(3)
        note["no_neigh"] = shown()
        in_ns("col", "ip", "address", "add", f"{lost}/24", "dev", "eth0")
        note["answers"] = wait_until(lambda: not shown()[lost]["away"])
        send(4)
        note |= {"hosts": HOSTS, "lost": lost, "end": shown()}


def all_away():
    with case("all out of reach", "egress", wire, (f"{options(HOSTS)} id 502 index {INDEX}",), settle=0.2) as note:
        for host in HOSTS:
            in_ns("src", "ip", "route", "add", "unreachable", f"{host}/32")
        send(0, flows[:200])
        for host in HOSTS:
            in_ns("src", "ip", "route", "del", "unreachable", f"{host}/32")
        time.sleep(0.3)
        send(1, flows[:200])
        note["hosts"] = HOSTS


def segments_out_of_reach():
    """The same packets of ten frames each, with one collector less"""
    lost, vnet = HOSTS[1], Wire("src", vnet=True)
    frames = [super_packet(TCP4, 100, pattern(1000), src=f"10.7.0.{i}", dst="10.8.0.1") for i in range(1, 101)]
    with case("segments, one out of reach", "egress", wire, (f"{options(HOSTS)} id 503 index {INDEX}",),
              settle=0.2) as note:
        vnet.send(*frames)
        note["before"] = shown()
        in_ns("src", "ip", "route", "add", "unreachable", f"{lost}/32")
        vnet.send(*frames)
        note |= {"after": shown(), "lost": lost}
        in_ns("src", "ip", "route", "del", "unreachable", f"{lost}/32")


in_place()
out_of_reach()
segments_out_of_reach()
all_away()
MANY = [f"192.0.2.{i}" for i in range(9, 73)]
with case("64 collectors", "egress", wire, (options(MANY),), settle=0.2, hosts=MANY):
    send(0)
with case("IPv6", "egress", wire, (options(HOSTS6),), underlay=6, settle=0.2, hosts=HOSTS6):
    send(0)
with case("copies for all", "egress", wire, (options(HOSTS, "copy", "trunc 96"),), settle=0.2, hosts=HOSTS):
    send(0, flows[:300])
with case("copies for all, sampled", "egress", wire,
          (options(HOSTS, "copy", "sample 3 every vlan_tag strip"),), settle=0.2, hosts=HOSTS):
    wire.send(*(framed(ip(v, pair, proto, l4(proto, ports, 20)), (0x8100, 5)) for v, pair, proto, ports in flows[:90]))
with case("segments by flow", "egress", wire, (options(HOSTS),), settle=0.2, hosts=HOSTS):
    for _ in range(12):
        stream("egress", "198.51.100.2", 50000)
with case("segments for all", "egress", wire, (options(HOSTS[:2], "copy"),), settle=0.2, hosts=HOSTS[:2]):
    stream("egress", "198.51.100.2", 100000)
done()
