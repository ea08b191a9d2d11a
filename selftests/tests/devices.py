#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of devices.sh: copies against what each device showed."""
import sys

import erspan
from tap import finish

results = erspan.Results(sys.argv[1])
for case in results.cases:
    expected = erspan.on_the_wire(case)
    for session in case.sessions:
        erspan.judge(session, erspan.wrong_bytes(session, expected),
                     erspan.wrong_headers(session), erspan.wrong_counters(session),
                     [] if session.trunc else erspan.wrong_checksums(session))
erspan.no_fragments(sys.argv[1])
finish()
