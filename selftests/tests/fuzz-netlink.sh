#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Requests at random: what is legal is done and no more, all else is refused without a trace.
exec python3 /selftests/tests/fuzz-netlink-requests.py
