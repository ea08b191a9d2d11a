#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The addresses of a kernel's functions, which are the same in each boot.
. /selftests/lib.sh
check "addresses" cp /proc/kallsyms "$OUT"
finish
