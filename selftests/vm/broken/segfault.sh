#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A program that crashes, unnoticed by the script.
# expect: kernel log: .*segfault
. /selftests/lib.sh
python3 -c 'import ctypes; ctypes.string_at(1)'
ok "all is well"
finish
