"""The Kubernetes manifests as kustomize builds them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.paths import CHECKOUT

K8S = CHECKOUT / "deploy" / "k8s"
OVERLAYS = sorted(path.name for path in (K8S / "overlays").iterdir())
COMPONENTS = sorted(path.name for path in (K8S / "components").iterdir())
REMOTE = re.compile(r"https://git\.example\.com/warmcast//(\S+)\?ref=v\S+")

# A YAML document of any content.
Manifest = dict[str, Any]


@cache
def build(folder: str) -> tuple[Manifest, ...]:
    """The manifests that `kubectl apply -k` would send; `folder` is relative to deploy/k8s."""
    return _kustomize(K8S / folder)


@cache
def with_components(overlay: str, *components: str) -> tuple[Manifest, ...]:
    """An overlay with those components added."""
    with tempfile.TemporaryDirectory() as folder:
        # kustomize refuses symbolic links, and the temporary folder may be one.
        root = Path(folder).resolve()
        scenario = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": "warmcast",
            "resources": [os.path.relpath(K8S / "overlays" / overlay, root)],
            "components": [os.path.relpath(K8S / "components" / name, root) for name in components],
        }
        (root / "kustomization.yaml").write_text(yaml.safe_dump(scenario), encoding="utf-8")
        return _kustomize(root)


@cache
def own_overlay() -> tuple[Manifest, ...]:
    """The example of an own overlay, based on this checkout instead of the remote repository."""
    example = (K8S / "examples" / "own-overlay" / "kustomization.yaml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        local = REMOTE.sub(lambda found: os.path.relpath(CHECKOUT / found[1], root), example)
        (root / "kustomization.yaml").write_text(local, encoding="utf-8")
        return _kustomize(root)


def of_kind(manifests: tuple[Manifest, ...], kind: str) -> dict[str, Manifest]:
    """The manifests of one kind, by name."""
    return {manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == kind}


def templates(manifests: tuple[Manifest, ...]) -> dict[str, Manifest]:
    """The pod template of each Deployment, StatefulSet, Job and CronJob, by the name in its label."""
    found = {}
    for manifest in manifests:
        spec = manifest.get("spec", {})
        if manifest["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            found[spec["template"]["metadata"]["labels"]["app.kubernetes.io/name"]] = spec["template"]
    return found


def pods(manifests: tuple[Manifest, ...]) -> dict[str, Manifest]:
    """The pod spec of each Deployment, StatefulSet, Job and CronJob, by the name in its label."""
    return {name: template["spec"] for name, template in templates(manifests).items()}


def _kustomize(folder: Path) -> tuple[Manifest, ...]:
    kubectl = Path(sys.executable).parent / "kubectl"
    built = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return tuple(yaml.safe_load_all(built.stdout))
