"""Measures how identity providers push by SCIM.

    scim.py [--users 100000] [--memberships 10] [--rounds 200] [--work DIR] [--out results.json]

Needs a release build (`cargo build --release -p domesday`). Starts `domesday serve` on an empty store, creates users one
by one and groups of 10,000 members, until every user has as many memberships as asked for. Then, in turn so that both
meet the same machine: a member is added to and removed from a group of 10, and one of all users; pages of users are
listed from the beginning and from the end; users are found by name. The client shares the machine's processors with
the service and keeps one connection open.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "release"
GROUP_SIZE = 10_000


class Service:
    """`domesday serve` on an empty store, with a connection and its token."""

    def __init__(self, work: pathlib.Path):
        environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": os.environ.get("DATABASE_URL", f"sqlite:{work}/scim.db"),
            "DOMESDAY_LISTEN": "127.0.0.1:0",
            "DOMESDAY_TENANT_NAME": "Bench",
            "DOMESDAY_TIME_ZONE": "UTC",
            "DOMESDAY_LOG": "warn",
            "DOMESDAY_REQUEST_TIMEOUT_SECONDS": "600",
        }
        output = work / "output"
        self.process = subprocess.Popen(
            [os.environ.get("DOMESDAY_BIN", TARGET / "domesday"), "serve"],
            env=environment,
            cwd=work,
            stdout=open(output, "w"),
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stderr:
            if found := re.search(r"Listening on (\S+)", line):
                self.address = found[1]
                break
        else:
            raise SystemExit("the service did not start")
        self.connection = http.client.HTTPConnection(self.address, timeout=900)
        key = None
        while key is None:
            key = re.search(r"domesday_[\w-]+", output.read_text())
        self.send("PUT", "/api/v1/connections/bench", {"kind": "scim"}, key[0])
        token = self.send("POST", "/api/v1/connections/bench/tokens", {}, key[0])["secret"]
        self.authorization = f"Bearer {token}"

    def send(self, method: str, path: str, body: object = None, authorization: str | None = None) -> dict:
        headers = {"Authorization": authorization or self.authorization, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        self.connection.request(method, path, data, headers)
        response = self.connection.getresponse()
        text = response.read()
        assert response.status < 300, (response.status, text[:500])
        return json.loads(text) if text else {}

    def scim(self, method: str, path: str, body: object = None) -> dict:
        return self.send(method, f"/scim/bench/v2{path}", body)


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def milliseconds(times: list[float]) -> dict:
    ordered = sorted(times)
    return {
        "median ms": round(statistics.median(ordered) * 1000, 2),
        "95 % ms": round(ordered[int(len(ordered) * 0.95)] * 1000, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--memberships", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        results = measure(Service(pathlib.Path(work)), options)
    print(json.dumps(results, indent=2))
    if options.out:
        options.out.write_text(json.dumps(results, indent=2))


def measure(service: Service, options: argparse.Namespace) -> dict:
    users: list[str] = []

    def create(number: int) -> None:
        body = {"userName": f"user{number:06}", "externalId": f"e{number}", "displayName": f"User {number}"}
        users.append(service.scim("POST", "/Users", body)["id"])

    took = seconds(lambda: [create(number) for number in range(options.users)])
    results: dict = {"users": options.users, "POST of users, a second": round(options.users / took)}

    def group(name: str, members: list[str]) -> str:
        body = {"displayName": name, "members": [{"value": member} for member in members]}
        return service.scim("POST", "/Groups?attributes=displayName", body)["id"]

    def fill() -> None:
        for round_number in range(options.memberships - 1):
            for start in range(0, len(users), GROUP_SIZE):
                group(f"Group {round_number} {start}", users[start : start + GROUP_SIZE])

    count = len(users) * (options.memberships - 1)
    results["memberships in groups of 10,000, a second"] = round(count / seconds(fill))
    small = group("Small", users[:10])
    took = seconds(lambda: results.update(large=group("Large", users[:-1])))
    large = results.pop("large")
    results["POST of the group of all users, s"] = round(took, 1)

    last = users[-1]
    add = {"Operations": [{"op": "add", "path": "members", "value": [{"value": last}]}]}
    remove = {"Operations": [{"op": "remove", "path": f'members[value eq "{last}"]'}]}
    times: dict = {"group of 10": [], f"group of {len(users)}": [], "first page": [], "last page": [], "by name": []}
    name = urllib.parse.quote('userName eq "USER000007"')
    for _ in range(options.rounds):
        for label, one in (("group of 10", small), (f"group of {len(users)}", large)):
            for body in (add, remove):
                times[label].append(seconds(lambda: service.scim("PATCH", f"/Groups/{one}", body)))
        times["first page"].append(seconds(lambda: service.scim("GET", "/Users?count=100")))
        path = f"/Users?startIndex={len(users) - 99}&count=100"
        times["last page"].append(seconds(lambda: service.scim("GET", path)))
        times["by name"].append(seconds(lambda: service.scim("GET", f"/Users?filter={name}")))
    results["PATCH of a member, pages of 100 users"] = {label: milliseconds(each) for label, each in times.items()}
    service.process.terminate()
    service.process.wait()
    return results


if __name__ == "__main__":
    main()
