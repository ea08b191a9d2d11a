#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The original gets the action's control action, while copies are sent.
exec python3 /selftests/tests/tc-verdicts.py
