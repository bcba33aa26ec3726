"""Renders manifests with kustomize, and reads from a pod its program, environment, ports, probes and grace period."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from devstack.processes.child import DevstackError
from rehearsal.probes import Probe

# A YAML document of any content.
Manifest = dict[str, Any]
KUBECTL = Path(sys.executable).parent / "kubectl"
ENTRYPOINT = (sys.executable, "-m", "services.cli")  # the image's `warmcast`
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def build(folder: Path) -> tuple[Manifest, ...]:
    """The manifests that `kubectl apply -k FOLDER` would send. Raises DevstackError with kustomize's error."""
    built = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False)
    if built.returncode != 0:
        raise DevstackError(f"kubectl kustomize {folder}: {built.stderr}")
    return tuple(yaml.safe_load_all(built.stdout))


def of_kind(manifests: Iterable[Manifest], kind: str) -> dict[str, Manifest]:
    """The manifests of one kind, by name."""
    return {manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == kind}


@dataclass(frozen=True)
class Sources:
    """The ConfigMaps and Secrets that a container's environment may refer to."""

    config_maps: Mapping[str, Mapping[str, str]]
    secrets: Mapping[str, Mapping[str, str]]

    def environment(self, container: Manifest) -> dict[str, str]:
        """The environment as the kubelet builds it. Raises DevstackError if a reference is missing."""
        found: dict[str, str] = {}
        for source in container.get("envFrom", []):
            found |= _of(self.config_maps, "ConfigMap", source["configMapRef"]["name"])
        for variable in container.get("env", []):
            value = variable.get("value") if "value" in variable else self._referred(variable["valueFrom"])
            if value is not None:
                found[variable["name"]] = value
        return found

    def _referred(self, source: Manifest) -> str | None:
        kinds = {"secretKeyRef": ("Secret", self.secrets), "configMapKeyRef": ("ConfigMap", self.config_maps)}
        ((kind, reference),) = source.items()
        if kind not in kinds:
            raise DevstackError(f"a variable from {kind} is not supported in a rehearsal")
        what, objects = kinds[kind]
        held = _of(objects, what, reference["name"])
        if reference["key"] not in held and not reference.get("optional"):
            raise DevstackError(f"the {what} {reference['name']} has no key {reference['key']}")
        return held.get(reference["key"])


@dataclass(frozen=True)
class Workload:
    """A pod of one container. Times are in seconds."""

    name: str
    program: tuple[str, ...]
    environment: Mapping[str, str]
    ports: Mapping[str, int]
    probes: Mapping[str, Probe]
    pre_stop: float
    grace: float

    @classmethod
    def read(cls, template: Manifest, sources: Sources) -> Workload:
        """Reads a pod's template. Raises DevstackError for anything unsupported."""
        pod = template["spec"]
        if pod.get("initContainers") or len(pod["containers"]) != 1:
            raise DevstackError("only pods with one container and no init container are supported")
        (container,) = pod["containers"]
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        pre_stop = container.get("lifecycle", {}).get("preStop", {})
        return cls(
            name=template["metadata"]["labels"]["app.kubernetes.io/name"],
            program=(*container.get("command", ENTRYPOINT), *container.get("args", [])),
            environment=sources.environment(container),
            ports=ports,
            probes={kind: Probe.read(container[kind], ports) for kind in _PROBES if kind in container},
            pre_stop=pre_stop["sleep"]["seconds"] if pre_stop else 0,
            grace=pod.get("terminationGracePeriodSeconds", 30),
        )


def _of(objects: Mapping[str, Mapping[str, str]], kind: str, name: str) -> Mapping[str, str]:
    if name not in objects:
        raise DevstackError(f"{kind} {name} not found")
    return objects[name]
