"""What a bite is, and where in a manifest it bites."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.unit.bites.changes import Change

Policy = Callable[..., None]

POD = ("spec", "template", "spec")
BOX = (*POD, "containers", 0)
CRON_BOX = ("spec", "jobTemplate", *BOX)


@dataclass(frozen=True)
class Bite:
    """A change, and the policy that must complain of it."""

    policy: Policy
    change: Change
    scenario: tuple[str, ...] = ("prod",)  # an overlay and its components
    complaint: type[BaseException] = AssertionError
