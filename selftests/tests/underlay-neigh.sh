#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The next hop of copies: known before the first packet, followed when it moves.
exec python3 /selftests/tests/underlay-nexthop.py
