#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net/anonymize.c by a fuzzer: nothing is left that might be an address, and checksums follow.

What becomes of each kind of frame, and pseudonyms by another's AES, see tests/anonymize.py.

usage: anonymize.py DIRECTORY-OF-THE-PROGRAMS
"""
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "tests")]
from anonymize_frames import RECIPES, Names  # noqa: E402
from corpus import FRAMES  # noqa: E402
from fuzzer import fuzz  # noqa: E402
from tap import finish  # noqa: E402

OUT = Path(sys.argv[1])
FUZZ_SECONDS = 20

frames = [f.data[:1500] for f in FRAMES] + [frame for make in RECIPES.values() for _, frame in make(Names())]
fuzz(OUT, "anonymize", [bytes([options]) + frame for frame in frames for options in range(4)], FUZZ_SECONDS, 1505)
finish()
