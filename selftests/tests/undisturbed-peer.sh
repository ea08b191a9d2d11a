#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What mirroring into an erspan device does to traffic and copies; mirrorx does not.
# timeout: 400
exec python3 /selftests/tests/undisturbed-defects.py
