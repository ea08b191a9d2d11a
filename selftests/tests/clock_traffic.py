# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of clock.sh: sends what is mirrored, and sets the clock."""
import ctypes
import socket
import struct
import time

from cases import Wire, case, done, enter, ether, pattern

UNITS = ("timestamp 100us", "timestamp 100ns", "timestamp ns", "subheader 1", "subheader 3",
         "subheader 3 timestamp 100ns", "subheader 3 timestamp ns", "subheader 7")
SO_TIMESTAMP = 29
SECOND, WRAP = 10 ** 9, 1 << 32
NOW = 1790000000 * SECOND       # some time in 2026
# A multiple of each after NOW: where what is shown carries, or starts again
EDGES = {"a second": SECOND, "100 us in 32 bits": WRAP * 100000, "100 ns in 32 bits": WRAP * 100,
         "ns in 32 bits": WRAP, "a day": 86400 * SECOND, "2038": (1 << 31) * SECOND}
DAY = 86400
ADJ_STATUS, STA_INS = 0x10, 0x10


def set_clock(ns):
    time.clock_settime_ns(time.CLOCK_REALTIME, ns)


def adjtimex(status):
    words = bytearray(struct.pack("=Ixxxx4qi", ADJ_STATUS, 0, 0, 0, 0, status).ljust(208, b"\0"))
    ctypes.CDLL(None).adjtimex((ctypes.c_char * len(words)).from_buffer(words))


def send(wire, count, pause=0.02):
    for number in range(count):
        wire.send(ether(0x88b6, struct.pack("!I", number) + pattern(42) + bytes(8)))
        time.sleep(pause)


def both(name, act, **note):
    """Stamped when they are received, at ingress, and at egress without."""
    for hook, ns in ("ingress", "peer"), ("egress", "src"):
        wire = Wire(ns)
        with case(f"{name}, {hook}", hook, wire, UNITS, **note) as more:
            act(wire, more)


def edges():
    for name, step in EDGES.items():
        edge = (NOW // step + 1) * step

        def act(wire, _):
            set_clock(edge - 150 * 10 ** 6)
            send(wire, 15)
        both(f"around {name}", act)


def steps():
    def act(wire, _):
        for by in 0, -3600, 7200, -1, 1:
            set_clock(time.time_ns() + by * SECOND)
            send(wire, 3)
    both("the clock is set", act)


def leap():
    """A second more at the end of a day, in which the clock shows the last one again."""
    def act(wire, note):
        set_clock((NOW // SECOND // DAY + 1) * DAY * SECOND - 1600 * 10 ** 6)
        adjtimex(STA_INS)
        ahead = time.time() - time.monotonic()
        send(wire, 70, 0.05)
        note["leapt"] = round(ahead - time.time() + time.monotonic())
        adjtimex(0)
        time.sleep(2.5)         # the kernel looks once in a second whether it is over
    both("a leap second", act)


def by_hardware():
    for dev in sorted({"stamp", "cookie"} & {name for _, name in socket.if_nameindex()}):
        wire = Wire("src", dev)
        with case(f"hardware's stamps, {dev}", "ingress", wire, UNITS, dev=dev, capture=dev, hardware=True):
            for ns in (NOW + 1, NOW + SECOND - 1, NOW + SECOND, WRAP * 410000000 - 1, WRAP * 410000000, 1,
                       WRAP - 1, WRAP * SECOND - 1):
                wire.send(ether(0x88b6, pattern(46) + struct.pack("!Q", ns)))
            send(wire, 3)               # without, as ever


# As soon as anyone wants stamps, packets are stamped when they are received.
enter("src")
anyone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
anyone.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
time.sleep(0.2)
was, began = time.time_ns(), time.monotonic_ns()
edges()
steps()
leap()
by_hardware()
set_clock(was + time.monotonic_ns() - began)
done()
