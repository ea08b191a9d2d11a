#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Host's half of encaps-balance.sh: who got which flows."""
import json
import sys
from collections import Counter
from pathlib import Path

import erspan
import flowmodel
from tap import finish, ok

LEAST = 0.25                    # of the flows, for each of both

out = Path(sys.argv[1])
for case in json.loads((out / "cases.json").read_text()):
    sent = [frame for _, frame in erspan.whole(out / "in.pcap")]
    begin, end = erspan.find_marks(sent, case["mark"])
    sent = sent[begin + 1:end]
    got = [[frame for _, frame in erspan.whole(out / f"vx{case['underlay']}_{n}.pcap")] for n in (1, 2)]
    flows = {frame: flowmodel.find(frame, False)[0] for frame in sent}
    both = [[frame for frame in frames if frame in flows] for frames in got]
    ok(len(sent) >= 1000 and Counter(both[0] + both[1]) == Counter(sent),
       f"{case['name']}: each frame came to one of them, once", [len(frames) for frames in both], len(sent))
    first, second = ({flows[frame] for frame in frames} for frames in both)
    ok(not first & second, f"{case['name']}: no flow is split, nor its directions", len(first & second))
    ok(min(len(first), len(second)) >= LEAST * len(first | second),
       f"{case['name']}: both have a share of them", len(first), len(second))
finish()
