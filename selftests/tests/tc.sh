#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What tc does with mirrorx actions, short of packets.
exec python3 /selftests/tests/tc-actions.py
