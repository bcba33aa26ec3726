"""What a pod may do to its node, and how much of it it may take."""

from __future__ import annotations

from tests.unit.deploy import test_manifest_policies as between
from tests.unit.deploy import test_manifests as within
from tests.unit.deploy.manifests import Manifest
from tests.unit.deploy.mutations.changes import add, put
from tests.unit.deploy.mutations.mutation import BOX, POD, Mutation


def a_role(manifests: list[Manifest]) -> None:
    manifests.append({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "all"}})


MUTATIONS = {
    "a mount of no volume": Mutation(
        between.test_every_mount_has_its_volume, put([], "Deployment", "jobs", *POD, "volumes")
    ),
    "a folder of the node": Mutation(
        between.test_every_mount_has_its_volume,
        add({"name": "all", "hostPath": {"path": "/"}}, "Deployment", "jobs", *POD, "volumes"),
    ),
    "a volume that may grow": Mutation(
        between.test_every_mount_has_its_volume, put({}, "Deployment", "jobs", *POD, "volumes", 0, "emptyDir")
    ),
    "a role": Mutation(between.test_no_pod_has_a_privilege, a_role),
    "the node's network": Mutation(
        between.test_no_pod_has_a_privilege, put(True, "Deployment", "jobs", *POD, "hostNetwork")
    ),
    "a port of the node": Mutation(
        between.test_no_pod_has_a_privilege, put(80, "Deployment", "jobs", *BOX, "ports", 0, "hostPort")
    ),
    "a token": Mutation(
        between.test_no_pod_has_a_privilege, put(True, "Deployment", "jobs", *POD, "automountServiceAccountToken")
    ),
    "root": Mutation(
        within.test_every_pod_is_restricted, put(False, "Deployment", "jobs", *POD, "securityContext", "runAsNonRoot")
    ),
    "any system call": Mutation(
        within.test_every_pod_is_restricted,
        put({"type": "Unconfined"}, "Deployment", "jobs", *POD, "securityContext", "seccompProfile"),
    ),
    "a root that can be written": Mutation(
        within.test_every_pod_is_restricted,
        put(False, "Deployment", "jobs", *BOX, "securityContext", "readOnlyRootFilesystem"),
    ),
    "a container without a limit": Mutation(
        within.test_every_pod_is_restricted, put({}, "Deployment", "jobs", *BOX, "resources", "limits")
    ),
    "a container without a limit of its disk": Mutation(
        within.test_every_pod_is_restricted,
        put({"memory": "1Gi"}, "Deployment", "jobs", *BOX, "resources", "limits"),
    ),
    "less disk than its scratch space and logs take": Mutation(
        within.test_a_pod_has_room_for_its_scratch_space_and_its_logs,
        put("100Mi", "Deployment", "jobs", *BOX, "resources", "limits", "ephemeral-storage"),
    ),
    "scratch space that keeps a node": Mutation(
        within.test_scratch_space_does_not_keep_an_autoscaler_from_emptying_a_node,
        put({}, "Deployment", "jobs", "spec", "template", "metadata", "annotations"),
    ),
}
