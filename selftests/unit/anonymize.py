#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net/anonymize.c by a fuzzer: nothing is left that might be an address, and checksums follow.

What becomes of each kind of frame, and pseudonyms by another's AES, see tests/anonymize.py.

usage: anonymize.py DIRECTORY-OF-THE-PROGRAMS
"""
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "tests")]
from anonymize_frames import RECIPES, Names  # noqa: E402
from corpus import FRAMES  # noqa: E402
from tap import finish, ok  # noqa: E402

OUT = Path(sys.argv[1])
FUZZ_SECONDS = 20
FUZZ_LEAST = 100000

seeds = OUT / "anonymize-seeds"
shutil.rmtree(seeds, ignore_errors=True)
seeds.mkdir()
frames = [f.data[:1500] for f in FRAMES] + [frame for make in RECIPES.values() for _, frame in make(Names())]
for number, frame in enumerate(frames):
    for options in range(4):
        (seeds / f"{number}-{options}").write_bytes(bytes([options]) + frame)
run = subprocess.run([OUT / "anonymize-fuzz", "-seed=1", f"-max_total_time={FUZZ_SECONDS}", "-max_len=1505",
                      "-len_control=0", "-print_final_stats=1", f"-artifact_prefix={OUT}/", seeds],
                     text=True, capture_output=True)
done = [line.split()[-1] for line in run.stderr.splitlines() if "number_of_executed_units" in line]
said = [line for line in run.stderr.splitlines()
        if line.startswith("anonymize-fuzz.c:") or "runtime error" in line or "ERROR" in line]
shutil.rmtree(seeds)
ok(run.returncode == 0 and done and int(done[0]) > FUZZ_LEAST, f"{done and done[0]} inputs of a fuzzer", *said)
finish()
