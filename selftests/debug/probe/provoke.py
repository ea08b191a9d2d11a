# SPDX-License-Identifier: GPL-2.0-only
"""In the VM: the probe commits a bug of the kind that only shows when memory runs out."""
import os
import sys

from inject import sweep

for fault in "failslab", "fail_page_alloc":
    for name, value in ("ignore-gfp-wait", "N"), ("verbose", "0"):
        with open(f"/sys/kernel/debug/{fault}/{name}", "w") as out:
            out.write(value)
bug = os.open("/sys/module/probe/parameters/bug", os.O_WRONLY)


def attempt(injection):
    try:
        with injection:
            os.pwrite(bug, sys.argv[1].encode(), 0)
    except OSError:
        pass


# Several, as a stale pointer on a stack may hide one that is lost.
for _ in range(10):
    for _ in sweep(attempt):
        pass
