"""Where pods listen on one machine: each has a place with ports of its own, and names become lists of places."""

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
class Place:
    """What a container's ports are on this machine, whose processes share one address."""

    ports: Mapping[int, int]

    @classmethod
    def free(cls, workload: Workload) -> Place:
        """With a free port for each of the container's."""
        return cls({port: free_port() for port in workload.ports.values()})


def settled(workload: Workload, place: Place, names: Mapping[str, str]) -> dict[str, str]:
    """The workload's environment with nothing changed but where it listens, and where it finds the others.

    Raises DevstackError where it listens on no port of its manifest, or uses a name that no Service has.
    """
    environment = {**_defaults(workload.name), **workload.environment}
    for variable, value in environment.items():
        if variable.endswith("_LISTEN"):
            environment[variable] = f"{LOOPBACK}:{_here(workload, place, variable, value.rpartition(':')[2])}"
        elif variable in _PORTS and place.ports:
            environment[variable] = str(_here(workload, place, variable, value))
        elif variable.endswith("_ADDR"):
            if value not in names:
                raise DevstackError(f"{workload.name}: {variable} is {value}, which is the name of no Service")
            environment[variable] = names[value]
        elif variable == "GATEWAY_HOST":
            environment[variable] = LOOPBACK
    return environment


def names_of(
    services: Iterable[Manifest], workloads: Mapping[str, Workload], places: Mapping[str, Iterable[Place]]
) -> dict[str, str]:
    """What each headless Service's name stands for: every place that a pod of it may have.

    There is no DNS here. A list that never changes hides how long DNS keeps a name; the tests of balancing do not.
    """
    names = {}
    for service in services:
        owner = service["spec"]["selector"]["app.kubernetes.io/name"]
        if service["spec"].get("clusterIP") != "None" or owner not in workloads:
            continue
        for port in service["spec"]["ports"]:
            target = workloads[owner].ports[port["targetPort"]]
            addresses = ",".join(f"{LOOPBACK}:{place.ports[target]}" for place in places[owner])
            names[f"dns:///{service['metadata']['name']}:{port['port']}"] = f"ipv4:{addresses}"
    return names


def _defaults(name: str) -> dict[str, str]:
    """The default address of a service."""
    fields = _SETTINGS[name].model_fields if name in _SETTINGS else {}
    return {
        field.upper(): str(info.default)
        for field, info in fields.items()
        if field.endswith(_LISTENING) and info.default is not None
    }


def _here(workload: Workload, place: Place, variable: str, port: str) -> int:
    if not re.fullmatch(r"\d+", port) or int(port) not in place.ports:
        raise DevstackError(f"{workload.name}: {variable} is port {port}, which the manifest does not name")
    return place.ports[int(port)]
