"""The files of a project, as dbt writes them, end to end."""

import json

IMPORTS = "/api/v1/connections/shop/imports"


def names(project):
    """The data sources of the project: no ephemeral or disabled model, no test, no analysis."""
    places = ["raw.Payments", "shop.orders", "shop.Customers", "shop.countries", "shop.pay_history"]
    return {f"{project.database}.{place}" for place in places}


def test_a_project_is_imported_once(project, service):
    plan = service.import_files(project, "--dry-run")
    assert (plan["id"], len(plan["changes"])) == (None, 5), plan
    assert service.sources() == set()

    done = service.import_files(project)
    counts = {"read": 5, "created": 5, "changed": 0, "unchanged": 0, "gone": 0, "skipped": 0}
    assert (done["state"], done["trigger"], done["counts"]["dataSources"]) == ("succeeded", "import", counts)
    assert done["warnings"] == ["no known user is the owner whom the group `nobody` names"]
    assert service.sources() == names(project)
    orders = service.source(f"{project.database}.shop.orders")
    assert orders["document"] == {
        "name": f"{project.database}.shop.orders",
        **project.place("shop", "orders"),
        "owners": ["ada", "bob"],
        "status": "enabled",
        "tags": ["Finance.Orders", "Tier.Gold", "dbt.nightly"],
        "columns": [
            {"name": "id", "type": "bigint", "nullable": False, "description": "The number of the order."},
            {"name": "email", "type": "text", "tags": ["Contact", "PII"], "description": "Where to write."},
            {"name": "Amount", "type": "numeric(10,2)"},
        ],
    }
    assert orders["origins"]["tags/Tier.Gold"] == ["shop"]
    payments = service.source(f"{project.database}.raw.Payments")["document"]
    assert payments["tags"] == ["dbt.raw"]
    assert [column["name"] for column in payments["columns"]] == ["id", "iban", "amount"]
    assert payments["columns"][1]["tags"] == ["PII"]
    # Tags that nobody declared are created.
    assert service.call("GET", "/api/v1/tags/Tier.Gold").expect(200)

    again = service.import_files(project)
    assert again["sha256"] == done["sha256"]
    assert again["counts"]["dataSources"] == {**counts, "created": 0, "unchanged": 5}
    history = service.call("GET", "/api/v1/connections/shop/syncs").expect(200).json
    assert history["total"] == 2


def test_a_table_that_files_declare_and_dbt_describes_is_one(project, service):
    columns = [{"name": "id", "type": "bigint"}, {"name": "note", "type": "text"}]
    declared = {"name": "Orders", "host": project.host, **project.place("shop", "orders"), "tags": ["Manual"]}
    catalog = {"tags": ["Manual"], "dataSources": [{**declared, "columns": columns}]}
    service.call("POST", "/api/v1/apply", catalog).expect(200)
    before = service.source("Orders")
    # Without a catalog, nobody lists the columns.
    body = {"manifest": json.loads(project.manifest.read_text())}
    done = service.call("POST", IMPORTS, body).expect(200).json
    assert done["state"] == "succeeded", done
    assert f"{project.database}.shop.orders" not in service.sources()
    orders = service.source("Orders")
    assert orders["id"] == before["id"]
    document = orders["document"]
    assert (document["host"], document["owners"]) == (project.host, ["ada", "bob"])
    assert document["tags"] == ["Finance.Orders", "Manual", "Tier.Gold", "dbt.nightly"]
    assert {column["name"] for column in document["columns"]} == {"id", "email", "note"}
    [layer] = [layer for layer in orders["layers"] if layer["origin"] == "shop"]
    assert layer["document"]["columnsArePartial"] is True
    # With one, the columns are those of the database, and what the files say of another has no effect.
    done = service.import_files(project)
    assert any("has no column note" in warning for warning in done["warnings"]), done
    assert [column["name"] for column in service.source("Orders")["document"]["columns"]] == ["id", "email", "Amount"]


def test_a_table_that_dbt_describes_and_postgresql_lists_is_one(project, service):
    url = f"postgres://postgres@{project.host}/{project.database}?sslmode=disable"
    warehouse = {"kind": "postgres", "url": url, "schemas": ["shop", "raw"]}
    service.call("PUT", "/api/v1/connections/warehouse", warehouse).expect(201)
    # The manifest alone: what it says of columns adds to what the database has.
    manifest = {"manifest": project.manifest.read_text()}
    assert service.call("POST", IMPORTS, manifest).expect(200).json["state"] == "succeeded"
    before = service.source(f"{project.database}.shop.orders")
    assert [column["name"] for column in before["document"]["columns"]] == ["id", "email"]
    done = service.call("POST", "/api/v1/connections/warehouse/syncs", {}).expect(200).json
    assert done["state"] == "succeeded", done
    assert service.sources() == names(project)
    orders = service.source(f"{project.database}.shop.orders")
    assert orders["id"] == before["id"] and {layer["origin"] for layer in orders["layers"]} == {"shop", "warehouse"}
    document = orders["document"]
    assert document["host"] == project.host
    assert document["tags"] == ["Finance.Orders", "Tier.Gold", "dbt.nightly"]
    assert [column["name"] for column in document["columns"]] == ["id", "email", "Amount"]
    assert document["columns"][1] == {
        "name": "email", "type": "text", "tags": ["Contact", "PII"], "description": "Where to write.",
    }
    # The other way round, and again: nothing changes.
    again = service.call("POST", IMPORTS, manifest).expect(200).json
    assert again["counts"]["dataSources"]["unchanged"] == 5 and service.source(orders["document"]["name"]) == orders


def test_a_model_that_is_removed_is_gone(project, service):
    service.import_files(project)
    text = (project.folder / "models/customers.sql").read_text()
    schema = (project.folder / "models/schema.yml").read_text()
    try:
        (project.folder / "models/customers.sql").unlink()
        project.write("models/schema.yml", schema.replace("- name: customers", "- name: hidden2"))
        project.dbt("parse")
        done = service.import_files(project)
    finally:
        project.write("models/customers.sql", text)
        project.write("models/schema.yml", schema)
        project.dbt("parse")
    assert done["counts"]["dataSources"]["gone"] == 1
    gone = service.source(f"{project.database}.shop.Customers")
    assert gone["document"]["status"] == "disabled" and gone["absentSince"]
    # It is back with the model.
    assert service.import_files(project)["counts"]["dataSources"]["created"] == 1
    back = service.source(f"{project.database}.shop.Customers")
    assert (back["id"], back["document"]["status"]) == (gone["id"], "enabled")


def test_files_with_a_mistake_change_nothing(project, service):
    service.import_files(project)
    text = project.manifest.read_text()
    before = service.call("GET", "/api/v1/data-sources").json

    wrong = json.loads(text)
    wrong["nodes"]["model.shop.orders"]["config"]["meta"]["domesday"]["tag"] = "PII"
    older = json.loads(text)
    older["metadata"]["dbt_schema_version"] = "https://schemas.getdbt.com/dbt/manifest/v8.json"
    for body, message in [
        ({"manifest": wrong}, "`model.shop.orders`: unknown field `tag`"),
        ({"manifest": older}, "version 9 to 12"),
        ({"manifest": json.loads(project.catalog.read_text())}, "catalog/v1.json"),
        ({"manifest": {}}, "found no `metadata.dbt_schema_version`"),
        ({"manifest": text[: len(text) // 2]}, "target/manifest.json"),
        ({"manifest": text, "catalog": text}, "expected a catalog of dbt"),
        ({"catalog": {}}, "`manifest` is missing"),
        ({"users": "username\nada\n"}, "takes no `users`"),
    ]:
        refused = service.call("POST", IMPORTS, body)
        assert refused.status == 422 and message in refused.json["detail"], (message, refused.body.decode())
        assert "CREATE" not in refused.body.decode()
    code, printed = service.run("import", "dbt", "--connection", "shop", "--manifest", project.catalog)
    assert code == 1 and f"{project.catalog}: expected a manifest of dbt" in printed, printed
    code, printed = service.run("import", "csv", "--connection", "shop", "--users", project.catalog)
    assert code == 1 and "of kind dbt, which is imported; lists are imported into connections of kind csv" in printed
    # The text of the file is taken as well as the object.
    assert service.call("POST", IMPORTS, {"manifest": text, "catalog": project.catalog.read_text()}).expect(200)
    assert service.call("GET", "/api/v1/data-sources").json == before
    assert service.call("POST", "/api/v1/connections/shop/syncs", {}).status == 409


def test_a_mapping_that_is_none_is_refused(service):
    for fields, message in [
        ({"tags": {"pii": "PII..x"}}, "name of a tag"),
        ({"tagPrefix": ".."}, "beginning of a tag"),
        ({"naming": "{database}"}, "{table}"),
        ({"prefix": "x"}, "prefix"),
    ]:
        refused = service.call("PUT", "/api/v1/connections/other", {"kind": "dbt", **fields})
        assert refused.status == 422 and message in refused.body.decode(), refused.body.decode()
