#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Whatever keeps copies away is counted, leaves traffic alone, and ends by itself.
exec python3 /selftests/tests/resume-causes.py
