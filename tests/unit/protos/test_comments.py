"""Each RPC documents its errors and the effect of a repeated call; the errors are in the registry."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest

from services.common import errors
from tests.paths import CHECKOUT

PROTOS = sorted((CHECKOUT / "protos").rglob("*.proto"))
RPC = re.compile(r"((?:^ +//[^\n]*\n)*)^ +rpc (\w+)\(", re.MULTILINE)
COMMENTS = {name: comment for proto in PROTOS for comment, name in RPC.findall(proto.read_text(encoding="utf-8"))}
CODES = {code.name for code in grpc.StatusCode}


def test_all_rpcs_are_found() -> None:
    declared = sum(len(re.findall(r"^ +rpc ", proto.read_text(encoding="utf-8"), re.MULTILINE)) for proto in PROTOS)
    assert len(COMMENTS) == declared >= 24


@pytest.mark.parametrize(("name", "comment"), COMMENTS.items(), ids=COMMENTS)
def test_the_comment_describes_the_rpc_its_errors_and_repeated_calls(name: str, comment: str) -> None:
    text = " ".join(line.strip().removeprefix("//").strip() for line in comment.splitlines())
    parts = re.fullmatch(r"(.+) Errors: (.+\.) Repeated: (.+\.)", text)
    assert parts, name
    named = set(re.findall(r"\b[A-Z]{4,}(?:_[A-Z]+)*\b", parts[2]))
    assert named <= CODES | errors.REASONS.keys()


@pytest.mark.parametrize("proto", PROTOS, ids=lambda proto: proto.stem)
def test_a_reason_follows_its_own_status_code(proto: Path) -> None:
    text = re.sub(r"\n\s*// ?", " ", proto.read_text(encoding="utf-8"))
    pairs = re.findall(r"\b([A-Z_]{4,}) \(([A-Z_]{4,}(?:, [A-Z_]{4,})*)", text)
    assert pairs
    for code, reasons in pairs:
        for reason in reasons.split(", "):
            assert errors.REASONS[reason].grpc_code == code
