"""Bad input is refused with a specific 4xx status, and nothing is written."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.calls import PREMIUM, export
from tests.e2e.conftest import Call, StartProduct

CSV = {"Content-Type": "text/csv"}
JSON = {"Content-Type": "application/json"}


def body(points: list[tuple[str, list[Any]]], terms: tuple[str, ...] = ("amazon", "costco")) -> bytes:
    document = {"terms": terms, "timeframe": "12m", "geo": "", "source": "test"}
    return json.dumps(document | {"points": [{"date": date, "values": values} for date, values in points]}).encode()


WEEKS = [(f"2024-01-{day:02}", [50.0, 40.0]) for day in (7, 14, 21, 28)]
DATELESS = b"Category: All categories\n\nWeek,amazon: (US),costco: (US)\nnever,1,2\nneither,3,4\n"
THOUSANDS = b"".join(b'2025-01-%02d,"10,500","20,100"\n' % day for day in (5, 12, 19))
# name, content type, body, query, text that the detail must contain
POSTS: list[tuple[str, dict[str, str], bytes, dict[str, str], str]] = [
    ("unknown timeframe", CSV, export(), {"tf": "2w"}, "2w"),
    ("timeframe of another step", CSV, export(), {"tf": "7d"}, "hourly"),
    ("malformed geo", CSV, export(), {"geo": "U"}, "U"),
    ("same term twice", CSV, export("amazon", "Amazon"), {}, "Amazon"),
    ("a term with vs", CSV, export("ali vs frazier", "costco"), {}, "ali vs frazier"),
    ("no dates", CSV, DATELESS, {}, "date"),
    ("no bytes", CSV, b"", {}, "empty"),
    ("not text", CSV, bytes(range(256)), {}, "text file"),
    ("NaN", JSON, body([*WEEKS[:3], ("2024-01-28", [float("nan"), 1])]), {}, "points[3].values[0]"),
    ("infinite", JSON, body([*WEEKS[:3], ("2024-01-28", [float("inf"), 1])]), {}, "points[3].values[0]"),
    ("negative", JSON, body([*WEEKS[:3], ("2024-01-28", [-1, 1])]), {}, "-1"),
    ("unsorted dates", JSON, body([WEEKS[1], WEEKS[0], *WEEKS[2:]]), {}, "2024-01-07"),
    ("duplicate dates", JSON, body([WEEKS[0], *WEEKS]), {}, "2024-01-07"),
    ("thousands", CSV, b"Week,amazon,costco\n" + THOUSANDS, {}, "10,500"),
    ("two readings", CSV, b"Day,amazon,costco\n01/01/2024,1,2\n01/02/2024,3,4\n01/03/2024,5,6\n", {}, "monthly from"),
    ("two points", JSON, body(WEEKS[:2]), {}, "3"),
    ("one term", JSON, body([(date, values[:1]) for date, values in WEEKS], ("amazon",)), {}, "two"),
    ("no JSON", JSON, b"{", {}, "not JSON"),
]


def test_bad_input_is_refused_with_a_reason_and_nothing_is_written(start_product: StartProduct, call: Call) -> None:
    caller = call(start_product(DISPATCHER_ENABLED="false"))
    for name, headers, content, query, named in POSTS:
        refused = caller.http.post("/api/comparisons", content=content, headers=caller.secret | headers, params=query)
        assert refused.status_code == 400, f"{name}: {refused.status_code} {refused.text}"
        assert refused.headers["Content-Type"] == "application/problem+json", name
        problem = refused.json()
        assert named in problem["detail"], f"{name}: {problem['detail']}"

    huge = caller.http.post("/api/comparisons", content=b"x" * 10_000_000, headers=caller.secret | CSV)
    assert (huge.status_code, huge.json()["status"]) == (413, 413)
    picture = caller.http.post("/api/comparisons", content=b"x", headers=caller.secret | {"Content-Type": "image/png"})
    assert picture.status_code == 415
    for table in ("term_pairs", "snapshots", "comparisons", "warmup_jobs"):
        assert caller.rows(f"SELECT * FROM {table}") == [], table


def test_bad_queries_name_the_parameter_and_enqueue_nothing(start_product: StartProduct, call: Call) -> None:
    caller = call(start_product(DISPATCHER_ENABLED="false"))
    caller.ingest()
    queries = [
        ({"slug": "amazon", "tf": "5y"}, 400, "slug"),
        ({"slug": "amazon-vs-amazon", "tf": "5y"}, 400, "slug"),
        ({"tf": "5y"}, 400, "slug"),
        ({"slug": "amazon-vs-costco", "tf": "1y"}, 400, "tf"),
        ({"slug": "amazon-vs-costco", "tf": "5y", "geo": "Mars"}, 400, "geo"),
        ({"slug": "amazon-vs-walmart", "tf": "5y"}, 404, None),
    ]
    for query, status, field in queries:
        answer = caller.http.get(PREMIUM, params=query)
        assert answer.status_code == status, answer.text
        problem = answer.json()
        assert set(problem) >= {"type", "title", "status", "detail", "requestId"}
        if field:
            assert [error["field"] for error in problem["errors"]] == [field]
    assert caller.rows() == []


def test_a_slug_of_other_terms_is_refused_with_409_and_both_terms(start_product: StartProduct, call: Call) -> None:
    caller = call(start_product(DISPATCHER_ENABLED="false"))
    caller.ingest(export("c++", "rust"))
    taken = caller.http.post("/api/comparisons", content=export("c plus plus", "rust"), headers=caller.secret | CSV)
    assert taken.status_code == 409
    assert "c++" in taken.json()["detail"]
    assert "c plus plus" in taken.json()["detail"]
    mismatch = caller.http.put(
        "/api/comparisons/c-plus-plus-vs-rust", content=export("go", "rust"), headers=caller.secret | CSV
    )
    assert mismatch.status_code == 400
    assert "go" in mismatch.json()["detail"]
    assert "c++" in mismatch.json()["detail"]
    assert len(caller.rows("SELECT * FROM snapshots")) == 1


def test_the_secret_is_required_and_has_no_default(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    guarded = [
        ("POST", "/api/comparisons"),
        ("PUT", "/api/comparisons/amazon-vs-costco"),
        ("POST", "/api/comparison/warmup"),
        ("POST", "/api/jobs/run-warmup"),
        ("POST", "/api/jobs/sweep"),
        ("GET", "/api/jobs"),
        ("GET", "/api/jobs/1"),
        ("POST", "/api/jobs/1/requeue"),
        ("POST", "/api/jobs/1/cancel"),
    ]
    for method, path in guarded:
        for headers in ({}, {"X-Warmup-Secret": "wrong"}):
            assert caller.http.request(method, path, headers=headers).status_code == 401, path
    del product.services["gateway"].environment["WARMUP_SECRET"]
    product.restart("gateway")
    for method, path in guarded:
        assert caller.http.request(method, path, headers=caller.secret).status_code == 503, path


def test_localised_incomplete_and_reversed_data_are_stored_correctly(start_product: StartProduct, call: Call) -> None:
    caller = call(start_product(DISPATCHER_ENABLED="false"))
    weeks = (
        'Zeit,"tea","coffee",isPartial\n"Feb 2 – 8, 2025",,,\n"Jan 26 – Feb 1, 2025",7,8,WAHR\n'
        '"Jan 19 – 25, 2025",5,6,FALSCH\n"Jan 12 – 18, 2025",NaN,4,FALSCH\n"Jan 5 – 11, 2025",1,2,FALSCH\n'
        "Source: Google Trends\n"
    )
    epoch = [
        {"date": 1737849600 - 604800 * at, "values": values}
        for at, values in enumerate([[7, 8], [5, 6], [None, 4], [1, 2]])
    ]
    epoch.insert(0, {"date": "1738454400", "values": [None, None]})
    body = json.dumps({"terms": ["tea", "coffee"], "geo": "", "points": epoch}).encode()
    of_file = caller.http.post(
        "/api/comparisons",
        content=weeks.encode(),
        headers=caller.secret | CSV,
        params={"geo": "", "asOf": "2025-03-01"},
    )
    assert of_file.status_code == 201, of_file.text
    assert (of_file.json()["firstDate"], of_file.json()["lastDate"]) == ("2025-01-05", "2025-01-26")
    assert of_file.json()["partialLastPeriod"]
    assert {entry["what"]: entry["count"] for entry in of_file.json()["cleaned"]} == {
        "empty cell filled": 1,
        "empty row before or after the series dropped": 1,
        "isPartial column dropped": 1,
        "line after the series ignored": 1,
        "rows from newest to oldest reversed": 1,
    }
    of_points = caller.http.post(
        "/api/comparisons", content=body, headers=caller.secret | JSON, params={"asOf": "2025-03-01"}
    )
    assert of_points.status_code == 201, of_points.text
    assert [entry["what"] for entry in of_points.json()["cleaned"]] == [
        "empty cell filled",
        "empty row before or after the series dropped",
        "rows from newest to oldest reversed",
    ]
    stored = caller.http.get("/api/comparisons/coffee-vs-tea", params={"tf": "12m"}).json()["series"]
    assert stored == [
        {"date": f"2025-01-{day:02}", "values": values}
        for day, values in ((5, [2, 1]), (12, [4, 3]), (19, [6, 5]), (26, [8, 7]))
    ]
