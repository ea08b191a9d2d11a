#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copies stay ciphertext while the original is decrypted; of payload that cannot be read, what can.
# timeout: 600
exec python3 /selftests/tests/secrets-held.py
