"""Connections end to end: a directory that is read, what its people then have, and what is refused."""

import json
import os
import subprocess

from directory import directory  # noqa: F401
from s3 import wait_for

USERS = "/api/v1/users"
CONNECTION = "/api/v1/connections/corp"


def with_directory(service, directory, **settings):
    env = {"DOMESDAY_CONNECTIONS_ALLOWED_HOSTS": "localhost", "DOMESDAY_CONNECTIONS_CA_FILE": str(directory.authority)}
    return service(env={**env, **settings})


def sync(running, **body):
    return running.call("POST", f"{CONNECTION}/syncs", body).expect(200).json


def test_people_come_from_a_directory_and_leave_with_it(service, directory):
    ldap = directory()
    running = with_directory(service, ldap)
    created = running.call("PUT", CONNECTION, ldap.connection()).expect(201).json
    assert created["hasPassword"] and "password" not in created and created["state"] == "never"
    plan = sync(running, dryRun=True)
    assert plan["id"] is None and len(plan["changes"]) == 41
    assert running.call("GET", f"{USERS}/p0").status == 404

    done = sync(running)
    assert (done["state"], done["isComplete"]) == ("succeeded", True), done
    assert done["counts"]["users"] == {"read": 40, "created": 40, "changed": 0, "unchanged": 0, "gone": 0, "skipped": 0}
    person = running.call("GET", f"{USERS}/p0").expect(200).json
    assert person["document"] == {
        "username": "p0",
        "name": "Person 0",
        "email": "p0@acme.example",
        "identityProvider": "corp",
        "status": "active",
        "groups": ["Even"],
    }
    assert person["origins"]["groups/Even"] == ["corp"] and person["layers"][0]["origin"] == "corp"
    again = sync(running)
    assert again["sha256"] == done["sha256"] and again["counts"]["users"]["unchanged"] == 40

    # Somebody adds a title; it stays, and the person cannot be deleted while the directory lists them.
    running.call("PUT", f"{USERS}/p0", {**person["document"], "title": "CEO"}).expect(200)
    assert running.call("GET", f"{USERS}/p0").json["layers"][1]["document"] == {
        "username": "p0", "title": "CEO",
    }
    refused = running.call("DELETE", f"{USERS}/p0").expect(409)
    assert "is listed by corp" in refused.json["detail"]

    # One leaves: disabled, with the instant, and the personal fields are erased on request.
    ldap.delete("p0")
    assert sync(running)["counts"]["users"]["gone"] == 1
    gone = running.call("GET", f"{USERS}/p0").json
    assert gone["document"]["status"] == "disabled" and gone["absentSince"]
    assert running.call("DELETE", f"{USERS}/p1?erase=true").expect(409)
    running.call("DELETE", f"{USERS}/p0?erase=true").expect(204)
    erased = running.call("GET", f"{USERS}/p0").json["document"]
    assert erased == {"username": "p0", "identityProvider": "corp", "status": "disabled"}

    # Many leave at once: refused until somebody accepts it.
    ldap.delete(*[f"p{number}" for number in range(20, 40)])
    refused = sync(running)
    assert refused["state"] == "refused" and refused["refusal"] == {"kind": "users", "gone": 20, "present": 39}
    assert running.call("GET", f"{USERS}/p30").json["document"]["status"] == "active"
    assert running.call("GET", CONNECTION).json["state"] == "refused"
    assert sync(running, acceptGone=True)["state"] == "succeeded"
    assert running.call("GET", f"{USERS}/p30").json["document"]["status"] == "disabled"

    history = running.call("GET", f"{CONNECTION}/syncs?limit=2").expect(200).json
    assert history["total"] == 5 and [it["state"] for it in history["items"]] == ["succeeded", "refused"]
    entries = running.call("GET", "/api/v1/audit?limit=1000").expect(200).json["items"]
    actions = [it["action"] for it in entries if it["target"] == "connections/corp"]
    assert actions.count("sync") == 5
    metrics = running.call("GET", "/metrics").body.decode()
    assert 'domesday_last_complete_sync_age_seconds{connection="corp"} 0' in metrics
    assert 'domesday_syncs_total{connection="corp",result="refused"} 1' in metrics
    assert "reader's secret" not in running.logged() and "p30@acme.example" not in running.logged()


def test_it_is_read_by_the_schedule_and_named_in_the_manifest(service, directory, tmp_path):
    ldap = directory(3)
    running = with_directory(service, ldap)
    running.call("PUT", CONNECTION, ldap.connection()).expect(201)
    running.set_clock("2026-01-15T00:00:10Z")
    syncs = lambda: running.call("GET", f"{CONNECTION}/syncs").json["items"]  # noqa: E731
    wait_for(lambda: syncs() and syncs()[0]["state"] == "succeeded", f"a sync\n{running.logged()}")
    assert syncs()[0]["trigger"] == "schedule"

    def manifest(at):
        command = [os.environ["DOMESDAY_BIN"], "export", "--store", running.folder / "governance.db", "--to", tmp_path / at]
        done = subprocess.run([*command, "--at", at], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads((tmp_path / at / "v1" / "_manifest.json").read_text())

    [connection] = manifest("2026-01-15T01:00:00Z")["connections"]
    assert (connection["kind"], connection["state"]) == ("ldap", "ok")
    last = connection["last_complete_sync"]
    assert last["counts"]["users"]["read"] == 3 and len(last["sha256"]) == 64
    [warning] = manifest("2026-01-17T01:00:00Z")["warnings"]
    assert warning.startswith("the connection `corp` is stale")


def test_what_is_wrong_is_said_and_changes_nothing(service, directory):
    ldap = directory(2)
    running = with_directory(service, ldap)
    running.call("PUT", CONNECTION, ldap.connection(password="wrong")).expect(201)
    failed = sync(running)
    assert failed["state"] == "failed" and failed["isComplete"] is False
    assert "password" in failed["error"] and "wrong" not in failed["error"].replace("wrong password", "")
    running.call("PUT", CONNECTION, ldap.connection()).expect(200)
    assert sync(running)["state"] == "succeeded"
    # The password stays with the address and the account that it was given for.
    kept = {key: value for key, value in ldap.connection(maxGone="5%").items() if key != "password"}
    assert running.call("PUT", CONNECTION, kept).expect(200).json["hasPassword"]
    moved = {**kept, "url": ldap.url.replace("localhost", "127.0.0.1")}
    assert not running.call("PUT", CONNECTION, moved).expect(200).json["hasPassword"]
    error = sync(running)["error"]
    assert "connections.allowed_hosts" not in error or "may not reach" in error

    for body, message in [
        ({**kept, "password": {"env": "HOME"}}, "read the server's own secrets"),
        ({**kept, "schedule": "often"}, "five fields"),
        ({**kept, "fliter": "x"}, "fliter"),
        ({**kept, "users": {"base": "dc=x", "filter": "(uid=*"}}, "filter"),
        ({"kind": "postgres", "url": "postgres://db/fin"}, "names no user"),
        ({"kind": "postgres", "url": "postgres://r@db/fin?host=10.0.0.1"}, "only `sslmode` is"),
    ]:
        refused = running.call("PUT", "/api/v1/connections/other", body).expect(422)
        assert message in json.dumps(refused.json), (message, refused.json)
    assert running.call("PUT", "/api/v1/connections/files", kept).expect(422)
    applied = running.call("POST", "/api/v1/apply", {"connections": [{**kept, "name": "other", "password": {"env": "A"}}]})
    assert applied.status == 422 and "own secrets" in applied.json["detail"]
    assert running.call("GET", "/api/v1/connections").json["total"] == 1


def test_hosts_that_the_operator_did_not_list_are_not_reached(service, directory):
    ldap = directory(2)
    running = service(env={"DOMESDAY_CONNECTIONS_CA_FILE": str(ldap.authority)})
    running.call("PUT", CONNECTION, ldap.connection()).expect(201)
    failed = sync(running)
    assert failed["state"] == "failed" and "connections.allowed_hosts" in failed["error"], failed


def test_a_list_is_imported_and_its_mistakes_have_lines(service):
    running = service()
    running.call("PUT", CONNECTION, {"kind": "csv", "map": {"username": "Login"}}).expect(201)
    imports = f"{CONNECTION}/imports"
    wrong = {"users": "Login,email\nada,ada@acme.example\n,bob@acme.example\nADA,x@acme.example\n"}
    refused = running.call("POST", imports, wrong).expect(422)
    assert "3:" in refused.json["detail"] and "4:" in refused.json["detail"], refused.json
    body = {"users": "Login,email\nada,ada@acme.example\nbob,\n", "groups": "group,username\nAdmins,bob\n"}
    assert running.call("POST", imports, {**body, "dryRun": True}).expect(200).json["counts"]["users"]["created"] == 2
    assert running.call("GET", f"{USERS}/ada").status == 404
    done = running.call("POST", imports, body).expect(200).json
    assert done["trigger"] == "import" and done["state"] == "succeeded"
    assert running.call("GET", f"{USERS}/bob").json["document"]["groups"] == ["Admins"]
    # A connection that is not read cannot be synced.
    assert running.call("POST", f"{CONNECTION}/syncs", {}).expect(409)
    running.call("DELETE", CONNECTION).expect(204)
    assert running.call("GET", f"{USERS}/bob").json["document"]["status"] == "disabled"


def test_connections_of_people_are_written_by_who_administers_users(service):
    running = service()
    body = {"name": "a", "permissions": ["USER_ADMIN"]}
    key = running.call("POST", "/api/v1/api-keys", body).expect(201).json["secret"]
    running.call("PUT", CONNECTION, {"kind": "csv"}, key=key).expect(201)
    running.call("GET", CONNECTION, key=key).expect(200)
    assert "GOVERNANCE" in running.call("PUT", "/api/v1/connections/dbt", {"kind": "dbt"}, key=key).expect(403).json["detail"]
    body = {"name": "b", "permissions": ["AUDIT"]}
    key = running.call("POST", "/api/v1/api-keys", body).expect(201).json["secret"]
    running.call("GET", CONNECTION, key=key).expect(200)
    running.call("PUT", CONNECTION, {"kind": "csv"}, key=key).expect(403)
    running.call("POST", f"{CONNECTION}/syncs", {}, key=key).expect(403)
    running.call("DELETE", CONNECTION, key=key).expect(403)


class Warehouse:
    """A database of its own on the server of the tests, which trusts everybody."""

    def __init__(self, postgres, tmp_path):
        self.url = postgres().replace("postgres://postgres@127.0.0.1", "postgres://postgres@localhost")
        self.name = self.url.rsplit("/", 1)[1].split("?")[0]
        self.place = f"{self.name}.public"
        self._psql = [postgres.program("psql"), "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres"]

    def run(self, sql):
        subprocess.run([*self._psql, "-d", self.name, "-v", "ON_ERROR_STOP=1", "-qc", sql], check=True)


def test_tables_come_from_a_database_with_their_owners_and_change_with_it(service, postgres, tmp_path):
    warehouse = Warehouse(postgres, tmp_path)
    owner = f"etl_{warehouse.name}"
    warehouse.run(
        f"CREATE ROLE {owner}; CREATE TABLE orders (id bigint PRIMARY KEY, work_email text); CREATE TABLE gone (a int);"
        f"COMMENT ON COLUMN orders.work_email IS 'Where to write.'; ALTER TABLE orders OWNER TO {owner}"
    )
    running = service(env={"DOMESDAY_CONNECTIONS_ALLOWED_HOSTS": "127.0.0.1,::1"})
    running.call("PUT", f"{USERS}/ada", {"username": "ada"}).expect(201)
    body = {
        "kind": "postgres",
        "url": warehouse.url,
        "identify": [{"roles": {owner: "ada"}}, "username"],
        "tagRules": [{"columns": ["*email*"], "tag": "PII.Contact.Email"}],
    }
    running.call("PUT", CONNECTION, body).expect(201)
    plan = sync(running, dryRun=True)
    assert [it["name"] for it in plan["changes"]] == [f"{warehouse.place}.orders", f"{warehouse.place}.gone"]
    done = sync(running)
    assert (done["state"], done["ownCount"]) == ("succeeded", 2), done
    source = running.call("GET", f"/api/v1/data-sources/{warehouse.place}.orders").expect(200).json
    assert source["document"]["owners"] == ["ada"]
    assert source["document"]["columns"] == [
        {"name": "id", "type": "bigint", "nullable": False},
        {"name": "work_email", "type": "text", "tags": ["PII.Contact.Email"], "description": "Where to write."},
    ]
    again = sync(running)
    assert again["sha256"] == done["sha256"] and again["counts"]["dataSources"]["unchanged"] == 2

    # A renamed table keeps its data source; a dropped one is disabled.
    warehouse.run("ALTER TABLE orders RENAME TO sales; DROP TABLE gone")
    counts = sync(running)["counts"]["dataSources"]
    assert (counts["changed"], counts["gone"], counts["created"]) == (1, 1, 0)
    renamed = running.call("GET", f"/api/v1/data-sources/{warehouse.place}.orders").json
    assert renamed["document"]["table"] == "sales"
    gone = running.call("GET", f"/api/v1/data-sources/{warehouse.place}.gone").json
    assert gone["document"]["status"] == "disabled" and gone["absentSince"]

    # What cannot be read changes nothing, and says what to do.
    running.call("PUT", CONNECTION, {**body, "url": warehouse.url.replace(warehouse.name, "nowhere")}).expect(200)
    failed = sync(running)
    assert failed["state"] == "failed" and "help: check the database in `url`" in failed["error"], failed
    running.call("PUT", CONNECTION, {**body, "url": warehouse.url.replace("localhost", "192.0.2.1")}).expect(200)
    assert "connections.allowed_hosts" in sync(running)["error"]
    assert running.call("GET", f"/api/v1/data-sources/{warehouse.place}.orders").json["document"]["status"] == "enabled"
    running.call("DELETE", CONNECTION).expect(204)
    source = running.call("GET", f"/api/v1/data-sources/{warehouse.place}.orders").json
    assert source["document"]["status"] == "disabled"


def test_files_name_what_only_a_database_has(postgres, tmp_path):
    warehouse = Warehouse(postgres, tmp_path)
    warehouse.run("CREATE TABLE orders (id bigint, email text)")
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    orders, later = f"{warehouse.place}.orders", f"{warehouse.place}.later"
    declared = {
        "tenant": {"name": "Acme", "timeZone": "Europe/Berlin"},
        "connections": [{"name": "warehouse", "kind": "postgres", "url": warehouse.url}],
        "users": [{"username": "ada"}, {"username": "bob"}],
        "policies": [
            {"name": "P", "type": "grant", "scope": "read", "level": "individuals", "individuals": {"users": ["bob"]},
             "appliesTo": [{"dataSources": [orders]}]},
        ],
        "dataProducts": [{"name": "D", "createdBy": "ada", "dataSources": [{"name": orders, "columns": ["email"]}, later]}],
        "requests": [
            {"id": f"R{number}", "type": "dataAccess", "user": "ada", "dataSource": name, "status": "approved",
             "createdAt": "2026-01-01T00:00:00Z"}
            for number, name in enumerate([orders, later])
        ],
    }
    (catalog / "catalog.json").write_text(json.dumps(declared))
    binary, store = os.environ["DOMESDAY_BIN"], tmp_path / "governance.db"

    def domesday(*arguments, code=0):
        done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    # Read first, as the catalog declares it.
    said = domesday("export", "--catalog", catalog, "--to", tmp_path / "out")
    assert f"names the data source `{later}`, which does not exist" in said
    assert f"names the data source `{orders}`, which does not exist" not in said
    manifest = json.loads((tmp_path / "out" / "v1" / "_manifest.json").read_text())
    rows = {it["table"]: it["rows"] for it in manifest["files"]}
    assert rows["data-product-assets"] == 1 and rows["access-requests"] == 2, rows

    # In a store, they count once the connection was read.
    domesday("apply", catalog, "--store", store)
    assert ": left out " not in domesday("sync", "--store", store, "--dry-run")
    found = domesday("connection", "verify", "warehouse", "--store", store)
    assert "is PostgreSQL" in found and "tables and views: 1, with 2 columns" in found and "schemas: 1 of 1" in found
    domesday("sync", "warehouse", "--store", store)
    assert "1 data sources" in domesday("connection", "list", "--store", store)
    said = domesday("explain", "--store", store, "--user", "bob", "--data-source", orders)
    assert "bob can read" in said and "✓ P: named as user" in said and "no role of the database belongs to them" in said
