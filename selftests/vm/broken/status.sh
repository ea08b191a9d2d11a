#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# All test cases pass, and then the script fails.
# expect: exit status 3
echo "ok 1"
echo "1..1"
exit 3
