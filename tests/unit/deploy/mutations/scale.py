"""Mutations of disruption budgets, autoscalers, replicas and schedules."""

from __future__ import annotations

from tests.unit.deploy import test_availability as availability_policies
from tests.unit.deploy import test_workloads as workload_policies
from tests.unit.deploy.manifests import Manifest
from tests.unit.deploy.mutations.changes import drop, put
from tests.unit.deploy.mutations.mutation import CONTAINER, Mutation

BUDGET = "PodDisruptionBudget"
SCALER = "HorizontalPodAutoscaler"


def twice(manifests: list[Manifest]) -> None:
    manifests.append(manifests[-1])


MUTATIONS = {
    "a budget that allows the eviction of all pods": Mutation(
        availability_policies.test_every_disruption_budget_allows_one_eviction_and_keeps_a_pod,
        put(2, BUDGET, "jobs", "spec", "maxUnavailable"),
    ),
    "a budget that protects unhealthy pods": Mutation(
        availability_policies.test_every_disruption_budget_allows_one_eviction_and_keeps_a_pod,
        put("IfHealthyBudget", BUDGET, "jobs", "spec", "unhealthyPodEvictionPolicy"),
    ),
    "a service without a budget": Mutation(
        availability_policies.test_every_disruption_budget_allows_one_eviction_and_keeps_a_pod, drop(BUDGET, "gateway")
    ),
    "an autoscaler without a target": Mutation(
        availability_policies.test_every_autoscaler_has_its_own_target_without_fixed_replicas,
        put("gate", SCALER, "gateway", "spec", "scaleTargetRef", "name"),
        error=KeyError,
    ),
    "an autoscaler's target with fixed replicas": Mutation(
        availability_policies.test_every_autoscaler_has_its_own_target_without_fixed_replicas,
        put(2, "Deployment", "gateway", "spec", "replicas"),
    ),
    "a target of two autoscalers": Mutation(
        availability_policies.test_every_autoscaler_has_its_own_target_without_fixed_replicas,
        put("gateway", SCALER, "forecaster", "spec", "scaleTargetRef", "name"),
    ),
    "an autoscaler by CPU without a request": Mutation(
        availability_policies.test_pods_scaled_by_cpu_request_cpu,
        drop("Deployment", "gateway", *CONTAINER, "resources", "requests", "cpu"),
    ),
    "one replica in production": Mutation(
        availability_policies.test_production_runs_at_least_two_replicas_of_each_service,
        put(1, SCALER, "gateway", "spec", "minReplicas"),
    ),
    "a development pod too large for its successor": Mutation(
        workload_policies.test_a_development_node_of_two_cores_fits_a_pod_and_its_successor,
        put("1", "Deployment", "forecaster", *CONTAINER, "resources", "requests", "cpu"),
        scenario=("dev",),
    ),
    "a schedule with concurrent runs": Mutation(
        workload_policies.test_each_schedule_is_bounded, put("Allow", "CronJob", "sweep", "spec", "concurrencyPolicy")
    ),
    "a schedule without a deadline": Mutation(
        workload_policies.test_each_schedule_is_bounded,
        drop("CronJob", "sweep", "spec", "jobTemplate", "spec", "activeDeadlineSeconds"),
    ),
    "a schedule without retries": Mutation(
        workload_policies.test_each_schedule_is_retried_in_its_pod,
        put(0, "CronJob", "sweep", "spec", "jobTemplate", "spec", "backoffLimit"),
    ),
    "a schedule that retries in a new pod": Mutation(
        workload_policies.test_each_schedule_is_retried_in_its_pod,
        put("Never", "CronJob", "sweep", "spec", "jobTemplate", "spec", "template", "spec", "restartPolicy"),
    ),
}
