#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net/sample.c against exact probabilities.

usage: sample.py DIRECTORY-OF-THE-PROGRAMS
"""
import subprocess
import sys
from decimal import Decimal, getcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tap import finish, ok  # noqa: E402

getcontext().prec = 60
RATES = [2, 3, 4, 5, 7, 10, 16, 31, 32, 33, 63, 64, 65, 100, 255, 369, 371, 1000, 4096, 65537,
         10 ** 6, 2 ** 31, 2 ** 32 - 1]
ALL_RATES = [*range(2, 65), *RATES, 2 ** 24 - 1, 2 ** 32 - 2]
DRAWS = 200000
BINS = 20
# What net/sample.c promises of the rate
BIAS = 1e-6


def ask(program, requests):
    """An answer for each request."""
    run = subprocess.run([Path(sys.argv[1]) / program], text=True, capture_output=True,
                         input="\n".join(requests))
    answers = run.stdout.splitlines()
    if run.returncode or len(answers) != len(requests):
        raise RuntimeError(f"{program}: status {run.returncode}\n{run.stderr[:1000]}")
    return answers


def survival(rate, gap):
    """P(G >= gap)"""
    return (1 - 1 / Decimal(rate)) ** gap


def quantiles(rate, count):
    """Gaps that split the probability into about COUNT equal parts."""
    log = (1 - 1 / Decimal(rate)).ln()
    return sorted({int((Decimal(i) / count).ln() / log) + 1 for i in range(1, count)})


def worst(pairs):
    """Largest relative difference of (found, exact)."""
    return max(abs(float((found - exact) / exact)) for found, exact in pairs)


def scale():
    pairs = [(Decimal(int(answer)), -2 ** 24 * Decimal(2).ln() / (1 - 1 / Decimal(rate)).ln())
             for rate, answer in zip(ALL_RATES, ask("sample-cli", [f"scale {r}" for r in ALL_RATES]))]
    error = worst(pairs)
    ok(error < BIAS, f"scale of {len(pairs)} rates, worst error {error:.1e}")


def probabilities():
    """The share of random numbers that give at least this gap, found by bisection."""
    for rate in RATES:
        gaps = sorted({1, 2, *quantiles(rate, 16), *(20 * q for q in quantiles(rate, 2))})
        found = ask("sample-cli", [f"above {rate} {gap}" for gap in gaps])
        errors = [abs(float(int(n) / Decimal(2 ** 64) - survival(rate, gap)))
                  for n, gap in zip(found, gaps)]
        ok(max(errors) < BIAS, f"1 in {rate}: probability of {len(gaps)} gaps, "
           f"worst error {max(errors):.1e}", list(zip(gaps, errors)))


def means():
    for rate, answer in zip(RATES, ask("sample-cli", [f"mean {r}" for r in RATES])):
        error = (float(answer) + 1) / rate - 1
        ok(abs(error) < 2 * BIAS, f"1 in {rate}: every {float(answer) + 1:.8g}th on average, "
           f"error {error:.1e}")


def chi_square():
    """Random gaps; a good generator fails this once in a million."""
    for rate in RATES:
        bounds = quantiles(rate, BINS)
        answer, = ask("sample-cli", [f"draw {rate} {DRAWS} {len(bounds)} {' '.join(map(str, bounds))}"])
        tails = [float(survival(rate, gap)) for gap in [0, *bounds]] + [0.0]
        expected = [DRAWS * (more - less) for more, less in zip(tails, tails[1:])]
        found = [int(n) for n in answer.split()]
        chi2 = sum((f - e) ** 2 / e for f, e in zip(found, expected))
        free = len(expected) - 1
        # Wilson and Hilferty: the cube root is close to normal
        sigma = ((chi2 / free) ** (1 / 3) - 1 + 2 / (9 * free)) / (2 / (9 * free)) ** 0.5
        ok(sigma < 4.75, f"1 in {rate}: chi-square {chi2:.1f} of {free}", found, expected)


def order():
    answers = ask("sample-cli", [f"order {rate}" for rate in RATES])
    ok(set(answers) == {"1"}, "the gap falls as the random number grows", answers)


def bounds():
    """No overflow at the ends: the smallest and largest argument of the logarithm."""
    low = [int(n) for n in ask("sample-cli", [f"gap {rate} {2 ** 64 - 1}" for rate in RATES])]
    high = [int(n) for n in ask("sample-cli", [f"gap {rate} 0" for rate in RATES])]
    exact = [float(-63 * Decimal(2).ln() / (1 - 1 / Decimal(rate)).ln()) for rate in RATES]
    ok(all(n <= rate * 1e-6 for n, rate in zip(low, RATES)), "smallest gap", low)
    ok(all(abs(n - e) <= 1 + e * 1e-6 for n, e in zip(high, exact)), "largest gap",
       list(zip(RATES, high, exact)))


def narrow():
    requests = [f"gap {rate} {random}" for rate in RATES for random in
                (0, 1, 12345, 2 ** 32 - 1, 2 ** 33, 2 ** 63 - 1, 2 ** 63, 3 * 2 ** 62, 2 ** 64 - 1)]
    try:
        ok(ask("sample-cli", requests) == ask("sample-cli-32", requests),
           "the arithmetic of 32-bit machines gives the same")
    except RuntimeError as why:
        ok(False, "the arithmetic of 32-bit machines gives the same", why)


scale()
probabilities()
means()
chi_square()
order()
bounds()
narrow()
finish()
