"""The sample comparison, and its import."""

from __future__ import annotations

import json
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from devstack.sample import SLUG, load_sample, sample


def test_the_sample_is_ten_years_of_two_stocks_on_a_common_scale() -> None:
    body = json.loads(json.dumps(sample()))
    assert body["terms"] == ["amzn stock price", "ibm stock price"]
    assert SLUG == "amzn-stock-price-vs-ibm-stock-price"
    assert body["timeframe"] == "all"
    assert "vega_datasets" in body["source"]
    dates = [date.fromisoformat(point["date"]) for point in body["points"]]
    assert (len(dates), dates[0], dates[-1]) == (123, date(2000, 1, 1), date(2010, 3, 1))
    assert dates == sorted(dates)
    values = [value for point in body["points"] for value in point["values"]]
    assert max(values) == 100
    assert min(values) > 0
    # IBM's price in January 2000 over Amazon's, as in the file: 100.52 and 64.56.
    first = body["points"][0]["values"]
    assert abs(first[1] / first[0] - 100.52 / 64.56) < 0.001


class _NotYet(BaseHTTPRequestHandler):
    """A gateway that answers 503 to its first two calls."""

    calls = 0

    def do_POST(self) -> None:
        """The name that http.server requires."""
        type(self).calls += 1
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(503 if self.calls < 3 else 201)
        self.end_headers()
        self.wfile.write(b'{"slug": "x"}')


def test_the_import_is_retried_while_the_gateway_answers_503() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _NotYet) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        assert load_sample("127.0.0.1", server.server_port, "secret") == {"slug": "x"}
        server.shutdown()
        serving.join()
    assert _NotYet.calls == 3
