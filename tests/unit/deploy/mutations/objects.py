"""Objects that are what they say, once, in their place, and find each other."""

from __future__ import annotations

import kubernetes_validate

from tests.unit.deploy import test_manifest_policies as between
from tests.unit.deploy import test_structure as structure
from tests.unit.deploy.manifests import Manifest
from tests.unit.deploy.mutations.changes import put
from tests.unit.deploy.mutations.mutation import BOX, POD, Mutation


def twice(manifests: list[Manifest]) -> None:
    manifests.append(manifests[-1])


def the_configuration_reaches_the_migration(manifests: list[Manifest]) -> None:
    (name,) = (each["metadata"]["name"] for each in manifests if each["kind"] == "ConfigMap")
    put([{"configMapRef": {"name": name}}], "Job", "migrate", *BOX, "envFrom")(manifests)


MUTATIONS = {
    "a field that there is not": Mutation(
        lambda manifests: between.test_every_scenario_is_valid(manifests, kubernetes_validate.latest_version()),
        put("twice", "Deployment", "jobs", "spec", "replica"),
        complaint=kubernetes_validate.ValidationError,
    ),
    "an object twice": Mutation(between.test_no_two_manifests_are_the_same_object, twice),
    "a namespace that is not restricted": Mutation(
        between.test_all_is_in_one_namespace_that_is_restricted,
        put("baseline", "Namespace", "warmcast", "metadata", "labels", "pod-security.kubernetes.io/enforce"),
    ),
    "a strictness that changes with the cluster": Mutation(
        between.test_all_is_in_one_namespace_that_is_restricted,
        put("latest", "Namespace", "warmcast", "metadata", "labels", "pod-security.kubernetes.io/enforce-version"),
    ),
    "an object in another namespace": Mutation(
        between.test_all_is_in_one_namespace_that_is_restricted,
        put("default", "Service", "jobs", "metadata", "namespace"),
    ),
    "a Service of no pod": Mutation(
        between.test_every_service_selects_a_pod_that_has_its_ports,
        put("job", "Service", "jobs", "spec", "selector", between.NAME),
    ),
    "a Service's port that no container has": Mutation(
        between.test_every_service_selects_a_pod_that_has_its_ports,
        put("rpc", "Service", "jobs", "spec", "ports", 0, "targetPort"),
    ),
    "a Deployment of others' pods": Mutation(
        between.test_every_selector_selects_its_own_template,
        put("gateway", "Deployment", "jobs", "spec", "selector", "matchLabels", between.NAME),
    ),
    "a spread of others' pods": Mutation(
        between.test_every_selector_selects_its_own_template,
        put(
            {"matchLabels": {between.NAME: "gateway"}},
            *("Deployment", "jobs", *POD, "topologySpreadConstraints", 0, "labelSelector"),
        ),
    ),
    "another image": Mutation(
        between.test_images_agree_and_none_is_latest, put("warmcast:9", "Deployment", "jobs", *BOX, "image")
    ),
    "the latest image": Mutation(
        between.test_images_agree_and_none_is_latest,
        put("docker.io/library/postgres:latest", "StatefulSet", "postgres", *BOX, "image"),
        ("dev",),
    ),
    "an image without a tag": Mutation(
        between.test_images_agree_and_none_is_latest,
        put("docker.io/library/postgres", "StatefulSet", "postgres", *BOX, "image"),
        ("dev",),
    ),
    "a migration of another release": Mutation(
        between.test_the_migration_is_named_after_the_release, put("migrate-0", "Job", "migrate", "metadata", "name")
    ),
    "a migration that changes with the configuration": Mutation(
        between.test_the_migration_stays_as_it_is_within_a_release, the_configuration_reaches_the_migration
    ),
    "a service that migrates": Mutation(
        between.test_only_the_migration_migrates, put(["migrate"], "Deployment", "jobs", *BOX, "args")
    ),
    "a Deployment that is no service": Mutation(
        lambda _: structure.test_kubernetes_runs_these_services_under_these_names("prod"),
        put("worker", "Deployment", "forecaster", "metadata", "name"),
    ),
}
