"""A mutation of a manifest, and the paths to the parts that mutations change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.unit.deploy.mutations.changes import Change

Policy = Callable[..., None]

POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
CRON_CONTAINER = ("spec", "jobTemplate", *CONTAINER)


@dataclass(frozen=True)
class Mutation:
    """A change, and the policy that must fail for it."""

    policy: Policy
    change: Change
    scenario: tuple[str, ...] = ("prod",)  # an overlay and its components
    error: type[BaseException] = AssertionError
