from __future__ import annotations

import gzip
import re

import pytest

from services.gateway.http.representation import RawHeaders, Representation, accepts_gzip

TAGS = Representation(b"{}", {}).tags
TAG = TAGS[0].decode()
LONG = b'{"words": "' + b"many " * 1_000 + b'"}'


def _asked(headers: dict[str, str]) -> RawHeaders:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def test_equal_bodies_have_equal_strong_etags() -> None:
    assert Representation(b"{}", {"cache-control": "no-store"}).tags == TAGS
    assert set(TAGS).isdisjoint(Representation(b"{ }", {}).tags)
    assert all(re.fullmatch(rb'"[0-9a-f-]+(gzip)?"', tag) for tag in TAGS)


@pytest.mark.parametrize(
    "lines",
    [
        [TAG],
        [f"W/{TAG}"],
        [f'"other", {TAG}'],
        [f'"a,b" ,W/{TAG}, "c"'],
        ['"other"', TAG],
        [TAG, '"other"'],
        ["*"],
        [" * "],
    ],
)
def test_if_none_match_with_the_etag_gets_304(lines: list[str]) -> None:
    assert _status(lines) == 304


@pytest.mark.parametrize("lines", [[], [""], ['"other"'], [TAG.strip('"')], [TAG[:-2] + '"'], ['"*"'], ["**"]])
def test_if_none_match_without_the_etag_gets_200(lines: list[str]) -> None:
    assert _status(lines) == 200


def _status(if_none_match: list[str]) -> int:
    headers = [(b"if-none-match", line.encode("latin-1")) for line in if_none_match]
    return Representation(b"{}", {}).respond(headers).status_code


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip", "GZIP;q=0.5", "*", "*;q=0.1", "identity;q=0, gzip", "x,*"])
def test_accept_encoding_that_allows_gzip(accepted: str) -> None:
    assert accepts_gzip(accepted.encode())


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.0", "*;q=0", "*, gzip;q=0", "gzipped"])
def test_accept_encoding_that_does_not_allow_gzip(accepted: str) -> None:
    assert not accepts_gzip(accepted.encode())


def test_a_long_body_is_compressed_with_its_own_etag() -> None:
    shown = Representation(LONG, {"cache-control": "max-age=30"})
    plain = shown.respond(_asked({}))
    compressed = shown.respond(_asked({"accept-encoding": "gzip"}))
    assert (plain.body, gzip.decompress(bytes(compressed.body))) == (LONG, LONG)
    assert "content-encoding" not in plain.headers
    assert compressed.headers["content-encoding"] == "gzip"
    for response in (plain, compressed):
        assert response.headers["vary"] == "accept-encoding"
        assert response.headers["cache-control"] == "max-age=30"
        assert response.headers["content-length"] == str(len(response.body))
    assert plain.headers["etag"] != compressed.headers["etag"]
    assert shown.respond(_asked({"accept-encoding": "gzip"})).body is compressed.body


def test_several_accept_encoding_headers_are_combined() -> None:
    response = Representation(LONG, {}).respond([(b"accept-encoding", b"*"), (b"accept-encoding", b"gzip;q=0")])
    assert "content-encoding" not in response.headers


def test_a_304_names_the_etag_of_the_encoding_that_would_be_sent() -> None:
    shown = Representation(LONG, {})
    both = (b"if-none-match", b", ".join(shown.tags))
    assert shown.respond([both]).headers["etag"].encode() == shown.tags[0]
    assert shown.respond([both, (b"accept-encoding", b"gzip")]).headers["etag"].encode() == shown.tags[1]


def test_a_short_body_is_not_compressed() -> None:
    response = Representation(b"{}", {}).respond(_asked({"accept-encoding": "gzip"}))
    assert (response.body, "content-encoding" in response.headers) == (b"{}", False)


@pytest.mark.parametrize("accepted", ["", "gzip"])
@pytest.mark.parametrize("had", ["", "gzip"])
def test_the_etag_of_either_encoding_gets_304(had: str, accepted: str) -> None:
    shown = Representation(LONG, {"cache-control": "max-age=30"})
    tag = shown.respond(_asked({"accept-encoding": had})).headers["etag"]
    response = shown.respond(_asked({"accept-encoding": accepted, "if-none-match": tag}), [(b"age", b"1")])
    assert (response.status_code, response.body) == (304, b"")
    assert response.headers["etag"] == tag  # of the encoding that the client has
    assert (response.headers["cache-control"], response.headers["vary"]) == ("max-age=30", "accept-encoding")
    assert response.headers["age"] == "1"
    assert "content-type" not in response.headers
    assert "content-length" not in response.headers
