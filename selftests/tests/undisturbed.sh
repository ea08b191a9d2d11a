#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Traffic is the same with and without mirrorx, whatever happens to the copies.
# timeout: 600
exec python3 /selftests/tests/undisturbed-faults.py
