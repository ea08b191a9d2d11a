# SPDX-License-Identifier: GPL-2.0-only
"""Let the n-th allocation that this thread asks the kernel for fail."""
import os

_fail_nth = os.open("/proc/thread-self/fail-nth", os.O_RDWR)


class Injection:
    """with Injection(n) as i: ...; then i.happened says whether there were as many."""

    def __init__(self, nth):
        self.nth, self.happened = nth, False

    def __enter__(self):
        os.pwrite(_fail_nth, b"%d" % self.nth, 0)
        return self

    def __exit__(self, *_):
        left = os.pread(_fail_nth, 16, 0)
        os.pwrite(_fail_nth, b"0", 0)
        self.happened = int(left) == 0


def sweep(attempt, most=2000):
    """attempt(Injection) for the first allocation, the second and so on, until none fails.

    Yields (n, what attempt returned) of those with a failure.
    """
    for nth in range(1, most):
        injection = Injection(nth)
        result = attempt(injection)
        if not injection.happened:
            return
        yield nth, result
    raise RuntimeError(f"more than {most} allocations")
