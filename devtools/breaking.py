"""Refuses changes of the protos that break clients of the protos on main. Needs git and no network."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from devstack.settings import CHECKOUT

PROTOS = "protos"


def main() -> int:
    """Returns buf's exit status; 0 if there is nothing to compare with."""
    base = base_commit(CHECKOUT)
    if base is None:
        print("check-protos: no earlier commit to compare with")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        if not extract(CHECKOUT, base, Path(folder)):
            print(f"check-protos: {base[:12]} has no protos to compare with")
            return 0
        buf = str(Path(sys.executable).parent / "buf")
        status = subprocess.run([buf, "breaking", PROTOS, "--against", f"{folder}/{PROTOS}"], cwd=CHECKOUT, check=False)
    print(f"check-protos: compared with {base[:12]}: {'no breaking change' if status.returncode == 0 else 'see above'}")
    return status.returncode


def base_commit(checkout: Path) -> str | None:
    """The merge base with main, or the parent of HEAD if HEAD is main."""
    head = _git(checkout, "rev-parse", "--verify", "--quiet", "HEAD")
    for main_branch in ("origin/main", "main"):
        base = _git(checkout, "merge-base", "HEAD", main_branch)
        if base and base != head:
            return base
    return _git(checkout, "rev-parse", "--verify", "--quiet", "HEAD~1")


def extract(checkout: Path, commit: str, into: Path) -> bool:
    """Writes the commit's protos into a folder. Returns False if it has none."""
    archive = subprocess.run(
        [_git_path(), "archive", "--format=tar", commit, PROTOS], cwd=checkout, capture_output=True, check=False
    )
    if archive.returncode != 0:
        return False
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
        # Early releases of Python 3.11 have no filter; the archive is git's, of our own commit.
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(into, **safely)  # type: ignore[arg-type]  # noqa: S202
    return True


def _git(checkout: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run([_git_path(), *arguments], cwd=checkout, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _git_path() -> str:
    return shutil.which("git") or "git"


if __name__ == "__main__":
    sys.exit(main())
