"""Objects: validity, namespace, selectors, images, migration, references, volumes, privileges, alerts."""

from __future__ import annotations

import re

import kubernetes_validate
import pytest

from services.forecaster.settings import ForecasterSettings
from services.gateway.settings import GatewaySettings
from services.jobs.settings import JobsSettings
from tests.paths import CHECKOUT
from tests.unit.deploy.manifests import OVERLAYS, Manifest, build, of_kind, pods, templates, with_components
from tests.unit.deploy.scenarios import OPERATORS, containers, selects


@pytest.mark.parametrize("version", ["1.32", kubernetes_validate.latest_version()])
def test_every_scenario_is_valid(manifests: tuple[Manifest, ...], version: str) -> None:
    for manifest in manifests:
        if manifest["apiVersion"] not in OPERATORS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_no_two_manifests_are_the_same_object(manifests: tuple[Manifest, ...]) -> None:
    objects = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests]
    assert len(objects) == len(set(objects))


def test_all_objects_are_in_one_restricted_namespace() -> None:
    for overlay in OVERLAYS:
        (namespace,) = of_kind(build(f"overlays/{overlay}"), "Namespace").values()
        labels = namespace["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        version = labels["pod-security.kubernetes.io/enforce-version"]
        assert re.fullmatch(r"v1\.\d+", version), "an upgrade of the cluster would refuse pods that ran before"
        spaces = {each["metadata"].get("namespace") for each in build(f"overlays/{overlay}")} - {None}
        assert spaces == {namespace["metadata"]["name"]}


def test_every_service_selects_a_pod_that_has_its_ports(manifests: tuple[Manifest, ...]) -> None:
    for name, service in of_kind(manifests, "Service").items():
        selected = [each for each in templates(manifests).values() if selects(service["spec"]["selector"], each)]
        assert len(selected) == 1, name
        named = {port["name"] for container in selected[0]["spec"]["containers"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named, name


def test_every_selector_selects_its_own_template(manifests: tuple[Manifest, ...]) -> None:
    for manifest in manifests:
        if manifest["kind"] in {"Deployment", "StatefulSet"}:
            assert selects(manifest["spec"]["selector"]["matchLabels"], manifest["spec"]["template"])
            for spread in manifest["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
                assert selects(spread["labelSelector"]["matchLabels"], manifest["spec"]["template"])


def test_all_services_use_one_image_and_none_is_latest(manifests: tuple[Manifest, ...]) -> None:
    images = {container["image"] for container in containers(manifests)}
    assert len({image for image in images if image.startswith("warmcast")}) == 1
    for image in images:
        assert re.search(r":[^:/]+$", image), f"{image} has no tag"
        assert not image.endswith(":latest")


def test_the_migration_is_named_after_the_release(manifests: tuple[Manifest, ...]) -> None:
    (job,) = of_kind(manifests, "Job").values()
    tag = job["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]
    assert job["metadata"]["name"] == f"migrate-{re.sub('[^a-z0-9]+', '-', tag.lower())}"


def test_the_migration_does_not_depend_on_the_configuration(manifests: tuple[Manifest, ...]) -> None:
    (job,) = of_kind(manifests, "Job").values()
    for name in of_kind(manifests, "ConfigMap"):
        assert name not in str(job), "a Job is immutable, and a change of the configuration would change it"


def test_only_the_migration_migrates(manifests: tuple[Manifest, ...]) -> None:
    migrating = [
        name for name, pod in pods(manifests).items() if pod["containers"][0].get("args", [""])[0] == "migrate"
    ]
    assert migrating == ["migrate"]


def test_container_ports_match_the_settings(manifests: tuple[Manifest, ...]) -> None:
    (config,) = of_kind(manifests, "ConfigMap").values()
    listens = {
        "gateway": ("http", GatewaySettings.model_fields["gateway_port"].default),
        "jobs": ("grpc", _port_of(JobsSettings.model_fields["jobs_listen"].default)),
        "forecaster": ("grpc", _port_of(ForecasterSettings.model_fields["forecaster_listen"].default)),
    }
    for name, (port, number) in listens.items():
        ports = {each["name"]: each["containerPort"] for each in pods(manifests)[name]["containers"][0]["ports"]}
        assert ports[port] == number
        assert ports["metrics"] == int(config["data"]["METRICS_PORT"])
        assert len(set(ports.values())) == len(ports)


def test_every_referenced_config_map_and_secret_exists(manifests: tuple[Manifest, ...]) -> None:
    for container in containers(manifests):
        for source in container.get("envFrom", []):
            assert source["configMapRef"]["name"] in of_kind(manifests, "ConfigMap")
        for variable in container.get("env", []):
            if "valueFrom" in variable:
                assert variable["valueFrom"]["secretKeyRef"]["name"] == "warmcast"


def test_the_config_map_s_name_contains_its_hash(manifests: tuple[Manifest, ...]) -> None:
    (name,) = of_kind(manifests, "ConfigMap")
    assert re.fullmatch(r"warmcast-[a-z0-9]{10}", name), "a change would not replace the pods"


def test_every_mount_has_a_volume_with_a_size_limit(manifests: tuple[Manifest, ...]) -> None:
    claims = {
        name: {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", [])}
        for name, each in of_kind(manifests, "StatefulSet").items()
    }
    for name, pod in pods(manifests).items():
        volumes = {volume["name"] for volume in pod.get("volumes", [])} | claims.get(name, set())
        for container in pod["containers"]:
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes
        for volume in pod.get("volumes", []):
            assert "hostPath" not in volume
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), "every volume needs a size limit"


def test_no_pod_has_a_privilege(manifests: tuple[Manifest, ...]) -> None:
    kinds = {manifest["kind"] for manifest in manifests}
    assert not kinds & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Secret"}
    for name, pod in pods(manifests).items():
        assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & pod.keys(), name
        assert pod["automountServiceAccountToken"] is False, name
        assert not any("hostPort" in port for each in pod["containers"] for port in each.get("ports", [])), name


def test_alerts_use_existing_metrics_and_have_a_runbook() -> None:
    rules = of_kind(with_components("prod", "monitoring"), "PrometheusRule")["warmcast"]["spec"]["groups"][0]["rules"]
    known = set(re.findall(r"^\| `(\w+)`", _read("docs/reference/metrics.md"), re.MULTILINE))
    runbooks = _read("docs/how-to/handle-alerts.md")
    for rule in rules:
        used = set(re.findall(r"(?:warmcast|kube)_\w+", rule["expr"]))
        assert used, rule["alert"]
        assert {name for name in used if name.startswith("warmcast_")} <= known
    documented = re.findall(r"^### (\w+)$", runbooks.partition("## Alerts")[2], re.MULTILINE)
    assert sorted(documented) == sorted(rule["alert"] for rule in rules)
    assert all(
        rule["annotations"]["runbook"] == f"docs/how-to/handle-alerts.md#{rule['alert'].lower()}" for rule in rules
    )


def _port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def _read(path: str) -> str:
    return (CHECKOUT / path).read_text(encoding="utf-8")
