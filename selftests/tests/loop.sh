#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Never a copy of a copy: mirrored underlays, chains, hosts that mirror each other.
exec python3 /selftests/tests/loop-forms.py direct
