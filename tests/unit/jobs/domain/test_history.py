"""Names in the history: kinds of errors, and holders."""

from __future__ import annotations

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.domain.reports.history import failure_of, holder_name


def test_the_reason_of_an_error_is_its_kind_and_for_the_cache_its_cause() -> None:
    assert failure_of(WarmcastError(errors.BUSY, "no slot")) == ("busy", "busy: no slot")
    cache = WarmcastError(errors.UNAVAILABLE, "it refuses writes", metadata={errors.CACHE_CAUSE: "read-only"})
    assert failure_of(cache) == ("cache-read-only", "unavailable: it refuses writes")


def test_a_holder_is_named_by_its_host_in_at_most_80_characters() -> None:
    assert holder_name("warmcast-jobs-5d4f8-x2x4z", "0a1b2c3d") == "warmcast-jobs-5d4f8-x2x4z-0a1b2c3d"
    assert holder_name("h" * 253, "0a1b2c3d") == "h" * 71 + "-0a1b2c3d"
