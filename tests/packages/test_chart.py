"""The Helm chart: rendered by Helm, checked against the schemas of Kubernetes, its configuration read by the program.

No test installs it: a cluster would be needed.
"""

import json
import os
import pathlib
import re
import subprocess
import tomllib

import kubernetes_validate
import pytest
import yaml
from chart import CASES, CHART, EVERYTHING, SET_BY_THE_CHART, SHARED, container_of, helm, of_kind, pod_of, render, version


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
