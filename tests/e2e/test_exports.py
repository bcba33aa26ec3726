"""Exports as people have them, through the whole product: each is stored as it means, or refused with why."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.e2e.calls import Answer, Caller
from tests.e2e.conftest import Call, StartProduct

CSV = {"Content-Type": "text/csv"}
WEEKS = ("2025-01-05", "2025-01-12", "2025-01-19", "2025-01-26")


@pytest.fixture
def caller(start_product: StartProduct, call: Call) -> Caller:
    return call(start_product(DISPATCHER_ENABLED="false"))


def sheet(header: str, *rows: str) -> bytes:
    return "\n".join((header, *(f"{week},{row}" for week, row in zip(WEEKS, rows, strict=False)))).encode()


def send(
    caller: Caller, method: str, path: str, content: bytes, headers: dict[str, str] = CSV, **query: Any
) -> httpx.Response:
    return caller.http.request(method, path, content=content, headers=caller.secret | headers, params=query)


def stored(caller: Caller, slug: str, **query: str) -> dict[str, list[float]]:
    answer: Answer = caller.http.get(f"/api/comparisons/{slug}", params={"tf": "12m"} | query).json()
    columns = zip(*(point["values"] for point in answer["series"]), strict=True)
    return dict(zip(answer["terms"], map(list, columns), strict=True))


def test_a_put_keeps_the_values_of_terms_like_each_other_apart(caller: Caller) -> None:
    header, rows = "Week,email: (Worldwide),e-mail: (Worldwide)", ("90,5", "91,6", "92,7", "93,8")
    assert send(caller, "POST", "/api/comparisons", sheet(header, *rows[:3])).status_code == 201
    assert send(caller, "PUT", "/api/comparisons/e-mail-vs-email", sheet(header, *rows)).status_code == 201
    assert stored(caller, "e-mail-vs-email") == {"email": [90, 91, 92, 93], "e-mail": [5, 6, 7, 8]}
    unsure = send(caller, "PUT", "/api/comparisons/e-mail-vs-email", sheet("Week,émail,é-mail", *rows))
    assert unsure.status_code == 400
    assert "each of “émail” and “é-mail” may be either of" in unsure.json()["detail"]


def test_columns_that_nobody_picked_spoil_nothing(caller: Caller) -> None:
    content = sheet("Week,milk,total,juice,note", "1,102,2,", "3,104,4,a fair", "5,106,6,")
    query: dict[str, Any] = {"term": ["milk", "juice"], "geo": "US"}
    assert send(caller, "POST", "/api/comparisons", content, **query).status_code == 201
    assert stored(caller, "juice-vs-milk", geo="US") == {"milk": [1, 3, 5], "juice": [2, 4, 6]}
    whole = send(caller, "POST", "/api/comparisons", content)
    assert whole.status_code == 400
    assert "pass term twice" in whole.json()["detail"]
