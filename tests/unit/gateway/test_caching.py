from __future__ import annotations

import pytest

from services.gateway.premium.caching import cache_control, entity_tag, not_modified
from services.gateway.premium.decision import Status

TAG = entity_tag(b"{}")


def test_the_same_bytes_have_the_same_strong_tag() -> None:
    assert entity_tag(b"{}") == TAG != entity_tag(b"{ }")
    assert TAG.startswith('"')
    assert TAG.endswith('"')


@pytest.mark.parametrize(
    "lines",
    [[TAG], [f"W/{TAG}"], [f'"other", {TAG}'], [f'"a,b" ,W/{TAG}, "c"'], ['"other"', TAG], ["*"], [" * "]],
)
def test_a_client_that_has_it(lines: list[str]) -> None:
    assert not_modified(lines, TAG)


@pytest.mark.parametrize("lines", [[], [""], ['"other"'], [TAG.strip('"')], [TAG[:-2] + '"'], ['"*"'], ["**"]])
def test_a_client_that_does_not(lines: list[str]) -> None:
    assert not not_modified(lines, TAG)


def test_only_ready_answers_are_kept_and_none_that_says_that_its_call_enqueued() -> None:
    kept = "max-age=30, stale-while-revalidate=86400, stale-if-error=604800"
    assert cache_control(Status.READY, triggered=False, private=False) == kept
    assert cache_control(Status.READY, triggered=False, private=True) == f"private, {kept}"
    assert cache_control(Status.READY, triggered=True, private=False) == "no-store"
    for status in (Status.QUEUED, Status.RUNNING, Status.FAILED):
        for triggered in (True, False):
            assert cache_control(status, triggered=triggered, private=False) == "no-store"
            assert cache_control(status, triggered=triggered, private=True) == "no-store"
