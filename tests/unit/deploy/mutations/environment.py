"""What a container runs, and with which variables."""

from __future__ import annotations

import pytest
import typer

from tests.unit.deploy import test_manifest_policies as between
from tests.unit.deploy import test_manifests as within
from tests.unit.deploy.manifests import Manifest
from tests.unit.deploy.mutations.changes import add, drop, put
from tests.unit.deploy.mutations.mutation import BOX, CRON_BOX, Mutation, Policy

USAGE_ERROR = typer.BadParameter.__mro__[1]  # wherever typer keeps its click


def the_gateway_has_the_database(manifests: list[Manifest]) -> None:
    reference = {"secretKeyRef": {"name": "warmcast", "key": "database-url"}}
    add({"name": "DATABASE_URL", "valueFrom": reference}, "Deployment", "gateway", *BOX, "env")(manifests)


MUTATIONS = {
    "a ConfigMap that is not there": Mutation(
        between.test_every_reference_to_the_environment_s_sources_is_to_something_there,
        put("warmcast", "Deployment", "jobs", *BOX, "envFrom", 0, "configMapRef", "name"),
    ),
    "another Secret": Mutation(
        between.test_every_reference_to_the_environment_s_sources_is_to_something_there,
        put("other", "Deployment", "jobs", *BOX, "env", 0, "valueFrom", "secretKeyRef", "name"),
    ),
    "a configuration under a fixed name": Mutation(
        between.test_the_configuration_s_name_changes_with_it,
        put("warmcast", "ConfigMap", "warmcast", "metadata", "name"),
    ),
    "a command that there is not": Mutation(
        within.test_every_container_runs_a_command_that_there_is,
        put(["sweeps"], "CronJob", "sweep", *CRON_BOX, "args"),
    ),
    "an option that there is not": Mutation(
        within.test_every_container_runs_a_command_that_there_is,
        put(["run-warmup", "--most", "20"], "CronJob", "run-warmup", *CRON_BOX, "args"),
        complaint=USAGE_ERROR,
    ),
    "a shared variable that is no setting": Mutation(
        within.test_every_variable_is_a_setting, put("1", "ConfigMap", "warmcast", "data", "DRAIN_SECOND")
    ),
    "a variable that is no setting of its service": Mutation(
        within.test_every_variable_is_a_setting,
        add({"name": "REDIS_URL", "value": "redis://redis"}, "Deployment", "jobs", *BOX, "env"),
    ),
    "a shared value that no setting takes": Mutation(
        lambda manifests: _with_a_clean_environment(within.test_the_shared_values_are_valid_settings, manifests),
        put("soon", "ConfigMap", "warmcast", "data", "DRAIN_SECONDS"),
        complaint=ValueError,
    ),
    "a secret of somebody else": Mutation(
        within.test_nobody_gets_a_secret_that_is_not_theirs, the_gateway_has_the_database
    ),
    "a service without its database": Mutation(
        within.test_nobody_gets_a_secret_that_is_not_theirs, drop("Deployment", "jobs", *BOX, "env", 2)
    ),
}


def _with_a_clean_environment(policy: Policy, manifests: tuple[Manifest, ...]) -> None:
    with pytest.MonkeyPatch.context() as environment:
        policy(manifests, environment)
