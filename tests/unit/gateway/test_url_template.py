from __future__ import annotations

import pytest

from services.gateway.url_template import PLACEHOLDERS, UrlTemplate

VALUES = {"jobId": "7", "slug": "å-vs-b", "debugId": "a/b?c&d=e#f", "from": "2026-01-31T12:00:00.000Z", "traceId": ""}


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://logs.example/", "https://logs.example/"),
        ("http://logs.example:3000/a/{jobId}?q={slug}", "http://logs.example:3000/a/7?q=%C3%A5-vs-b"),
        ("https://logs.example/?q={debugId}", "https://logs.example/?q=a%2Fb%3Fc%26d%3De%23f"),
        ("https://logs.example/#{from}{jobId}{jobId}", "https://logs.example/#2026-01-31T12%3A00%3A00.000Z77"),
        ("https://logs.example/%7B{jobId}%7D", "https://logs.example/%7B7%7D"),
    ],
)
def test_values_are_percent_encoded(template: str, url: str) -> None:
    assert UrlTemplate.parse(template).fill(VALUES) == url


@pytest.mark.parametrize("name", ["traceId", "to"])
def test_without_a_value_that_it_needs_there_is_no_url(name: str) -> None:
    assert UrlTemplate.parse(f"https://logs.example/{{{name}}}").fill(VALUES) is None


def test_a_value_with_a_placeholder_is_text() -> None:
    assert UrlTemplate.parse("https://l.example/{slug}").fill({"slug": "{jobId}"}) == "https://l.example/%7BjobId%7D"


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_each_placeholder_is_accepted(name: str) -> None:
    assert UrlTemplate.parse(f"https://logs.example/{{{name}}}").fill({name: "x"}) == "https://logs.example/x"


@pytest.mark.parametrize(
    ("template", "wrong"),
    [
        ("javascript:alert({jobId})", "http:// or https://"),
        ("ftp://logs.example/", "http:// or https://"),
        ("//logs.example/", "http:// or https://"),
        ("https:///path", "http:// or https://"),
        ("https://[logs/", "not a URL"),
        ("https://{slug}.example/", "placeholder in its host"),
        ("https://logs.example/{job}", "{job} is not a placeholder"),
        ("https://logs.example/{}", "{} is not a placeholder"),
        ("https://logs.example/{jobId", "brace without its pair"),
        ("https://logs.example/{{jobId}}", "brace without its pair"),
        ("https://logs.example/a b", "visible ASCII"),
        ("https://logs.example/å", "visible ASCII"),
        (" https://logs.example/", "visible ASCII"),
    ],
)
def test_an_invalid_template_is_refused(template: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong.replace("{", r"\{")):
        UrlTemplate.parse(template)
