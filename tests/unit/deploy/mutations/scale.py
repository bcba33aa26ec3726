"""How many there are, how many may go, and when what runs."""

from __future__ import annotations

from tests.unit.deploy import test_manifest_policies as between
from tests.unit.deploy import test_manifests as within
from tests.unit.deploy.manifests import Manifest
from tests.unit.deploy.mutations.changes import drop, put
from tests.unit.deploy.mutations.mutation import BOX, Mutation

BUDGET = "PodDisruptionBudget"
SCALER = "HorizontalPodAutoscaler"


def twice(manifests: list[Manifest]) -> None:
    manifests.append(manifests[-1])


MUTATIONS = {
    "a budget that lets all go": Mutation(
        between.test_every_budget_selects_pods_of_which_it_lets_one_go,
        put(2, BUDGET, "jobs", "spec", "maxUnavailable"),
    ),
    "a budget that keeps broken pods": Mutation(
        between.test_every_budget_selects_pods_of_which_it_lets_one_go,
        put("IfHealthyBudget", BUDGET, "jobs", "spec", "unhealthyPodEvictionPolicy"),
    ),
    "a service without a budget": Mutation(
        between.test_every_budget_selects_pods_of_which_it_lets_one_go, drop(BUDGET, "gateway")
    ),
    "a scaler of nothing": Mutation(
        between.test_every_scaler_has_a_target_that_does_not_count_for_itself,
        put("gate", SCALER, "gateway", "spec", "scaleTargetRef", "name"),
        complaint=KeyError,
    ),
    "a scaler's target that counts for itself": Mutation(
        between.test_every_scaler_has_a_target_that_does_not_count_for_itself,
        put(2, "Deployment", "gateway", "spec", "replicas"),
    ),
    "a target of two scalers": Mutation(
        between.test_every_scaler_has_a_target_that_does_not_count_for_itself,
        put("gateway", SCALER, "forecaster", "spec", "scaleTargetRef", "name"),
    ),
    "a scaler by CPU that is not requested": Mutation(
        between.test_what_scales_by_cpu_requests_some,
        drop("Deployment", "gateway", *BOX, "resources", "requests", "cpu"),
    ),
    "one replica in production": Mutation(
        between.test_production_has_two_of_each, put(1, SCALER, "gateway", "spec", "minReplicas")
    ),
    "a development pod that leaves no room for the one that takes its place": Mutation(
        within.test_a_development_node_of_two_cores_holds_a_pod_and_the_one_that_takes_its_place,
        put("1", "Deployment", "forecaster", *BOX, "resources", "requests", "cpu"),
        scenario=("dev",),
    ),
    "a schedule that may run twice at once": Mutation(
        within.test_each_schedule_is_bounded, put("Allow", "CronJob", "sweep", "spec", "concurrencyPolicy")
    ),
    "a schedule without an end": Mutation(
        within.test_each_schedule_is_bounded,
        drop("CronJob", "sweep", "spec", "jobTemplate", "spec", "activeDeadlineSeconds"),
    ),
    "a schedule that gives up at once": Mutation(
        within.test_each_schedule_is_tried_again_in_its_pod,
        put(0, "CronJob", "sweep", "spec", "jobTemplate", "spec", "backoffLimit"),
    ),
    "a schedule whose next try is in a new pod": Mutation(
        within.test_each_schedule_is_tried_again_in_its_pod,
        put("Never", "CronJob", "sweep", "spec", "jobTemplate", "spec", "template", "spec", "restartPolicy"),
    ),
}
