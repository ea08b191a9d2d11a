#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Frames of every kind, damaged at random, through options at random: the original passes, the copy is true.
# data: unit/corpus.py
exec python3 /selftests/tests/fuzz-packets-frames.py
