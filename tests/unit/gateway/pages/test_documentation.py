"""The content of /docs, made of the OpenAPI document."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from html import unescape

import pytest

from services.common.errors import REASONS
from services.gateway.openapi.curl import curl_command
from services.gateway.openapi.document import document
from services.gateway.openapi.examples import recorded_examples
from services.gateway.openapi.listing import Entry, entries
from services.gateway.pages.assets import Assets
from services.gateway.pages.documentation.view import documentation
from services.gateway.pages.rendering import Templates
from services.gateway.pages.text import code

KEPT = recorded_examples()
ORIGIN = "https://warmcast.example"
TEMPLATES = Templates(Assets())
ENTRIES = {f"{entry.method} {entry.path}": entry for entry in entries(document())}
PAGE = documentation(TEMPLATES, origin=ORIGIN).main
FORMS = r'<form class="fields" id="[\w-]+\.form" data-path="([^"]+)"'


def command(operation: str, *, keys_configured: bool = False) -> str:
    return curl_command(ENTRIES[operation], ORIGIN, keys_configured=keys_configured)


def test_every_problem_has_its_anchor_and_every_id_is_unique() -> None:
    ids = Counter(re.findall(r' id="([^"]+)"', PAGE))
    assert {reason.slug for reason in REASONS.values()} <= set(ids)
    assert [name for name, times in ids.items() if times > 1] == []


def test_every_link_within_the_page_has_its_target() -> None:
    ids = set(re.findall(r' id="([^"]+)"', PAGE))
    assert set(re.findall(r'href="#([^"]+)"', PAGE)) <= ids
    assert set(re.findall(r'aria-(?:labelledby|describedby|controls)="([^"]+)"', PAGE)) <= ids


def test_every_operation_has_a_section_and_an_entry_in_the_contents() -> None:
    for entry in ENTRIES.values():
        shown = f'<code><span class="method">{entry.method}</span> {entry.path}</code>'
        assert PAGE.count(shown) == 2, shown


def test_the_examples_are_shown() -> None:
    assert PAGE.count("<summary>Example: ") == sum(
        len(kept) for operation in KEPT.answers.values() for kept in operation.values()
    ) + sum(map(len, KEPT.requests.values()))


def test_words_between_backticks_are_code() -> None:
    assert "`" not in re.sub(r"<pre.*?</pre>", "", PAGE, flags=re.DOTALL)  # bodies are shown unchanged
    assert "<code>warmupStatus</code>" in PAGE


def test_code_escapes_what_it_marks() -> None:
    assert code("<b> `<i>` &") == "&lt;b&gt; <code>&lt;i&gt;</code> &amp;"


def test_each_get_has_a_curl_command() -> None:
    shown = re.findall(r"<code data-curl>(.*?)</code>", PAGE)
    expected = [command(name) for name, entry in ENTRIES.items() if entry.method == "GET"]
    assert [unescape(each) for each in shown] == expected


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.method == "GET"])
def test_a_curl_command_has_each_required_parameter(name: str) -> None:
    entry = ENTRIES[name]
    address = next(word for word in shlex.split(command(name)) if word.startswith(ORIGIN))
    assert "{" not in address
    for parameter in entry.parameters:
        if parameter.required and parameter.place == "query":
            assert f"{parameter.name}={parameter.example}" in address


def test_secrets_are_variables() -> None:
    assert command("GET /api/jobs/{id}") == f'curl "{ORIGIN}/api/jobs/1" -H "X-Warmup-Secret: $WARMUP_SECRET"'
    premium = "GET /api/comparison/premium"
    assert "-H" not in command(premium)
    assert command(premium, keys_configured=True).endswith(' -H "X-API-Key: $API_KEY"')


def test_a_stream_is_not_buffered() -> None:
    assert command("GET /api/comparison/premium/events").startswith("curl -N ")


def test_every_get_has_a_form_except_streams() -> None:
    def can_be_sent(entry: Entry) -> bool:
        return entry.method == "GET" and not entry.streamed

    expected = [entry.path for entry in ENTRIES.values() if can_be_sent(entry)]
    assert "/api/comparison/premium" in expected
    assert re.findall(FORMS, PAGE) == expected


def test_a_form_has_a_labelled_field_for_each_parameter() -> None:
    form = re.search(r'<form [^>]*data-path="/api/comparison/premium".*?</form>', PAGE, re.DOTALL)
    assert form
    names = re.findall(r'<(?:input|select) id="([^"]+)" name="([^"]+)" data-place="(\w+)"', form[0])
    parameters = ENTRIES["GET /api/comparison/premium"].parameters
    assert [(name, place) for _, name, place in names] == [(each.name, each.place) for each in parameters]
    assert [id_ for id_, _, _ in names] == re.findall(r'<label for="([^"]+)"', form[0])


def test_only_with_keys_a_form_has_a_field_for_one() -> None:
    with_keys = documentation(TEMPLATES, origin=ORIGIN, keys_configured=True).main
    assert 'name="X-API-Key"' not in PAGE
    assert with_keys.count('name="X-API-Key" data-place="header" type="password"') == 1


def test_forms_of_guarded_routes_have_a_field_for_the_secret() -> None:
    forms = re.findall(r'<form [^>]*data-path="([^"]+)".*?</form>', PAGE, re.DOTALL)
    guarded = [entry.path for entry in ENTRIES.values() if entry.method == "GET" and entry.guarded]
    assert guarded
    assert set(guarded) <= set(forms)
    assert PAGE.count('name="X-Warmup-Secret" data-place="header" type="password"') == len(guarded)


def test_buttons_and_forms_are_hidden_without_scripts() -> None:
    for tag in re.findall(r"<(?:button|form)[^>]*>", PAGE):
        assert tag.endswith(" hidden>") or 'class="primary"' in tag, tag


def test_metrics_are_left_out_where_they_have_their_own_port() -> None:
    assert "/metrics" not in re.findall(FORMS, documentation(TEMPLATES, metrics=False).main)
