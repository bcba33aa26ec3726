from __future__ import annotations

import pytest
from starlette.requests import Request

from services.gateway.routes.requests import uploads


def body(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw})


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/csv", ""),
        ("text/csv; charset=cp1251", "cp1251"),
        ('text/csv;header=present; CHARSET="Windows-1251"', "windows-1251"),
        ("text/csv; charset=", ""),
        ("text/csv; charset", ""),
        ("", ""),
        ("text/csv; charset=" + "x" * 100, "x" * 60),
    ],
)
def test_the_charset_of_a_content_type(content_type: str, charset: str) -> None:
    assert uploads.from_body(body(content_type=content_type), b"x").charset == charset


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="time_series_US.csv"', "time_series_US.csv"),
        ("attachment; filename=a.csv", "a.csv"),
        ("attachment; filename*=UTF-8''caf%C3%A9.csv", "café.csv"),
        ("attachment; filename*=klingon''a.csv", "a.csv"),
        ('attachment; filename="/home/me/a.csv"', "a.csv"),
        ("attachment; filename=C:\\exports\\a.csv", "a.csv"),
        ('attachment; filename="' + "a" * 300 + '"', "a" * 200),
        ("attachment", "the request's body"),
        ('attachment; filename=""', "the request's body"),
        ("\xff;=;;*='", "the request's body"),
    ],
)
def test_a_body_is_named_by_its_content_disposition(disposition: str, name: str) -> None:
    assert uploads.from_body(body(content_disposition=disposition), b"x").name == name


def test_a_body_without_a_content_disposition_has_a_default_name() -> None:
    assert uploads.from_body(body(), b"x").name == "the request's body"
