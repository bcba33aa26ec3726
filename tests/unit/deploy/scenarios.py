"""Combinations of an overlay and components that policies are checked for, and helpers to read manifests."""

from __future__ import annotations

from typing import Any

from tests.unit.deploy.manifests import COMPONENTS, OVERLAYS, Manifest, pods

SCENARIOS = {
    **{name: (name,) for name in OVERLAYS},
    # dev-stores belongs to dev; prod uses external stores.
    **{f"prod with {name}": ("prod", name) for name in COMPONENTS if name != "dev-stores"},
    "prod with what goes together": ("prod", *(name for name in COMPONENTS if name != "dev-stores")),
}
SERVICES = ("gateway", "jobs", "forecaster")
# API versions of operators; kubernetes-validate knows only those of Kubernetes.
OPERATORS = {
    "cert-manager.io/v1",
    "external-secrets.io/v1",
    "gateway.networking.k8s.io/v1",
    "keda.sh/v1alpha1",
    "monitoring.coreos.com/v1",
}
NAME = "app.kubernetes.io/name"


def selects(labels: dict[str, str], template: dict[str, Any]) -> bool:
    """Whether a selector with these labels matches pods of this template."""
    return bool(labels.items() <= template["metadata"]["labels"].items())


def containers(manifests: tuple[Manifest, ...]) -> list[dict[str, Any]]:
    """All containers of all pods."""
    return [container for pod in pods(manifests).values() for container in pod["containers"]]
