# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of anonymize.sh: sends what is mirrored."""
import os

from anonymize_frames import PEER4, RECIPES, Names
from cases import Wire, case, done, in_ns, stream

KEY = os.environ["KEY"]
ANONYMIZE = f"anonymize {KEY}"


def main():
    for name, sessions in {
            "transports": ("", ANONYMIZE, f"{ANONYMIZE} anonymize_mac", "zero_payload",
                           f"{ANONYMIZE} zero_payload anonymize_mac", f"{ANONYMIZE} vlan_tag strip"),
            "published": ("", ANONYMIZE, f"{ANONYMIZE} anonymize_mac"),
            "within": ("", ANONYMIZE, f"{ANONYMIZE} anonymize_mac"),
            "wrong": ("", ANONYMIZE)}.items():
        frames = [frame for _, frame in RECIPES[name](Names())]
        for underlay, hook, ns in (4, "ingress", "peer"), (6, "egress", "src"):
            wire = Wire(ns)
            with case(f"{name}, {hook}", hook, wire, sessions, underlay, recipe=name):
                wire.send(*frames)
    frames = [frame for _, frame in RECIPES["transports"](Names())]
    cuts = [f"trunc {n}" for n in (14, 20, 33, 34, 40, 54, 60, 90)]
    wire = Wire("peer")
    with case("cut", "ingress", wire, ("", *(f"{ANONYMIZE} {cut}" for cut in cuts)), recipe="transports"):
        wire.send(*frames)
    with case("fixlen", "ingress", wire, ("trunc l4+20 fixlen", f"{ANONYMIZE} trunc l4+20 fixlen",
                                          f"{ANONYMIZE} zero_payload trunc l4+20 fixlen")):
        wire.send(*frames)
    for ns in "src", "peer":
        in_ns(ns, "ethtool", "-K", "eth0", "tx", "on", "tso", "on", "gso", "on", "gro", "on")
    for hook in "ingress", "egress":
        for there in PEER4, "2001:db8:1::2":
            with case(f"stream, {hook}, to {there}", hook, Wire("peer" if hook == "ingress" else "src"),
                      ("", ANONYMIZE, f"{ANONYMIZE} zero_payload"), stream=True, settle=0.2):
                stream(hook, there, 300000)
    done()


main()
