"""`make rehearse-podman`: builds the image, and runs the rendered base from it with `podman kube play`.

The image runs with the manifests' user, read-only root, dropped capabilities and /tmp. podman supports no Services,
gRPC probes, Jobs or CronJobs, so the pods share the host's network on their own ports, the migration is a Pod, and the
probes run here. Variables are inlined: podman 4.3 reads no Secret of the same play, and a ConfigMap overrides a
container's own variables.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import yaml

from devstack.processes.child import DevstackError
from devstack.settings import CHECKOUT
from rehearsal import interrupts
from rehearsal.claims import ClaimFailed, Claims, require, until
from rehearsal.client import Client
from rehearsal.cluster import Cluster
from rehearsal.deployment import Deployment
from rehearsal.manifests import Manifest, build, of_kind
from rehearsal.port_mappings import PortMapping

_IMAGE = "localhost/warmcast:rehearsal"
_DOCKERFILE = CHECKOUT / "deploy" / "docker" / "Dockerfile"
_TIMEOUT = 60.0  # seconds
_COMMAND_TIMEOUT = 1_200.0  # seconds; the build takes longest
# As root in a small virtual machine crun fails on cgroups, and the default limits are higher than allowed.
_CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
"""


def main() -> int:
    """Returns the exit status: 0 also if podman or the base image is missing, after a message about it."""
    arguments = _parser().parse_args()
    if missing := _missing(arguments.base):
        print(f"skipped: {missing}")
        return 0
    try:
        interrupts.run(partial(_rehearse, arguments.base, arguments.build))
    except (ClaimFailed, DevstackError) as error:
        print(f"FAILED  {error}", file=sys.stderr)
        return 1
    except interrupts.Interrupted as interrupted:
        print(interrupted, file=sys.stderr)
        return interrupted.exit_status
    return 0


async def _rehearse(base: str, build_options: str) -> None:
    claims = Claims(lambda line: print(line, flush=True))
    with tempfile.TemporaryDirectory(prefix="warmcast-podman-") as temporary, _settings(folder := Path(temporary)):
        cluster = Cluster(build(CHECKOUT / "deploy" / "k8s" / "base"), folder)
        with claims.claim(f"the image builds over {base}"):
            options = [*build_options.split(), "--build-arg", f"BASE={base}", "-t", _IMAGE, "-f", str(_DOCKERFILE)]
            await _podman("build", *options, str(CHECKOUT))
        play = Play(cluster, folder / "play.yaml")
        try:
            await cluster.start_stores()
            await _check_claims(cluster, play, claims)
        except ClaimFailed:
            for name in (*cluster.deployments, "migrate"):
                print(f"--- {name}\n{await _podman('logs', '--tail', '20', await _container(name))}", file=sys.stderr)
            raise
        finally:
            await interrupts.uninterrupted(_clean_up(play, cluster))


async def _clean_up(play: Play, cluster: Cluster) -> None:
    try:
        await play.down()
    finally:
        await cluster.kill()


async def _check_claims(cluster: Cluster, play: Play, claims: Claims) -> None:
    with claims.claim("podman plays the three Deployments and the migration of the rendered base"):
        await play.up()
        require(await _podman("wait", await _container("migrate")) == "0", "the migration failed")
    with claims.claim("each becomes ready, by the probes of its manifest"):
        for deployment in cluster.deployments.values():
            await until(lambda of=deployment: _ready(of), _TIMEOUT, f"{deployment.name} is ready")  # type: ignore[misc]
    with claims.claim("a cold comparison is queued, and ready soon"):
        client = Client(cluster.secret, lambda: [_address(cluster.deployments["gateway"], "http")])
        await client.ingest("costco")
        require((await client.premium("costco"))["warmupStatus"] == "queued", "it is not queued")

        async def is_ready() -> bool:
            return await client.status("costco") == "ready"

        await until(is_ready, _TIMEOUT, "it is ready")
    with claims.claim("SIGTERM reaches each, and it ends with status 0"):
        for name, deployment in cluster.deployments.items():
            container = await _container(name)
            await _podman("stop", "--time", str(int(deployment.workload.grace)), container)
            code = await _podman("inspect", "--format", "{{.State.ExitCode}}", container)
            require(code == "0", f"{name} ended with {code}")


class Play:
    """One `podman kube play` of the base's Deployments and migration."""

    def __init__(self, cluster: Cluster, path: Path) -> None:
        self._cluster = cluster
        self._path = path

    async def up(self) -> None:
        """Starts it after removing the rest of an earlier run. Raises ClaimFailed with podman's error."""
        await self.down()
        documents = [self._migration()]
        for name, manifest in of_kind(self._cluster.manifests, "Deployment").items():
            documents.append(self._settled(manifest, self._cluster.deployments[name]))
        self._path.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
        await _podman("kube", "play", "--network", "host", str(self._path))

    async def down(self) -> None:
        """Removes all pods."""
        # One by one: after an incomplete play, `podman kube down` stops at the first missing pod.
        for name in (*self._cluster.deployments, "migrate"):
            await _podman("pod", "rm", "--force", "--ignore", name, f"{name}-pod", f"{name}-pod-0")

    def _migration(self) -> Manifest:
        (job,) = of_kind(self._cluster.manifests, "Job").values()
        template = copy.deepcopy(job["spec"]["template"])
        (container,) = template["spec"]["containers"]
        _set_environment(container, self._cluster.sources().environment(container))
        return {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {"name": "migrate"}}

    def _settled(self, manifest: Manifest, deployment: Deployment) -> Manifest:
        """The manifest with local ports, and without probes, which podman would run inside the container."""
        local_environment = copy.deepcopy(manifest)
        (container,) = local_environment["spec"]["template"]["spec"]["containers"]
        _set_environment(container, self._cluster.local_environment(deployment.workload, deployment.mappings[0]))
        for key in ("ports", "startupProbe", "livenessProbe", "readinessProbe"):
            del container[key]
        return local_environment


def _set_environment(container: Manifest, environment: Mapping[str, str]) -> None:
    container.pop("envFrom", None)
    container["env"] = [{"name": name, "value": value} for name, value in environment.items()]
    container["image"] = _IMAGE


def _address(deployment: Deployment, port: str) -> str:
    mapping: PortMapping = deployment.mappings[0]
    return f"127.0.0.1:{mapping.ports[deployment.workload.ports[port]]}"


async def _ready(deployment: Deployment) -> bool:
    probe = deployment.workload.probes["readinessProbe"]
    return await probe.passes(deployment.mappings[0].ports[probe.port])


async def _container(name: str) -> str:
    """The container's id. The prefix of its name depends on podman's version."""
    return await _podman("ps", "--all", "--quiet", "--filter", f"name=-{name}$")


async def _podman(*arguments: str) -> str:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("podman", *arguments, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(_COMMAND_TIMEOUT):
            output, error = (each.decode(errors="replace").strip() for each in await process.communicate())
    finally:
        if process.returncode is None:  # a timeout or an interrupt
            process.terminate()
            await process.wait()
    require(process.returncode == 0, f"podman {' '.join(arguments[:2])}: {error[-2000:]}")
    return output or (error if arguments[0] == "logs" else "")


@contextmanager
def _settings(folder: Path) -> Iterator[None]:
    path = folder / "containers.conf"
    if os.geteuid() == 0 and shutil.which("runc"):
        path.write_text(_CONTAINERS_CONF, encoding="utf-8")
        os.environ["CONTAINERS_CONF"] = str(path)
    try:
        yield
    finally:
        os.environ.pop("CONTAINERS_CONF", None)


def _missing(base: str) -> str:
    podman = shutil.which("podman")
    if not podman:
        return "podman is not installed"
    there = subprocess.run([podman, "image", "exists", base], check=False).returncode == 0
    if not there and subprocess.run([podman, "pull", "--quiet", base], capture_output=True, check=False).returncode:
        return f"the base {base} is not here and cannot be pulled; choose another with ARGS='--base IMAGE'"
    return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make rehearse-podman")
    default = next(
        line.removeprefix("ARG BASE=") for line in _DOCKERFILE.read_text().splitlines() if line.startswith("ARG BASE=")
    )
    parser.add_argument("--base", default=default, help=f"the base image of both stages (default: {default})")
    parser.add_argument("--build", default="", help="more options for `podman build`, as one string")
    return parser


if __name__ == "__main__":
    sys.exit(main())
