"""Imports and listings: requests to jobs, and responses."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.data import HASH, moment

CSV = "Week,amazon: (United States),costco: (United States)\n2026-01-04,<1,50\n".encode("utf-16")
SERIES = {"terms": ["amazon", "costco"], "points": [{"date": "2026-01-04", "values": [1, 2.5]}]}
AS_CSV = {"Content-Type": "text/csv; charset=utf-16"}


def stored(*, created: bool = True, **more: Any) -> jobs_pb2.IngestSnapshotResponse:
    """The response to an import."""
    return jobs_pb2.IngestSnapshotResponse(
        slug="amazon-vs-costco",
        terms=["amazon", "costco"],
        timeframe="12m",
        geo="US",
        data_hash=HASH,
        created=created,
        points=53,
        first=moment("2025-01-05"),
        last=moment("2026-01-04"),
        cleaned=[jobs_pb2.Cleaning(what="below one read as half", count=3)],
        partial_last_period=True,
        **more,
    )


def comparison(timeframe: str = "12m") -> jobs_pb2.Comparison:
    """One comparison."""
    return jobs_pb2.Comparison(
        slug="amazon-vs-costco",
        terms=["amazon", "costco"],
        timeframe=timeframe,
        data_hash=HASH,
        points=2,
        first=moment("2026-01-04T05:00:00"),
        last=moment("2026-01-04T06:00:00"),
        updated_at=moment("2026-01-05T00:00:00"),
    )


async def test_a_csv_is_forwarded_unchanged(world: World) -> None:
    world.reply(IngestSnapshot=stored(warmup_triggered=True))
    query = "?term=amazon&term=costco&tf=12m&geo=us&asOf=2026-01-06T00:00:00Z"
    response = await world.operator.post(f"/api/comparisons{query}", content=CSV, headers=AS_CSV)
    assert conforming(response, "Ingested", 201) == {
        "slug": "amazon-vs-costco",
        "terms": ["amazon", "costco"],
        "timeframe": "12m",
        "geo": "US",
        "dataHash": HASH,
        "points": 53,
        "firstDate": "2025-01-05",
        "lastDate": "2026-01-04",
        "cleaned": [{"what": "below one read as half", "count": 3}],
        "partialLastPeriod": True,
        "scaledApart": False,
        "geoAssumed": False,
        "warmupTriggered": True,
    }
    assert response.headers["location"] == "/api/comparisons/amazon-vs-costco?tf=12m&geo=US"
    call = world.jobs.only("IngestSnapshot")
    assert [file.content for file in call.request.files.files] == [CSV]
    assert (list(call.request.terms), call.request.timeframe, call.request.geo) == (["amazon", "costco"], "12m", "US")
    assert call.request.as_of == moment("2026-01-06")
    assert call.metadata["x-warmup-secret"] == world.operator.headers["X-Warmup-Secret"]


async def test_a_dry_run_answers_a_preview(world: World) -> None:
    columns = [
        jobs_pb2.ImportColumn(
            term="amazon", chosen=True, values=52, missing=1, lowest=0.5, highest=100, sampled_values=(0.5, 100, 7)
        ),
        jobs_pb2.ImportColumn(term="<script>"),
    ]
    snapshot = stored(created=False, step="weekly", as_of=moment("2026-01-06"))
    world.reply(PreviewSnapshot=jobs_pb2.PreviewSnapshotResponse(snapshot=snapshot, columns=columns))
    response = await world.operator.post("/api/comparisons?dryRun=true", content=CSV, headers=AS_CSV)
    body = conforming(response, "Preview", 200)
    assert "location" not in response.headers
    assert (body["dataHash"], body["known"], body["step"], body["asOf"]) == (
        HASH,
        True,
        "weekly",
        "2026-01-06T00:00:00Z",
    )
    assert body["columns"] == [
        {"term": "amazon", "chosen": True, "values": 52, "missing": 1, "lowest": 0.5, "highest": 100.0}
        | {"sampledValues": [0.5, 100.0, 7.0]},
        {"term": "<script>", "chosen": False, "values": 0, "missing": 0, "lowest": None, "highest": None}
        | {"sampledValues": []},
    ]
    assert world.jobs.only("PreviewSnapshot").request.snapshot.files.files[0].content == CSV
    assert not world.jobs.calls["IngestSnapshot"]


async def test_a_dry_run_without_a_choice_of_terms_has_no_slug(world: World) -> None:
    undecided = stored(created=False, step="weekly", as_of=moment("2026-01-06"))
    for field in ("slug", "terms", "data_hash"):
        undecided.ClearField(field)
    world.reply(PreviewSnapshot=jobs_pb2.PreviewSnapshotResponse(snapshot=undecided))
    response = await world.operator.put("/api/comparisons/a-vs-b?dryRun=true", content=CSV, headers=AS_CSV)
    body = conforming(response, "Preview", 200)
    assert (body["slug"], body["terms"], body["dataHash"], body["known"]) == (None, [], None, False)
    assert world.jobs.only("PreviewSnapshot").request.snapshot.expected_slug == "a-vs-b"


async def test_a_confirmed_import_sends_the_expected_hash(world: World) -> None:
    world.reply(IngestPreviewed=jobs_pb2.IngestPreviewedResponse(snapshot=stored()))
    query = f"?expectedDataHash={HASH}&dryRun=false"
    conforming(await world.operator.post(f"/api/comparisons{query}", content=CSV, headers=AS_CSV), "Ingested", 201)
    request = world.jobs.only("IngestPreviewed").request
    assert (request.data_hash, request.snapshot.files.files[0].content) == (HASH, CSV)
    assert not world.jobs.calls["IngestSnapshot"]


@pytest.mark.parametrize("query", ["dryRun=true", f"expectedDataHash={HASH}"])
async def test_an_older_jobs_stores_nothing_that_was_not_meant(world: World, query: str) -> None:
    world.jobs.lacking = {"PreviewSnapshot", "IngestPreviewed"}
    response = await world.operator.post(f"/api/comparisons?{query}", content=CSV, headers=AS_CSV)
    refused(response, errors.SERVICE_OUTDATED)
    assert response.headers["retry-after"] == "10"
    assert not world.jobs.calls["IngestSnapshot"]


async def test_the_parameters_of_previews_are_checked(world: World) -> None:
    response = await world.operator.post("/api/comparisons?dryRun=true&expectedDataHash=x", content=CSV, headers=AS_CSV)
    refused(response, errors.INVALID_ARGUMENT, "expectedDataHash")
    for wrong in ("yes", "1", "true&dryRun=true"):
        response = await world.operator.post(f"/api/comparisons?dryRun={wrong}", content=CSV, headers=AS_CSV)
        refused(response, errors.INVALID_ARGUMENT, "dryRun")


async def test_the_same_data_get_200(world: World) -> None:
    world.reply(IngestSnapshot=stored(created=False))
    response = await world.operator.post("/api/comparisons", content=CSV, headers=AS_CSV)
    conforming(response, "Ingested", 200)
    assert "location" not in response.headers
    request = world.jobs.only("IngestSnapshot").request
    assert (request.timeframe, request.HasField("geo"), request.HasField("as_of")) == ("", False, False)


async def test_json(world: World) -> None:
    world.reply(IngestSnapshot=stored())
    body = {**SERIES, "timeframe": "12M", "geo": "us", "source": "a survey"}
    conforming(await world.operator.post("/api/comparisons?tf=12m", json=body), "Ingested", 201)
    request = world.jobs.only("IngestSnapshot").request
    assert list(request.series.terms) == ["amazon", "costco"]
    assert [(point.date, list(point.values)) for point in request.series.points] == [("2026-01-04", [1.0, 2.5])]
    assert (request.timeframe, request.geo, request.source) == ("12m", "US", "a survey")


async def test_two_files(world: World) -> None:
    world.reply(IngestSnapshot=stored())
    files = [("file", (r"C:\down\A.csv", b"one", "text/csv")), ("file", ("B.csv", b"two", "text/csv"))]
    conforming(await world.operator.post("/api/comparisons", files=files), "Ingested", 201)
    sent = world.jobs.only("IngestSnapshot").request.files.files
    assert [(file.name, file.content) for file in sent] == [("A.csv", b"one"), ("B.csv", b"two")]


async def test_put_expects_the_slug_in_canonical_form(world: World) -> None:
    world.reply(IngestSnapshot=stored())
    response = await world.operator.put("/api/comparisons/Costco-vs-Amazon?tf=12m", content=CSV, headers=AS_CSV)
    conforming(response, "Ingested", 201)
    assert world.jobs.only("IngestSnapshot").request.expected_slug == "amazon-vs-costco"
    refused(await world.operator.put("/api/comparisons/amazon", content=CSV), errors.INVALID_ARGUMENT, "slug")


@pytest.mark.parametrize(
    "reason",
    [
        errors.SINGLE_TERM,
        errors.TERMS_MISMATCH,
        errors.SLUG_TAKEN,
        errors.DATA_MISMATCH,
        errors.UNREADABLE_INPUT,
        errors.TOO_LARGE,
    ],
    ids=lambda reason: reason.slug,
)
async def test_an_error_of_jobs_is_passed_on(world: World, reason: errors.Reason) -> None:
    world.reply(IngestSnapshot=WarmcastError(reason, "the file holds “amazon” alone", fields=(("timeframe", "no"),)))
    response = await world.operator.post("/api/comparisons", content=CSV, headers=AS_CSV)
    assert refused(response, reason, "tf")["detail"] == "the file holds “amazon” alone"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
async def test_a_number_that_is_not_finite_names_its_point(world: World, value: str) -> None:
    text = f'{{"terms": ["a", "b"], "points": [{{"date": "2026-01-04", "values": [1, {value}]}}]}}'
    response = await world.operator.post("/api/comparisons", content=text, headers={"Content-Type": "application/json"})
    refused(response, errors.INVALID_ARGUMENT, "points[0].values[1]")
    assert not world.jobs.calls


@pytest.mark.parametrize(
    ("query", "body", "field"),
    [
        ("?tf=2w", SERIES, "tf"),
        ("?tf=5y", {**SERIES, "timeframe": "12m"}, "tf"),
        ("?geo=nowhere", SERIES, "geo"),
        ("?geo=DE", {**SERIES, "geo": "US"}, "geo"),
        ("?term=a", SERIES, "term"),
        ("?term=a&term=b&term=c", SERIES, "term"),
        ("?asOf=soon", SERIES, "asOf"),
        ("", {**SERIES, "terms": "a"}, "terms"),
        ("", {"terms": ["a", "b"]}, "points"),
        ("", {**SERIES, "source": "\ud800"}, "body"),
    ],
)
async def test_invalid_input_names_the_parameter(world: World, query: str, body: object, field: str) -> None:
    headers = {"Content-Type": "application/json"}
    response = await world.operator.post(f"/api/comparisons{query}", content=json.dumps(body), headers=headers)
    refused(response, errors.INVALID_ARGUMENT, field)
    assert not world.jobs.calls


@pytest.mark.parametrize("kind", ["", "application/x-www-form-urlencoded", "image/png"])
async def test_other_content_types(world: World, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    response = await world.operator.post("/api/comparisons", content=b"x", headers=headers)
    refused(response, errors.UNSUPPORTED_MEDIA_TYPE, "Content-Type")


@pytest.mark.parametrize("path", ["/api/comparisons", "/api/comparison/warmup"])
async def test_a_compressed_body_is_refused(world: World, path: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = await world.operator.post(path, content=gzip.compress(json.dumps(SERIES).encode()), headers=headers)
    problem = refused(response, errors.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding")
    assert "gzip" in problem["detail"]
    assert not world.jobs.calls


async def test_an_identity_encoded_body_is_accepted(world: World) -> None:
    world.reply(IngestSnapshot=stored())
    headers = {**AS_CSV, "Content-Encoding": "identity"}
    conforming(await world.operator.post("/api/comparisons", content=CSV, headers=headers), "Ingested", 201)


async def test_invalid_forms(world: World) -> None:
    async def post(**form: Any) -> Any:
        return await world.operator.post("/api/comparisons", **form)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    three = [("file", (f"{number}.csv", b"x")) for number in range(3)]
    refused(await post(files=three), errors.UNREADABLE_INPUT)
    refused(await post(content=b"nonsense", headers=headers), errors.UNREADABLE_INPUT)
    refused(await post(content=b"x", headers={"Content-Type": "multipart/form-data"}), errors.UNREADABLE_INPUT)
    refused(await post(content=b"--x--\r\n", headers=headers), errors.INVALID_ARGUMENT, "file")
    # What browsers send for a file input without a file.
    no_file = b'--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--x--\r\n'
    refused(await post(content=no_file, headers=headers), errors.INVALID_ARGUMENT, "file")
    refused(await post(files=three[:1], data={"tf": "12m"}), errors.INVALID_ARGUMENT, "tf")
    assert not world.jobs.calls


@pytest.mark.parametrize("kind", ["text/csv", "application/json", "multipart/form-data; boundary=x"])
async def test_ten_megabytes_are_too_large(world: World, kind: str) -> None:
    content = b"x" * (10 * 1024 * 1024)
    response = await world.operator.post("/api/comparisons", content=content, headers={"Content-Type": kind})
    refused(response, errors.TOO_LARGE)
    assert not world.jobs.calls


async def test_the_limit_is_a_setting(open_world: OpenWorld) -> None:
    async with open_world(max_body_bytes=1_024) as world:
        world.reply(IngestSnapshot=stored())
        for length, status in ((1_024, 201), (1_025, 413)):
            response = await world.operator.post("/api/comparisons", content=b"x" * length, headers=AS_CSV)
            assert response.status_code == status


async def test_comparisons_are_listed_in_pages(world: World) -> None:
    world.reply(ListComparisons=jobs_pb2.ListComparisonsResponse(comparisons=[comparison()], next_page_token="next"))
    body = conforming(await world.client.get("/api/comparisons?limit=1&cursor=here"), "ComparisonList")
    assert body["nextCursor"] == "next"
    assert body["comparisons"][0]["firstDate"] == "2026-01-04"
    request = world.jobs.only("ListComparisons").request
    assert (request.page_size, request.page_token, request.query) == (1, "here", "")

    world.reply(ListComparisons=jobs_pb2.ListComparisonsResponse())
    body = conforming(await world.client.get("/api/comparisons"), "ComparisonList")
    assert body == {"comparisons": [], "nextCursor": None}
    refused(await world.client.get("/api/comparisons?limit=0"), errors.INVALID_ARGUMENT, "limit")
    refused(await world.client.get("/api/comparisons?q=a&q=b"), errors.INVALID_ARGUMENT, "q")
    world.reply(ListComparisons=WarmcastError(errors.INVALID_ARGUMENT, "no", fields=(("page_token", "not ours"),)))
    refused(await world.client.get("/api/comparisons?cursor=x"), errors.INVALID_ARGUMENT, "cursor")
    world.reply(ListComparisons=WarmcastError(errors.INVALID_ARGUMENT, "no", fields=(("query", "too long"),)))
    refused(await world.client.get("/api/comparisons?q=x"), errors.INVALID_ARGUMENT, "q")


@pytest.mark.parametrize("query", ["<script>alert(1)</script>", "100% _ \\", "\u202eمقهى", "x" * 100])
async def test_a_query_reaches_the_search_as_it_is(world: World, query: str) -> None:
    world.reply(ListComparisons=jobs_pb2.ListComparisonsResponse())
    conforming(await world.client.get("/api/comparisons", params={"q": query}), "ComparisonList")
    assert world.jobs.only("ListComparisons").request.query == query


async def test_one_comparison_shows_its_series(world: World) -> None:
    world.reply(
        GetComparison=jobs_pb2.GetComparisonResponse(
            comparison=comparison("7d"),
            points=[jobs_pb2.ComparisonPoint(time=moment("2026-01-04T05:00:00"), value_a=1, value_b=2.5)],
            signals_a=jobs_pb2.TermSignals(trend="flat"),
            signals_b=jobs_pb2.TermSignals(trend="rising", change4=2),
            stats_a=jobs_pb2.TermStats(mean=1, minimum=1, maximum=1),
            source="google-trends-csv",
            as_of=moment("2026-01-05"),
        )
    )
    response = await world.client.get("/api/comparisons/costco-vs-amazon?tf=7d&geo=us")
    body = conforming(response, "ComparisonDetail")
    assert body["series"] == [{"date": "2026-01-04T05:00:00Z", "values": [1.0, 2.5]}]
    assert (body["stats"]["termA"]["mean"], body["signals"]["termB"]["change4"]) == (1.0, 2.0)
    assert body["asOf"] == "2026-01-05T00:00:00Z"
    key = world.jobs.only("GetComparison").request.key
    assert (key.slug, key.timeframe, key.geo) == ("amazon-vs-costco", "7d", "US")
    world.reply(GetComparison=WarmcastError(errors.NOT_FOUND, "there is no such comparison"))
    refused(await world.client.get("/api/comparisons/a-vs-b"), errors.NOT_FOUND)
    refused(await world.client.get("/api/comparisons/a-vs-b?tf=1y"), errors.INVALID_ARGUMENT, "tf")
