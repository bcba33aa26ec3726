"""Import in a browser: drop, preview, choice, confirmation, with and without JavaScript."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import FilePayload, Page, expect
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.browser.conftest import OpenSite
from tests.browser.harness.accessibility import check_page
from tests.browser.harness.site import Site
from tests.integration.gateway.data import HASH
from tests.integration.gateway.pages.imports import column, import_calls, read, read_pair, stored_pair

FILE: FilePayload = {"name": "multiTimeline.csv", "mimeType": "text/csv", "buffer": b"Week,amazon,costco\n"}
SECOND: FilePayload = {"name": "second.csv", "mimeType": "text/csv", "buffer": b"Week,costco\n"}
DROP = """() => {
  const transfer = new DataTransfer();
  transfer.items.add(new File(["Week,amazon,costco"], "dropped.csv", { type: "text/csv" }));
  for (const name of ["dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""


async def logged_in(site: Site) -> Page:
    """The import page after a login."""
    page = await site.open("/login?next=/import")
    await site.log_in(page)
    await page.wait_for_url("**/import")
    return page


def files(site: Site, call: int) -> list[str]:
    """The names of the files that a call sent."""
    return [each.name for each in import_calls(site.world)[call].request.snapshot.files.files]


async def test_drop_preview_import_and_compare(site: Site) -> None:
    site.world.reply(PreviewSnapshot=read_pair(), IngestPreviewed=stored_pair())
    page = await logged_in(site)
    await check_page(site, page)
    await page.evaluate(DROP)
    heading = page.get_by_role("heading", name="amazon vs costco")
    await expect(heading).to_be_focused()
    await check_page(site, page)
    await page.get_by_role("button", name="Import", exact=True).click()
    await page.wait_for_url("**/compare/amazon-vs-costco?tf=12m")
    assert (files(site, 0), files(site, 1)) == (["dropped.csv"], ["dropped.csv"])
    assert site.world.jobs.only("IngestPreviewed").request.data_hash == HASH


async def test_a_dropped_file_of_one_term_is_joined_by_a_second_one(site: Site) -> None:
    site.world.reply(PreviewSnapshot=read(column("tea", chosen=False)))
    page = await logged_in(site)
    await page.evaluate(DROP)
    await expect(page.get_by_role("heading", name="tea needs a second term")).to_be_focused()
    await check_page(site, page)
    pair: dict[str, Any] = {"slug": "milk-vs-tea", "terms": ("milk", "tea"), "data_hash": HASH}
    both = read(column("milk"), column("tea"), scaled_apart=True, **pair)
    stored = jobs_pb2.IngestPreviewedResponse(snapshot=both.snapshot)
    site.world.reply(PreviewSnapshot=both, IngestPreviewed=stored)
    await page.get_by_label("File of the second term").set_input_files(SECOND)
    await page.get_by_role("button", name="Preview both").click()
    await expect(page.get_by_role("heading", name="milk vs tea")).to_be_focused()
    await expect(page.get_by_text("there will be no winner")).to_be_visible()
    await page.get_by_role("button", name="Import", exact=True).click()
    await page.wait_for_url("**/compare/milk-vs-tea?tf=12m")
    assert files(site, 1) == files(site, 2) == ["dropped.csv", "second.csv"]


async def test_two_of_many_terms_are_chosen(site: Site) -> None:
    site.world.reply(PreviewSnapshot=read(*(column(term, chosen=False) for term in ("tea", "coffee", "milk"))))
    page = await logged_in(site)
    await page.get_by_label("CSV file").set_input_files(FILE)
    await page.get_by_role("button", name="Preview").click()
    await page.get_by_role("checkbox", name="tea").check()
    await check_page(site, page)
    await page.get_by_role("button", name="Preview these two").click()
    await expect(page.get_by_role("alert")).to_have_text("Choose two terms, not 1.")
    await page.get_by_role("checkbox", name="milk").check()
    pair: dict[str, Any] = {"slug": "milk-vs-tea", "terms": ("milk", "tea"), "data_hash": HASH}
    site.world.reply(PreviewSnapshot=read(column("tea"), column("milk"), column("coffee", values=0), **pair))
    await page.get_by_role("button", name="Preview these two").click()
    await expect(page.get_by_role("heading", name="milk vs tea")).to_be_visible()
    await page.get_by_text("Read it in another way").click()
    await check_page(site, page)
    assert list(site.world.jobs.calls["PreviewSnapshot"][1].request.snapshot.terms) == ["tea", "milk"]


async def test_a_second_file_joins_the_first(site: Site) -> None:
    site.world.reply(PreviewSnapshot=read(column("tea", chosen=False)))
    page = await logged_in(site)
    await page.get_by_label("CSV file").set_input_files(FILE)
    await page.get_by_role("button", name="Preview").click()
    await page.get_by_label("File of the second term").set_input_files(SECOND)
    await check_page(site, page)
    await page.get_by_role("button", name="Preview both").click()
    await expect(page.get_by_role("heading", name="needs a second term")).to_be_focused()
    assert files(site, 1) == ["multiTimeline.csv", "second.csv"]


async def test_an_error_keeps_the_file_and_the_settings(site: Site) -> None:
    site.watch.expected_statuses.add(400)
    site.world.reply(
        PreviewSnapshot=WarmcastError(errors.UNREADABLE_INPUT, "line 3, column “tea”: “x” is not a number")
    )
    page = await logged_in(site)
    await page.get_by_text("Timeframe, place, time and charset").click()
    await page.get_by_label("Place").fill("US")
    await page.get_by_label("CSV file").set_input_files(FILE)
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("alert")).to_contain_text("Line 3, column “tea”: “x” is not a number.")
    await check_page(site, page)
    site.world.reply(PreviewSnapshot=read_pair())
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("heading", name="amazon vs costco")).to_be_visible()
    assert files(site, 1) == ["multiTimeline.csv"]
    assert site.world.jobs.calls["PreviewSnapshot"][1].request.snapshot.geo == "US"


async def test_an_unreachable_server_is_named(site: Site) -> None:
    page = await logged_in(site)
    await page.get_by_label("CSV file").set_input_files(FILE)
    await page.route("**/import", lambda route: route.abort())
    with site.watch.paused():
        await page.get_by_role("button", name="Preview").click()
        await expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")


@pytest.mark.parametrize(
    ("status", "words"),
    [(502, "The server did not return a page (status 502)."), (413, "The files are too large.")],
)
async def test_the_answer_of_a_proxy_is_no_lost_connection(site: Site, status: int, words: str) -> None:
    site.watch.expected_statuses.add(status)
    page = await logged_in(site)
    await page.get_by_label("CSV file").set_input_files(FILE)
    await page.route(
        "**/import", lambda route: route.fulfill(status=status, body="<h1>proxy</h1>", content_type="text/html")
    )
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("alert")).to_contain_text(words)
    await page.unroute("**/import")
    site.world.reply(PreviewSnapshot=read_pair())
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("heading", name="amazon vs costco")).to_be_visible()
    assert files(site, 0) == ["multiTimeline.csv"]


async def test_three_files_are_not_sent(site: Site) -> None:
    page = await logged_in(site)
    await page.get_by_label("CSV file").set_input_files([FILE, SECOND, SECOND])
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("alert")).to_have_text("Choose one or two files, not 3.")
    assert not import_calls(site.world)


async def test_a_file_that_is_gone_has_to_be_chosen_again(site: Site, tmp_path: Path) -> None:
    site.world.reply(PreviewSnapshot=read_pair())
    page = await logged_in(site)
    export = tmp_path / "export.csv"
    export.write_text("Week,amazon,costco")
    await page.get_by_label("CSV file").set_input_files(export)
    export.unlink()
    with site.watch.paused():
        await page.get_by_role("button", name="Preview").click()
        await expect(page.get_by_role("alert")).to_contain_text("Choose it again.")


async def test_too_large_files_are_not_sent(open_site: OpenSite) -> None:
    async with open_site(max_body_bytes=2_000) as site:
        page = await logged_in(site)
        await page.get_by_label("CSV file").set_input_files({**FILE, "buffer": b"x" * 3_000})
        await page.get_by_role("button", name="Preview").click()
        await expect(page.get_by_role("alert")).to_contain_text("The files are too large.")
        assert site.requests.all["/import"] == 1, "the form was sent"
        assert not import_calls(site.world)


async def test_without_scripts_a_too_large_file_leads_back_to_the_form(open_site: OpenSite) -> None:
    async with open_site({"java_script_enabled": False}, max_body_bytes=2_000) as site:
        site.watch.expected_statuses.add(413)
        page = await logged_in(site)
        await page.get_by_label("CSV file").set_input_files({**FILE, "buffer": b"x" * 3_000})
        await page.get_by_role("button", name="Preview").click()
        await expect(page.get_by_role("alert")).to_contain_text("Export fewer terms or a shorter time.")
        await expect(page.get_by_label("CSV file")).to_be_visible()


async def test_files_that_the_server_refuses_as_too_large_are_kept_in_the_form(open_site: OpenSite) -> None:
    async with open_site(max_body_bytes=2_000) as site:
        site.watch.expected_statuses.add(413)
        page = await logged_in(site)
        await page.locator("form[data-max-bytes]").evaluate("(form) => { form.dataset.maxBytes = 9_000; }")
        await page.get_by_label("CSV file").set_input_files({**FILE, "buffer": b"x" * 3_000})
        await page.get_by_role("button", name="Preview").click()
        await expect(page.get_by_role("alert")).to_contain_text("The request is too large.")
        await expect(page.get_by_text("Kept from the step before: multiTimeline.csv")).to_be_visible()
        await check_page(site, page)


async def test_without_scripts_the_file_is_chosen_again(open_site: OpenSite) -> None:
    async with open_site({"java_script_enabled": False}) as site:
        site.world.reply(PreviewSnapshot=read_pair(), IngestPreviewed=stored_pair())
        page = await logged_in(site)
        await page.get_by_label("CSV file").set_input_files(FILE)
        await page.get_by_role("button", name="Preview").click()
        await page.get_by_label("The same file again").set_input_files(FILE)
        await page.get_by_role("button", name="Import", exact=True).click()
        await page.wait_for_url("**/compare/amazon-vs-costco?tf=12m")
        preview = site.world.jobs.only("PreviewSnapshot").request
        confirm = site.world.jobs.only("IngestPreviewed").request
        assert confirm.data_hash == HASH
        assert preview.snapshot.files == confirm.snapshot.files


@pytest.mark.parametrize("reply", [read_pair(created=False), read_pair(scaled_apart=True, partial_last_period=True)])
async def test_remarks_on_the_data_are_readable(site: Site, reply: jobs_pb2.PreviewSnapshotResponse) -> None:
    site.world.reply(PreviewSnapshot=reply)
    page = await logged_in(site)
    await page.get_by_label("CSV file").set_input_files(FILE)
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("heading", name="amazon vs costco")).to_be_visible()
    await check_page(site, page)


async def test_without_a_login_the_page_leads_to_it(site: Site) -> None:
    page = await site.open("/import")
    await check_page(site, page)
    await page.get_by_role("main").get_by_role("link", name="Log in").click()
    await site.log_in(page)
    await expect(page.get_by_label("CSV file")).to_be_visible()
