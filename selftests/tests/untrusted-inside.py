#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the VM, for untrusted-outside.py: what a user does in a namespace of its own.

Each line of the input is the name of a function and its arguments, in JSON; each line of the
output is what it returned, or the exception.  tc lets such a user have actions only with filters.
"""
import collections
import ipaddress
import json
import os
import socket
import struct
import sys
import time

import rawtc
from guest import batch, must, run, tc_actions
from rawtc import action, options

TO = "192.0.2.9"


def setup():
    batch("ip", """link set lo up
        link add m0 up type dummy
        link add und0 up address 02:00:00:00:00:01 type dummy
        address add 192.0.2.1/24 dev und0
        neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev und0""")
    batch("tc", f"""qdisc add dev m0 clsact
        filter add dev m0 egress matchall action mirrorx dst_ip {TO} id 7 index 1""")
    return os.getuid(), open("/proc/self/uid_map").read().split()


def send(count):
    """(originals, copies) that passed"""
    def passed():           # /sys belongs to the namespace in which it was mounted
        lines = dict(line.split(":") for line in open("/proc/net/dev") if ":" in line)
        sent = {name.strip(): int(numbers.split()[9]) for name, numbers in lines.items()}
        return sent["m0"], sent["und0"]
    before = passed()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("m0", 0))
        for _ in range(count):
            sender.send(bytes.fromhex("020000000002 020000000001 88b5") + bytes(86))
    return [now - then for now, then in zip(passed(), before)]


def tc(*words):
    done = run(["tc", *words])
    return done.returncode, done.stderr


def actions():
    return tc_actions()


def refused(count):
    """How many of so many requests, all of them wrong, are refused, and with what."""
    netlink, errors = rawtc.Netlink(), collections.Counter()
    for n in range(count):
        bad = [rawtc.attr(rawtc.ID, 1024 + n), rawtc.attr(rawtc.TRUNC, 5), rawtc.attr(4711, n),
               rawtc.attr(rawtc.IFINDEX, 77)][n % 4]
        errors[netlink.filter("m0", action(options(bad, dst=TO))).error] += 1
    return errors


def one(kind, index, spread):
    """A gact, or a mirror to a collector that all have in common, or to one of its own."""
    if kind == "gact":
        return rawtc.nest(rawtc.OPTIONS, rawtc.attr(2, struct.pack("=IIiii", index, 0, 0, 0, 0)))
    return options(dst=str(ipaddress.ip_address("10.0.0.0") + index) if spread else TO, index=index)


def add(count, kind="mirrorx", spread=False):
    """Seconds that it takes to add actions, 25 in a filter, until there are enough or one fails."""
    netlink, seconds = rawtc.Netlink(), []
    for prio in range(1, count // 25 + 1):
        acts = [action(one(kind, 1000 + 25 * prio + n, spread), kind=kind, order=1 + n) for n in range(25)]
        began = time.monotonic()
        answer = netlink.filter("m0", *acts, prio=prio)
        if answer.error:
            return seconds, answer.error
        seconds.append(time.monotonic() - began)
    return seconds, ""


def clear(kind="mirrorx"):
    """Seconds until all that add() made has gone."""
    netlink, began = rawtc.Netlink(), time.monotonic()
    netlink.unfilter("m0")
    name = kind.encode() + b"\0"
    while sum(reply.count(name) for reply in netlink.list(kind).replies) > (kind == "mirrorx"):
        time.sleep(.05)
    return time.monotonic() - began


def listeners():
    """Raw sockets of the namespace."""
    return sum(len(open(f"/proc/net/{name}").readlines()) - 1 for name in ("raw", "raw6"))


def bound(count):
    """So many filters, each with an action of its own: seconds."""
    began = time.monotonic()
    lines = "\n".join(f"filter add dev m0 ingress prio {1 + n // 100} protocol ip handle {1 + n % 100}"
                      f" flower ip_proto udp dst_port {n + 1} action mirrorx dst_ip {TO}" for n in range(count))
    batch("tc", lines)
    added = time.monotonic() - began
    must("tc filter delete dev m0 ingress")
    return added


def main():
    for line in sys.stdin:
        name, *args = json.loads(line)
        try:
            result = globals()[name](*args)
        except Exception as why:        # pylint: disable=broad-except
            result = f"{type(why).__name__}: {why}"
        print(json.dumps(result), flush=True)


main()
