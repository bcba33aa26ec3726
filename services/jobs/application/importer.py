"""Imports: parsed tables become the current snapshot of a comparison."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from services.common import errors
from services.common.comparison import TIMEFRAMES, canonical_slug, invalid, parse_geo, parse_timeframe
from services.common.errors import WarmcastError
from services.jobs.application.metrics import count_enqueued
from services.jobs.domain.comparison import ImportResult, check_owner
from services.jobs.domain.job import EnqueueReason
from services.jobs.domain.operations import Actor, Record
from services.jobs.domain.signals import Signals, term_signals
from services.jobs.domain.snapshot import ImportedData, ImportedSnapshot, Snapshot
from services.jobs.ingest.preview import Preview, needs_choice, read_columns
from services.jobs.ingest.snapshot import as_of_from_names, build_snapshot, describe
from services.jobs.ingest.table import Table

_MAX_SOURCE = 200


@dataclass(frozen=True)
class ImportRequest:
    """How tables are interpreted; empty or None: inferred from the data."""

    timeframe: str = ""
    geo: str | None = None
    terms: tuple[str, ...] = ()  # the two to keep of more
    expected_slug: str = ""  # the comparison that the data must belong to
    as_of: datetime | None = None
    source: str = ""
    expected_data_hash: str = ""


class SnapshotStore(Protocol):
    """What an import needs of postgres.comparisons.Comparisons."""

    async def now(self) -> datetime: ...

    async def terms_of(self, slug: str) -> tuple[str, str] | None: ...

    async def has(self, snapshot: Snapshot) -> bool: ...

    async def ingest(
        self, snapshot: ImportedSnapshot, signals: tuple[Signals, Signals], *, record: Record | None = None
    ) -> ImportResult: ...


class EarlierForecasts(Protocol):
    """What an import needs of scorer.Scorer."""

    async def score_earlier(self, snapshot: Snapshot) -> int: ...


class Importer:
    """Turns tables into the current snapshot of a comparison."""

    def __init__(self, store: SnapshotStore, earlier: EarlierForecasts) -> None:
        self._store = store
        self._earlier = earlier

    async def ingest(
        self, tables: Sequence[Table], request: ImportRequest, actor: Actor
    ) -> tuple[ImportedSnapshot, ImportResult]:
        """Stores the snapshot and records who imported it, then scores the forecasts whose horizon it completes.

        Raises WarmcastError that names the invalid field, with nothing written; DATA_MISMATCH if the data have another
        hash than expected.
        """
        snapshot = await self._snapshot(tables, request)
        season = TIMEFRAMES[snapshot.timeframe].season
        signals_a, signals_b = (
            term_signals(values, season=season, partial_last_period=snapshot.partial_last_period)
            for values in (snapshot.values_a, snapshot.values_b)
        )
        target = {**snapshot.comparison._asdict(), "dataHash": snapshot.data_hash}
        result = await self._store.ingest(snapshot, (signals_a, signals_b), record=Record(actor, target))
        if result.warmup_triggered:
            count_enqueued(EnqueueReason.IMPORT)
        await self._earlier.score_earlier(snapshot)
        return snapshot, result

    async def preview(self, tables: Sequence[Table], request: ImportRequest) -> Preview:
        """What `ingest` would store; stores nothing. Raises the same errors.

        One file with one term, or with more than two and no choice, is described without a snapshot.
        """
        if needs_choice(tables, request.terms, known=bool(request.expected_slug)):
            _check(request)
            [table] = tables
            as_of = await self._as_of(request.as_of, table.as_of)
            data = describe(
                tables,
                table.step,
                table.times,
                table.cleaned,
                timeframe=request.timeframe,
                geo=request.geo,
                as_of=as_of,
            )
            columns = read_columns(tables, (), partial_period=_partial_period(data), undecided=True)
            return Preview(data, columns, created=False)
        snapshot = await self._snapshot(tables, request)
        owner = await self._store.terms_of(snapshot.slug)
        if owner:
            check_owner(owner, snapshot)
            snapshot = replace(snapshot, terms=owner)
        created = not await self._store.has(snapshot)
        columns = read_columns(tables, request.terms, partial_period=_partial_period(snapshot))
        return Preview(snapshot, columns, created)

    async def _snapshot(self, tables: Sequence[Table], request: ImportRequest) -> ImportedSnapshot:
        _check(request)
        expected = await self._expected(request.expected_slug) if request.expected_slug else None

        def build(as_of: datetime) -> ImportedSnapshot:
            return build_snapshot(
                tables,
                timeframe=request.timeframe,
                geo=request.geo,
                pick=request.terms,
                as_of=as_of,
                source=request.source,
                expected_terms=expected,
            )

        named = as_of_from_names(tables)
        snapshot = build(await self._as_of(request.as_of, named))
        if request.as_of is None and named is None and not snapshot.partial_last_period:
            # The same data imported again after the end of their last period keep their hash: it stays partial.
            before = build(snapshot.times[-1])
            snapshot = before if await self._store.has(before) else snapshot
        if request.expected_data_hash not in ("", snapshot.data_hash):
            raise WarmcastError(
                errors.DATA_MISMATCH,
                f"these data have the hash {snapshot.data_hash}, not the expected one: the file or the time of the "
                f"data (asOf, here {snapshot.as_of.isoformat()}) differs; preview the file again",
                fields=(("data_hash", f"the data have the hash {snapshot.data_hash}"),),
            )
        return snapshot

    async def _expected(self, slug: str) -> tuple[str, str]:
        canonical = canonical_slug(slug)
        terms = await self._store.terms_of(canonical)
        if terms is None:
            raise WarmcastError(errors.NOT_FOUND, f"there is no comparison {canonical}; its first import is a POST")
        return terms

    async def _as_of(self, given: datetime | None, named: datetime | None) -> datetime:
        # PostgreSQL's clock: it decides whether the last period is partial, which is part of the data hash.
        now = await self._store.now()
        if given is None:
            return min(now, named) if named else now
        if given > now + timedelta(days=1):
            raise invalid("asOf", f"asOf {given.isoformat()} lies in the future")
        return given


def _partial_period(data: ImportedData | ImportedSnapshot) -> datetime | None:
    return data.times[-1] if data.partial_last_period else None


def _check(request: ImportRequest) -> None:
    parse_timeframe(request.timeframe)
    parse_geo(request.geo or "")
    if len(request.source) > _MAX_SOURCE:
        raise invalid("source", f"the source is longer than {_MAX_SOURCE} characters")
    if any(unicodedata.category(character) == "Cc" for character in request.source):
        raise invalid("source", "the source has a control character")
