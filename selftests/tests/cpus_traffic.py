# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of cpus.sh: sends what is mirrored, from each CPU in turn."""
import os

from cases import Wire, case, done, ether, in_ns, pattern

CPUS = os.cpu_count()


def send(wire, rounds):
    """How many frames each CPU has sent, most of them by the last one."""
    sent = [0] * CPUS
    for number in range(rounds * CPUS):
        cpu = number % CPUS
        os.sched_setaffinity(0, {cpu})
        for _ in range(cpu + 1):
            sent[cpu] += 1
            wire.send(ether(0x88b6, bytes([cpu]) + pattern(45, number)))
    os.sched_setaffinity(0, {0})        # sends the marks
    return sent


wire = Wire("src")
os.sched_setaffinity(0, {0})
with case("from every CPU", "egress", wire, ("erspan_hwid cpu", "erspan_hwid 5", "erspan_hwid cpu subheader 7")) \
        as note:
    note["by_cpu"] = send(wire, 20)
# Both kinds of sequences go on where they were when the action is replaced.
where = "action mirrorx dst_ip 192.0.2.9 id 1000 index 1000 erspan_hwid".split()
with case("replaced", "egress", wire, ("index 1000 id 1000 erspan_hwid cpu",)) as note:
    for hwid in "cpu", "7", "cpu", "7", "cpu":
        in_ns("src", "tc", "actions", "replace", *where, hwid)
        send(wire, 5)
# Actions that say the same are one session; without actions it ends.
for number in 1, 2:
    with case(f"two actions, time {number}", "egress", wire, ("id 900", "id 900 trunc 40")):
        send(wire, 5)
# What the network refuses has a number, too.
in_ns("src", "tc", "qdisc", "add", "dev", "und0", "clsact")
in_ns("src", *"tc filter add dev und0 egress protocol ip matchall".split(),
      *"action gact pass random determ drop 3".split())
with case("losses", "egress", wire, ("id 901", "id 902 erspan_hwid cpu")):
    send(wire, 10)
    in_ns("src", *"tc qdisc del dev und0 clsact".split())
    send(wire, 1)                       # the last of each CPU arrives
done()
