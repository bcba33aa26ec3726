"""Mutations of probes, ports and shutdown."""

from __future__ import annotations

from tests.unit.deploy import test_availability as availability_policies
from tests.unit.deploy import test_objects as object_policies
from tests.unit.deploy import test_workloads as workload_policies
from tests.unit.deploy.mutations.changes import drop, put
from tests.unit.deploy.mutations.mutation import CONTAINER, Mutation

MUTATIONS = {
    "a probe of another port": Mutation(
        availability_policies.test_every_probe_uses_a_port_of_its_container,
        put(50051, "Deployment", "jobs", *CONTAINER, "livenessProbe", "grpc", "port"),
    ),
    "a readiness probe with an unknown service name": Mutation(
        availability_policies.test_every_probe_uses_a_port_of_its_container,
        put("ready", "Deployment", "jobs", *CONTAINER, "readinessProbe", "grpc", "service"),
    ),
    "a probe of an unknown port": Mutation(
        availability_policies.test_every_probe_uses_a_port_of_its_container,
        put("web", "Deployment", "gateway", *CONTAINER, "livenessProbe", "httpGet", "port"),
    ),
    "a liveness probe before startup has ended": Mutation(
        availability_policies.test_readiness_fails_before_liveness_and_liveness_before_startup,
        put(1, "Deployment", "jobs", *CONTAINER, "startupProbe", "failureThreshold"),
    ),
    "a port without a listener": Mutation(
        object_policies.test_container_ports_match_the_settings,
        put(50099, "Deployment", "jobs", *CONTAINER, "ports", 0, "containerPort"),
    ),
    "metrics on another port": Mutation(
        object_policies.test_container_ports_match_the_settings,
        put("9099", "ConfigMap", "warmcast", "data", "METRICS_PORT"),
    ),
    "a liveness probe that checks readiness": Mutation(
        workload_policies.test_liveness_and_readiness_use_different_checks,
        put("/readyz", "Deployment", "gateway", *CONTAINER, "livenessProbe", "httpGet", "path"),
    ),
    "a health port without a listener": Mutation(
        workload_policies.test_liveness_and_readiness_use_different_checks,
        put("0.0.0.0:50049", "Deployment", "jobs", *CONTAINER, "env", -1, "value"),
    ),
    "a grace period shorter than the drain": Mutation(
        workload_policies.test_the_grace_period_is_longer_than_the_shutdown,
        put("40", "ConfigMap", "warmcast", "data", "DRAIN_SECONDS"),
    ),
    "a pod without preStop": Mutation(
        workload_policies.test_a_terminating_pod_serves_until_no_client_connects_to_it,
        put(0, "Deployment", "gateway", *CONTAINER, "lifecycle", "preStop", "sleep", "seconds"),
    ),
    "a preStop shorter than the age of connections": Mutation(
        workload_policies.test_a_terminating_pod_serves_until_no_client_connects_to_it,
        put(5, "Deployment", "jobs", *CONTAINER, "lifecycle", "preStop", "sleep", "seconds"),
    ),
    "connections older than minReadySeconds": Mutation(
        workload_policies.test_clients_reconnect_to_a_new_pod_before_the_next_one_is_replaced,
        put("14", "ConfigMap", "warmcast", "data", "MAX_CONNECTION_AGE_SECONDS"),
    ),
    "connections with the default age": Mutation(
        workload_policies.test_clients_reconnect_to_a_new_pod_before_the_next_one_is_replaced,
        drop("ConfigMap", "warmcast", "data", "MAX_CONNECTION_AGE_SECONDS"),
    ),
    "a liveness probe that fails during preStop": Mutation(
        workload_policies.test_liveness_does_not_fail_during_pre_stop,
        put(1, "Deployment", "jobs", *CONTAINER, "livenessProbe", "failureThreshold"),
    ),
    "a liveness probe without its own grace period": Mutation(
        workload_policies.test_a_failed_liveness_probe_shortens_the_grace_period,
        drop("Deployment", "forecaster", *CONTAINER, "livenessProbe", "terminationGracePeriodSeconds"),
        error=KeyError,
    ),
    "a liveness probe with a long grace period": Mutation(
        workload_policies.test_a_failed_liveness_probe_shortens_the_grace_period,
        put(45, "Deployment", "jobs", *CONTAINER, "livenessProbe", "terminationGracePeriodSeconds"),
    ),
    "a liveness probe whose grace period is used up by preStop": Mutation(
        workload_policies.test_a_failed_liveness_probe_shortens_the_grace_period,
        put(15, "Deployment", "jobs", *CONTAINER, "livenessProbe", "terminationGracePeriodSeconds"),
    ),
}
