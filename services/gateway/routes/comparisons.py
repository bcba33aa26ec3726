"""Routes that import snapshots, and list and show comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from warmcast.jobs.v1 import jobs_pb2

from services.common.comparison import ComparisonKey, canonical_slug, invalid
from services.gateway.bodies import comparisons
from services.gateway.premium.cache import AnswerCache
from services.gateway.routes.requests import parameters, request_bodies, uploads
from services.gateway.routes.responses import json_response
from services.gateway.upstream.clients import Jobs


@dataclass(frozen=True)
class ComparisonRoutes:
    """/api/comparisons and /api/comparisons/{slug}."""

    jobs: Jobs
    answers: AnswerCache
    bounds: request_bodies.BodyBounds

    async def create(self, request: Request, secret: str) -> Response:
        """Imports a snapshot, whose terms determine the slug; with `dryRun` it stores nothing."""
        return await self._import(request, secret, expected_slug="")

    async def replace(self, request: Request, secret: str) -> Response:
        """The same for a given slug, whose terms must match."""
        return await self._import(request, secret, expected_slug=canonical_slug(request.path_params["slug"]))

    async def index(self, request: Request) -> Response:
        """One page of comparisons; `q` finds some of them."""
        query = request.query_params
        page = await self.jobs.list_comparisons(
            limit=parameters.limit(query),
            cursor=parameters.cursor(query),
            query=parameters.single(query, "q") or "",
        )
        listed = [comparisons.comparison(row) for row in page.comparisons]
        return json_response(comparisons.ComparisonList(listed, page.next_page_token or None))

    async def show(self, request: Request) -> Response:
        """Series, stats and signals of one comparison."""
        key = parameters.comparison_key(request.query_params, slug=request.path_params["slug"])
        return json_response(comparisons.comparison_detail(await self.jobs.get_comparison(key)))

    async def _import(self, request: Request, secret: str, *, expected_slug: str) -> Response:
        query = request.query_params
        dry_run, data_hash = parameters.flag(query, "dryRun"), parameters.single(query, "expectedDataHash")
        if dry_run and data_hash:
            raise invalid("expectedDataHash", "a dry run stores nothing: omit expectedDataHash, or dryRun")
        message = await self._read_request(request)
        message.expected_slug = expected_slug
        if dry_run:
            return json_response(comparisons.previewed(await self.jobs.preview(message, secret)))
        if data_hash:
            stored = await self.jobs.ingest_previewed(message, data_hash, secret)
        else:
            stored = await self.jobs.ingest(message, secret)
        self.answers.invalidate(ComparisonKey(stored.slug, stored.timeframe, stored.geo))
        status, headers = 200, {}
        if stored.created:
            where = urlencode({"tf": stored.timeframe, "geo": stored.geo})
            status, headers = 201, {"location": f"/api/comparisons/{quote(stored.slug, safe='')}?{where}"}
        return json_response(comparisons.ingested(stored), status, headers)

    async def _read_request(self, request: Request) -> jobs_pb2.IngestSnapshotRequest:
        """The request as a message. Parameters are checked before the body is read."""
        query = request.query_params
        timeframe, geo, as_of = parameters.timeframe(query), parameters.single(query, "geo"), parameters.as_of(query)
        terms = query.getlist("term")
        if len(terms) not in (0, 2):
            raise invalid("term", f"term selects two of a file's terms: give it twice, not {len(terms)} times")
        message = jobs_pb2.IngestSnapshotRequest(terms=terms)
        if as_of is not None:
            message.as_of.FromDatetime(as_of)

        kind = request_bodies.media_type(request)
        if kind not in (*request_bodies.CSV_TYPES, "application/json", "multipart/form-data"):
            raise request_bodies.unsupported(kind, "text/csv", "application/json", "multipart/form-data")
        geo = parameters.agreed_geo(geo)
        content = await request_bodies.read_body(request, self.bounds)
        if kind == "application/json":
            _check_json_charset(request, content)
            body = request_bodies.from_json(content, request_bodies.SeriesBody)
            message.series.CopyFrom(request_bodies.series(body))
            timeframe, geo = (
                parameters.agreed_timeframe(timeframe, body.timeframe),
                parameters.agreed_geo(geo, body.geo),
            )
            message.source = body.source or ""
        elif kind == "multipart/form-data":
            message.files.files.extend(await uploads.from_multipart(request, content))
        else:
            message.files.files.append(uploads.from_body(request, content))
        message.timeframe = timeframe or ""
        if geo is not None:
            message.geo = geo
        return message


def _check_json_charset(request: Request, content: bytes) -> None:
    # JSON is Unicode by definition; some clients declare another charset by default, which is harmless for ASCII.
    declared = uploads.charset(request.headers.get("content-type", ""))
    if declared and not declared.startswith("utf") and not content.isascii():
        raise request_bodies.unsupported(f"application/json; charset={declared}", "application/json in UTF-8")
