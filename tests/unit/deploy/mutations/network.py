"""Mutations of connections, names, TLS and alerts."""

from __future__ import annotations

from tests.unit.deploy import test_network_policies as network_policies
from tests.unit.deploy import test_objects as object_policies
from tests.unit.deploy import test_workloads as workload_policies
from tests.unit.deploy.mutations.changes import add, drop, put
from tests.unit.deploy.mutations.mutation import CONTAINER, Mutation
from tests.unit.deploy.scenarios import NAME

POLICY = "NetworkPolicy"
RULES = ("spec", "groups", 0, "rules", 0)


MUTATIONS = {
    "a missing connection": Mutation(
        lambda _: network_policies.test_network_policies_allow_exactly_the_picture_s_connections("prod", "redis"),
        drop(POLICY, "jobs", "spec", "egress", 0),
    ),
    "an additional connection": Mutation(
        lambda _: network_policies.test_network_policies_allow_exactly_the_picture_s_connections("prod", "redis"),
        add(
            {"to": [{"podSelector": {"matchLabels": {NAME: "gateway"}}}], "ports": [{"port": 8080}]},
            *(POLICY, "jobs", "spec", "egress"),
        ),
    ),
    "a port without a protocol": Mutation(
        network_policies.test_every_network_policy_rule_names_its_protocol,
        drop(POLICY, "jobs-to-postgres", "spec", "egress", 0, "ports", 0, "protocol"),
    ),
    "an additional ingress": Mutation(
        lambda _: network_policies.test_network_policies_allow_exactly_the_picture_s_connections("dev", "valkey"),
        add({"podSelector": {"matchLabels": {NAME: "gateway"}}}, POLICY, "postgres", "spec", "ingress", 0, "from"),
        ("dev",),
    ),
    "a port that does not declare HTTP/2": Mutation(
        network_policies.test_service_ports_declare_their_application_protocol,
        put("grpc", "Service", "jobs", "spec", "ports", 0, "appProtocol"),
    ),
    "TLS declared as clear text": Mutation(
        network_policies.test_service_ports_declare_their_application_protocol,
        put("kubernetes.io/h2c", "Service", "jobs", "spec", "ports", 0, "appProtocol"),
        ("prod", "tls"),
    ),
    "a resolver without UDP": Mutation(
        lambda _: network_policies.test_a_dns_component_allows_its_resolver_to_every_pod("dns-openshift", 5353),
        drop(POLICY, "dns-openshift", "spec", "egress", 0, "ports", 0),
        ("prod", "dns-openshift"),
    ),
    "stores without IPv6": Mutation(
        lambda _: network_policies.test_external_stores_may_have_ipv4_and_ipv6_addresses(),
        drop(POLICY, "jobs-to-postgres", "spec", "egress", 0, "to", 3),
    ),
    "open egress": Mutation(
        network_policies.test_the_default_policy_denies_all_traffic,
        put(["Ingress"], POLICY, "default-deny", "spec", "policyTypes"),
    ),
    "a policy without pods": Mutation(
        network_policies.test_every_network_policy_selects_a_pod,
        put("job", POLICY, "jobs", "spec", "podSelector", "matchLabels", NAME),
    ),
    "a gRPC Service with a cluster IP": Mutation(
        workload_policies.test_grpc_services_are_headless, put("10.0.0.1", "Service", "jobs", "spec", "clusterIP")
    ),
    "an address with another port": Mutation(
        workload_policies.test_grpc_services_are_headless,
        put("dns:///jobs:50052", "ConfigMap", "warmcast", "data", "JOBS_ADDR"),
    ),
    "a certificate without the forecaster's name": Mutation(
        lambda _: network_policies.test_every_pod_with_grpc_has_its_tls_files(),
        put(["jobs"], "Certificate", "services", "spec", "dnsNames"),
        ("prod", "tls"),
    ),
    "a service without its certificate": Mutation(
        lambda _: network_policies.test_every_pod_with_grpc_has_its_tls_files(),
        put([], "Deployment", "gateway", *CONTAINER, "volumeMounts"),
        ("prod", "tls"),
    ),
    "an alert on an unknown metric": Mutation(
        lambda _: object_policies.test_alerts_use_existing_metrics_and_have_a_runbook(),
        put("warmcast_gone_total > 0", "PrometheusRule", "warmcast", *RULES, "expr"),
        ("prod", "monitoring"),
    ),
    "an alert without a runbook": Mutation(
        lambda _: object_policies.test_alerts_use_existing_metrics_and_have_a_runbook(),
        put("WarmcastUnknown", "PrometheusRule", "warmcast", *RULES, "alert"),
        ("prod", "monitoring"),
    ),
}
