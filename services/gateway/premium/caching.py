"""What HTTP caches may do with a premium answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from services.gateway.premium.decision import Status

SETTLED = "max-age=30, stale-while-revalidate=86400, stale-if-error=604800"
UNSETTLED = "no-store"
_ENTITY_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def cache_control(status: Status, *, triggered: bool, private: bool) -> str:
    """The `Cache-Control` of an answer with that status, to a call that enqueued (`triggered`) or did not.

    A failed answer is not kept: the first call after its cool-down re-queues the job, and a copy that a cache may
    hand out for a day would hide both that call and what became of it. Nor is one that says that its call enqueued:
    that is true of that call alone.
    """
    if status is not Status.READY or triggered:
        return UNSETTLED
    return f"private, {SETTLED}" if private else SETTLED


def entity_tag(body: bytes) -> str:
    """A strong validator: the same bytes, the same tag."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def not_modified(if_none_match: Iterable[str], tag: str) -> bool:
    """Whether `If-None-Match` (its header lines) names `tag`: a list, weak prefixes aside, or `*`."""
    return any(line.strip() == "*" or tag in _ENTITY_TAG.findall(line) for line in if_none_match)
