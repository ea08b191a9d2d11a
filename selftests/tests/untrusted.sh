#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Administrators of a namespace: theirs is all that they can reach.
# timeout: 400
exec python3 /selftests/tests/untrusted-outside.py
