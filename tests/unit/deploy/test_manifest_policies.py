"""What must hold between manifests: selectors, ports, names, limits, and who may speak to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import kubernetes_validate
import pytest

from devtools import configuration, picture
from services.common.rpc.server.server import READINESS
from services.forecaster.settings import ForecasterSettings
from services.gateway.settings import GatewaySettings
from services.jobs.settings import JobsSettings
from tests.paths import CHECKOUT
from tests.unit.deploy.manifests import COMPONENTS, OVERLAYS, Manifest, build, of_kind, pods, templates, with_components

SCENARIOS = {
    **{name: (name,) for name in OVERLAYS},
    # dev-stores are dev's; with stores of its own prod needs none outside.
    **{f"prod with {name}": ("prod", name) for name in COMPONENTS if name != "dev-stores"},
    "prod with what goes together": ("prod", *(name for name in COMPONENTS if name != "dev-stores")),
}
SERVICES = ("gateway", "jobs", "forecaster")
# Kinds that come with an operator; kubernetes-validate knows Kubernetes' own.
OPERATORS = {
    "cert-manager.io/v1",
    "external-secrets.io/v1",
    "gateway.networking.k8s.io/v1",
    "keda.sh/v1alpha1",
    "monitoring.coreos.com/v1",
}
NAME = "app.kubernetes.io/name"


@pytest.fixture(params=SCENARIOS)
def manifests(request: pytest.FixtureRequest) -> tuple[Manifest, ...]:
    overlay, *components = SCENARIOS[request.param]
    return with_components(overlay, *components) if components else build(f"overlays/{overlay}")


@pytest.mark.parametrize("version", ["1.32", kubernetes_validate.latest_version()])
def test_every_scenario_is_valid(manifests: tuple[Manifest, ...], version: str) -> None:
    for manifest in manifests:
        if manifest["apiVersion"] not in OPERATORS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_no_two_manifests_are_the_same_object(manifests: tuple[Manifest, ...]) -> None:
    objects = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests]
    assert len(objects) == len(set(objects))


def test_all_is_in_one_namespace_that_is_restricted() -> None:
    for overlay in OVERLAYS:
        (namespace,) = of_kind(build(f"overlays/{overlay}"), "Namespace").values()
        labels = namespace["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        version = labels["pod-security.kubernetes.io/enforce-version"]
        assert re.fullmatch(r"v1\.\d+", version), "an upgrade of the cluster would refuse what ran before"
        spaces = {each["metadata"].get("namespace") for each in build(f"overlays/{overlay}")} - {None}
        assert spaces == {namespace["metadata"]["name"]}


def test_every_service_selects_a_pod_that_has_its_ports(manifests: tuple[Manifest, ...]) -> None:
    for name, service in of_kind(manifests, "Service").items():
        chosen = [each for each in templates(manifests).values() if _selects(service["spec"]["selector"], each)]
        assert len(chosen) == 1, name
        named = {port["name"] for container in chosen[0]["spec"]["containers"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named, name


def test_ports_say_what_is_spoken_on_them(manifests: tuple[Manifest, ...]) -> None:
    # With TLS there is no name for it that proxies agree on.
    secured = "Certificate" in {manifest["kind"] for manifest in manifests}
    spoken = {"http": "http", "grpc": None if secured else "kubernetes.io/h2c"}
    for name in SERVICES:
        for port in of_kind(manifests, "Service")[name]["spec"]["ports"]:
            assert port.get("appProtocol") == spoken[port["name"]], name


def test_every_selector_selects_its_own_template(manifests: tuple[Manifest, ...]) -> None:
    for manifest in manifests:
        if manifest["kind"] in {"Deployment", "StatefulSet"}:
            assert _selects(manifest["spec"]["selector"]["matchLabels"], manifest["spec"]["template"])
            for spread in manifest["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
                assert _selects(spread["labelSelector"]["matchLabels"], manifest["spec"]["template"])


def test_every_budget_selects_pods_of_which_it_lets_one_go() -> None:
    prod = build("overlays/prod")
    budgets = of_kind(prod, "PodDisruptionBudget")
    assert set(budgets) == set(SERVICES)
    for name, budget in budgets.items():
        assert _selects(budget["spec"]["selector"]["matchLabels"], templates(prod)[name])
        assert budget["spec"]["maxUnavailable"] < _fewest(prod, name), "or a drained node takes all of them"
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_every_scaler_has_a_target_that_does_not_count_for_itself(manifests: tuple[Manifest, ...]) -> None:
    deployments = of_kind(manifests, "Deployment")
    scaled = [
        *(each["spec"]["scaleTargetRef"]["name"] for each in of_kind(manifests, "HorizontalPodAutoscaler").values()),
        *(each["spec"]["scaleTargetRef"]["name"] for each in of_kind(manifests, "ScaledObject").values()),
    ]
    assert len(scaled) == len(set(scaled)), "two scalers of one target undo each other"
    for name in scaled:
        assert "replicas" not in deployments[name]["spec"], "each apply would undo what the scaler did"


def test_what_scales_by_cpu_requests_some() -> None:
    prod = build("overlays/prod")
    for scaler in of_kind(prod, "HorizontalPodAutoscaler").values():
        pod = pods(prod)[scaler["spec"]["scaleTargetRef"]["name"]]
        assert all("cpu" in container["resources"]["requests"] for container in pod["containers"])
        assert scaler["spec"]["minReplicas"] >= 2


def test_production_has_two_of_each() -> None:
    assert all(_fewest(build("overlays/prod"), name) >= 2 for name in SERVICES)


def test_images_agree_and_none_is_latest(manifests: tuple[Manifest, ...]) -> None:
    images = {container["image"] for container in _containers(manifests)}
    assert len({image for image in images if image.startswith("warmcast")}) == 1
    for image in images:
        assert re.search(r":[^:/]+$", image), f"{image} names no version"
        assert not image.endswith(":latest")


def test_every_rule_of_the_network_names_its_protocol(manifests: tuple[Manifest, ...]) -> None:
    for name, policy in of_kind(manifests, "NetworkPolicy").items():
        for rule in [*policy["spec"].get("egress", []), *policy["spec"].get("ingress", [])]:
            # The server fills it in, and then each `kubectl apply` would call an unchanged policy configured.
            assert all("protocol" in port for port in rule["ports"]), name


def test_the_migration_is_named_after_the_release(manifests: tuple[Manifest, ...]) -> None:
    (job,) = of_kind(manifests, "Job").values()
    tag = job["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]
    assert job["metadata"]["name"] == f"migrate-{re.sub('[^a-z0-9]+', '-', tag.lower())}"


def test_the_migration_stays_as_it_is_within_a_release(manifests: tuple[Manifest, ...]) -> None:
    (job,) = of_kind(manifests, "Job").values()
    for name in of_kind(manifests, "ConfigMap"):
        assert name not in str(job), "a Job cannot be changed, and a change of the configuration would change it"


def test_only_the_migration_migrates(manifests: tuple[Manifest, ...]) -> None:
    migrating = [
        name for name, pod in pods(manifests).items() if pod["containers"][0].get("args", [""])[0] == "migrate"
    ]
    assert migrating == ["migrate"]


def test_every_probe_asks_a_port_that_is_there(manifests: tuple[Manifest, ...]) -> None:
    for container in _containers(manifests):
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container.get(kind, {})
            if "grpc" in probe:
                assert probe["grpc"]["port"] == ports["health"]
                assert probe["grpc"]["service"] == (READINESS if kind == "readinessProbe" else "")
            if "httpGet" in probe:
                assert probe["httpGet"]["port"] in ports


def test_startup_has_longer_than_liveness_and_readiness_acts_before_it(manifests: tuple[Manifest, ...]) -> None:
    for container in _containers(manifests):
        if "livenessProbe" in container:
            seconds = {
                kind: container[kind]["periodSeconds"] * container[kind].get("failureThreshold", 3)
                for kind in ("startupProbe", "readinessProbe", "livenessProbe")
            }
            assert seconds["readinessProbe"] < seconds["livenessProbe"] < seconds["startupProbe"]


def test_ports_are_those_that_the_settings_say(manifests: tuple[Manifest, ...]) -> None:
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


def test_every_reference_to_the_environment_s_sources_is_to_something_there(manifests: tuple[Manifest, ...]) -> None:
    for container in _containers(manifests):
        for source in container.get("envFrom", []):
            assert source["configMapRef"]["name"] in of_kind(manifests, "ConfigMap")
        for variable in container.get("env", []):
            if "valueFrom" in variable:
                assert variable["valueFrom"]["secretKeyRef"]["name"] == "warmcast"


def test_the_configuration_s_name_changes_with_it(manifests: tuple[Manifest, ...]) -> None:
    (name,) = of_kind(manifests, "ConfigMap")
    assert re.fullmatch(r"warmcast-[a-z0-9]{10}", name), "pods would not be rolled by a change"


def test_every_mount_has_its_volume(manifests: tuple[Manifest, ...]) -> None:
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
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), "everything that grows has a limit"


def test_no_pod_has_a_privilege(manifests: tuple[Manifest, ...]) -> None:
    kinds = {manifest["kind"] for manifest in manifests}
    assert not kinds & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Secret"}
    for name, pod in pods(manifests).items():
        assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & pod.keys(), name
        assert pod["automountServiceAccountToken"] is False, name
        assert not any("hostPort" in port for each in pod["containers"] for port in each.get("ports", [])), name


def test_the_picture_in_the_readme_is_drawn_from_its_data() -> None:
    page = picture.README.read_text(encoding="utf-8")
    assert page == picture.redrawn(page), "run `make docs`"


@pytest.mark.parametrize(("overlay", "redis"), [("dev", "valkey"), ("prod", "redis")])
def test_pods_may_speak_along_the_picture_s_arrows_and_no_others(overlay: str, redis: str) -> None:
    drawn = {(arrow.source, arrow.target, arrow.port) for arrow in picture.arrows() if arrow.port is not None}
    drawn = {(source, redis if target == "redis" else target, port) for source, target, port in drawn}
    stores = {"postgres": 5432, redis: 6379}
    opened_out, opened_in = _arrows(build(f"overlays/{overlay}"), {port: name for name, port in stores.items()})
    assert opened_out == {arrow for arrow in drawn if arrow[0] != "client"}
    # A store outside the cluster guards its own door.
    inside = {arrow for arrow in drawn if overlay == "dev" or arrow[1] not in stores}
    assert opened_in == inside


def test_nothing_is_open_that_no_policy_opens(manifests: tuple[Manifest, ...]) -> None:
    deny = of_kind(manifests, "NetworkPolicy")["default-deny"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(("component", "port"), [("dns-node-local", 53), ("dns-openshift", 5353)])
def test_another_resolver_is_opened_to_every_pod(component: str, port: int) -> None:
    policy = of_kind(with_components("prod", component), "NetworkPolicy")[component]["spec"]
    (rule,) = policy["egress"]
    assert (policy["podSelector"], policy["policyTypes"]) == ({}, ["Egress"])
    assert rule["to"]
    assert rule["ports"] == [{"port": port, "protocol": protocol} for protocol in ("UDP", "TCP")]


def test_stores_outside_may_have_addresses_of_either_kind() -> None:
    for name in ("jobs-to-postgres", "migrate-to-postgres", "forecaster-to-redis"):
        (rule,) = of_kind(build("overlays/prod"), "NetworkPolicy")[name]["spec"]["egress"]
        assert {ip_network(peer["ipBlock"]["cidr"]).version for peer in rule["to"]} == {4, 6}, name


def test_every_policy_selects_a_pod(manifests: tuple[Manifest, ...]) -> None:
    for name, policy in of_kind(manifests, "NetworkPolicy").items():
        selector = policy["spec"]["podSelector"]
        if selector and "matchExpressions" not in selector:
            assert any(_selects(selector["matchLabels"], each) for each in templates(manifests).values()), name


def test_tls_reaches_everybody_who_speaks_grpc() -> None:
    secured = with_components("prod", "tls")
    (certificate,) = [each for each in of_kind(secured, "Certificate").values() if "dnsNames" in each["spec"]]
    assert {"jobs", "forecaster"} <= set(certificate["spec"]["dnsNames"])
    for name, pod in pods(secured).items():
        files = {each["name"]: each["value"] for each in pod["containers"][0]["env"] if each["name"].startswith("TLS_")}
        assert len(files) == (0 if name == "migrate" else 3), name
        assert set(files) <= configuration.known_variables()
        mounts = {mount["mountPath"] for mount in pod["containers"][0].get("volumeMounts", [])}
        assert all(path.rpartition("/")[0] in mounts for path in files.values())


def test_alerts_ask_for_metrics_that_there_are_and_have_their_runbook() -> None:
    rules = of_kind(with_components("prod", "monitoring"), "PrometheusRule")["warmcast"]["spec"]["groups"][0]["rules"]
    known = set(re.findall(r"^\| `(\w+)`", _read("docs/reference/metrics.md"), re.MULTILINE))
    operations = _read("docs/how-to/handle-alerts.md")
    for rule in rules:
        asked = set(re.findall(r"(?:warmcast|kube)_\w+", rule["expr"]))
        assert asked, rule["alert"]
        assert {name for name in asked if name.startswith("warmcast_")} <= known
    documented = re.findall(r"^### (\w+)$", operations.partition("## Alerts")[2], re.MULTILINE)
    assert sorted(documented) == sorted(rule["alert"] for rule in rules)
    assert all(
        rule["annotations"]["runbook"] == f"docs/how-to/handle-alerts.md#{rule['alert'].lower()}" for rule in rules
    )


def _arrows(
    manifests: tuple[Manifest, ...], outside: dict[int, str]
) -> tuple[set[tuple[str, str, int]], set[tuple[str, str, int]]]:
    """What policies let out, and what they let in; a block of addresses is whoever has that port outside."""
    out, into = set(), set()
    for policy in of_kind(manifests, "NetworkPolicy").values():
        if policy["metadata"]["name"] in {"default-deny", "dns"}:
            continue
        owner = _who(policy["spec"]["podSelector"])
        for rule in policy["spec"].get("egress", []):
            for peer, port in _peers(rule, "to"):
                out.add((owner, outside[port] if "ipBlock" in peer else _who(peer["podSelector"]), port))
        for rule in policy["spec"].get("ingress", []):
            for peer, port in _peers(rule, "from"):
                into.add((_who(peer["podSelector"]) if peer else "client", owner, port))
    return out, into


def _peers(rule: dict[str, Any], side: str) -> Iterator[tuple[dict[str, Any], int]]:
    for peer in rule.get(side, [{}]):
        for port in rule["ports"]:
            yield peer, port["port"]


def _port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def _who(selector: dict[str, Any]) -> str:
    labels = selector["matchLabels"]
    return "schedules" if labels.get("app.kubernetes.io/component") == "schedule" else str(labels[NAME])


def _selects(labels: dict[str, str], template: dict[str, Any]) -> bool:
    return bool(labels.items() <= template["metadata"]["labels"].items())


def _fewest(manifests: tuple[Manifest, ...], name: str) -> int:
    scaler = of_kind(manifests, "HorizontalPodAutoscaler").get(name)
    fewest: int = (
        scaler["spec"]["minReplicas"] if scaler else of_kind(manifests, "Deployment")[name]["spec"]["replicas"]
    )
    return fewest


def _containers(manifests: tuple[Manifest, ...]) -> list[dict[str, Any]]:
    return [container for pod in pods(manifests).values() for container in pod["containers"]]


def _read(path: str) -> str:
    return (CHECKOUT / path).read_text(encoding="utf-8")
