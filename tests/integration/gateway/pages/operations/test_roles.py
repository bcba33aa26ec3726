"""Each route that changes something: who may use it, and forms of other sites."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.pages.browser import SAME_SITE, form_token, log_in, page
from tests.integration.gateway.pages.operations.unsafe import unsafe_paths

READ_SECRET = "a secret of the tests to read"
CHANGING = (
    *("TriggerWarmup", "RequeueJob", "RequeueJobs", "CancelJob", "RunJob"),
    *("PrepareBulkOperation", "ConfirmBulkOperation", "AbortBulkOperation"),
)


@pytest.fixture
async def world(open_world: OpenWorld) -> AsyncIterator[World]:
    """A gateway that accepts both secrets."""
    async with open_world(operator_read_secret=SecretStr(READ_SECRET)) as opened:
        yield opened


def unchanged(world: World) -> bool:
    """Whether no call reached jobs that changes something."""
    return not set(CHANGING) & set(world.jobs.calls)


async def test_a_reader_may_change_nothing(world: World) -> None:
    await log_in(world.client, READ_SECRET)
    token = form_token(page(await world.client.get("/ops/jobs")))
    paths = unsafe_paths(world)
    assert paths
    for path in paths:
        form = {"token": token, "reason": "because", "ids": "1", "action": "requeue"}
        response = await world.client.post(path, data=form, headers=SAME_SITE)
        page(response, 403)
        assert "read-only" in response.text, path
    assert unchanged(world)


async def test_without_a_login_nothing_changes(world: World) -> None:
    for path in unsafe_paths(world):
        page(await world.client.post(path, data={"reason": "because"}, headers=SAME_SITE), 401)
    assert unchanged(world)


@pytest.mark.parametrize("token", ["", "0" * 43])
async def test_a_form_without_its_token_changes_nothing(world: World, token: str) -> None:
    await log_in(world.client)
    for path in unsafe_paths(world):
        page(await world.client.post(path, data={"reason": "because", "token": token}, headers=SAME_SITE), 403)
    assert unchanged(world)


async def test_a_form_of_another_site_changes_nothing(world: World) -> None:
    await log_in(world.client)
    token = form_token(page(await world.client.get("/ops/jobs")))
    other = {"Origin": "http://other.example", "Sec-Fetch-Site": "cross-site"}
    for path in unsafe_paths(world):
        page(await world.client.post(path, data={"reason": "because", "token": token}, headers=other), 403)
    assert unchanged(world)


@pytest.mark.parametrize("path", ["/ops/jobs", "/ops/jobs/42", "/ops/bulk/3", "/ops/comparisons"])
async def test_a_reader_sees_no_form_that_changes_something(world: World, path: str) -> None:
    await log_in(world.client, READ_SECRET)
    html = page(await world.client.get(path))
    assert "read-only operator" in html
    main = html.partition("<main")[2]
    assert 'method="post"' not in main
    assert 'form="selected"' not in main
