#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of slices.sh: where slices end, and what tshark thinks of them."""
import sys

import erspan
from scapy.all import IP, LLC, Ether, IPv6
from tap import finish

INNER = 4, 47, 50       # what they carry stays cut


def wrong_fixed(session, expected, complaints):
    """A copy that was changed is valid; one that was not, but was cut, is counted unless it is."""
    wrong, unfixed = [], 0
    for i, (copy, frame) in enumerate(zip(session.copies, map(session.stripped, expected))):
        changed = copy.frame != frame[:len(copy.frame)]
        bad = copy.fields["frame.number"][0] in complaints and not carries_more(frame)
        if changed and bad:
            wrong.append(f"frame {i}: {complaints[copy.fields['frame.number'][0]]} after the fix: "
                         f"{copy.frame[:120].hex()}")
        unfixed += not changed and len(copy.frame) < len(frame) and not still_valid(frame, len(copy.frame))
    if unfixed != session.stats["unfixed"]:
        wrong.append(f"unfixed is {session.stats['unfixed']}, not {unfixed}")
    return wrong


def carries_more(frame):
    """LLC, or a packet within the packet"""
    dissected = Ether(frame)
    return IP in dissected and dissected[IP].proto in INNER or \
        IPv6 in dissected and dissected[IPv6].nh in INNER or LLC in dissected


def still_valid(frame, length):
    """Has a frame lost nothing but padding?"""
    end = erspan.packet_end(frame)
    return end is not None and end <= length


results = erspan.Results(sys.argv[1])
complaints = erspan.complaints(sys.argv[1] + "/copies.pcap")
for case in results.cases:
    expected = erspan.on_the_wire(case) if hasattr(case, "unfinished") else \
        [frame for _, frame in case.frames]
    for session in case.sessions:
        wrong = [erspan.wrong_bytes(session, expected), erspan.wrong_headers(session),
                 erspan.wrong_counters(session)]
        if "fixlen" in session.options and not hasattr(case, "lies"):
            wrong.append(wrong_fixed(session, expected, complaints))
        erspan.judge(session, *wrong)
erspan.no_fragments(sys.argv[1])
finish()
