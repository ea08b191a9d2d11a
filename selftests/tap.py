# SPDX-License-Identifier: GPL-2.0-only
"""TAP for tests in Python, on the host and in a VM."""
import sys

_count = 0


def ok(passed, description, *diagnostics):
    """One test case; the diagnostics are shown if it failed."""
    global _count
    _count += 1
    print(f"{'ok' if passed else 'not ok'} {_count} - {description}")
    for text in () if passed else diagnostics:
        for line in str(text).splitlines():
            print(f"# {line}")
    sys.stdout.flush()
    return passed


def finish():
    """The plan; a test that does not come this far has failed."""
    print(f"1..{_count}", flush=True)
