#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of frames.sh: copies against what was on the wire."""
import sys

import erspan
from tap import finish

results = erspan.Results(sys.argv[1])
for case in results.cases:
    expected = erspan.on_the_wire(case)
    for session in case.sessions:
        room, fitted = erspan.room(case, session, expected)
        wrong = [erspan.wrong_bytes(session, expected, room), erspan.wrong_headers(session),
                 erspan.wrong_counters(session, fitted)]
        if hasattr(case, "checksums") and not session.trunc:
            wrong.append(erspan.wrong_checksums(session))
        erspan.judge(session, *wrong)

erspan.no_fragments(sys.argv[1])
finish()
