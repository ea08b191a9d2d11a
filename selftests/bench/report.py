# SPDX-License-Identifier: GPL-2.0-only
"""What a benchmark found: as a table, as CSV and as a plot."""
import csv
import subprocess

from icount import HERE, TOP


def results(release, raw, choose):
    """Rows of the table, from lines of: direction case base bytes usec packets.

    CHOOSE: which of several runs stands for them, statistics.median or min.
    """
    runs = {}
    for line in raw.read_text().splitlines():
        direction, case, base, size, usec, packets = line.split()
        runs.setdefault((direction, case, base, int(size)), []).append(
            int(usec) * 1000 / int(packets))
    chosen = {(direction, case, size): (choose(each), base)
              for (direction, case, base, size), each in runs.items()}
    for (direction, case, size), (cost, base) in chosen.items():
        if (direction, base, size) in chosen:
            over = cost - chosen[direction, base, size][0]
            yield release, direction, case, size, f"{cost:.1f}", f"{over:.1f}"


def show(rows, unit):
    """One line for each case, one column for each size."""
    cells = {(row[0], row[1], row[2], row[3]): row[4:] for row in rows}
    for release, direction in dict.fromkeys((row[0], row[1]) for row in rows):
        sizes = sorted({key[3] for key in cells if key[:2] == (release, direction)})
        print(f"\n{release}, {direction}: {unit} per packet, and over baseline")
        print(f"{'':<24}" + "".join(f"{f'{size} B':>16}" for size in sizes))
        for case in dict.fromkeys(key[2] for key in cells if key[:2] == (release, direction)):
            print(f"{case:<24}" + "".join(
                "{:>9.0f} {:>+6.0f}".format(*map(float, cells[release, direction, case, size]))
                if (release, direction, case, size) in cells else f"{'':>16}" for size in sizes))


def save(rows, unit, path):
    """PATH, and a plot beside it."""
    columns = ("kernel", "direction", "case", "bytes", unit, "over_baseline")
    with open(path, "w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([columns, *rows])
    plot = path.with_suffix(".svg")
    subprocess.run([HERE / "plot", path, plot], check=True)
    print(f"\n{path.relative_to(TOP)}, {plot.relative_to(TOP)}")
