# SPDX-License-Identifier: GPL-2.0-only
"""For tests in a VM that draw what they do: always the same, unless SEED says otherwise.

SEED and CASES come by the environment of selftests/run; SEED=0 draws the seed, too.
"""
import os
import random


def chance(offset=0):
    """The source of all chance, and the seed to have the same again."""
    seed = int(os.environ.get("SEED") or 1) or random.SystemRandom().getrandbits(31)
    return random.Random(seed + (offset << 32)), seed


def cases(usual):
    """How many cases to draw."""
    return int(os.environ.get("CASES") or usual)
