"""GET and HEAD /api/comparison/premium."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from services.common.comparison import ComparisonKey
from services.gateway.premium.cache import WarmAnswers
from services.gateway.premium.demand import Demand
from services.gateway.routes.parameters import comparison_key

_LONGEST_REMEMBERED = 500  # bytes of a query; longer ones are read anew each time


@dataclass(frozen=True)
class PremiumRoutes:
    """The premium answer over HTTP."""

    answers: WarmAnswers
    demand: Demand

    async def premium(self, request: Request) -> Response:
        """The answer as JSON, or 304 when the client has it; HEAD never enqueues and is not counted."""
        key = _asked_for(request.scope["query_string"])
        asked = request.method == "GET"
        rendered = self.answers.recall(key) or await self.answers.look(key, may_enqueue=asked)
        if asked:
            self.demand.count(key)
        return rendered.respond(request.scope["headers"])


def _asked_for(query: bytes) -> ComparisonKey:
    return _remembered(query) if len(query) <= _LONGEST_REMEMBERED else _read(query)


def _read(query: bytes) -> ComparisonKey:
    return comparison_key(QueryParams(query))


# Reading a query takes as long as all the rest of an answer from memory; 4,096 of them are at most some 4 MB.
_remembered = lru_cache(maxsize=4_096)(_read)
