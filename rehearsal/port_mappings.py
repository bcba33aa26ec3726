"""Maps containers' ports to local ones, and Services' names to lists of local addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from devstack.processes.child import DevstackError
from devstack.stores.ports import LOOPBACK, free_port
from rehearsal.manifests import Manifest, Workload
from services.common.settings import Settings
from services.forecaster.settings import ForecasterSettings
from services.gateway.settings import GatewaySettings
from services.jobs.settings import JobsSettings

_SETTINGS: dict[str, type[Settings]] = {
    "gateway": GatewaySettings,
    "jobs": JobsSettings,
    "forecaster": ForecasterSettings,
}
_PORTS = ("GATEWAY_PORT", "METRICS_PORT")
_LISTENING = ("_listen", "gateway_host", "gateway_port")


@dataclass(frozen=True)
class PortMapping:
    """Maps a container's ports to ports of this machine, since all processes share one address."""

    ports: Mapping[int, int]

    @classmethod
    def free(cls, workload: Workload) -> PortMapping:
        """A free local port for each of the container's ports."""
        return cls({port: free_port() for port in workload.ports.values()})


def local_environment(workload: Workload, mapping: PortMapping, names: Mapping[str, str]) -> dict[str, str]:
    """The workload's environment with local listening ports and local addresses of other services.

    Raises DevstackError if it listens on a port that its manifest does not name, or uses the name of no Service.
    """
    environment = {**_defaults(workload.name), **workload.environment}
    for variable, value in environment.items():
        if variable.endswith("_LISTEN"):
            environment[variable] = f"{LOOPBACK}:{_local_port(workload, mapping, variable, value.rpartition(':')[2])}"
        elif variable in _PORTS and mapping.ports:
            environment[variable] = str(_local_port(workload, mapping, variable, value))
        elif variable.endswith("_ADDR"):
            if value not in names:
                raise DevstackError(f"{workload.name}: {variable} is {value}, which is the name of no Service")
            environment[variable] = names[value]
        elif variable == "GATEWAY_HOST":
            environment[variable] = LOOPBACK
    return environment


def resolve_services(
    services: Iterable[Manifest], workloads: Mapping[str, Workload], mappings: Mapping[str, Iterable[PortMapping]]
) -> dict[str, str]:
    """Maps each headless Service's name to the addresses of all pods that it may have.

    A fixed list hides DNS caching, which the tests of load balancing cover.
    """
    names = {}
    for service in services:
        owner = service["spec"]["selector"]["app.kubernetes.io/name"]
        if service["spec"].get("clusterIP") != "None" or owner not in workloads:
            continue
        for port in service["spec"]["ports"]:
            target = workloads[owner].ports[port["targetPort"]]
            addresses = ",".join(f"{LOOPBACK}:{mapping.ports[target]}" for mapping in mappings[owner])
            names[f"dns:///{service['metadata']['name']}:{port['port']}"] = f"ipv4:{addresses}"
    return names


def _defaults(name: str) -> dict[str, str]:
    """The default listening addresses of a service."""
    fields = _SETTINGS[name].model_fields if name in _SETTINGS else {}
    return {
        field.upper(): str(info.default)
        for field, info in fields.items()
        if field.endswith(_LISTENING) and info.default is not None
    }


def _local_port(workload: Workload, mapping: PortMapping, variable: str, port: str) -> int:
    if not re.fullmatch(r"\d+", port) or int(port) not in mapping.ports:
        raise DevstackError(f"{workload.name}: {variable} is port {port}, which the manifest does not name")
    return mapping.ports[int(port)]
