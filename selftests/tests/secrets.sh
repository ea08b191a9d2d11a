#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What is plaintext here and ciphertext on the wire is not exported: TLS and IPsec, offloaded or not.
# timeout: 600
exec python3 /selftests/tests/secrets-offload.py
