#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Files that say what is mirrored, and the program that does it.
# user space
. /selftests/lib.sh
topo
need mkdir -p /etc/mirrorx
need mount -t tmpfs tmpfs /etc/mirrorx
exec python3 /selftests/tests/sessions-files.py
