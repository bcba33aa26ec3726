"""One call to jobs or the forecaster: its deadline, metadata, and errors with REST's names of fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

import grpc
from google.protobuf.message import Message

from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.common.rpc.client.call import call_unary
from services.common.rpc.services import Service
from services.gateway.upstream import claimed_operator, idempotency

# Fields of messages that have another name in REST.
_REST_NAMES = {
    "timeframe": "tf",
    "page_token": "cursor",
    "query": "q",
    "page_size": "limit",
    "expected_slug": "slug",
    "terms": "term",
    "as_of": "asOf",
    "data_hash": "expectedDataHash",
    "older_than_seconds": "olderThan",
    "newer_than_seconds": "newerThan",
    "error_reason": "errorReason",
    "engine_version": "engineVersion",
    "window_hours": "window",
}
_PARENTS = ("key.", "filter.", "jobs.", "comparisons.")

Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True)
class Deadlines:
    """Deadlines of each kind of call, in seconds."""

    read: float
    command: float
    run: float


async def call(
    service: Service,
    method: grpc.aio.UnaryUnaryMultiCallable[Request, Answer],
    request: Request,
    timeout: float,
    secret: str | None = None,
    *,
    operator: str | None = None,
) -> Answer:
    """Calls with a deadline of `timeout` seconds. A call that changes state has the secret.

    `operator` is the name of the login that asked for it; None for a caller of REST, who may have claimed one.
    """
    try:
        if secret is None:
            return await call_unary(service, method, request, timeout=timeout)
        more, answered = idempotency.outgoing(), idempotency.record_replay
        if operator := operator or claimed_operator.current():
            more += ((metadata.OPERATOR, quote(operator, safe="")),)
        return await call_unary(service, method, request, timeout=timeout, secret=secret, more=more, answered=answered)
    except WarmcastError as error:
        error.fields = tuple((rest_name(field), detail) for field, detail in error.fields)
        raise


def rest_name(field: str) -> str:
    """REST's name of a message's field."""
    for parent in _PARENTS:
        field = field.removeprefix(parent)
    return _REST_NAMES.get(field, field)
