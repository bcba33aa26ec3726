"""Replicas, autoscalers, disruption budgets and probes."""

from __future__ import annotations

from services.common.rpc.server.server import READINESS
from tests.unit.deploy.manifests import Manifest, build, of_kind, pods, templates
from tests.unit.deploy.scenarios import SERVICES, containers, selects


def test_every_disruption_budget_allows_one_eviction_and_keeps_a_pod() -> None:
    prod = build("overlays/prod")
    budgets = of_kind(prod, "PodDisruptionBudget")
    assert set(budgets) == set(SERVICES)
    for name, budget in budgets.items():
        assert selects(budget["spec"]["selector"]["matchLabels"], templates(prod)[name])
        assert budget["spec"]["maxUnavailable"] < _min_replicas(prod, name), "draining a node would evict all pods"
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_every_autoscaler_has_its_own_target_without_fixed_replicas(manifests: tuple[Manifest, ...]) -> None:
    deployments = of_kind(manifests, "Deployment")
    scaled = [
        *(each["spec"]["scaleTargetRef"]["name"] for each in of_kind(manifests, "HorizontalPodAutoscaler").values()),
        *(each["spec"]["scaleTargetRef"]["name"] for each in of_kind(manifests, "ScaledObject").values()),
    ]
    assert len(scaled) == len(set(scaled)), "two autoscalers of one target would conflict"
    for name in scaled:
        assert "replicas" not in deployments[name]["spec"], "each apply would reset the autoscaler's replicas"


def test_pods_scaled_by_cpu_request_cpu() -> None:
    prod = build("overlays/prod")
    for scaler in of_kind(prod, "HorizontalPodAutoscaler").values():
        pod = pods(prod)[scaler["spec"]["scaleTargetRef"]["name"]]
        assert all("cpu" in container["resources"]["requests"] for container in pod["containers"])
        assert scaler["spec"]["minReplicas"] >= 2


def test_production_runs_at_least_two_replicas_of_each_service() -> None:
    assert all(_min_replicas(build("overlays/prod"), name) >= 2 for name in SERVICES)


def test_every_probe_uses_a_port_of_its_container(manifests: tuple[Manifest, ...]) -> None:
    for container in containers(manifests):
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container.get(kind, {})
            if "grpc" in probe:
                assert probe["grpc"]["port"] == ports["health"]
                assert probe["grpc"]["service"] == (READINESS if kind == "readinessProbe" else "")
            if "httpGet" in probe:
                assert probe["httpGet"]["port"] in ports


def test_readiness_fails_before_liveness_and_liveness_before_startup(manifests: tuple[Manifest, ...]) -> None:
    for container in containers(manifests):
        if "livenessProbe" in container:
            seconds = {
                kind: container[kind]["periodSeconds"] * container[kind].get("failureThreshold", 3)
                for kind in ("startupProbe", "readinessProbe", "livenessProbe")
            }
            assert seconds["readinessProbe"] < seconds["livenessProbe"] < seconds["startupProbe"]


def _min_replicas(manifests: tuple[Manifest, ...], name: str) -> int:
    scaler = of_kind(manifests, "HorizontalPodAutoscaler").get(name)
    replicas: int = (
        scaler["spec"]["minReplicas"] if scaler else of_kind(manifests, "Deployment")[name]["spec"]["replicas"]
    )
    return replicas
