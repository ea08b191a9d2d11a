#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every byte that leaves is accounted for: outer headers, slices, fragments, netlink messages.
# timeout: 600
# boot: init_on_alloc=0
exec python3 /selftests/tests/leaks-bytes.py
