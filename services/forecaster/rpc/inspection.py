"""Maps an inspection of the cache to its message."""

from __future__ import annotations

from warmcast.forecaster.v1 import forecaster_pb2 as pb

from services.forecaster.cache.inspection import InspectedBundle, InspectedMark, InspectedPair, Inspection, StoredValue
from services.forecaster.rpc.mapping import MAX_ERROR, write_freshness


def write_inspection(inspection: Inspection, *, own_version: str) -> pb.InspectKeysResponse:
    """Maps every key; texts are cut to MAX_ERROR characters."""
    return pb.InspectKeysResponse(
        bundles=map(_pair, inspection.pairs), marks=map(_mark, inspection.marks), engine_version=own_version
    )


def _pair(pair: InspectedPair) -> pb.InspectedBundles:
    return pb.InspectedBundles(
        engine_version=pair.engine_version,
        freshness=write_freshness(pair.freshness),
        defect=pair.defect,
        term_a=_bundle(pair.bundle_a),
        term_b=_bundle(pair.bundle_b),
    )


def _bundle(bundle: InspectedBundle) -> pb.InspectedBundle:
    key = _key(bundle.name, bundle.stored)
    if bundle.run is None:
        return pb.InspectedBundle(key=key, intact=False, defect=bundle.defect)
    return pb.InspectedBundle(
        key=key,
        intact=True,
        lease_id=bundle.run.lease_id,
        engine_version=bundle.run.engine_version,
        generated_at=bundle.run.generated_at,
        has_insights=bundle.run.has_insights,
    )


def _mark(mark: InspectedMark) -> pb.InspectedMark:
    # Other programs may have written the value, so it may be anything.
    text = (mark.stored.value or b"").decode(errors="replace")[:MAX_ERROR]
    return pb.InspectedMark(key=_key(mark.name, mark.stored), name=mark.mark, text=text)


def _key(name: str, stored: StoredValue) -> pb.InspectedKey:
    return pb.InspectedKey(
        name=name, exists=stored.exists, ttl_seconds=stored.ttl_seconds, size_bytes=len(stored.value or b"")
    )
