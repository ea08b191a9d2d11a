#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every allocation of every operation fails once.
# timeout: 600
set -e
for fault in failslab fail_page_alloc; do
	echo N >/sys/kernel/debug/$fault/ignore-gfp-wait
	echo 0 >/sys/kernel/debug/$fault/verbose
done
echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
exec python3 /selftests/tests/faults-sweep.py
