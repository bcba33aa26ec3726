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


@pytest.mark.parametrize(
    "sent", [quote("é" * 61), "%ff", quote("a\nb"), quote("a\x00b"), quote("a\u2029b"), quote("\x7f")]
)
def test_a_name_that_cannot_be_shown_is_refused(sent: str) -> None:
    with pytest.raises(WarmcastError) as refused:
        metadata.operator([(metadata.OPERATOR, sent)])
    assert [field for field, _ in refused.value.fields] == [metadata.OPERATOR]
