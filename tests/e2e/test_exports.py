"""Exports of Google Trends and other tools, through the whole product: stored correctly, or refused with a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.calls import Answer, Caller
from tests.e2e.conftest import Call, StartProduct
from tests.e2e.test_cli import warmcast

CSV = {"Content-Type": "text/csv"}
WEEKS = ("2025-01-05", "2025-01-12", "2025-01-19", "2025-01-26")


@pytest.fixture
def caller(start_product: StartProduct, call: Call) -> Caller:
    return call(start_product(DISPATCHER_ENABLED="false"))


def sheet(header: str, *rows: str, charset: str = "utf-8") -> bytes:
    return "\n".join((header, *(f"{week},{row}" for week, row in zip(WEEKS, rows, strict=False)))).encode(charset)


def send(
    caller: Caller, method: str, path: str, content: bytes, headers: dict[str, str] = CSV, **query: Any
) -> httpx.Response:
    return caller.http.request(method, path, content=content, headers=caller.secret | headers, params=query)


def stored(caller: Caller, slug: str, **query: str) -> dict[str, list[float]]:
    answer: Answer = caller.http.get(f"/api/comparisons/{slug}", params={"tf": "12m"} | query).json()
    columns = zip(*(point["values"] for point in answer["series"]), strict=True)
    return dict(zip(answer["terms"], map(list, columns), strict=True))


def test_a_put_keeps_the_values_of_similar_terms_apart(caller: Caller) -> None:
    header, rows = "Week,email: (Worldwide),e-mail: (Worldwide)", ("90,5", "91,6", "92,7", "93,8")
    assert send(caller, "POST", "/api/comparisons", sheet(header, *rows[:3])).status_code == 201
    assert send(caller, "PUT", "/api/comparisons/e-mail-vs-email", sheet(header, *rows)).status_code == 201
    assert stored(caller, "e-mail-vs-email") == {"email": [90, 91, 92, 93], "e-mail": [5, 6, 7, 8]}
    ambiguous = send(caller, "PUT", "/api/comparisons/e-mail-vs-email", sheet("Week,émail,é-mail", *rows))
    assert ambiguous.status_code == 400
    assert "each of “émail” and “é-mail” may be either of" in ambiguous.json()["detail"]


def test_columns_that_are_not_selected_are_ignored(caller: Caller) -> None:
    content = sheet("Week,milk,total,juice,note", "1,102,2,", "3,104,4,a fair", "5,106,6,")
    query: dict[str, Any] = {"term": ["milk", "juice"], "geo": "US"}
    assert send(caller, "POST", "/api/comparisons", content, **query).status_code == 201
    assert stored(caller, "juice-vs-milk", geo="US") == {"milk": [1, 3, 5], "juice": [2, 4, 6]}
    whole = send(caller, "POST", "/api/comparisons", content)
    assert whole.status_code == 400
    assert "pass term twice" in whole.json()["detail"]


NEW_PAGE = "time_series_US-NY-501_20250101-0000_20250128-0337.csv"


@pytest.mark.slow
def test_an_export_of_the_new_page_keeps_its_place(caller: Caller, tmp_path: Path) -> None:
    content = sheet('"Time","tea","coffee"', "1,2", "3,4", "5,6", "7,8")
    form = caller.http.post("/api/comparisons", files={"file": (NEW_PAGE, content, "text/csv")}, headers=caller.secret)
    assert form.status_code == 201, form.text
    answer = form.json()
    assert (answer["geo"], answer["geoAssumed"], answer["partialLastPeriod"]) == ("US-NY-501", False, True)
    named = CSV | {"Content-Disposition": f'attachment; filename="{NEW_PAGE}"'}
    again = send(caller, "POST", "/api/comparisons", content, named)
    assert (again.status_code, again.json()["dataHash"]) == (200, answer["dataHash"])
    assert stored(caller, "coffee-vs-tea", geo="US-NY-501") == {"tea": [1, 3, 5, 7], "coffee": [2, 4, 6, 8]}

    file = tmp_path / NEW_PAGE.replace("US-NY-501", "Worldwide")
    file.write_bytes(content)
    done = warmcast(caller.product, "import", str(file)).stdout
    assert "coffee-vs-tea" in done
    assert "assumed" not in done
    file.rename(tmp_path / "tea.csv")
    assert "assumed worldwide" in warmcast(caller.product, "import", str(tmp_path / "tea.csv")).stdout

    nameless = send(caller, "POST", "/api/comparisons", content.replace(b"tea", b"milk"))
    assert (nameless.json()["geo"], nameless.json()["geoAssumed"]) == ("", True)


def test_the_declared_charset_is_used_and_nothing_is_guessed_wrongly(caller: Caller) -> None:
    content = sheet("Week,биткоин: (США),чай: (США)", "1,2", "3,4", "5,6", charset="cp1251")
    declared = send(caller, "POST", "/api/comparisons", content, {"Content-Type": "text/csv; charset=cp1251"})
    assert declared.status_code == 201, declared.text
    assert declared.json()["terms"] == ["биткоин", "чай"]
    file = ("a.csv", content, 'text/csv; charset="windows-1251"')
    form = caller.http.post("/api/comparisons", files={"file": file}, headers=caller.secret)
    assert (form.status_code, form.json()["dataHash"]) == (200, declared.json()["dataHash"])

    for charset, why in (("utf-8", "is not in the declared charset"), ("klingon", "unknown charset “klingon”")):
        refused = send(caller, "POST", "/api/comparisons", content, {"Content-Type": f"text/csv; charset={charset}"})
        assert refused.status_code == 400
        assert why in refused.json()["detail"]
        assert [error["field"] for error in refused.json()["errors"]] == ["charset"]
    ambiguous = send(
        caller, "POST", "/api/comparisons", sheet("Week,año,navidad", "1,2", "3,4", "5,6", charset="cp1252")
    )
    assert ambiguous.status_code == 400
    assert "send it in UTF-8, or declare its charset" in ambiguous.json()["detail"]
    body = json.dumps({"terms": ["café", "thé"], "points": []}, ensure_ascii=False).encode("cp1252")
    latin = send(caller, "POST", "/api/comparisons", body, {"Content-Type": "application/json; charset=iso-8859-1"})
    assert latin.status_code == 415
    assert "charset=iso-8859-1" in latin.json()["detail"]


def test_files_of_other_tools_are_read(caller: Caller) -> None:
    hours = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=at) for at in range(5_010)]
    hourly = "\n".join(("Time,tea,coffee", *(f"{hour:%Y-%m-%dT%H},{at % 90},2" for at, hour in enumerate(hours))))
    newest = send(caller, "POST", "/api/comparisons", hourly.encode(), tf="7d", geo="US").json()
    assert (newest["points"], newest["firstDate"]) == (5_000, "2024-01-01T10:00:00Z")
    assert {"what": "period before the newest 5,000 dropped", "count": 10} in newest["cleaned"]

    counted = "\n".join((",date,tea,coffee,isPartial", *(f"{at},{week},{at},2,False" for at, week in enumerate(WEEKS))))
    assert send(caller, "POST", "/api/comparisons", counted.encode(), geo="CA").status_code == 201
    assert stored(caller, "coffee-vs-tea", geo="CA") == {"tea": [0, 1, 2, 3], "coffee": [2] * 4}

    lines = [f"{week},{at},{term},FR,web" for term in ("tea", "milk") for at, week in enumerate(WEEKS)]
    gtrends_r = send(caller, "POST", "/api/comparisons", "\n".join(("date,hits,keyword,geo,gprop", *lines)).encode())
    assert (gtrends_r.status_code, gtrends_r.json()["geo"]) == (201, "FR")
    assert stored(caller, "milk-vs-tea", geo="FR") == {"tea": [0, 1, 2, 3], "milk": [0, 1, 2, 3]}

    film = send(caller, "POST", "/api/comparisons", sheet("Week,Dune: (film),Alien", "1,2", "3,4", "5,6"), geo="US")
    assert film.json()["terms"] == ["Alien", "Dune: (film)"]
