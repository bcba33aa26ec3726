"""Assets: hashed names and references between files."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.gateway.pages.assets import Assets


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)


def test_a_name_follows_the_content(tmp_path: Path) -> None:
    write(tmp_path, a_js="one")
    first = Assets(tmp_path).url("a.js")
    write(tmp_path, a_js="two")
    assert Assets(tmp_path).url("a.js") != first


def test_a_change_of_an_imported_file_changes_the_importer(tmp_path: Path) -> None:
    write(tmp_path, a_js='import { b } from "./b.js";', b_js="one")
    first = Assets(tmp_path).url("a.js")
    write(tmp_path, b_js="two")
    assert Assets(tmp_path).url("a.js") != first


def test_a_circle_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, a_js='import "./b.js";', b_js='import "./a.js";')
    with pytest.raises(ValueError, match=r"a\.js → b\.js → a\.js"):
        Assets(tmp_path)


def test_an_unknown_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        Assets(tmp_path).url("missing.js")
