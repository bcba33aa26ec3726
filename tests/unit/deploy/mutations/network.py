"""Who may speak to whom, how they find each other, and what is told of them."""

from __future__ import annotations

from tests.unit.deploy import test_manifest_policies as between
from tests.unit.deploy import test_manifests as within
from tests.unit.deploy.mutations.changes import add, drop, put
from tests.unit.deploy.mutations.mutation import BOX, Mutation

OPEN = "NetworkPolicy"
RULES = ("spec", "groups", 0, "rules", 0)


MUTATIONS = {
    "an arrow too few": Mutation(
        lambda _: between.test_pods_may_speak_along_the_picture_s_arrows_and_no_others("prod", "redis"),
        drop(OPEN, "jobs", "spec", "egress", 0),
    ),
    "an arrow too many": Mutation(
        lambda _: between.test_pods_may_speak_along_the_picture_s_arrows_and_no_others("prod", "redis"),
        add(
            {"to": [{"podSelector": {"matchLabels": {between.NAME: "gateway"}}}], "ports": [{"port": 8080}]},
            *(OPEN, "jobs", "spec", "egress"),
        ),
    ),
    "a port of no protocol": Mutation(
        between.test_every_rule_of_the_network_names_its_protocol,
        drop(OPEN, "jobs-to-postgres", "spec", "egress", 0, "ports", 0, "protocol"),
    ),
    "a door that is open to more": Mutation(
        lambda _: between.test_pods_may_speak_along_the_picture_s_arrows_and_no_others("dev", "valkey"),
        add(
            {"podSelector": {"matchLabels": {between.NAME: "gateway"}}}, OPEN, "postgres", "spec", "ingress", 0, "from"
        ),
        ("dev",),
    ),
    "a port that says nothing of HTTP/2": Mutation(
        between.test_ports_say_what_is_spoken_on_them,
        put("grpc", "Service", "jobs", "spec", "ports", 0, "appProtocol"),
    ),
    "TLS that calls itself clear text": Mutation(
        between.test_ports_say_what_is_spoken_on_them,
        put("kubernetes.io/h2c", "Service", "jobs", "spec", "ports", 0, "appProtocol"),
        ("prod", "tls"),
    ),
    "a resolver that answers no UDP": Mutation(
        lambda _: between.test_another_resolver_is_opened_to_every_pod("dns-openshift", 5353),
        drop(OPEN, "dns-openshift", "spec", "egress", 0, "ports", 0),
        ("prod", "dns-openshift"),
    ),
    "stores without IPv6": Mutation(
        lambda _: between.test_stores_outside_may_have_addresses_of_either_kind(),
        drop(OPEN, "jobs-to-postgres", "spec", "egress", 0, "to", 3),
    ),
    "a network that is open": Mutation(
        between.test_nothing_is_open_that_no_policy_opens, put(["Ingress"], OPEN, "default-deny", "spec", "policyTypes")
    ),
    "a policy of no pod": Mutation(
        between.test_every_policy_selects_a_pod,
        put("job", OPEN, "jobs", "spec", "podSelector", "matchLabels", between.NAME),
    ),
    "a gRPC Service that hides its pods": Mutation(
        within.test_clients_see_every_pod_of_a_grpc_service, put("10.0.0.1", "Service", "jobs", "spec", "clusterIP")
    ),
    "an address of another port": Mutation(
        within.test_clients_see_every_pod_of_a_grpc_service,
        put("dns:///jobs:50052", "ConfigMap", "warmcast", "data", "JOBS_ADDR"),
    ),
    "a certificate for one of two": Mutation(
        lambda _: between.test_tls_reaches_everybody_who_speaks_grpc(),
        put(["jobs"], "Certificate", "services", "spec", "dnsNames"),
        ("prod", "tls"),
    ),
    "a service without its certificate": Mutation(
        lambda _: between.test_tls_reaches_everybody_who_speaks_grpc(),
        put([], "Deployment", "gateway", *BOX, "volumeMounts"),
        ("prod", "tls"),
    ),
    "an alert on a metric that there is not": Mutation(
        lambda _: between.test_alerts_ask_for_metrics_that_there_are_and_have_their_runbook(),
        put("warmcast_gone_total > 0", "PrometheusRule", "warmcast", *RULES, "expr"),
        ("prod", "monitoring"),
    ),
    "an alert without a runbook": Mutation(
        lambda _: between.test_alerts_ask_for_metrics_that_there_are_and_have_their_runbook(),
        put("WarmcastSulks", "PrometheusRule", "warmcast", *RULES, "alert"),
        ("prod", "monitoring"),
    ),
}
