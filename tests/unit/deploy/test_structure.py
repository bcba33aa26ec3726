"""Folders, proto packages, import contracts and Kubernetes name the same services."""

from __future__ import annotations

import tomllib

import pytest

from tests.paths import CHECKOUT
from tests.unit.deploy.manifests import K8S, build, of_kind

SHARED = {"common", "cli"}  # shared code, and the command line
SERVICES = {path.name for path in (CHECKOUT / "services").iterdir() if path.is_dir() and path.name[0] != "_"} - SHARED


def test_there_are_three_services() -> None:
    assert {"gateway", "jobs", "forecaster"} == SERVICES


def test_each_grpc_service_has_one_proto_package_of_its_name() -> None:
    packages = {path.name: path for path in (CHECKOUT / "protos" / "warmcast").iterdir()}
    assert packages.keys() == SERVICES - {"gateway"}  # it speaks REST
    for name, folder in packages.items():
        for proto in folder.glob("v*/*.proto"):
            assert f"package warmcast.{name}.{proto.parent.name};" in proto.read_text(), proto


@pytest.mark.parametrize("overlay", sorted(path.name for path in (K8S / "overlays").iterdir()))
def test_kubernetes_runs_services_of_the_same_names(overlay: str) -> None:
    manifests = build(f"overlays/{overlay}")
    stores = of_kind(manifests, "StatefulSet").keys()
    assert of_kind(manifests, "Service").keys() - stores == SERVICES
    assert of_kind(manifests, "Deployment").keys() == SERVICES
    for name, service in of_kind(manifests, "Service").items():
        if name in stores:
            continue
        labels = of_kind(manifests, "Deployment")[name]["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()


def test_the_import_contract_forbids_imports_between_services() -> None:
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (independence,) = [contract for contract in contracts if contract["type"] == "independence"]
    assert set(independence["modules"]) == {f"services.{name}" for name in SERVICES}


def test_each_service_has_a_main_module() -> None:
    for name in SERVICES:
        assert (CHECKOUT / "services" / name / "__main__.py").exists(), name
