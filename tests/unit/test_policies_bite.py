"""Each policy of the manifests complains when what it guards is broken: every guard is tried here, one by one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

import kubernetes_validate
import pytest
import typer

from devstack import picture
from tests.unit import test_manifest_policies as between
from tests.unit import test_manifests as within
from tests.unit import test_structure as structure
from tests.unit.changes import Change, add, drop, put
from tests.unit.manifests import Manifest, build, with_components

Policy = Callable[..., None]

POD = ("spec", "template", "spec")
BOX = (*POD, "containers", 0)
CRON_BOX = ("spec", "jobTemplate", *BOX)
BUDGET = "PodDisruptionBudget"
SCALER = "HorizontalPodAutoscaler"
OPEN = "NetworkPolicy"
USAGE_ERROR = typer.BadParameter.__mro__[1]  # wherever typer keeps its click
RULES = ("spec", "groups", 0, "rules", 0)


@dataclass(frozen=True)
class Bite:
    """A change, and the policy that must complain of it."""

    policy: Policy
    change: Change
    scenario: tuple[str, ...] = ("prod",)  # an overlay and its components
    complaint: type[BaseException] = AssertionError


def twice(manifests: list[Manifest]) -> None:
    manifests.append(manifests[-1])


def a_role(manifests: list[Manifest]) -> None:
    manifests.append({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "all"}})


def the_previous_secret_goes_everywhere(manifests: list[Manifest]) -> None:
    reference = {"secretKeyRef": {"name": "warmcast", "key": "database-url"}}
    add({"name": "DATABASE_URL", "valueFrom": reference}, "Deployment", "gateway", *BOX, "env")(manifests)


BITES = {
    "a field that there is not": Bite(
        lambda manifests: between.test_every_scenario_is_valid(manifests, kubernetes_validate.latest_version()),
        put("twice", "Deployment", "jobs", "spec", "replica"),
        complaint=kubernetes_validate.ValidationError,
    ),
    "an object twice": Bite(between.test_no_two_manifests_are_the_same_object, twice),
    "a namespace that is not restricted": Bite(
        between.test_all_is_in_one_namespace_that_is_restricted,
        put("baseline", "Namespace", "warmcast", "metadata", "labels", "pod-security.kubernetes.io/enforce"),
    ),
    "an object in another namespace": Bite(
        between.test_all_is_in_one_namespace_that_is_restricted,
        put("default", "Service", "jobs", "metadata", "namespace"),
    ),
    "a Service of no pod": Bite(
        between.test_every_service_selects_a_pod_that_has_its_ports,
        put("job", "Service", "jobs", "spec", "selector", between.NAME),
    ),
    "a Service's port that no container has": Bite(
        between.test_every_service_selects_a_pod_that_has_its_ports,
        put("rpc", "Service", "jobs", "spec", "ports", 0, "targetPort"),
    ),
    "a Deployment of others' pods": Bite(
        between.test_every_selector_selects_its_own_template,
        put("gateway", "Deployment", "jobs", "spec", "selector", "matchLabels", between.NAME),
    ),
    "a spread of others' pods": Bite(
        between.test_every_selector_selects_its_own_template,
        put(
            {"matchLabels": {between.NAME: "gateway"}},
            *("Deployment", "jobs", *POD, "topologySpreadConstraints", 0, "labelSelector"),
        ),
    ),
    "a budget that lets all go": Bite(
        between.test_every_budget_selects_pods_of_which_it_lets_one_go,
        put(2, BUDGET, "jobs", "spec", "maxUnavailable"),
    ),
    "a budget that keeps broken pods": Bite(
        between.test_every_budget_selects_pods_of_which_it_lets_one_go,
        put("IfHealthyBudget", BUDGET, "jobs", "spec", "unhealthyPodEvictionPolicy"),
    ),
    "a service without a budget": Bite(
        between.test_every_budget_selects_pods_of_which_it_lets_one_go, drop(BUDGET, "gateway")
    ),
    "a scaler of nothing": Bite(
        between.test_every_scaler_has_a_target_that_does_not_count_for_itself,
        put("gate", SCALER, "gateway", "spec", "scaleTargetRef", "name"),
        complaint=KeyError,
    ),
    "a scaler's target that counts for itself": Bite(
        between.test_every_scaler_has_a_target_that_does_not_count_for_itself,
        put(2, "Deployment", "gateway", "spec", "replicas"),
    ),
    "a target of two scalers": Bite(
        between.test_every_scaler_has_a_target_that_does_not_count_for_itself,
        put("gateway", SCALER, "forecaster", "spec", "scaleTargetRef", "name"),
    ),
    "a scaler by CPU that is not requested": Bite(
        between.test_what_scales_by_cpu_requests_some,
        drop("Deployment", "gateway", *BOX, "resources", "requests", "cpu"),
    ),
    "one replica in production": Bite(
        between.test_production_has_two_of_each, put(1, SCALER, "gateway", "spec", "minReplicas")
    ),
    "another image": Bite(
        between.test_images_agree_and_none_is_latest, put("warmcast:9", "Deployment", "jobs", *BOX, "image")
    ),
    "the latest image": Bite(
        between.test_images_agree_and_none_is_latest,
        put("docker.io/library/postgres:latest", "StatefulSet", "postgres", *BOX, "image"),
        ("dev",),
    ),
    "an image without a tag": Bite(
        between.test_images_agree_and_none_is_latest,
        put("docker.io/library/postgres", "StatefulSet", "postgres", *BOX, "image"),
        ("dev",),
    ),
    "a migration of another release": Bite(
        between.test_the_migration_is_named_after_the_release, put("migrate-0", "Job", "migrate", "metadata", "name")
    ),
    "a service that migrates": Bite(
        between.test_only_the_migration_migrates, put(["migrate"], "Deployment", "jobs", *BOX, "args")
    ),
    "a probe of another port": Bite(
        between.test_every_probe_asks_a_port_that_is_there,
        put(50051, "Deployment", "jobs", *BOX, "livenessProbe", "grpc", "port"),
    ),
    "readiness under a name that nobody serves": Bite(
        between.test_every_probe_asks_a_port_that_is_there,
        put("ready", "Deployment", "jobs", *BOX, "readinessProbe", "grpc", "service"),
    ),
    "a probe of a port without a name": Bite(
        between.test_every_probe_asks_a_port_that_is_there,
        put("web", "Deployment", "gateway", *BOX, "livenessProbe", "httpGet", "port"),
    ),
    "a liveness probe before startup has ended": Bite(
        between.test_startup_has_longer_than_liveness_and_readiness_acts_before_it,
        put(1, "Deployment", "jobs", *BOX, "startupProbe", "failureThreshold"),
    ),
    "a port that nobody listens on": Bite(
        between.test_ports_are_those_that_the_settings_say,
        put(50099, "Deployment", "jobs", *BOX, "ports", 0, "containerPort"),
    ),
    "metrics on another port": Bite(
        between.test_ports_are_those_that_the_settings_say, put("9099", "ConfigMap", "warmcast", "data", "METRICS_PORT")
    ),
    "a ConfigMap that is not there": Bite(
        between.test_every_reference_to_the_environment_s_sources_is_to_something_there,
        put("warmcast", "Deployment", "jobs", *BOX, "envFrom", 0, "configMapRef", "name"),
    ),
    "another Secret": Bite(
        between.test_every_reference_to_the_environment_s_sources_is_to_something_there,
        put("other", "Deployment", "jobs", *BOX, "env", 0, "valueFrom", "secretKeyRef", "name"),
    ),
    "a configuration under a fixed name": Bite(
        between.test_the_configuration_s_name_changes_with_it,
        put("warmcast", "ConfigMap", "warmcast", "metadata", "name"),
    ),
    "a mount of no volume": Bite(
        between.test_every_mount_has_its_volume, put([], "Deployment", "jobs", *POD, "volumes")
    ),
    "a folder of the node": Bite(
        between.test_every_mount_has_its_volume,
        add({"name": "all", "hostPath": {"path": "/"}}, "Deployment", "jobs", *POD, "volumes"),
    ),
    "a volume that may grow": Bite(
        between.test_every_mount_has_its_volume, put({}, "Deployment", "jobs", *POD, "volumes", 0, "emptyDir")
    ),
    "a role": Bite(between.test_no_pod_has_a_privilege, a_role),
    "the node's network": Bite(
        between.test_no_pod_has_a_privilege, put(True, "Deployment", "jobs", *POD, "hostNetwork")
    ),
    "a port of the node": Bite(
        between.test_no_pod_has_a_privilege, put(80, "Deployment", "jobs", *BOX, "ports", 0, "hostPort")
    ),
    "a token": Bite(
        between.test_no_pod_has_a_privilege, put(True, "Deployment", "jobs", *POD, "automountServiceAccountToken")
    ),
    "an arrow too few": Bite(
        lambda _: between.test_pods_may_speak_along_the_picture_s_arrows_and_no_others("prod", "redis"),
        drop(OPEN, "jobs", "spec", "egress", 0),
    ),
    "an arrow too many": Bite(
        lambda _: between.test_pods_may_speak_along_the_picture_s_arrows_and_no_others("prod", "redis"),
        add(
            {"to": [{"podSelector": {"matchLabels": {between.NAME: "gateway"}}}], "ports": [{"port": 8080}]},
            *(OPEN, "jobs", "spec", "egress"),
        ),
    ),
    "a door that is open to more": Bite(
        lambda _: between.test_pods_may_speak_along_the_picture_s_arrows_and_no_others("dev", "valkey"),
        add(
            {"podSelector": {"matchLabels": {between.NAME: "gateway"}}}, OPEN, "postgres", "spec", "ingress", 0, "from"
        ),
        ("dev",),
    ),
    "a network that is open": Bite(
        between.test_nothing_is_open_that_no_policy_opens, put(["Ingress"], OPEN, "default-deny", "spec", "policyTypes")
    ),
    "a policy of no pod": Bite(
        between.test_every_policy_selects_a_pod,
        put("job", OPEN, "jobs", "spec", "podSelector", "matchLabels", between.NAME),
    ),
    "a certificate for one of two": Bite(
        lambda _: between.test_tls_reaches_everybody_who_speaks_grpc(),
        put(["jobs"], "Certificate", "services", "spec", "dnsNames"),
        ("prod", "tls"),
    ),
    "a service without its certificate": Bite(
        lambda _: between.test_tls_reaches_everybody_who_speaks_grpc(),
        put([], "Deployment", "gateway", *BOX, "volumeMounts"),
        ("prod", "tls"),
    ),
    "an alert on a metric that there is not": Bite(
        lambda _: between.test_alerts_ask_for_metrics_that_there_are_and_have_their_runbook(),
        put("warmcast_gone_total > 0", "PrometheusRule", "warmcast", *RULES, "expr"),
        ("prod", "monitoring"),
    ),
    "an alert without a runbook": Bite(
        lambda _: between.test_alerts_ask_for_metrics_that_there_are_and_have_their_runbook(),
        put("WarmcastSulks", "PrometheusRule", "warmcast", *RULES, "alert"),
        ("prod", "monitoring"),
    ),
    "a command that there is not": Bite(
        within.test_every_container_runs_a_command_that_there_is,
        put(["sweeps"], "CronJob", "sweep", *CRON_BOX, "args"),
    ),
    "an option that there is not": Bite(
        within.test_every_container_runs_a_command_that_there_is,
        put(["run-warmup", "--most", "20"], "CronJob", "run-warmup", *CRON_BOX, "args"),
        complaint=USAGE_ERROR,
    ),
    "a shared variable that is no setting": Bite(
        within.test_every_variable_is_a_setting, put("1", "ConfigMap", "warmcast", "data", "DRAIN_SECOND")
    ),
    "a variable that is no setting of its service": Bite(
        within.test_every_variable_is_a_setting,
        add({"name": "REDIS_URL", "value": "redis://redis"}, "Deployment", "jobs", *BOX, "env"),
    ),
    "a shared value that no setting takes": Bite(
        lambda manifests: _with_a_clean_environment(within.test_the_shared_values_are_valid_settings, manifests),
        put("soon", "ConfigMap", "warmcast", "data", "DRAIN_SECONDS"),
        complaint=ValueError,
    ),
    "a secret of somebody else": Bite(
        within.test_nobody_gets_a_secret_that_is_not_theirs, the_previous_secret_goes_everywhere
    ),
    "a service without its database": Bite(
        within.test_nobody_gets_a_secret_that_is_not_theirs, drop("Deployment", "jobs", *BOX, "env", 2)
    ),
    "root": Bite(
        within.test_every_pod_is_restricted, put(False, "Deployment", "jobs", *POD, "securityContext", "runAsNonRoot")
    ),
    "any system call": Bite(
        within.test_every_pod_is_restricted,
        put({"type": "Unconfined"}, "Deployment", "jobs", *POD, "securityContext", "seccompProfile"),
    ),
    "a root that can be written": Bite(
        within.test_every_pod_is_restricted,
        put(False, "Deployment", "jobs", *BOX, "securityContext", "readOnlyRootFilesystem"),
    ),
    "a container without a limit": Bite(
        within.test_every_pod_is_restricted, put({}, "Deployment", "jobs", *BOX, "resources", "limits")
    ),
    "liveness that asks for readiness": Bite(
        within.test_every_service_is_probed_for_life_and_readiness_apart,
        put("/readyz", "Deployment", "gateway", *BOX, "livenessProbe", "httpGet", "path"),
    ),
    "a health port that nobody serves": Bite(
        within.test_every_service_is_probed_for_life_and_readiness_apart,
        put("0.0.0.0:50049", "Deployment", "jobs", *BOX, "env", -1, "value"),
    ),
    "a grace shorter than the drain": Bite(
        within.test_a_pod_may_take_longer_to_end_than_its_service_does,
        put("40", "ConfigMap", "warmcast", "data", "DRAIN_SECONDS"),
    ),
    "a pod that leaves at once": Bite(
        within.test_a_pod_that_leaves_serves_until_nobody_finds_it_any_more,
        put(0, "Deployment", "gateway", *BOX, "lifecycle", "preStop", "sleep", "seconds"),
    ),
    "a frozen pod with the whole grace": Bite(
        within.test_a_frozen_pod_does_not_have_the_whole_grace,
        drop("Deployment", "forecaster", *BOX, "livenessProbe", "terminationGracePeriodSeconds"),
        complaint=KeyError,
    ),
    "a frozen pod with as long as any": Bite(
        within.test_a_frozen_pod_does_not_have_the_whole_grace,
        put(45, "Deployment", "jobs", *BOX, "livenessProbe", "terminationGracePeriodSeconds"),
    ),
    "a liveness probe that leaves no time to end": Bite(
        within.test_a_frozen_pod_does_not_have_the_whole_grace,
        put(5, "Deployment", "jobs", *BOX, "livenessProbe", "terminationGracePeriodSeconds"),
    ),
    "a gRPC Service that hides its pods": Bite(
        within.test_clients_see_every_pod_of_a_grpc_service, put("10.0.0.1", "Service", "jobs", "spec", "clusterIP")
    ),
    "an address of another port": Bite(
        within.test_clients_see_every_pod_of_a_grpc_service,
        put("dns:///jobs:50052", "ConfigMap", "warmcast", "data", "JOBS_ADDR"),
    ),
    "a schedule that may run twice at once": Bite(
        within.test_each_schedule_is_bounded, put("Allow", "CronJob", "sweep", "spec", "concurrencyPolicy")
    ),
    "a schedule without an end": Bite(
        within.test_each_schedule_is_bounded,
        drop("CronJob", "sweep", "spec", "jobTemplate", "spec", "activeDeadlineSeconds"),
    ),
    "a Deployment that is no service": Bite(
        lambda _: structure.test_kubernetes_runs_these_services_under_these_names("prod"),
        put("worker", "Deployment", "forecaster", "metadata", "name"),
    ),
}

# What they guard is no manifest.
OF_SOMETHING_ELSE = {
    "test_the_picture_in_the_readme_is_drawn_from_its_data",  # tried below
    "test_each_component_builds_by_itself",
    "test_the_validator_would_notice",
}


@pytest.mark.parametrize("name", BITES)
def test_it_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bite = BITES[name]
    manifests = _built(bite.scenario)
    _judge(bite.policy, manifests, monkeypatch)  # it holds as it is
    changed = copy.deepcopy(list(manifests))
    bite.change(changed)
    with pytest.raises(bite.complaint):
        _judge(bite.policy, tuple(changed), monkeypatch)


def test_a_picture_that_is_not_drawn_anew_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "README.md"
    page.write_text(picture.README.read_text(encoding="utf-8").replace("gateway -->", "client -->"), encoding="utf-8")
    monkeypatch.setattr(picture, "README", page)
    with pytest.raises(AssertionError):
        between.test_the_picture_in_the_readme_is_drawn_from_its_data()


def test_every_policy_is_tried() -> None:
    tried = {name for bite in BITES.values() for name in _called(bite.policy)}
    policies = {name for module in (between, within) for name in vars(module) if name.startswith("test_")}
    assert policies - OF_SOMETHING_ELSE == tried - {"test_kubernetes_runs_these_services_under_these_names"}


def _judge(policy: Policy, manifests: tuple[Manifest, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    # Some policies build what they judge.
    for module in (between, within, structure):
        for builds in ("build", "with_components"):
            if hasattr(module, builds):
                monkeypatch.setattr(module, builds, lambda *_: manifests)
    monkeypatch.setattr(between, "OVERLAYS", ["prod"])
    parameters = policy.__code__.co_argcount if isinstance(policy, FunctionType) else 0
    policy(manifests) if parameters else policy()


def _with_a_clean_environment(policy: Policy, manifests: tuple[Manifest, ...]) -> None:
    with pytest.MonkeyPatch.context() as environment:
        policy(manifests, environment)


def _called(policy: Policy) -> set[str]:
    """The policy's own name, or those that a lambda calls."""
    assert isinstance(policy, FunctionType)
    names = {policy.__name__, *policy.__code__.co_names}
    return {name for name in names if name.startswith("test_")}


def _built(scenario: tuple[str, ...]) -> tuple[Manifest, ...]:
    overlay, *components = scenario
    return with_components(overlay, *components) if components else build(f"overlays/{overlay}")
