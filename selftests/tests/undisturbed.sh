#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Traffic is the same with and without mirrorx, whatever happens to the copies.
# timeout: 600
# on demand: some cases see packets that the kernel sends by itself, and fail for them
exec python3 /selftests/tests/undisturbed-faults.py
