"""The track record: forecasts scored against actual values, through the whole product."""

from __future__ import annotations

import csv
import json
from statistics import fmean

import pytest

from tests.e2e.calls import Answer, export
from tests.e2e.conftest import Call, Product
from tests.e2e.test_cli import warmcast
from tests.waiting import wait_until

HORIZON = 26  # weeks, of 5y


def test_newer_data_score_the_forecasts_of_older_data(running_product: Product, call: Call) -> None:
    caller = call(running_product)
    path = "/api/forecast/trust-stats"
    before = caller.http.get(path).json()
    assert before["total"]["overall"]["forecasts"] == 0
    assert before["total"]["overall"]["winnerRight"] is None

    caller.ingest(export())
    caller.premium()
    bundles = caller.until("ready")["insightsPack"]["forecasts"]
    assert len(bundles["termA"]["points"]) == HORIZON
    # Premium serves bundles as soon as they are in the cache; newer data would supersede a run that has not settled.
    wait_until(lambda: [row["status"] for row in caller.rows()] == ["ready"], 10, "the run has settled")
    # Google scales each export to its own maximum.
    newer = caller.ingest(export(weeks=104 + HORIZON, scale=0.7))
    assert bundles["termA"]["points"][-1]["date"] == newer["lastDate"]

    answer = caller.http.get(path)
    trust = answer.json()
    stats = trust["total"]["overall"]
    assert (stats["forecasts"], stats["points"]) == (1, 2 * HORIZON)
    assert stats["winnerRight"] == 1.0, "amazon is far above costco in all weeks"
    # Rounding in another scale causes a small error; without rescaling the error would be 13 points.
    assert stats["mae"] == pytest.approx(error_of(bundles), abs=0.8)
    assert trust["total"] == trust["last90Days"]
    assert trust["total"]["timeframes"]["5y"] == stats
    assert caller.http.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304

    caller.ingest(export(weeks=104 + HORIZON, scale=0.7))
    caller.ingest(export())
    assert caller.http.get(path).json() == trust
    output = warmcast(running_product, "trust", "--json")
    assert (output.returncode, json.loads(output.stdout)) == (0, trust)


def error_of(bundles: Answer) -> float:
    """The mean absolute error of both bundles against the longer export, on the scale of the shorter one."""
    actual = list(csv.reader(export(weeks=104 + HORIZON).decode().splitlines()))[-HORIZON:]
    return fmean(
        abs(point["value"] - float(row[column]))
        for column, name in ((1, "termA"), (2, "termB"))
        for point, row in zip(bundles[name]["points"], actual, strict=True)
    )
