#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What tc refuses about mirrorx: one clear line, and nothing is left of it.
exec python3 /selftests/tests/refuse-tc.py
