"""Routes of the console that change something: who may use them."""

from __future__ import annotations

import pytest

from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.pages.browser import SAME_SITE, form_token, log_in, page
from tests.integration.gateway.pages.operations.actions import READ_SECRET, UNSAFE, WITH_READER

FORM = {"action": "requeue", "reason": "why", "job-42": "on"}
CHANGES = {
    "RequeueJob",
    "CancelJob",
    "RunJob",
    "PrepareBulkOperation",
    "ConfirmBulkOperation",
    "AbortBulkOperation",
}


def unchanged(world: World) -> bool:
    return not CHANGES & world.jobs.calls.keys()


@pytest.mark.parametrize("path", UNSAFE)
async def test_a_reader_is_refused(open_world: OpenWorld, path: str) -> None:
    async with open_world(**WITH_READER) as world:
        await log_in(world.client, READ_SECRET)
        html = page(await world.client.get("/ops/jobs"))
        response = await world.client.post(path, data={**FORM, "token": form_token(html)}, headers=SAME_SITE)
        assert "read-only" in page(response, 403)
        assert unchanged(world)


@pytest.mark.parametrize("path", UNSAFE)
async def test_without_a_login_nothing_changes(world: World, path: str) -> None:
    page(await world.client.post(path, data=FORM, headers=SAME_SITE), 401)
    assert unchanged(world)


@pytest.mark.parametrize("path", UNSAFE)
async def test_a_form_needs_the_token_of_the_login(world: World, path: str) -> None:
    await log_in(world.client)
    for token in ("", "0" * 64):
        page(await world.client.post(path, data={**FORM, "token": token}, headers=SAME_SITE), 403)
    assert unchanged(world)


@pytest.mark.parametrize("path", UNSAFE)
async def test_a_form_of_another_site_is_refused(world: World, path: str) -> None:
    await log_in(world.client)
    token = form_token(page(await world.client.get("/ops/jobs")))
    form = {**FORM, "token": token}
    for headers in ({}, {"Origin": "http://evil.example"}, {**SAME_SITE, "Sec-Fetch-Site": "cross-site"}):
        page(await world.client.post(path, data=form, headers=headers), 403)
    assert unchanged(world)


@pytest.mark.parametrize("path", ["/ops/jobs", "/ops/jobs/42", "/ops/bulk/3"])
async def test_a_reader_sees_no_buttons(open_world: OpenWorld, path: str) -> None:
    async with open_world(**WITH_READER) as world:
        await log_in(world.client, READ_SECRET)
        html = page(await world.client.get(path))
        assert "read-only operator" in html
        main = html.partition("<main")[2]
        assert 'method="post"' not in main
        assert 'type="checkbox" id="select' not in main
