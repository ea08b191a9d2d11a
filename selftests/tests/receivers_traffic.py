# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of receivers.sh: sends what is mirrored."""
from cases import Wire, case, done, zoo

SESSIONS = ("", "trunc 64", "sgt 4711 erspan_hwid 5 timestamp 100ns tos 184 ttl 9")

# Session IDs count from 1; the devices of the collector depend on it.
for number, sessions, underlay, hook in ((1, SESSIONS, 4, "ingress"), (2, SESSIONS, 6, "egress"),
                                         (3, ("",), 4, "egress"), (4, ("",), 6, "ingress")):
    wire = Wire("peer" if hook == "ingress" else "src")
    with case(f"IPv{underlay}, {hook}", hook, wire, sessions, underlay):
        wire.send(*zoo())
done()
