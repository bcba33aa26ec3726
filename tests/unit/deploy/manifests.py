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

# YAML documents: anything may be in them.
Manifest = dict[str, Any]


@cache
def build(folder: str) -> tuple[Manifest, ...]:
    """What `kubectl apply -k` would send; `folder` is relative to deploy/k8s."""
    return _kustomize(K8S / folder)


@cache
def with_components(overlay: str, *components: str) -> tuple[Manifest, ...]:
    """An overlay with those components added, as its owner would add them."""
    with tempfile.TemporaryDirectory() as folder:
        # A path through a link is refused, and a folder may be one.
        here = Path(folder).resolve()
        scenario = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": "warmcast",
            "resources": [os.path.relpath(K8S / "overlays" / overlay, here)],
            "components": [os.path.relpath(K8S / "components" / name, here) for name in components],
        }
        (here / "kustomization.yaml").write_text(yaml.safe_dump(scenario), encoding="utf-8")
        return _kustomize(here)


@cache
def own_overlay() -> tuple[Manifest, ...]:
    """The example of an overlay of one's own, over this checkout in the place of the remote one that it names."""
    example = (K8S / "examples" / "own-overlay" / "kustomization.yaml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder).resolve()
        local = REMOTE.sub(lambda found: os.path.relpath(CHECKOUT / found[1], here), example)
        (here / "kustomization.yaml").write_text(local, encoding="utf-8")
        return _kustomize(here)


def of_kind(manifests: tuple[Manifest, ...], kind: str) -> dict[str, Manifest]:
    """Those of one kind, by name."""
    return {manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == kind}


def templates(manifests: tuple[Manifest, ...]) -> dict[str, Manifest]:
    """The template, labels and all, of everything that makes pods, by the name in its label."""
    found = {}
    for manifest in manifests:
        spec = manifest.get("spec", {})
        if manifest["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            found[spec["template"]["metadata"]["labels"]["app.kubernetes.io/name"]] = spec["template"]
    return found


def pods(manifests: tuple[Manifest, ...]) -> dict[str, Manifest]:
    """The pod's spec of everything that makes pods, by the name in its label."""
    return {name: template["spec"] for name, template in templates(manifests).items()}


def _kustomize(folder: Path) -> tuple[Manifest, ...]:
    kubectl = Path(sys.executable).parent / "kubectl"
    built = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return tuple(yaml.safe_load_all(built.stdout))
