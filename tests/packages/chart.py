"""The Helm chart, rendered by Helm with values of every kind."""

import os
import pathlib
import platform
import subprocess
import tomllib

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/domesday"
if platform.machine() != "x86_64" and "DOMESDAY_HELM" not in os.environ:
    pytest.skip("there is no package of Helm for this machine", allow_module_level=True)
HELM = os.environ["DOMESDAY_HELM"]

#: Values of a PostgreSQL store, which most options go with.
SHARED = {
    "replicaCount": 2,
    "secrets": {"databaseUrl": {"name": "database"}, "secretKey": {"name": "sealing"}},
}

EVERYTHING = {
    "replicaCount": 3,
    "image": {"repository": "registry.example:5000/team/domesday", "digest": "sha256:" + "0a" * 32},
    "imagePullSecrets": [{"name": "registry"}],
    "fullnameOverride": "governance",
    "secrets": {
        "databaseUrl": {"name": "database", "key": "DATABASE_URL"},
        "secretKey": {"name": "sealing"},
        "oidcClientSecret": {"name": "oidc"},
        "webhookSecret": {"name": "webhook"},
        "tls": {"name": "certificate"},
    },
    "config": {
        "server": {
            "public_url": "https://domesday.example",
            "trusted_proxies": ["10.0.0.0/8", "2001:db8::/32"],
            "max_body_bytes": 16777216,
            "shutdown_grace_seconds": 40,
        },
        "tenant": {"name": 'Acme "Data" \\ <Governance> & Zürich', "time_zone": "Europe/Zurich"},
        "delivery": {"allowed_endpoints": ["https://s3.example:9000"], "attempts": 3},
        "webhook": {"url": "https://hooks.example/domesday"},
        "oidc": {"issuer": "https://login.example/realms/acme", "client_id": "domesday"},
        "connections": {"allowed_hosts": ["directory.example"]},
        "traces": {"endpoint": "http://collector:4318/v1/traces"},
        "log": {"level": "debug"},
    },
    "extraEnv": [
        {"name": "AWS_REGION", "value": "eu-central-1"},
        {"name": "OTEL_EXPORTER_OTLP_HEADERS", "valueFrom": {"secretKeyRef": {"name": "otel", "key": "headers"}}},
    ],
    "extraVolumes": [{"name": "authorities", "configMap": {"name": "authorities"}}],
    "extraVolumeMounts": [{"name": "authorities", "mountPath": "/etc/authorities", "readOnly": True}],
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/domesday"}},
    "service": {"type": "LoadBalancer", "port": 443, "annotations": {"a": "b"}},
    "metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "hosts": ["domesday.example"],
        "tls": [{"hosts": ["domesday.example"], "secretName": "ingress"}],
    },
    "networkPolicy": {
        "enabled": True,
        "httpFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}],
        "operationsFrom": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}],
        "egress": [{"ports": [{"protocol": "TCP", "port": 443}]}],
    },
    "podAnnotations": {"c": "d"},
    "podLabels": {"team": "data"},
    "priorityClassName": "high",
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "preStopSleepSeconds": 10,
    "terminationGracePeriodSeconds": 90,
}

CASES = {
    "defaults": {},
    "postgresql": SHARED,
    "everything": EVERYTHING,
    "recreate": {**SHARED, "updateStrategy": "Recreate", "podDisruptionBudget": {"enabled": False}},
    "existing claim": {"persistence": {"existingClaim": "kept"}, "preStopSleepSeconds": 0},
    "a cluster that chooses the user": {
        "podSecurity": {"runAsUser": None, "runAsGroup": None, "fsGroup": None},
        "listenAddress": "[::]",
        "metrics": {"service": {"enabled": True}},
        "serviceAccount": {"create": False, "name": "given"},
    },
    "large numbers": {"podSecurity": {"runAsUser": 1000650000, "runAsGroup": 1000650000, "fsGroup": 1000650000}},
}


def helm(*arguments, values=None):
    command = [HELM, *map(str, arguments)]
    if values is not None:
        command += ["--values", "-"]
    return subprocess.run(command, input=yaml.safe_dump(values or {}), capture_output=True, text=True)


def render(values, chart=CHART, name="gov"):
    done = helm("template", name, chart, "--namespace", "data", values=values)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def pod_of(documents):
    [deployment] = of_kind(documents, "Deployment")
    return deployment["spec"]["template"]["spec"]


def container_of(documents):
    [container] = pod_of(documents)["containers"]
    return container


#: Settings that follow from other values, or are paths of what the chart mounts.
SET_BY_THE_CHART = [
    ("server", "listen"),
    ("server", "operations_listen"),
    ("server", "tls_certificate"),
    ("server", "tls_key"),
    ("database", "path"),
    ("secrets", "key_file"),
    ("webhook", "secret_file"),
    ("oidc", "client_secret_file"),
]


def version():
    text = (ROOT / "Cargo.toml").read_text()
    return tomllib.loads(text)["workspace"]["package"]["version"]
