# SPDX-License-Identifier: GPL-2.0-only
"""Guest's part of receivers.sh: sends what is mirrored."""
from cases import Wire, case, done, zoo

TYPE_III = "", "trunc 64", "sgt 4711 erspan_hwid 5 timestamp 100ns tos 184 ttl 9"
OTHERS = "erspan_ver 1 id 9", "erspan_ver 1 id 10 vlan_tag strip port 4711", \
    "erspan_ver 0 id 0 src_ip 192.0.2.71"
FOR_ALL = "erspan_ver 1 id 14", "vlan_tag strip id 15", "erspan_ver 0 id 0 trunc 64 src_ip 192.0.2.72"
IPV6 = "erspan_ver 1 id 12 trunc 64", "vlan_tag strip id 13"

# Session IDs count from 1; the devices of the collector depend on them.
for sessions, underlay, hook in ((TYPE_III, 4, "ingress"), (TYPE_III, 6, "egress"),
                                 (("",), 4, "egress"), (("",), 6, "ingress"),
                                 (OTHERS, 4, "egress"), (IPV6, 6, "ingress"),
                                 (FOR_ALL, 4, "ingress"), (("erspan_ver 1 id 16",), 6, "egress")):
    wire = Wire("peer" if hook == "ingress" else "src")
    with case(f"IPv{underlay}, {hook}", hook, wire, sessions, underlay):
        wire.send(*zoo())
done()
