"""Mutations of privileges, volumes and resource limits."""

from __future__ import annotations

from tests.unit.deploy import test_objects as object_policies
from tests.unit.deploy import test_workloads as workload_policies
from tests.unit.deploy.manifests import Manifest
from tests.unit.deploy.mutations.changes import add, put
from tests.unit.deploy.mutations.mutation import CONTAINER, POD, Mutation


def a_role(manifests: list[Manifest]) -> None:
    manifests.append({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "all"}})


MUTATIONS = {
    "a mount without a volume": Mutation(
        object_policies.test_every_mount_has_a_volume_with_a_size_limit, put([], "Deployment", "jobs", *POD, "volumes")
    ),
    "a folder of the node": Mutation(
        object_policies.test_every_mount_has_a_volume_with_a_size_limit,
        add({"name": "all", "hostPath": {"path": "/"}}, "Deployment", "jobs", *POD, "volumes"),
    ),
    "a volume without a size limit": Mutation(
        object_policies.test_every_mount_has_a_volume_with_a_size_limit,
        put({}, "Deployment", "jobs", *POD, "volumes", 0, "emptyDir"),
    ),
    "a role": Mutation(object_policies.test_no_pod_has_a_privilege, a_role),
    "the node's network": Mutation(
        object_policies.test_no_pod_has_a_privilege, put(True, "Deployment", "jobs", *POD, "hostNetwork")
    ),
    "a port of the node": Mutation(
        object_policies.test_no_pod_has_a_privilege, put(80, "Deployment", "jobs", *CONTAINER, "ports", 0, "hostPort")
    ),
    "a token": Mutation(
        object_policies.test_no_pod_has_a_privilege,
        put(True, "Deployment", "jobs", *POD, "automountServiceAccountToken"),
    ),
    "root": Mutation(
        workload_policies.test_every_pod_is_restricted,
        put(False, "Deployment", "jobs", *POD, "securityContext", "runAsNonRoot"),
    ),
    "any system call": Mutation(
        workload_policies.test_every_pod_is_restricted,
        put({"type": "Unconfined"}, "Deployment", "jobs", *POD, "securityContext", "seccompProfile"),
    ),
    "a writable root file system": Mutation(
        workload_policies.test_every_pod_is_restricted,
        put(False, "Deployment", "jobs", *CONTAINER, "securityContext", "readOnlyRootFilesystem"),
    ),
    "a container without a limit": Mutation(
        workload_policies.test_every_pod_is_restricted, put({}, "Deployment", "jobs", *CONTAINER, "resources", "limits")
    ),
    "a container without a limit of ephemeral storage": Mutation(
        workload_policies.test_every_pod_is_restricted,
        put({"memory": "1Gi"}, "Deployment", "jobs", *CONTAINER, "resources", "limits"),
    ),
    "less ephemeral storage than scratch space and logs": Mutation(
        workload_policies.test_ephemeral_storage_covers_scratch_space_and_logs,
        put("100Mi", "Deployment", "jobs", *CONTAINER, "resources", "limits", "ephemeral-storage"),
    ),
    "scratch space that prevents the removal of a node": Mutation(
        workload_policies.test_scratch_space_does_not_prevent_the_removal_of_a_node,
        put({}, "Deployment", "jobs", "spec", "template", "metadata", "annotations"),
    ),
}
