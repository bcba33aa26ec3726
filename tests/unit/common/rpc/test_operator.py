"""The name of the operator in the metadata of a call."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from services.common.errors import WarmcastError
from services.common.rpc import metadata


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("Ada", "Ada"),
        (quote("Ada Łovelace"), "Ada Łovelace"),
        (quote("  100 % "), "100 %"),
        (quote("愛" * 60), "愛" * 60),
        ("", "secret"),
        (quote("   "), "secret"),
    ],
)
def test_the_name_is_decoded(sent: str, name: str) -> None:
    assert metadata.operator([(metadata.OPERATOR, sent)]) == name


def test_without_metadata_the_operator_is_the_secret() -> None:
    assert metadata.operator(None) == metadata.operator([("x-other", "Ada")]) == "secret"


def test_a_claimed_name_is_recorded_beside_the_secret() -> None:
    longest = "愛" * metadata.MAX_CLAIMED
    for name in ("Ada", "Ada (Łovelace)", longest):
        sent = metadata.outgoing_claim(name)
        assert metadata.operator(sent) == f"secret ({name})"
        assert metadata.claimed_name(metadata.operator(sent)) == name
    assert metadata.outgoing_claim(None) == metadata.outgoing_claim("") == metadata.outgoing_claim(" ") == ()
    assert metadata.claimed_name("Ada") is metadata.claimed_name("secret") is None


@pytest.mark.parametrize("name", ["é" * 51, "a\nb"])
def test_a_claimed_name_has_the_rules_of_the_others(name: str) -> None:
    with pytest.raises(WarmcastError) as refused:
        metadata.claimed_operator(quote(name), field="X-Warmcast-Operator")
    assert [field for field, _ in refused.value.fields] == ["X-Warmcast-Operator"]


@pytest.mark.parametrize(
    "sent", [quote("é" * 61), "%ff", quote("a\nb"), quote("a\x00b"), quote("a\u2029b"), quote("\x7f")]
)
def test_a_name_that_cannot_be_shown_is_refused(sent: str) -> None:
    with pytest.raises(WarmcastError) as refused:
        metadata.operator([(metadata.OPERATOR, sent)])
    assert [field for field, _ in refused.value.fields] == [metadata.OPERATOR]
