#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of formats.sh: every field of every copy."""
import sys

import erspan
from tap import finish

SECOND = 10 ** 9

results = erspan.Results(sys.argv[1])
for case in results.cases:
    expected = [frame for _, frame in case.frames]
    for session in case.sessions:
        wrong = [erspan.wrong_headers(session), erspan.wrong_bytes(session, expected),
                 erspan.wrong_counters(session)]
        if session.type == 2:
            wrong.append(erspan.wrong_times(session, SECOND, SECOND))
        erspan.judge(session, *wrong)
erspan.no_fragments(sys.argv[1])
finish()
