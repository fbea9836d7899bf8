"""Traces as a collector gets them: what they say, what they never say, and that nothing waits for them."""

import base64
import ssl
import subprocess
import threading

import pytest
from conftest import WORLD, Receiver
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from s3 import free_port, wait_for
from test_walks import EXPORT, RUNS, with_key
from test_webhook import Hook, hook  # noqa: F401

PHASES = ["snapshot", "evaluation", "opening", "tables", "delivery"]


def values(attributes):
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


class Collector(Receiver):
    def __init__(self, tls=None):
        super().__init__(tls)
        self.answer = lambda: 200

    def env(self, **more):
        # Batches go out soon, so that a test waits for what it looks for and not for the time between two.
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "50", **more}

    def groups(self):
        """What came so far, each with who sent it."""
        for _, _, body in list(self.got):
            yield from ExportTraceServiceRequest.FromString(body).resource_spans

    def spans(self):
        return [span for group in self.groups() for scope in group.scope_spans for span in scope.spans]

    def named(self, name, count=1):
        """The spans of a name, once there are so many."""
        found = lambda: [span for span in self.spans() if span.name == name]  # noqa: E731
        return wait_for(lambda: len(found()) >= count and found(), f"span `{name}`")


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.close()


def test_a_request_is_a_span_under_its_caller(service, collector):
    attributes = "service.namespace=governance,service.version=of-the-operator"
    headers = "authorization=Bearer%20planted"
    env = collector.env(OTEL_RESOURCE_ATTRIBUTES=attributes, OTEL_EXPORTER_OTLP_HEADERS=headers)
    acme = service(env=env)
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    caller = {"traceparent": f"00-{trace}-{parent}-01", "x-request-id": "request-1"}
    acme.call("GET", "/api/v1/users/ada", headers=caller).expect(200)
    (span,) = collector.named("GET /api/v1/users/{name}")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (trace, parent)
    assert span.kind == Span.SPAN_KIND_SERVER and span.status.code == Status.STATUS_CODE_UNSET
    assert 0 < span.start_time_unix_nano < span.end_time_unix_nano
    assert values(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/api/v1/users/{name}",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "domesday.request.id": "request-1",
    }
    # What the caller did wrong is no failure of the service, and one who names no trace begins one.
    acme.call("GET", "/nowhere", headers={"traceparent": "nonsense"}).expect(404)
    (lost,) = collector.named("GET")
    assert lost.status.code == Status.STATUS_CODE_UNSET and not lost.parent_span_id and lost.trace_id
    assert values(lost.attributes)["http.response.status_code"] == 404
    # A caller who does not sample is followed.
    unsampled = {"traceparent": f"00-{trace}-{parent}-00"}
    acme.call("GET", "/api/v1/groups", headers=unsampled).expect(200)
    for probe in ("/health/live", "/health/ready", "/metrics"):
        acme.call("GET", probe).expect(200)
    acme.stop()
    assert {span.name for span in collector.spans()} == {"POST /api/v1/apply", "GET /api/v1/users/{name}", "GET"}
    for path, headers, _ in collector.got:
        assert (path, headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
        assert headers["authorization"] == "Bearer planted"
    for group in collector.groups():
        resource = values(group.resource.attributes)
        assert (resource["service.name"], resource["service.namespace"]) == ("domesday", "governance")
        assert resource["service.version"] == "of-the-operator" and resource["service.instance.id"]


def test_a_run_is_a_trace_with_its_phases(admin, bucket, strict, service, collector, hook):  # noqa: F811
    acme = service(env={**collector.env(OTEL_SERVICE_NAME="acme"), **hook.env()})
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    hook.answer = lambda: 503
    acme.call("POST", RUNS).expect(202)
    done = acme.run_ended()
    (run,) = collector.named("run")
    assert not run.parent_span_id and run.status.code == Status.STATUS_CODE_UNSET
    assert values(run.attributes) == {
        "domesday.run.id": done["id"],
        "domesday.run.trigger": "manual",
        "domesday.run.attempt": 1,
        "domesday.run.outcome": "succeeded",
        "domesday.export.id": done["export"],
    }
    phases = [span for span in collector.spans() if span.parent_span_id == run.span_id]
    phases.sort(key=lambda span: span.start_time_unix_nano)
    assert [phase.name for phase in phases] == PHASES
    for before, after in zip(phases, phases[1:]):
        assert before.end_time_unix_nano <= after.start_time_unix_nano
    assert {phase.trace_id for phase in phases} == {run.trace_id}
    assert values(phases[1].attributes) == {"domesday.users": 2, "domesday.data_sources": 1}
    # The webhook's refusal, by the receiver's host and no more of its address.
    (refused,) = collector.named("webhook")
    assert refused.kind == Span.SPAN_KIND_CLIENT and refused.status.code == Status.STATUS_CODE_ERROR
    assert values(refused.attributes) == {
        "http.request.method": "POST",
        "http.response.status_code": 503,
        "error.type": "503",
        "server.address": "127.0.0.1",
        "server.port": hook.server.server_address[1],
        "domesday.run.id": done["id"],
        "domesday.webhook.attempt": 1,
    }
    # A run that fails does so in a phase.
    for key in bucket.keys():
        bucket.s3.delete_object(Bucket=bucket.name, Key=key)
    bucket.s3.delete_bucket(Bucket=bucket.name)
    acme.call("POST", RUNS).expect(202)
    acme.run_ended(2)
    failed = collector.named("run", 2)[1]
    assert failed.status.code == Status.STATUS_CODE_ERROR and not failed.status.message
    assert values(failed.attributes)["error.type"] == "no-such-bucket"
    broken = [span for span in collector.spans() if span.parent_span_id == failed.span_id]
    assert [(span.name, span.status.code) for span in broken][-1] == ("opening", Status.STATUS_CODE_ERROR)
    acme.stop()
    assert {values(group.resource.attributes)["service.name"] for group in collector.groups()} == {"acme"}


@pytest.mark.parametrize("off", ["unset", "OTEL_SDK_DISABLED=true", "OTEL_TRACES_EXPORTER=none"])
def test_nothing_is_sent_unless_asked_for(service, collector, off):
    env = collector.env()
    if off == "unset":
        # Everything else of OpenTelemetry may be there for others' sake.
        del env["OTEL_EXPORTER_OTLP_ENDPOINT"]
        env["OTEL_SERVICE_NAME"] = "acme"
    else:
        env.update([off.split("=")])
    acme = service(env=env)
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.stop()
    assert collector.got == []


@pytest.mark.parametrize("trusted", [True, False])
def test_a_collector_must_be_trusted(service, tmp_path, trusted):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=collector"
    make += " -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE"
    subprocess.run([*make.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    collector = Collector(tls)
    more = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificate)} if trusted else {}
    acme = service(env=collector.env(**more))
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.stop()
    assert [span.name for span in collector.spans()] == ["POST /api/v1/apply"] * trusted
    assert ("the collector does not take the traces" in acme.logged()) != trusted
    collector.close()


@pytest.mark.parametrize("ill", ["gone", "refuses", "hangs"])
def test_an_ill_collector_changes_nothing(admin, bucket, strict, service, collector, ill):
    # Longer than a test takes: who waited for the collector would not end.
    env = collector.env(OTEL_EXPORTER_OTLP_TIMEOUT="3600000", OTEL_BSP_MAX_QUEUE_SIZE="8")
    go_on = threading.Event()
    collector.answer = lambda: 401 if ill == "refuses" else go_on.wait() and 200
    if ill == "gone":
        env["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{free_port()}"
    acme = service(env=env)
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    if ill != "gone":
        wait_for(lambda: collector.got, "the first batch")
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    # More spans than the queue holds.
    for _ in range(50):
        acme.call("GET", "/api/v1/users/ada").expect(200)
    acme.call("POST", RUNS).expect(202)
    assert acme.run_ended()["state"] == "succeeded"
    acme.stop()
    assert acme.process.returncode == 0
    told = acme.logged()
    # The log tells of it once, not with every batch.
    if ill != "hangs":
        assert told.count("the collector does not take the traces") == 1
    assert told.count("did not take the last traces in time") == (ill == "hangs")
    assert "stopped" in told
    go_on.set()


def test_secrets_and_names_are_in_no_trace(admin, bucket, strict, service, collector, hook):  # noqa: F811
    secret = "whsec_" + base64.b64encode(b"planted-webhook-secret-1").decode()
    address = {"DOMESDAY_WEBHOOK_URL": f"{hook.url}/planted-path?token=planted-token", "DOMESDAY_WEBHOOK_SECRET": secret}
    acme = service(env={**collector.env(OTEL_EXPORTER_OTLP_HEADERS="x-key=planted-header"), **address})
    world = {**WORLD, "users": [{"username": "planted-person", "groups": ["Analysts"]}]}
    acme.call("POST", "/api/v1/apply", world).expect(200)
    configuration = with_key(admin, acme, bucket, strict)
    acme.call("PUT", EXPORT, configuration).expect(201)
    acme.call("PUT", EXPORT, {**configuration, "secretAccessKey": "planted-wrong-secret"}).expect(422)
    acme.call("GET", "/api/v1/users?planted-query=1").expect(400)
    acme.call("GET", "/api/v1/users/planted-person").expect(200)
    acme.call("GET", "/api/v1/users/planted-nobody").expect(404)
    acme.call("GET", "/planted-route").expect(404)
    acme.call("GET", "/api/v1/users/planted-person", headers={"Authorization": "planted-wrong-key"}).expect(401)
    acme.call("POST", RUNS).expect(202)
    acme.run_ended()
    collector.named("webhook")
    acme.stop()
    sent = b"".join(body for _, _, body in collector.got)
    for word in [
        "planted", "administrator", "127.0.0.1:", acme.key, bucket.name,
        configuration["accessKeyId"], configuration["secretAccessKey"], secret,
    ]:
        assert word.encode() not in sent, word
    assert "planted-header" not in acme.logged()
    # The search itself finds what is there.
    assert b"domesday.run.id" in sent
