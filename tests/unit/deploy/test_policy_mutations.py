"""Each policy of the manifests complains when what it guards is broken: every guard is tried here, one by one."""

from __future__ import annotations

import copy
from pathlib import Path
from types import FunctionType

import pytest

from devtools import picture
from tests.unit.deploy import test_manifest_policies as between
from tests.unit.deploy import test_manifests as within
from tests.unit.deploy import test_structure as structure
from tests.unit.deploy.manifests import Manifest, build, with_components
from tests.unit.deploy.mutations import environment, life, network, objects, privileges, scale
from tests.unit.deploy.mutations.mutation import Policy

MUTATIONS = {
    name: mutation
    for theme in (objects, scale, life, environment, privileges, network)
    for name, mutation in theme.MUTATIONS.items()
}

# What they guard is no manifest.
OF_SOMETHING_ELSE = {
    "test_the_picture_in_the_readme_is_drawn_from_its_data",  # tried below
    "test_each_component_builds_by_itself",
    "test_the_validator_would_notice",
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_it_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = MUTATIONS[name]
    manifests = _built(mutation.scenario)
    _judge(mutation.policy, manifests, monkeypatch)  # it holds as it is
    changed = copy.deepcopy(list(manifests))
    mutation.change(changed)
    with pytest.raises(mutation.complaint):
        _judge(mutation.policy, tuple(changed), monkeypatch)


def test_a_picture_that_is_not_drawn_anew_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "README.md"
    page.write_text(picture.README.read_text(encoding="utf-8").replace("gateway -->", "client -->"), encoding="utf-8")
    monkeypatch.setattr(picture, "README", page)
    with pytest.raises(AssertionError):
        between.test_the_picture_in_the_readme_is_drawn_from_its_data()


def test_every_policy_is_tried() -> None:
    tried = {name for mutation in MUTATIONS.values() for name in _called(mutation.policy)}
    policies = {name for module in (between, within) for name in vars(module) if name.startswith("test_")}
    assert policies - OF_SOMETHING_ELSE == tried - {"test_kubernetes_runs_these_services_under_these_names"}


def _judge(policy: Policy, manifests: tuple[Manifest, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    # Some policies build what they judge.
    for module in (between, within, structure):
        for builds in ("build", "with_components"):
            if hasattr(module, builds):
                monkeypatch.setattr(module, builds, lambda *_: manifests)
    monkeypatch.setattr(between, "OVERLAYS", ["prod"])
    parameters = policy.__code__.co_argcount if isinstance(policy, FunctionType) else 0
    policy(manifests) if parameters else policy()


def _called(policy: Policy) -> set[str]:
    """The policy's own name, or those that a lambda calls."""
    assert isinstance(policy, FunctionType)
    names = {policy.__name__, *policy.__code__.co_names}
    return {name for name in names if name.startswith("test_")}


def _built(scenario: tuple[str, ...]) -> tuple[Manifest, ...]:
    overlay, *components = scenario
    return with_components(overlay, *components) if components else build(f"overlays/{overlay}")
