#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What mirrorx refuses over netlink: why, where, and that nothing is left of it.
exec python3 /selftests/tests/netlink-raw.py
