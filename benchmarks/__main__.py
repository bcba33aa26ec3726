"""Runs the benchmarks: each is a package here with a module `measure` that prints its results."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(names: list[str]) -> int:
    """Runs the named benchmarks, or all. Returns 0 if all succeeded, 2 for an unknown name."""
    known = sorted(path.parent.name for path in HERE.glob("*/measure.py"))
    if unknown := sorted(set(names) - set(known)):
        print(f"benchmarks: unknown: {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or known:
        print(f"== {name}", flush=True)
        # A separate process, so that imports and warm caches do not affect the next one.
        if subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}.measure"], cwd=HERE.parent, check=False
        ).returncode:
            failed.append(name)
    if failed:
        print(f"benchmarks: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
