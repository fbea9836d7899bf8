"""A proxy in front of the real server that is stricter than it, keeps a log, and can fail on purpose.

The server behind it checks signatures and policies. What it does not check, this does, independently of the
program under test: the digest of the body against the signed header and the checksum, the bucket's owner, its
region, known KMS keys. Every request is logged with the action of IAM that it needs.
"""

import base64
import hashlib
import http.client
import re
import socket
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What the connection of a request can meet with instead of its answer.
RESET = "reset"


@dataclass
class Request:
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    @property
    def bucket(self):
        return urllib.parse.unquote(self.path.lstrip("/").split("/", 1)[0])

    @property
    def key(self):
        parts = self.path.lstrip("/").split("/", 1)
        return urllib.parse.unquote(parts[1]) if len(parts) > 1 else ""

    @property
    def action(self):
        if self.method == "POST" and self.path == "/":
            return "sts:" + urllib.parse.parse_qs(self.body.decode()).get("Action", ["?"])[0]
        if self.method == "GET" and not self.key and self.query.get("list-type") == "2":
            return "s3:ListBucket"
        if self.method == "PUT" and self.key and not self.query:
            return "s3:PutObject"
        if self.method == "GET" and self.key and not self.query:
            return "s3:GetObject"
        if self.method == "HEAD" and self.key:
            return "s3:GetObject"
        return f"{self.method} {self.path}?{urllib.parse.urlencode(self.query)}"


@dataclass
class Entry:
    request: Request
    status: int | None = None
    code: str = ""

    @property
    def action(self):
        return self.request.action


@dataclass
class Refusal(Exception):
    status: int
    code: str
    message: str
    more: str = ""
    headers: dict = field(default_factory=dict)


class Strict:
    """The proxy. `fault(request, number)` may raise a Refusal, return RESET, or sleep; `number` counts puts from 1."""

    def __init__(self, backend, owner="000000000000"):
        self.backend = backend  # (host, port)
        self.owner = owner
        self.regions = {}
        self.kms_keys = set()
        self.fault = None
        self.log = []
        self.puts = 0
        self.lock = threading.Lock()
        handler = type("Handler", (Handler,), {"strict": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def reset(self):
        with self.lock:
            self.fault, self.log, self.puts = None, [], 0

    def actions(self):
        return {entry.action for entry in self.log}

    def put_keys(self):
        return [e.request.key for e in self.log if e.action == "s3:PutObject" and e.status == 200]

    def check(self, request):
        headers = request.headers
        scope = re.search(r"Credential=[^/]+/\d{8}/([^/]+)/(s3|sts)/aws4_request", headers.get("authorization", ""))
        if scope and scope.group(2) == "s3":
            actual = self.regions.get(request.bucket)
            if actual and actual != scope.group(1):
                raise Refusal(
                    400,
                    "AuthorizationHeaderMalformed",
                    f"the region '{scope.group(1)}' is wrong; expecting '{actual}'",
                    f"<Region>{actual}</Region>",
                )
        owner = headers.get("x-amz-expected-bucket-owner")
        if owner and owner != self.owner:
            raise Refusal(403, "AccessDenied", "Access Denied")
        if request.action != "s3:PutObject":
            return
        if "transfer-encoding" in headers or "content-length" not in headers:
            raise Refusal(411, "MissingContentLength", "a put says its length")
        if any(name.startswith("x-amz-acl") or name.startswith("x-amz-grant") for name in headers):
            raise Refusal(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
        digest = hashlib.sha256(request.body)
        if headers.get("x-amz-content-sha256") != digest.hexdigest():
            raise Refusal(400, "XAmzContentSHA256Mismatch", "The provided hash does not match what was computed")
        checksum = base64.b64encode(digest.digest()).decode()
        if headers.get("x-amz-checksum-sha256") != checksum:
            raise Refusal(400, "BadDigest", "The SHA256 you specified did not match the calculated checksum")
        key = headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        if key and key not in self.kms_keys:
            raise Refusal(400, "KMS.NotFoundException", "Invalid keyId " + key)


class Handler(BaseHTTPRequestHandler):
    strict = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def handle_all(self):
        strict = self.strict
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        pairs = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, path, pairs, headers, body)
        entry = Entry(request)
        with strict.lock:
            strict.log.append(entry)
            if request.action == "s3:PutObject":
                strict.puts += 1
            number, fault = strict.puts, strict.fault
        try:
            if fault and fault(request, number) == RESET:
                self.cut()
                return
            strict.check(request)
        except Refusal as refusal:
            entry.status, entry.code = refusal.status, refusal.code
            self.refuse(refusal)
            return
        self.forward(request, entry)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_all

    def cut(self):
        self.close_connection = True
        # Lingering for no time makes the close a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def refuse(self, refusal):
        text = (
            f'<?xml version="1.0"?><Error><Code>{refusal.code}</Code><Message>{refusal.message}</Message>'
            f"{refusal.more}<RequestId>STRICT1</RequestId></Error>"
        ).encode()
        self.send_response(refusal.status)
        for name, value in {"content-type": "application/xml", **refusal.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def forward(self, request, entry):
        for attempt in range(3):
            connection = http.client.HTTPConnection(*self.strict.backend, timeout=60)
            try:
                connection.putrequest(request.method, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("connection", "expect"):
                        connection.putheader(name, value)
                connection.endheaders(request.body or None)
                response = connection.getresponse()
                data = response.read()
                break
            except (ConnectionError, http.client.HTTPException):
                if attempt == 2:
                    raise
                time.sleep(0.1)
            finally:
                connection.close()
        entry.status = response.status
        found = re.search(rb"<Code>([^<]+)</Code>", data)
        entry.code = found.group(1).decode() if found and response.status >= 300 else ""
        try:
            self.send_response_only(response.status)
            length = response.getheader("content-length")
            for name, value in response.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(name, value)
            self.send_header("content-length", length if request.method == "HEAD" and length else str(len(data)))
            self.end_headers()
            if request.method != "HEAD":
                self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
