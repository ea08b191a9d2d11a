#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Never a copy of a copy: tunnels as underlay, whose packets are mirrored.
exec python3 /selftests/tests/loop-forms.py tunnel
