"""Compares the drain of this code with that of another commit: `make bench-queue ARGS='--against COMMIT'`.

The other commit is checked out into a temporary git worktree with stubs of its own, and runs in the same environment.
Rounds are interleaved, in turns from either end, each from a fresh copy of the database that its own code prepared.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scipy import stats

from benchmarks.queue import rounds
from benchmarks.queue.systems import installed_version
from devstack.stores.postgres import Postgres

_PEER = "pgqueuer"
_LEAST = 0.90  # of the other commit's drain
_CONFIDENCE = 0.95


def compare(server: Postgres, commit: str, *, jobs: int, number: int) -> bool:
    """Prints each round and both ratios; returns whether both bars are met."""
    drains: dict[str, list[float]] = {}
    has_peer = installed_version(_PEER) is not None
    if has_peer:
        rounds.prepare(server, _PEER, jobs)
    with _checked_out(commit) as other:
        names = {rounds.CHECKOUT: "this code", other: commit}
        for code in names:
            rounds.prepare_checkout(server, code, jobs)
        for each in range(1, number + 1):
            # Each is first in every other round, since the machine may grow slower or faster within one.
            for code in list(names)[:: 1 if each % 2 else -1]:
                rate = rounds.drain_checkout(server, code, jobs).jobs_per_second
                drains.setdefault(names[code], []).append(rate)
            if has_peer:
                drains.setdefault(_PEER, []).append(rounds.drain(server, _PEER, jobs).jobs_per_second)
            print(f"round {each}  " + "  ".join(f"{name} {rates[-1]:,.0f} jobs/s" for name, rates in drains.items()))
            sys.stdout.flush()
    ours = drains.pop("this code")
    met = True
    for name, theirs in drains.items():
        ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
        middle, low, high = interval(ratios)
        least = 1.0 if name == _PEER else _LEAST
        met = met and high >= least
        print(
            f"drain, this code ÷ {name}: {middle:.3f} ({low:.3f}–{high:.3f}, {_CONFIDENCE:.0%}), median of the rounds "
            f"{statistics.median(ratios):.3f}; {'ok' if high >= least else 'BELOW'}: the interval should reach {least}"
        )
    return met


def interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """The geometric mean of at least two ratios, and its confidence interval by Student's t of the logarithms."""
    logs = [math.log(ratio) for ratio in ratios]
    middle = statistics.fmean(logs)
    error = statistics.stdev(logs) / math.sqrt(len(logs))
    reach = error * float(stats.t.ppf((1 + _CONFIDENCE) / 2, len(logs) - 1))
    return math.exp(middle), math.exp(middle - reach), math.exp(middle + reach)


@contextmanager
def _checked_out(commit: str) -> Iterator[Path]:
    """A temporary worktree of the commit, with its stubs."""
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "other"
        _git("worktree", "add", "--quiet", "--detach", str(code), commit)
        try:
            _generate_stubs(code)
            yield code
        finally:
            _git("worktree", "remove", "--force", str(code))


def _generate_stubs(code: Path) -> None:
    (code / "generated").mkdir(exist_ok=True)
    protos = sorted(str(path.relative_to(code)) for path in (code / "protos").rglob("*.proto"))
    command = ["grpc_tools.protoc", "-I", "protos", "--python_out=generated", "--grpc_python_out=generated", *protos]
    subprocess.run([sys.executable, "-m", *command], cwd=code, check=True)


def _git(*arguments: str) -> None:
    # Not those of a hook that runs this, which name another worktree.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", "-C", str(rounds.CHECKOUT), *arguments], check=True, env=environment)
