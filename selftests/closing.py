# SPDX-License-Identifier: GPL-2.0-only
"""The last line of what runs tests in VMs, for who writes it and who reads it."""
import re

_LINE = re.compile(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


def line(passed, failed, skipped):
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


def counts(lines):
    """(passed, failed, skipped) of what was printed, or None if it does not end so."""
    found = _LINE.match(lines[-1]) if lines else None
    return tuple(int(n or 0) for n in found.groups()) if found else None
