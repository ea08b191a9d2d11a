#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of segments.sh: copies against the segments on the wire."""
import sys

import erspan
from tap import finish, ok

OUTER_SUM = slice(40, 42)
MARKS = 2                   # which are not joined
STRAY = 3                   # the kernel's own frames, after the packets were counted


def without_sum(frame):
    """A frame, less its checksum if it is UDP over IPv4"""
    if frame[12:14] != b"\x08\0" or frame[23] != 17:
        return frame
    frame = bytearray(frame)
    frame[OUTER_SUM] = bytes(len(frame[OUTER_SUM]))
    return bytes(frame)


results = erspan.Results(sys.argv[1])
most = 0
for case in results.cases:
    expected = erspan.on_the_wire(case)
    if getattr(case, "no_outer_sum", False):
        expected = [without_sum(frame) for frame in expected]
        for session in case.sessions:
            session.copies = [c._replace(frame=without_sum(c.frame)) for c in session.copies]
    if case.merged:
        ok(0 < case.seen < len(expected), f"{case.name}: packets of several frames",
           f"{case.seen} packets, {len(expected)} frames")
    if case.merged:
        rebuilt, sent = case.sessions[0].stats["rebuilt"], case.sessions[0].stats["sent"]
        joined = case.hook == "ingress" and case.seen < sent - MARKS - STRAY
        ok((rebuilt > 0 or not joined) and rebuilt <= (sent if case.hook == "ingress" else 0) and
           all(session.stats["rebuilt"] == rebuilt for session in case.sessions),
           f"{case.name}: what was joined at receipt is counted", case.seen, [s.stats for s in case.sessions])
        most = max(most, rebuilt)
    if hasattr(case, "jumbo"):
        ok(case.jumbo, f"{case.name}: there are some")
    for session in case.sessions:
        room, fitted = erspan.room(case, session, expected)
        erspan.judge(session, erspan.wrong_bytes(session, expected, room),
                     erspan.wrong_headers(session),
                     erspan.wrong_counters(session, fitted),
                     [] if "trunc" in session.options or room or getattr(case, "no_outer_sum", False) or
                     hasattr(case, "damaged") else erspan.wrong_checksums(session))
ok(most > 10, "many frames were joined at receipt", most)
erspan.no_fragments(sys.argv[1])
finish()
