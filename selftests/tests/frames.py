#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of frames.sh: copies against what was on the wire."""
import sys

import erspan
from scapy.all import IP, SCTP, TCP, UDP, Ether, IPv6
from tap import finish


def finished(frame):
    """FRAME with the TCP, UDP or SCTP checksum that a device would put in."""
    dissected = Ether(frame)
    layer = next((l for l in (TCP, UDP, SCTP) if l in dissected), None)
    fragment = IP in dissected and (dissected[IP].frag or dissected[IP].flags.MF)
    if not layer or fragment or IPv6 in dissected and dissected[IPv6].nh == 44:
        return frame
    at = frame.rindex(bytes(dissected[layer].original))
    where, size = {TCP: (16, 2), UDP: (6, 2), SCTP: (8, 4)}[layer]
    del dissected[layer].chksum
    built = bytes(dissected)
    summed = built[at + where:at + where + size]
    return frame[:at + where] + (summed if any(summed) else b"\xff" * size) + \
        frame[at + where + size:]


results = erspan.Results(sys.argv[1])
for case in results.cases:
    expected = [frame for _, frame in case.wire]
    if hasattr(case, "unfinished"):
        expected = [finished(frame) for frame in expected]
    for session in case.sessions:
        room, fitted = None, 0
        if hasattr(case, "mtu"):
            head = {4: 20, 6: 40}[case.underlay] + 8 + 12 + \
                (8 if session.options.get("timestamp") == "ns" else 0)
            room = case.mtu - head
            limit = min(room, session.trunc or room)
            fitted = sum(len(frame) > room == limit for frame in expected)
        wrong = [erspan.wrong_bytes(session, expected, room), erspan.wrong_headers(session),
                 erspan.wrong_counters(session, fitted)]
        if hasattr(case, "checksums") and not session.trunc:
            wrong.append(erspan.wrong_checksums(session))
        erspan.judge(session, *wrong)

erspan.no_fragments(sys.argv[1])
finish()
