"""Runs the benchmarks: each is a package here with a module `measure` that prints what it measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(names: list[str]) -> int:
    """Runs the named benchmarks, or all; 0 when each ended well, 2 when a name is not there."""
    known = sorted(path.parent.name for path in HERE.glob("*/measure.py"))
    if unknown := sorted(set(names) - set(known)):
        print(f"benchmarks: no {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or known:
        print(f"== {name}", flush=True)
        # A process of its own: what one has imported or warmed up does not flatter the next.
        if subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}.measure"], cwd=HERE.parent, check=False
        ).returncode:
            failed.append(name)
    if failed:
        print(f"benchmarks: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
