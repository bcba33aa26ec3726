"""Files with mode 0600."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from devstack.private_files import load_or_create_secret, temporary_json_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_created_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret = load_or_create_secret(path)
    assert (len(secret), mode(path)) == (32, 0o600)
    assert load_or_create_secret(path) == secret


def test_values_are_in_the_file_while_the_context_is_open(tmp_path: Path) -> None:
    path = tmp_path / "client.json"
    path.write_text("of a run that was killed")
    path.chmod(0o644)
    with temporary_json_file(path, {"warmup_secret": "'$x\"#"}):
        assert json.loads(path.read_text()) == {"warmup_secret": "'$x\"#"}
        assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == []
