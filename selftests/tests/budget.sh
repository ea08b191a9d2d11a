#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What copies may take: limits of rate, memory in flight.
# cpus: 3
exec python3 /selftests/tests/budget-bounds.py
