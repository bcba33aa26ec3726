"""Mutations of commands and environment variables."""

from __future__ import annotations

import pytest
import typer

from tests.unit.deploy import test_objects as object_policies
from tests.unit.deploy import test_workloads as workload_policies
from tests.unit.deploy.manifests import Manifest
from tests.unit.deploy.mutations.changes import add, drop, put
from tests.unit.deploy.mutations.mutation import CONTAINER, CRON_CONTAINER, Mutation, Policy

USAGE_ERROR = typer.BadParameter.__mro__[1]  # typer does not export this class of click


def the_gateway_has_the_database(manifests: list[Manifest]) -> None:
    reference = {"secretKeyRef": {"name": "warmcast", "key": "database-url"}}
    add({"name": "DATABASE_URL", "valueFrom": reference}, "Deployment", "gateway", *CONTAINER, "env")(manifests)


MUTATIONS = {
    "a missing ConfigMap": Mutation(
        object_policies.test_every_referenced_config_map_and_secret_exists,
        put("warmcast", "Deployment", "jobs", *CONTAINER, "envFrom", 0, "configMapRef", "name"),
    ),
    "a missing Secret": Mutation(
        object_policies.test_every_referenced_config_map_and_secret_exists,
        put("other", "Deployment", "jobs", *CONTAINER, "env", 0, "valueFrom", "secretKeyRef", "name"),
    ),
    "a ConfigMap with a fixed name": Mutation(
        object_policies.test_the_config_map_s_name_contains_its_hash,
        put("warmcast", "ConfigMap", "warmcast", "metadata", "name"),
    ),
    "an unknown command": Mutation(
        workload_policies.test_every_container_runs_an_existing_command,
        put(["sweeps"], "CronJob", "sweep", *CRON_CONTAINER, "args"),
    ),
    "an unknown option": Mutation(
        workload_policies.test_every_container_runs_an_existing_command,
        put(["run-warmup", "--most", "20"], "CronJob", "run-warmup", *CRON_CONTAINER, "args"),
        error=USAGE_ERROR,
    ),
    "a shared variable without a setting": Mutation(
        workload_policies.test_every_variable_is_a_setting, put("1", "ConfigMap", "warmcast", "data", "DRAIN_SECOND")
    ),
    "a variable without a setting of its service": Mutation(
        workload_policies.test_every_variable_is_a_setting,
        add({"name": "REDIS_URL", "value": "redis://redis"}, "Deployment", "jobs", *CONTAINER, "env"),
    ),
    "an invalid shared value": Mutation(
        lambda manifests: _with_a_clean_environment(
            workload_policies.test_the_shared_values_are_valid_settings, manifests
        ),
        put("soon", "ConfigMap", "warmcast", "data", "DRAIN_SECONDS"),
        error=ValueError,
    ),
    "a secret of another service": Mutation(
        workload_policies.test_each_pod_has_only_the_secrets_that_it_needs, the_gateway_has_the_database
    ),
    "a service without its database": Mutation(
        workload_policies.test_each_pod_has_only_the_secrets_that_it_needs,
        drop("Deployment", "jobs", *CONTAINER, "env", 2),
    ),
}


def _with_a_clean_environment(policy: Policy, manifests: tuple[Manifest, ...]) -> None:
    with pytest.MonkeyPatch.context() as environment:
        policy(manifests, environment)
