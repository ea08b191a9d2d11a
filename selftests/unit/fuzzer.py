# SPDX-License-Identifier: GPL-2.0-only
"""Run one of libFuzzer's programs for a while, as a case."""
import shutil
import subprocess

from tap import ok

LEAST = 100000              # inputs


def fuzz(out, name, inputs, seconds, max_len):
    """OUT/NAME-fuzz, beginning with INPUTS."""
    seeds = out / f"{name}-seeds"
    shutil.rmtree(seeds, ignore_errors=True)
    seeds.mkdir()
    for number, data in enumerate(inputs):
        (seeds / str(number)).write_bytes(data)
    run = subprocess.run([out / f"{name}-fuzz", "-seed=1", f"-max_total_time={seconds}", f"-max_len={max_len}",
                          "-len_control=0", "-print_final_stats=1", f"-artifact_prefix={out}/", seeds],
                         text=True, capture_output=True)
    done = [line.split()[-1] for line in run.stderr.splitlines() if "number_of_executed_units" in line]
    said = [line for line in run.stderr.splitlines()
            if line.startswith(f"{name}-fuzz.c:") or "runtime error" in line or "ERROR" in line]
    shutil.rmtree(seeds)
    ok(run.returncode == 0 and done and int(done[0]) > LEAST, f"{done and done[0]} inputs of a fuzzer", *said)
