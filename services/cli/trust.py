"""`warmcast trust`: accuracy of past forecasts."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.cli.client import WAIT, Wait, connect

_HEAD = f"{'':<14}{'scored':>9}{'winner':>9}{'direction':>11}{'in 80 %':>9}{'in 95 %':>9}{'MAE':>8}{'MASE':>8}"


def trust(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, wait: Wait = WAIT) -> None:
    """Print the accuracy of past forecasts against actual values: in total and for the last 90 days, by timeframe."""
    with connect(wait) as client:
        found = client.get_trust_stats()
    if as_json:
        shown = {"total": _as_dict(found.total), "last90Days": _as_dict(found.last_90_days)}
        typer.echo(json.dumps(shown, indent=2))
        return
    typer.echo(_HEAD)
    for title, period in (("total", found.total), ("last 90 days", found.last_90_days)):
        typer.echo(_line(title, period.overall))
        for each in period.timeframes:
            if each.stats.forecasts:
                typer.echo(_line(f"  {each.timeframe}", each.stats))


def _line(title: str, stats: pb.TrustStats) -> str:
    winner = f"{stats.winner_right:.1%}" if stats.HasField("winner_right") else "–"
    direction = f"{stats.direction_right:.1%}" if stats.HasField("direction_right") else "–"
    in80 = f"{stats.coverage80:.1%}" if stats.HasField("coverage80") else "–"
    in95 = f"{stats.coverage95:.1%}" if stats.HasField("coverage95") else "–"
    mae = f"{stats.mae:.2f}" if stats.HasField("mae") else "–"
    mase = f"{stats.mase:.2f}" if stats.HasField("mase") else "–"
    return f"{title:<14}{stats.forecasts:>9}{winner:>9}{direction:>11}{in80:>9}{in95:>9}{mae:>8}{mase:>8}"


def _as_dict(period: pb.TrustPeriod) -> dict[str, object]:
    return {
        "overall": _stats_as_dict(period.overall),
        "timeframes": {each.timeframe: _stats_as_dict(each.stats) for each in period.timeframes},
    }


def _stats_as_dict(stats: pb.TrustStats) -> dict[str, object]:
    names = [field.json_name for field in stats.DESCRIPTOR.fields]
    values = MessageToDict(stats)
    return dict.fromkeys(names) | values | {"forecasts": stats.forecasts, "points": stats.points}
