"""The list of operators' actions."""

from __future__ import annotations

import pytest
from warmcast.jobs.v1 import operations_pb2

from tests.integration.gateway.conftest import World
from tests.integration.gateway.pages.browser import log_in, page
from tests.integration.gateway.pages.test_listing import HOSTILE, words
from tests.unit.gateway.pages.operations.test_audit import action

PATH = "/ops/audit"


def listed(*actions: operations_pb2.OperatorAction, token: str = "") -> operations_pb2.ListActionsResponse:
    return operations_pb2.ListActionsResponse(actions=actions, next_page_token=token)


async def test_each_action_with_its_reason_and_what_it_was_about(world: World) -> None:
    bulk = action({"status": "failed"}, operation_id=9, operator="secret", count=1_200)
    world.reply(ListActions=listed(action({"jobId": 42}), bulk, token="more"))
    await log_in(world.client)
    html = page(await world.client.get(PATH))
    text = words(html)
    assert "2026-01-01 10:00:00" in text
    assert "Ada queued again job 42 cache restored 3 r-1" in text
    assert "not verified" in text
    assert "all with status failed" in text
    assert "1,200" in text
    for path in ("/ops/jobs/42", "/ops/bulk/9", "/ops/jobs?status=failed", f"{PATH}?cursor=more", f"{PATH}.csv"):
        assert f'href="{path}"' in html, path


async def test_an_empty_audit_says_what_will_be_here(world: World) -> None:
    await log_in(world.client)
    assert "No actions yet" in page(await world.client.get(PATH))
    assert "No more actions" in page(await world.client.get(PATH, params={"cursor": "end"}))


async def test_the_fragment_is_the_list_of_the_same_page(world: World) -> None:
    world.reply(ListActions=listed(action({})))
    await log_in(world.client)
    html = page(await world.client.get(PATH, params={"cursor": "here"}))
    assert f'data-fragment="{PATH}/fragment?cursor=here"' in html
    assert 'id="action-7"' in (await world.client.get(f"{PATH}/fragment?cursor=here")).text
    assert [call.request.page_token for call in world.jobs.calls["ListActions"]] == ["here", "here"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_names_reasons_and_targets_are_text(world: World, text: str) -> None:
    world.reply(ListActions=listed(action({"slug": text}, operator=text[:60], reason=text)))
    await log_in(world.client)
    html = page(await world.client.get(PATH))
    assert "<script>alert" not in html
    assert "<img" not in html


async def test_cells_are_no_formulas(world: World) -> None:
    world.reply(ListActions=listed(action({}, reason="=HYPERLINK(1)")))
    await log_in(world.client)
    assert ",'=HYPERLINK(1)," in (await world.client.get(f"{PATH}.csv")).text
