"""Every policy of the manifests fails if a mutation breaks what it checks."""

from __future__ import annotations

import copy
from pathlib import Path
from types import FunctionType

import pytest

from devtools import picture
from tests.unit.deploy import test_availability as availability_policies
from tests.unit.deploy import test_network_policies as network_policies
from tests.unit.deploy import test_objects as object_policies
from tests.unit.deploy import test_structure as structure
from tests.unit.deploy import test_workloads as workload_policies
from tests.unit.deploy.manifests import Manifest, build, with_components
from tests.unit.deploy.mutations import environment, life, network, objects, privileges, scale
from tests.unit.deploy.mutations.mutation import Policy

MUTATIONS = {
    name: mutation
    for module in (objects, scale, life, environment, privileges, network)
    for name, mutation in module.MUTATIONS.items()
}

POLICIES = (object_policies, availability_policies, network_policies, workload_policies)

# These check something other than a manifest.
WITHOUT_MUTATION = {
    "test_the_readme_s_picture_matches_its_data",  # tested below
    "test_each_base_builds_by_itself",
    "test_the_validator_refuses_an_invalid_manifest",
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_policy_fails_for_the_mutation(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = MUTATIONS[name]
    manifests = _built(mutation.scenario)
    _check(mutation.policy, manifests, monkeypatch)  # it passes without the mutation
    changed = copy.deepcopy(list(manifests))
    mutation.change(changed)
    with pytest.raises(mutation.error):
        _check(mutation.policy, tuple(changed), monkeypatch)


def test_an_outdated_picture_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "README.md"
    page.write_text(picture.README.read_text(encoding="utf-8").replace("gateway -->", "client -->"), encoding="utf-8")
    monkeypatch.setattr(picture, "README", page)
    with pytest.raises(AssertionError):
        network_policies.test_the_readme_s_picture_matches_its_data()


def test_every_policy_has_a_mutation() -> None:
    mutated = {name for mutation in MUTATIONS.values() for name in _called(mutation.policy)}
    policies = {name for module in POLICIES for name in vars(module) if name.startswith("test_")}
    assert policies - WITHOUT_MUTATION == mutated - {"test_kubernetes_runs_services_of_the_same_names"}


def _check(policy: Policy, manifests: tuple[Manifest, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    # Some policies build the manifests themselves.
    for module in (*POLICIES, structure):
        for builds in ("build", "with_components"):
            if hasattr(module, builds):
                monkeypatch.setattr(module, builds, lambda *_: manifests)
    monkeypatch.setattr(object_policies, "OVERLAYS", ["prod"])
    parameters = policy.__code__.co_argcount if isinstance(policy, FunctionType) else 0
    policy(manifests) if parameters else policy()


def _called(policy: Policy) -> set[str]:
    """The policy's name, or the names of the policies that a lambda calls."""
    assert isinstance(policy, FunctionType)
    names = {policy.__name__, *policy.__code__.co_names}
    return {name for name in names if name.startswith("test_")}


def _built(scenario: tuple[str, ...]) -> tuple[Manifest, ...]:
    overlay, *components = scenario
    return with_components(overlay, *components) if components else build(f"overlays/{overlay}")
