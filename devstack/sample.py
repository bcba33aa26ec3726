"""The sample comparison of `make run`: two real series from sample.csv."""

from __future__ import annotations

import csv
import http.client
import json
import time
from pathlib import Path

from devstack.processes.child import DevstackError
from services.common.comparison import pair_slug

SYMBOLS = ("AMZN", "IBM")
TERMS = tuple(f"{symbol.lower()} stock price" for symbol in SYMBOLS)
SLUG = pair_slug(*TERMS)
TIMEFRAME = "all"
SOURCE = "vega_datasets stocks.csv, rescaled to 0-100"
_PRICES = Path(__file__).with_name("sample.csv")
_RETRY_SECONDS = 30.0


def sample() -> dict[str, object]:
    """Monthly closing prices of two stocks, 2000 to 2010, as a body for POST /api/comparisons.

    Both are rescaled together, so that 100 is the highest price of either.
    """
    with _PRICES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    highest = max(float(row[symbol]) for row in rows for symbol in SYMBOLS)
    points = [
        {"date": row["month"], "values": [round(100 * float(row[symbol]) / highest, 2) for symbol in SYMBOLS]}
        for row in rows
    ]
    return {"terms": list(TERMS), "timeframe": TIMEFRAME, "geo": "", "source": SOURCE, "points": points}


def load_sample(host: str, port: int, secret: str) -> dict[str, object]:
    """Imports the sample through the gateway and returns the answer. Raises DevstackError with the gateway's error.

    Retries on 503: a gateway that started before jobs answers so until it reconnects, within about a second.
    """
    until = time.monotonic() + _RETRY_SECONDS
    status, text = _post(host, port, secret)
    while status == http.HTTPStatus.SERVICE_UNAVAILABLE and time.monotonic() < until:
        time.sleep(0.2)
        status, text = _post(host, port, secret)
    if status not in (200, 201):
        raise DevstackError(f"cannot import the sample: the gateway answered {status}: {text[:500]}")
    answer: dict[str, object] = json.loads(text)
    return answer


def _post(host: str, port: int, secret: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=30)
    try:
        connection.request(
            "POST",
            "/api/comparisons",
            json.dumps(sample()),
            {"Content-Type": "application/json", "X-Warmup-Secret": secret},
        )
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise DevstackError(f"cannot import the sample: {error}") from None
    finally:
        connection.close()
