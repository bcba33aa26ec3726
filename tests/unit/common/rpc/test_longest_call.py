"""No connection is closed under a call that the settings allow."""

from __future__ import annotations

from typing import Any

import pytest
from annotated_types import Le

from services.cli.client import DEADLINES
from services.common.rpc.limits import LONGEST_CALL_SECONDS
from services.common.settings import Settings
from services.forecaster.settings import ForecasterSettings
from services.gateway.settings import GatewaySettings
from services.jobs.settings import JobsSettings


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (GatewaySettings, "run_warmup_seconds"),
        (GatewaySettings, "command_timeout_seconds"),
        (JobsSettings, "attempt_deadline_seconds"),
        (ForecasterSettings, "forecast_deadline_seconds"),
    ],
)
def test_a_connection_outlives_the_longest_call_on_it(kind: type[Settings], name: str) -> None:
    most: list[Any] = [bound.le for bound in kind.model_fields[name].metadata if isinstance(bound, Le)]
    assert len(most) == 1
    assert most[0] <= LONGEST_CALL_SECONDS


def test_the_command_line_s_calls_are_within_it_too() -> None:
    assert DEADLINES.run <= LONGEST_CALL_SECONDS
