"""Proves the insights on synthetic series: `make bench-insights`.

A proof is a module here with `lines()`, which yields Markdown. --write puts all of them into RESULTS.md, and the
quantiles of the seasonal strength of noise into the forecaster's noise_table.py.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from benchmarks.insights import cost, events, leads, methods, noise_table, season
from benchmarks.results import write_section

PROOFS: dict[str, Callable[[], Iterator[str]]] = {
    "season": season.lines,
    "events": events.lines,
    "methods": methods.lines,
    "leads": leads.lines,
    "cost": cost.lines,
}


def main(arguments: list[str]) -> int:
    """Prints the proofs, and writes them with --write."""
    parser = argparse.ArgumentParser(prog="bench-insights")
    parser.add_argument("--only", choices=PROOFS, help="run one proof; the others are left out")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md and noise_table.py; takes all proofs")
    options = parser.parse_args(arguments)
    if options.write and options.only:
        parser.error("--write replaces the whole section: leave --only out")
    if options.write:
        noise_table.write()
    lines: list[str] = []
    for name, proof in PROOFS.items():
        if options.only in (None, name):
            print(f"== {name}", file=sys.stderr, flush=True)
            lines += [*proof(), ""]
    print(*lines, sep="\n")
    if options.write:
        how = "; synthetic series with fixed seeds, and exports where a table says so."
        write_section("insights", "Insights", how, lines[:-1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
