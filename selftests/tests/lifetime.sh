#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The module comes and goes.
exec python3 /selftests/tests/lifetime-ends.py
