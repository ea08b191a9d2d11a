#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A test case that fails.
# expect: not ok 2 - impossible\n *# status 1 from: false
. /selftests/lib.sh
check "possible" true
check "impossible" false
finish
