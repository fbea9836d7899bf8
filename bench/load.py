"""Measures the service's access queries under load.

    load.py [--size l] [--seconds 10] [--rates 500,1000,2000] [--work DIR] [--out results.json]

Needs release builds (`cargo build --release -p domesday -p domesday-bench`). Fills a store, starts `domesday serve`
on it, and asks: first as fast as answers come, beside two questions that need no evaluation (`live`: no key, no
database; `tenant`: a key and the database), which say what the server itself costs; then at fixed rates, latencies
counted from the instant that a request was due. Last it changes a policy and asks again at once: the answer must be
the new one; it previews drafts; and it opens pages of the console, each many times, one after the other. The generator
shares the machine's processors with the service.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import re
import signal
import statistics
import subprocess
import time
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "release"
QUESTIONS = ["live", "tenant", "user", "data-source", "pair"]


class Service:
    """`domesday serve` on a store, with its administrator's key."""

    def __init__(self, store: pathlib.Path, work: pathlib.Path):
        environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": f"sqlite:{store}",
            "DOMESDAY_LISTEN": "127.0.0.1:0",
            "DOMESDAY_LOG": "warn",
        }
        admin = subprocess.run(
            [TARGET / "domesday", "key", "admin"], env=environment, cwd=work, check=True, capture_output=True, text=True
        )
        self.key = re.search(r"domesday_\S+", admin.stdout)[0]
        self.process = subprocess.Popen(
            [TARGET / "domesday", "serve"], env=environment, cwd=work,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        for line in self.process.stderr:
            if found := re.search(r"Listening on (\S+)", line):
                self.address = found[1]
                break
        else:
            raise SystemExit("the service did not start")

    def call(self, method: str, path: str, body: object = None) -> dict:
        headers = {"Authorization": self.key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.address}{path}", data, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def first(self, path: str) -> str:
        return self.call("GET", f"{path}?limit=1")["items"][0]["name"]

    def load(self, store: pathlib.Path, question: str, seconds: float, rate: float | None = None) -> dict:
        command = [TARGET / "domesday-bench", "load", question, "--store", store, "--address", self.address]
        command += ["--seconds", str(seconds)] + ([] if rate is None else ["--rate", str(rate)])
        environment = os.environ | {"DOMESDAY_KEY": self.key}
        run = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(run.stdout)

    def memory(self) -> int:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def change(service: Service, rounds: int) -> dict:
    """Milliseconds from sending a policy's change to the answer that shows it."""
    user, source = service.first("/api/v1/users"), service.first("/api/v1/data-sources")
    pair = urllib.parse.urlencode({"user": user, "dataSource": source, "scope": "read"})
    name = "Changed under load"
    saved, answered = [], []
    for turn in range(rounds):
        state = "active" if turn % 2 == 0 else "staged"
        policy = {
            "name": name, "type": "grant", "level": "individuals", "individuals": {"users": [user]},
            "appliesTo": {"dataSources": [source]}, "state": state,
        }  # fmt: skip
        started = time.perf_counter()
        service.call("PUT", f"/api/v1/policies/{urllib.parse.quote(name)}", policy)
        saved.append((time.perf_counter() - started) * 1e3)
        rows = service.call("GET", f"/api/v1/access?{pair}")["items"]
        answered.append((time.perf_counter() - started) * 1e3)
        shown = any(name in row["grants"] for row in rows)
        assert shown == (state == "active"), f"the answer after the change is not the new one: {rows}"
    return {"rounds": rounds, "saved_ms": statistics.median(saved), "answered_ms": statistics.median(answered)}


def preview(service: Service, rounds: int) -> dict:
    """Seconds that previews of drafts take, and the service's peak memory after each: first a draft that changes one
    outcome at most, then one that gives everything to everyone, then one that masks every column."""
    named = {"type": "grant", "level": "individuals", "individuals": {"users": [service.first("/api/v1/users")]}}
    drafts = {
        "one": ("policy", named | {"appliesTo": {"dataSources": [service.first("/api/v1/data-sources")]}}),
        "everything": ("policy", {"type": "grant", "level": "anyone", "appliesTo": "all"}),
        "masked": ("data-policy", {"mask": {"kind": "hash"}, "columns": {"names": ["*"]}, "appliesTo": "all"}),
    }
    told = {}
    for what, (kind, draft) in drafts.items():
        seconds = []
        for _ in range(rounds):
            started = time.perf_counter()
            answer = service.call("POST", f"/api/v1/{kind}-preview", draft | {"name": "Drafted under load"})
            seconds.append(time.perf_counter() - started)
        told[what] = {"seconds": statistics.median(seconds), "counts": answer["counts"], "peak_bytes": service.memory()}
    return told


class Browser:
    """A session of the console, on one connection."""

    def __init__(self, service: Service):
        self.connection = http.client.HTTPConnection(service.address)
        form = urllib.parse.urlencode({"key": service.key})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
        self.connection.request("POST", "/sign-in", form, headers)
        answer = self.connection.getresponse()
        answer.read()
        assert answer.status == 303, f"signing in was answered with {answer.status}"
        self.cookie = answer.headers["Set-Cookie"].split(";")[0]

    def milliseconds(self, path: str) -> float:
        """How long a page takes, from the request to its last byte."""
        started = time.perf_counter()
        self.connection.request("GET", path, headers={"Accept": "text/html", "Cookie": self.cookie})
        answer = self.connection.getresponse()
        answer.read()
        took = (time.perf_counter() - started) * 1e3
        assert answer.status == 200, f"{path} was answered with {answer.status}"
        return took


def pages(service: Service, rounds: int) -> list[dict]:
    """Milliseconds that pages of the console take, users and data sources drawn evenly."""
    draw = random.Random(1)
    browser = Browser(service)

    def drawn(kind: str) -> list[dict]:
        """Up to a thousand objects from a random place on."""
        items = service.call("GET", f"/api/v1/{kind}?limit=1000")["items"]
        return [draw.choice(items) for _ in range(rounds)]

    users, sources = drawn("users"), drawn("data-sources")
    names = [draw.choice(users)["name"][:4] for _ in range(rounds)]
    access = "/console/access"
    paths = {
        "overview": ["/console"] * rounds,
        "search suggestions": [f"{access}/suggest?q={urllib.parse.quote(name)}" for name in names],
        "search": [f"{access}?q={urllib.parse.quote(name)}" for name in names],
        "who can reach a data source": [f"{access}/data-source/{source['id']}" for source in sources],
        "the same, blocked only": [f"{access}/data-source/{source['id']}?outcome=BLOCKED" for source in sources],
        "what a user can reach": [f"{access}/user/{user['id']}" for user in users],
        "why": [f"{access}/user/{user['id']}/data-source/{source['id']}" for user, source in zip(users, sources)],
    }
    lists = ["data-sources", "users", "groups", "tags", "domains", "policies", "products", "requests", "runs", "audit"]
    lists += ["connections", "export", "export/setup", "policies/new", "catalog", "settings", "profile"]
    paths |= {name: [f"/console/{name}"] * rounds for name in lists}
    paths |= {
        "a data source": [f"/console/data-sources/{source['id']}" for source in sources],
        "a user": [f"/console/users/{user['id']}" for user in users],
    }
    # Objects of which a generated company may have none.
    for name, kind, key in [
        ("a group", "groups", "name"),
        ("a tag", "tags", "name"),
        ("a domain", "domains", "name"),
        ("a policy", "policies", "id"),
        ("a data product", "products", "id"),
        ("a request", "requests", "name"),
    ]:
        items = service.call("GET", f"/api/v1/{'data-products' if kind == 'products' else kind}?limit=1000")["items"]
        if items:
            keys = [urllib.parse.quote(str(draw.choice(items)[key]), safe="") for _ in range(rounds)]
            paths[name] = [f"/console/{kind}/{chosen}" for chosen in keys]
    times = []
    for name, addresses in paths.items():
        first = browser.milliseconds(addresses[0])
        took = sorted(browser.milliseconds(address) for address in addresses)
        times.append(
            {"page": name, "first_ms": first, "p50": statistics.median(took), "p90": took[len(took) * 9 // 10]}
        )
    return times


def table(result: dict) -> str:
    lines = ["| question | rate asked | answers a second | p50 ms | p90 ms | p99 ms | p99.9 ms | max ms | bytes |", "|" + "---|" * 9]
    for run in result["throughput"] + result["latency"]:
        rate = f"{run['rate']:.0f}" if run["rate"] else "as fast as answered"
        times = " | ".join(f"{run[name]:.2f}" for name in ("p50", "p90", "p99", "p999", "max"))
        lines.append(f"| {run['question']} | {rate} | {run['per_second']:.0f} | {times} | {run['bytes_each']:.0f} |")
    tenant = next(run for run in result["throughput"] if run["question"] == "tenant")["per_second"]
    for run in result["throughput"]:
        lines.append(f"\n{run['question']}: {run['per_second'] / tenant:.2f} of the rate of `tenant`")
    one = result["change"]
    lines.append(f"\nchange of a policy: saved in {one['saved_ms']:.0f} ms, the next answer shows it after {one['answered_ms']:.0f} ms")
    for what, told in result["preview"].items():
        counts = ", ".join(f"{count} {effect}" for effect, count in told["counts"].items()) or "nothing"
        lines.append(f"\npreview of `{what}`: {told['seconds']:.2f} s ({counts}), peak memory then {told['peak_bytes'] / 1e6:.0f} MB")
    lines += ["", "| page of the console | first ms | p50 ms | p90 ms |", "|" + "---|" * 4]
    for page in result["pages"]:
        lines.append(f"| {page['page']} | {page['first_ms']:.1f} | {page['p50']:.1f} | {page['p90']:.1f} |")
    lines.append(f"\npeak memory of the service before the previews: {result['peak_bytes'] / 1e6:.0f} MB")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="l")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rates", default="500,1000,2000")
    parser.add_argument("--rounds", type=int, default=6, help="changes of a policy")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/tmp/domesday-load"))
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    store = arguments.work / f"load-{arguments.size}.db"
    if not store.exists():
        subprocess.run([TARGET / "domesday-bench", "fill", arguments.size, store], check=True)
    service = Service(store, arguments.work)
    try:
        started = time.perf_counter()
        service.load(store, "user", 0.01)
        result = {"size": arguments.size, "first_answer_s": time.perf_counter() - started, "throughput": [], "latency": []}
        for question in QUESTIONS:
            run = service.load(store, question, arguments.seconds)
            result["throughput"].append({"question": question, "rate": None} | run)
        for rate in map(float, arguments.rates.split(",")):
            for question in ("user", "data-source", "pair"):
                run = service.load(store, question, arguments.seconds, rate)
                result["latency"].append({"question": question, "rate": rate} | run)
        result["change"] = change(service, arguments.rounds)
        result["peak_bytes"] = service.memory()
        result["pages"] = pages(service, 100)
        result["preview"] = preview(service, 3)
    finally:
        service.stop()
    print(table(result))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
