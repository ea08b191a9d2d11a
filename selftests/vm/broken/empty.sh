#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A plan of nothing.
# expect: no test cases
. /selftests/lib.sh
finish
