"""The example of an own overlay: it builds on the released one, is valid, and makes the changes that it describes."""

from __future__ import annotations

import kubernetes_validate
import pytest

from tests.unit.deploy import test_objects as object_policies
from tests.unit.deploy.manifests import of_kind, own_overlay, pods
from tests.unit.deploy.scenarios import OPERATORS

STORES = {
    "jobs-to-postgres": ("2001:db8:0:1::/64", 6432),
    "migrate-to-postgres": ("2001:db8:0:1::/64", 6432),
    "forecaster-to-redis": ("10.20.30.0/24", 6380),
}


@pytest.mark.parametrize("version", ["1.32", kubernetes_validate.latest_version()])
def test_it_is_valid(version: str) -> None:
    for manifest in own_overlay():
        if manifest["apiVersion"] not in OPERATORS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_every_pod_runs_its_image_and_the_migration_is_named_after_it() -> None:
    images = {container["image"] for pod in pods(own_overlay()).values() for container in pod["containers"]}
    assert images == {"registry.example.com/warmcast:0.1.0-own1"}
    object_policies.test_the_migration_is_named_after_the_release(own_overlay())


def test_only_its_addresses_and_ports_of_stores_are_allowed() -> None:
    policies = of_kind(own_overlay(), "NetworkPolicy")
    for name, (block, port) in STORES.items():
        (rule,) = policies[name]["spec"]["egress"]
        assert rule == {"to": [{"ipBlock": {"cidr": block}}], "ports": [{"port": port, "protocol": "TCP"}]}


def test_its_configuration_is_merged_and_its_component_is_added() -> None:
    (config,) = of_kind(own_overlay(), "ConfigMap").values()
    assert (config["data"]["LOG_LEVEL"], config["data"]["MAX_CONNECTION_AGE_SECONDS"]) == ("warning", "10")
    assert of_kind(own_overlay(), "PrometheusRule")
