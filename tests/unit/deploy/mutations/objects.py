"""Mutations of fields, namespaces, selectors, images and the migration."""

from __future__ import annotations

import kubernetes_validate

from tests.unit.deploy import test_objects as object_policies
from tests.unit.deploy import test_structure as structure
from tests.unit.deploy.manifests import Manifest
from tests.unit.deploy.mutations.changes import put
from tests.unit.deploy.mutations.mutation import CONTAINER, POD, Mutation
from tests.unit.deploy.scenarios import NAME


def twice(manifests: list[Manifest]) -> None:
    manifests.append(manifests[-1])


def the_configuration_reaches_the_migration(manifests: list[Manifest]) -> None:
    (name,) = (each["metadata"]["name"] for each in manifests if each["kind"] == "ConfigMap")
    put([{"configMapRef": {"name": name}}], "Job", "migrate", *CONTAINER, "envFrom")(manifests)


MUTATIONS = {
    "an unknown field": Mutation(
        lambda manifests: object_policies.test_every_scenario_is_valid(manifests, kubernetes_validate.latest_version()),
        put("twice", "Deployment", "jobs", "spec", "replica"),
        error=kubernetes_validate.ValidationError,
    ),
    "an object twice": Mutation(object_policies.test_no_two_manifests_are_the_same_object, twice),
    "a namespace that is not restricted": Mutation(
        object_policies.test_all_objects_are_in_one_restricted_namespace,
        put("baseline", "Namespace", "warmcast", "metadata", "labels", "pod-security.kubernetes.io/enforce"),
    ),
    "a security level without a fixed version": Mutation(
        object_policies.test_all_objects_are_in_one_restricted_namespace,
        put("latest", "Namespace", "warmcast", "metadata", "labels", "pod-security.kubernetes.io/enforce-version"),
    ),
    "an object in another namespace": Mutation(
        object_policies.test_all_objects_are_in_one_restricted_namespace,
        put("default", "Service", "jobs", "metadata", "namespace"),
    ),
    "a Service without pods": Mutation(
        object_policies.test_every_service_selects_a_pod_that_has_its_ports,
        put("job", "Service", "jobs", "spec", "selector", NAME),
    ),
    "a Service's port without a container's port": Mutation(
        object_policies.test_every_service_selects_a_pod_that_has_its_ports,
        put("rpc", "Service", "jobs", "spec", "ports", 0, "targetPort"),
    ),
    "a Deployment that selects other pods": Mutation(
        object_policies.test_every_selector_selects_its_own_template,
        put("gateway", "Deployment", "jobs", "spec", "selector", "matchLabels", NAME),
    ),
    "a topology spread that selects other pods": Mutation(
        object_policies.test_every_selector_selects_its_own_template,
        put(
            {"matchLabels": {NAME: "gateway"}},
            *("Deployment", "jobs", *POD, "topologySpreadConstraints", 0, "labelSelector"),
        ),
    ),
    "another image": Mutation(
        object_policies.test_all_services_use_one_image_and_none_is_latest,
        put("warmcast:9", "Deployment", "jobs", *CONTAINER, "image"),
    ),
    "the latest image": Mutation(
        object_policies.test_all_services_use_one_image_and_none_is_latest,
        put("docker.io/library/postgres:latest", "StatefulSet", "postgres", *CONTAINER, "image"),
        ("dev",),
    ),
    "an image without a tag": Mutation(
        object_policies.test_all_services_use_one_image_and_none_is_latest,
        put("docker.io/library/postgres", "StatefulSet", "postgres", *CONTAINER, "image"),
        ("dev",),
    ),
    "a migration of another release": Mutation(
        object_policies.test_the_migration_is_named_after_the_release,
        put("migrate-0", "Job", "migrate", "metadata", "name"),
    ),
    "a migration that depends on the configuration": Mutation(
        object_policies.test_the_migration_does_not_depend_on_the_configuration, the_configuration_reaches_the_migration
    ),
    "a service that migrates": Mutation(
        object_policies.test_only_the_migration_migrates, put(["migrate"], "Deployment", "jobs", *CONTAINER, "args")
    ),
    "a Deployment without a service": Mutation(
        lambda _: structure.test_kubernetes_runs_services_of_the_same_names("prod"),
        put("worker", "Deployment", "forecaster", "metadata", "name"),
    ),
}
