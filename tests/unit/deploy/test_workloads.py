"""Containers of each overlay: commands, settings, secrets, resources, probes, shutdown and schedules."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest
import typer

from services.cli.__main__ import app
from services.common.rpc.server.server import READINESS
from services.common.settings import Settings
from services.forecaster.settings import ForecasterSettings
from services.gateway.settings import GatewaySettings
from services.jobs.settings import JobsSettings
from tests.unit.deploy.manifests import K8S, OVERLAYS, Manifest, build, of_kind, pods, templates

SETTINGS: dict[str, type[Settings]] = {
    "gateway": GatewaySettings,
    "jobs": JobsSettings,
    "forecaster": ForecasterSettings,
}
GRPC_SERVICES = ("jobs", "forecaster")  # clients resolve their names again when a connection ends
LOGS = 50  # MiB of logs that a kubelet keeps per container by default
DNS_TTL = 5  # seconds for which clients cache a name of CoreDNS by default; endpoints are updated sooner


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> tuple[Manifest, ...]:
    return build(f"overlays/{request.param}")


@pytest.mark.parametrize("component", sorted(path.parent.name for path in (K8S / "base").glob("*/kustomization.yaml")))
def test_each_base_builds_by_itself(component: str) -> None:
    assert build(f"base/{component}")


def test_the_validator_refuses_an_invalid_manifest(overlay: tuple[Manifest, ...]) -> None:
    wrong = {**of_kind(overlay, "Service")["jobs"], "specification": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_every_container_runs_an_existing_command(overlay: tuple[Manifest, ...]) -> None:
    for name, container in _containers(overlay):
        if not container["image"].startswith("warmcast:"):
            continue  # a store
        command, *arguments = container["args"]
        known = typer.main.get_command(app)
        assert isinstance(known, typer.core.TyperGroup)
        assert command in known.commands, name
        # Parses the arguments without running the command; fails for an unknown option.
        known.commands[command].make_context(command, [*arguments])


def test_every_variable_is_a_setting(overlay: tuple[Manifest, ...]) -> None:
    shared = {key for config in of_kind(overlay, "ConfigMap").values() for key in config["data"]}
    assert shared <= {name for settings in SETTINGS.values() for name in _variables(settings)}
    for name, container in _containers(overlay):
        if not container["image"].startswith("warmcast:"):
            continue
        own = {variable["name"] for variable in container["env"]}
        assert own <= _variables(SETTINGS.get(name, JobsSettings)), name


def test_the_shared_values_are_valid_settings(overlay: tuple[Manifest, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    (config,) = of_kind(overlay, "ConfigMap").values()
    for name, value in config["data"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", "postgresql://user@host/warmcast")
    for name, container in _containers(overlay):
        for variable in container["env"]:
            if "value" in variable:
                monkeypatch.setenv(variable["name"], variable["value"])
        if name in SETTINGS:
            SETTINGS[name]()


def test_each_pod_has_only_the_secrets_that_it_needs(overlay: tuple[Manifest, ...]) -> None:
    secrets = {
        name: {variable["valueFrom"]["secretKeyRef"]["key"] for variable in container["env"] if "valueFrom" in variable}
        for name, container in _containers(overlay)
        if container["image"].startswith("warmcast:")
    }
    assert secrets == {
        "gateway": {
            "warmup-secret",
            "warmup-secret-previous",
            "operator-read-secret",
            "operator-read-secret-previous",
            "api-keys",
        },
        "jobs": {"warmup-secret", "warmup-secret-previous", "database-url"},
        "forecaster": {"warmup-secret", "warmup-secret-previous", "redis-url"},
        "run-warmup": {"warmup-secret"},
        "sweep": {"warmup-secret"},
        "refresh": {"warmup-secret"},
        "retention": {"warmup-secret"},
        "migrate": {"database-url"},
    }
    assert not of_kind(overlay, "Secret")


def test_every_pod_is_restricted(overlay: tuple[Manifest, ...]) -> None:
    for name, pod in pods(overlay).items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}, name
            assert {"memory", "ephemeral-storage"} <= container["resources"]["limits"].keys(), name


def test_ephemeral_storage_covers_scratch_space_and_logs(overlay: tuple[Manifest, ...]) -> None:
    for name, pod in pods(overlay).items():
        scratch = sum(
            _mebibytes(each["emptyDir"]["sizeLimit"]) for each in pod.get("volumes", []) if "emptyDir" in each
        )
        limit = sum(_mebibytes(each["resources"]["limits"]["ephemeral-storage"]) for each in pod["containers"])
        assert limit >= scratch + LOGS, name


def test_scratch_space_does_not_prevent_the_removal_of_a_node(overlay: tuple[Manifest, ...]) -> None:
    for name, template in templates(overlay).items():
        if name in SETTINGS:
            assert template["metadata"]["annotations"] == {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}


def test_liveness_and_readiness_use_different_checks(overlay: tuple[Manifest, ...]) -> None:
    for name, container in _containers(overlay):
        if name not in SETTINGS:
            continue
        liveness, readiness = container["livenessProbe"], container["readinessProbe"]
        if name == "gateway":
            assert (liveness["httpGet"]["path"], readiness["httpGet"]["path"]) == ("/healthz", "/readyz")
            continue
        own = {variable["name"]: variable.get("value") for variable in container["env"]}
        port = int(own["HEALTH_LISTEN"].rpartition(":")[2])
        assert (liveness["grpc"], readiness["grpc"]) == (
            {"port": port, "service": ""},
            {"port": port, "service": READINESS},
        )


def test_the_grace_period_is_longer_than_the_shutdown(overlay: tuple[Manifest, ...]) -> None:
    for name, pod in _services(overlay):
        (container,) = pod["containers"]
        before_drain = _pre_stop(container) + _seconds(overlay, name, "lame_duck_seconds")
        needed = before_drain + _seconds(overlay, name, "drain_seconds")
        assert pod["terminationGracePeriodSeconds"] >= needed + 10, name


def test_clients_reconnect_to_a_new_pod_before_the_next_one_is_replaced(overlay: tuple[Manifest, ...]) -> None:
    for name in GRPC_SERVICES:
        ready = of_kind(overlay, "Deployment")[name]["spec"]["minReadySeconds"]
        assert _oldest_connection(overlay, name) < ready, name


def test_a_terminating_pod_serves_until_no_client_connects_to_it(overlay: tuple[Manifest, ...]) -> None:
    for name, pod in _services(overlay):
        before = _pre_stop(pod["containers"][0])
        assert before >= DNS_TTL, name
        if name in GRPC_SERVICES:
            # A drain continues once the new pod is ready, so clients must connect to it while this pod still serves.
            assert before > _oldest_connection(overlay, name), name


def test_a_failed_liveness_probe_shortens_the_grace_period(overlay: tuple[Manifest, ...]) -> None:
    for name, pod in _services(overlay):
        (container,) = pod["containers"]
        liveness = container["livenessProbe"]
        # preStop also runs then, and counts towards the grace period.
        assert _pre_stop(container) < liveness["terminationGracePeriodSeconds"], name
        assert liveness["terminationGracePeriodSeconds"] <= pod["terminationGracePeriodSeconds"] / 2, name


def test_liveness_does_not_fail_during_pre_stop(overlay: tuple[Manifest, ...]) -> None:
    for name, pod in _services(overlay):
        liveness = pod["containers"][0]["livenessProbe"]
        assert liveness["failureThreshold"] * liveness["periodSeconds"] > _pre_stop(pod["containers"][0]), name


def test_grpc_services_are_headless(overlay: tuple[Manifest, ...]) -> None:
    services = of_kind(overlay, "Service")
    (config,) = of_kind(overlay, "ConfigMap").values()
    for name, variable in (("jobs", "JOBS_ADDR"), ("forecaster", "FORECASTER_ADDR")):
        assert services[name]["spec"]["clusterIP"] == "None"
        (port,) = services[name]["spec"]["ports"]
        assert config["data"][variable] == f"dns:///{name}:{port['port']}"


def test_each_schedule_is_bounded(overlay: tuple[Manifest, ...]) -> None:
    schedules = of_kind(overlay, "CronJob")
    assert {name: job["spec"]["schedule"] for name, job in schedules.items()} == {
        "run-warmup": "* * * * *",
        "sweep": "*/5 * * * *",
        "refresh": "*/15 * * * *",
        "retention": "17 3 * * *",
    }
    for job in schedules.values():
        spec, run = job["spec"], job["spec"]["jobTemplate"]["spec"]
        assert spec["timeZone"] == "Etc/UTC"
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["startingDeadlineSeconds"] > 10  # below 10 s Kubernetes may never start the Job
        assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (3, 3)
        assert "activeDeadlineSeconds" in run


def test_each_schedule_is_retried_in_its_pod(overlay: tuple[Manifest, ...]) -> None:
    # In its pod, since network policies already apply to its address.
    for name, job in of_kind(overlay, "CronJob").items():
        run = job["spec"]["jobTemplate"]["spec"]
        assert run["backoffLimit"] == 3, name
        assert run["template"]["spec"]["restartPolicy"] == "OnFailure", name


def test_a_development_node_of_two_cores_fits_a_pod_and_its_successor() -> None:
    built = build("overlays/dev")
    long_running = of_kind(built, "Deployment").keys() | of_kind(built, "StatefulSet").keys()
    requested = [_cores(container) for name, container in _containers(built) if name in long_running]
    # Half a core remains for Kubernetes' pods and the CronJobs.
    assert sum(requested) + max(requested) <= 1.5


def _services(manifests: tuple[Manifest, ...]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, pod) for name, pod in pods(manifests).items() if name in SETTINGS]


def _pre_stop(container: dict[str, Any]) -> float:
    return float(container["lifecycle"]["preStop"]["sleep"]["seconds"])


def _seconds(manifests: tuple[Manifest, ...], name: str, setting: str) -> float:
    """The value of a service's setting: of its container, the ConfigMap, or the default."""
    (config,) = of_kind(manifests, "ConfigMap").values()
    own = {variable["name"]: variable.get("value") for variable in pods(manifests)[name]["containers"][0]["env"]}
    default = SETTINGS[name].model_fields[setting].default
    return float({**config["data"], **own}.get(setting.upper()) or default)


def _oldest_connection(manifests: tuple[Manifest, ...], name: str) -> float:
    """Seconds after which every client has reconnected; gRPC adds up to 10 % at random."""
    age = _seconds(manifests, name, "max_connection_age_seconds")
    return age + age / 10


def _mebibytes(amount: str) -> int:
    assert amount.endswith("Mi")
    return int(amount.removesuffix("Mi"))


def _cores(container: dict[str, Any]) -> float:
    amount = str(container["resources"]["requests"]["cpu"])
    return float(amount.removesuffix("m")) / 1000 if amount.endswith("m") else float(amount)


def _containers(manifests: tuple[Manifest, ...]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, container) for name, pod in pods(manifests).items() for container in pod["containers"]]


def _variables(settings: type[Settings]) -> set[str]:
    return {name.upper() for name in settings.model_fields}
