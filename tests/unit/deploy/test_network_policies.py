"""The network: allowed connections, application protocols, DNS and TLS."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from devtools import configuration, picture
from tests.unit.deploy.manifests import Manifest, build, of_kind, pods, templates, with_components
from tests.unit.deploy.scenarios import NAME, SERVICES, selects


def test_service_ports_declare_their_application_protocol(manifests: tuple[Manifest, ...]) -> None:
    # No common appProtocol exists for gRPC with TLS.
    secured = "Certificate" in {manifest["kind"] for manifest in manifests}
    protocols = {"http": "http", "grpc": None if secured else "kubernetes.io/h2c"}
    for name in SERVICES:
        for port in of_kind(manifests, "Service")[name]["spec"]["ports"]:
            assert port.get("appProtocol") == protocols[port["name"]], name


def test_every_network_policy_rule_names_its_protocol(manifests: tuple[Manifest, ...]) -> None:
    for name, policy in of_kind(manifests, "NetworkPolicy").items():
        for rule in [*policy["spec"].get("egress", []), *policy["spec"].get("ingress", [])]:
            # The server adds a default, so `kubectl apply` would report an unchanged policy as configured.
            assert all("protocol" in port for port in rule["ports"]), name


def test_the_readme_s_picture_matches_its_data() -> None:
    page = picture.README.read_text(encoding="utf-8")
    assert page == picture.redrawn(page), "run `make docs`"


@pytest.mark.parametrize(("overlay", "redis"), [("dev", "valkey"), ("prod", "redis")])
def test_network_policies_allow_exactly_the_picture_s_connections(overlay: str, redis: str) -> None:
    arrows = {(arrow.source, arrow.target, arrow.port) for arrow in picture.arrows() if arrow.port is not None}
    arrows = {(source, redis if target == "redis" else target, port) for source, target, port in arrows}
    stores = {"postgres": 5432, redis: 6379}
    egress, ingress = _arrows(build(f"overlays/{overlay}"), {port: name for name, port in stores.items()})
    assert egress == {arrow for arrow in arrows if arrow[0] != "client"}
    # Policies cannot restrict ingress to stores outside the cluster.
    expected_ingress = {arrow for arrow in arrows if overlay == "dev" or arrow[1] not in stores}
    assert ingress == expected_ingress


def test_the_default_policy_denies_all_traffic(manifests: tuple[Manifest, ...]) -> None:
    deny = of_kind(manifests, "NetworkPolicy")["default-deny"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(("component", "port"), [("dns-node-local", 53), ("dns-openshift", 5353)])
def test_a_dns_component_allows_its_resolver_to_every_pod(component: str, port: int) -> None:
    policy = of_kind(with_components("prod", component), "NetworkPolicy")[component]["spec"]
    (rule,) = policy["egress"]
    assert (policy["podSelector"], policy["policyTypes"]) == ({}, ["Egress"])
    assert rule["to"]
    assert rule["ports"] == [{"port": port, "protocol": protocol} for protocol in ("UDP", "TCP")]


def test_external_stores_may_have_ipv4_and_ipv6_addresses() -> None:
    for name in ("jobs-to-postgres", "migrate-to-postgres", "forecaster-to-redis"):
        (rule,) = of_kind(build("overlays/prod"), "NetworkPolicy")[name]["spec"]["egress"]
        assert {ip_network(peer["ipBlock"]["cidr"]).version for peer in rule["to"]} == {4, 6}, name


def test_every_network_policy_selects_a_pod(manifests: tuple[Manifest, ...]) -> None:
    for name, policy in of_kind(manifests, "NetworkPolicy").items():
        selector = policy["spec"]["podSelector"]
        if selector and "matchExpressions" not in selector:
            assert any(selects(selector["matchLabels"], each) for each in templates(manifests).values()), name


def test_every_pod_with_grpc_has_its_tls_files() -> None:
    secured = with_components("prod", "tls")
    (certificate,) = [each for each in of_kind(secured, "Certificate").values() if "dnsNames" in each["spec"]]
    assert {"jobs", "forecaster"} <= set(certificate["spec"]["dnsNames"])
    for name, pod in pods(secured).items():
        files = {each["name"]: each["value"] for each in pod["containers"][0]["env"] if each["name"].startswith("TLS_")}
        assert len(files) == (0 if name == "migrate" else 3), name
        assert set(files) <= configuration.known_variables()
        mounts = {mount["mountPath"] for mount in pod["containers"][0].get("volumeMounts", [])}
        assert all(path.rpartition("/")[0] in mounts for path in files.values())


def _arrows(
    manifests: tuple[Manifest, ...], outside: dict[int, str]
) -> tuple[set[tuple[str, str, int]], set[tuple[str, str, int]]]:
    """The allowed egress and ingress, as (source, target, port). `outside` names the stores behind address blocks."""
    egress, ingress = set(), set()
    for policy in of_kind(manifests, "NetworkPolicy").values():
        if policy["metadata"]["name"] in {"default-deny", "dns"}:
            continue
        owner = _name_of(policy["spec"]["podSelector"])
        for rule in policy["spec"].get("egress", []):
            for peer, port in _peers(rule, "to"):
                egress.add((owner, outside[port] if "ipBlock" in peer else _name_of(peer["podSelector"]), port))
        for rule in policy["spec"].get("ingress", []):
            for peer, port in _peers(rule, "from"):
                ingress.add((_name_of(peer["podSelector"]) if peer else "client", owner, port))
    return egress, ingress


def _peers(rule: dict[str, Any], side: str) -> Iterator[tuple[dict[str, Any], int]]:
    for peer in rule.get(side, [{}]):
        for port in rule["ports"]:
            yield peer, port["port"]


def _name_of(selector: dict[str, Any]) -> str:
    labels = selector["matchLabels"]
    return "schedules" if labels.get("app.kubernetes.io/component") == "schedule" else str(labels[NAME])
