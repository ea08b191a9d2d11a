#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copies follow the kernel's routes, whatever they are.
exec python3 /selftests/tests/underlay-routes.py
