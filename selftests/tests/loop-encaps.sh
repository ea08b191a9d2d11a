#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Never a copy of a copy: in VXLAN, Geneve and GRE, where others' packets may be mirrored.
exec python3 /selftests/tests/loop-forms.py encaps
