"""How a pod is asked whether it lives, and how it ends."""

from __future__ import annotations

from tests.unit.deploy import test_manifest_policies as between
from tests.unit.deploy import test_manifests as within
from tests.unit.deploy.mutations.changes import drop, put
from tests.unit.deploy.mutations.mutation import BOX, Mutation

MUTATIONS = {
    "a probe of another port": Mutation(
        between.test_every_probe_asks_a_port_that_is_there,
        put(50051, "Deployment", "jobs", *BOX, "livenessProbe", "grpc", "port"),
    ),
    "readiness under a name that nobody serves": Mutation(
        between.test_every_probe_asks_a_port_that_is_there,
        put("ready", "Deployment", "jobs", *BOX, "readinessProbe", "grpc", "service"),
    ),
    "a probe of a port without a name": Mutation(
        between.test_every_probe_asks_a_port_that_is_there,
        put("web", "Deployment", "gateway", *BOX, "livenessProbe", "httpGet", "port"),
    ),
    "a liveness probe before startup has ended": Mutation(
        between.test_startup_has_longer_than_liveness_and_readiness_acts_before_it,
        put(1, "Deployment", "jobs", *BOX, "startupProbe", "failureThreshold"),
    ),
    "a port that nobody listens on": Mutation(
        between.test_ports_are_those_that_the_settings_say,
        put(50099, "Deployment", "jobs", *BOX, "ports", 0, "containerPort"),
    ),
    "metrics on another port": Mutation(
        between.test_ports_are_those_that_the_settings_say, put("9099", "ConfigMap", "warmcast", "data", "METRICS_PORT")
    ),
    "liveness that asks for readiness": Mutation(
        within.test_every_service_is_probed_for_life_and_readiness_apart,
        put("/readyz", "Deployment", "gateway", *BOX, "livenessProbe", "httpGet", "path"),
    ),
    "a health port that nobody serves": Mutation(
        within.test_every_service_is_probed_for_life_and_readiness_apart,
        put("0.0.0.0:50049", "Deployment", "jobs", *BOX, "env", -1, "value"),
    ),
    "a grace shorter than the drain": Mutation(
        within.test_a_pod_may_take_longer_to_end_than_its_service_does,
        put("40", "ConfigMap", "warmcast", "data", "DRAIN_SECONDS"),
    ),
    "a pod that leaves at once": Mutation(
        within.test_a_pod_that_leaves_serves_until_nobody_finds_it_any_more,
        put(0, "Deployment", "gateway", *BOX, "lifecycle", "preStop", "sleep", "seconds"),
    ),
    "a drained pod that leaves before its clients found the next": Mutation(
        within.test_a_pod_that_leaves_serves_until_nobody_finds_it_any_more,
        put(5, "Deployment", "jobs", *BOX, "lifecycle", "preStop", "sleep", "seconds"),
    ),
    "connections as old as the time that a new pod has": Mutation(
        within.test_the_next_pod_goes_once_every_client_has_found_its_successor,
        put("14", "ConfigMap", "warmcast", "data", "MAX_CONNECTION_AGE_SECONDS"),
    ),
    "connections of the default age": Mutation(
        within.test_the_next_pod_goes_once_every_client_has_found_its_successor,
        drop("ConfigMap", "warmcast", "data", "MAX_CONNECTION_AGE_SECONDS"),
    ),
    "a liveness probe that acts during preStop": Mutation(
        within.test_a_pod_is_not_found_dead_while_it_leaves,
        put(1, "Deployment", "jobs", *BOX, "livenessProbe", "failureThreshold"),
    ),
    "a frozen pod with the whole grace": Mutation(
        within.test_a_frozen_pod_does_not_have_the_whole_grace,
        drop("Deployment", "forecaster", *BOX, "livenessProbe", "terminationGracePeriodSeconds"),
        complaint=KeyError,
    ),
    "a frozen pod with as long as any": Mutation(
        within.test_a_frozen_pod_does_not_have_the_whole_grace,
        put(45, "Deployment", "jobs", *BOX, "livenessProbe", "terminationGracePeriodSeconds"),
    ),
    "a liveness probe that leaves no time to end": Mutation(
        within.test_a_frozen_pod_does_not_have_the_whole_grace,
        put(15, "Deployment", "jobs", *BOX, "livenessProbe", "terminationGracePeriodSeconds"),
    ),
}
