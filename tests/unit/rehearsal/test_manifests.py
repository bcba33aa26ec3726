"""A container's environment, from manifests, ConfigMaps and Secrets, and its local ports and addresses."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from devstack.processes.child import DevstackError
from rehearsal.manifests import ENTRYPOINT, Sources, Workload
from rehearsal.port_mappings import PortMapping, local_environment, resolve_services
from tests.paths import CHECKOUT
from tests.unit.deploy.manifests import build, of_kind

SOURCES = Sources(
    config_maps={name: each["data"] for name, each in of_kind(build("overlays/dev"), "ConfigMap").items()},
    secrets={"warmcast": {"warmup-secret": "s", "database-url": "postgresql://here/db", "redis-url": "redis://here"}},
)


def workload(name: str) -> Workload:
    return Workload.read(template(name), SOURCES)


def template(name: str) -> dict[str, Any]:
    return dict(of_kind(build("overlays/dev"), "Deployment")[name]["spec"]["template"])


def test_a_workload_has_its_manifest_s_command_environment_and_probes() -> None:
    jobs = workload("jobs")
    assert jobs.program == (*ENTRYPOINT, "jobs")
    assert jobs.environment["DATABASE_URL"] == "postgresql://here/db"
    assert jobs.environment["JOBS_ADDR"] == "dns:///jobs:50051"
    assert jobs.environment["LOG_LEVEL"] == "debug"  # the overlay's own
    assert "WARMUP_SECRET_PREVIOUS" not in jobs.environment  # optional
    assert (jobs.pre_stop, jobs.grace) == (15, 60)
    assert jobs.probes["readinessProbe"].service == "readiness"
    assert (jobs.probes["readinessProbe"].grace, jobs.probes["livenessProbe"].grace) == (None, 20)
    assert workload("gateway").probes["livenessProbe"].port == 8080


def test_the_entrypoint_is_the_image_s() -> None:
    dockerfile = (CHECKOUT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert 'ENTRYPOINT ["/opt/warmcast/bin/warmcast"]' in dockerfile


@pytest.mark.parametrize(
    ("secrets", "names"),
    [({}, "Secret warmcast"), ({"warmcast": {"warmup-secret": "s"}}, "key database-url")],
)
def test_a_missing_secret_or_key_refuses_the_workload(secrets: dict[str, dict[str, str]], names: str) -> None:
    with pytest.raises(DevstackError, match=names):
        Workload.read(template("jobs"), dataclasses.replace(SOURCES, secrets=secrets))


def test_only_listening_ports_and_addresses_of_services_change() -> None:
    jobs, forecaster = workload("jobs"), workload("forecaster")
    mapping = PortMapping({50051: 1, 50050: 2, 9090: 3})
    forecasters = [PortMapping({50052: 4, 50050: 5, 9090: 6}), PortMapping({50052: 7, 50050: 8, 9090: 9})]
    services = of_kind(build("overlays/dev"), "Service").values()
    names = resolve_services(
        services, {"jobs": jobs, "forecaster": forecaster}, {"jobs": [mapping], "forecaster": forecasters}
    )
    found = local_environment(jobs, mapping, names)
    assert {name: value for name, value in found.items() if jobs.environment.get(name) != value} == {
        "JOBS_LISTEN": "127.0.0.1:1",
        "HEALTH_LISTEN": "127.0.0.1:2",
        "METRICS_PORT": "3",
        "JOBS_ADDR": "ipv4:127.0.0.1:1",
        "FORECASTER_ADDR": "ipv4:127.0.0.1:4,127.0.0.1:7",
    }


def test_a_listening_port_that_the_manifest_does_not_name_is_refused() -> None:
    with pytest.raises(DevstackError, match="port 50051, which the manifest does not name"):
        local_environment(workload("jobs"), PortMapping({50050: 2, 9090: 3}), {})


def test_the_name_of_no_service_is_refused() -> None:
    with pytest.raises(DevstackError, match="the name of no Service"):
        local_environment(workload("jobs"), PortMapping({50051: 1, 50050: 2, 9090: 3}), {})
