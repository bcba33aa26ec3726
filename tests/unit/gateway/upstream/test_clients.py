from __future__ import annotations

import pytest

from services.common.rpc.limits import MAX_MESSAGE_BYTES
from services.gateway.settings import GatewaySettings
from services.gateway.upstream.calls import rest_name


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("page_token", "cursor"),
        ("page_size", "limit"),
        ("key.timeframe", "tf"),
        ("key.slug", "slug"),
        ("geo", "geo"),
        ("points[3].values", "points[3].values"),
    ],
)
def test_fields_of_messages_have_rest_names(field: str, name: str) -> None:
    assert rest_name(field) == name


def test_the_largest_body_fits_into_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_BODY_BYTES", str(7 * 1024 * 1024))
    assert GatewaySettings().max_body_bytes < MAX_MESSAGE_BYTES
    assert all(field.description for field in GatewaySettings.model_fields.values())
