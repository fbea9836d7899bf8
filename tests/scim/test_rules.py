"""What the standard and the product require, request by request."""

import concurrent.futures
import uuid

from conftest import ENTERPRISE, ERROR, PATCH, USER, send


def test_only_a_token_of_the_connection_opens_it(service, connection):
    other = service.connection()
    for path in ["/Users", "/ServiceProviderConfig", "/nothing"]:
        for authorization in [
            None,
            service.key,
            f"Bearer {service.key}",
            f"Bearer {other.token}",
            f"Basic {connection.token}",
            connection.token,
            "Bearer domesday_scim_wrong",
        ]:
            headers = {"Authorization": authorization} if authorization else {}
            answer = send(connection.url + path, "GET", None, headers).expect(401)
            assert answer.json["schemas"] == [ERROR] and answer.json["status"] == "401"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    missing = f"{service.url}/scim/no-such-connection/v2/Users"
    send(missing, "GET", None, {"Authorization": f"Bearer {connection.token}"}).expect(401)
    # And the token opens nothing else.
    for path in ["/api/v1/users", f"/api/v1/connections/{connection.name}/tokens", "/deployment/tenant"]:
        service.call("GET", path, key=f"Bearer {connection.token}").expect(401)


def test_tokens_are_created_listed_and_revoked(service, connection):
    path = f"/api/v1/connections/{connection.name}/tokens"
    second = service.call("POST", path, {}).expect(201).json
    connection.send("GET", "/Users", token=second["secret"]).expect(200)
    listed = service.get(path)
    assert listed["total"] == 2 and [item["name"] for item in listed["items"]] == ["test", "SCIM"]
    assert "secret" not in listed["items"][0] and listed["items"][1]["lastUsedAt"]
    service.call("DELETE", f"{path}/{second['id']}").expect(204)
    connection.send("GET", "/Users", token=second["secret"]).expect(401)
    connection.send("GET", "/Users").expect(200)
    service.call("DELETE", f"{path}/{uuid.uuid4()}").expect(404)
    service.call("POST", "/api/v1/connections/no-such/tokens", {}).expect(404)
    entries, cursor = [], ""
    while cursor is not None:
        page = service.get(f"/api/v1/audit?limit=1000{cursor and f'&cursor={cursor}'}")
        entries, cursor = entries + page["items"], page.get("nextCursor")
    assert any(entry["action"] == "revoke" and second["id"] in entry["target"] for entry in entries)
    assert second["secret"] not in str(entries)


def test_a_connection_ends_with_its_tokens(service):
    connection = service.connection()
    user = connection.create_user(f"{connection.name}-ada")
    path = f"/api/v1/connections/{connection.name}"
    service.call("DELETE", path).expect(204)
    connection.send("GET", "/Users").expect(401)
    assert service.user(user["userName"])["status"] == "disabled"
    # Another connection of that name is another one.
    service.call("PUT", path, {"kind": "scim"}).expect(201)
    connection.send("GET", "/Users").expect(401)
    token = service.call("POST", f"{path}/tokens", {}).expect(201).json["secret"]
    assert connection.send("GET", "/Users", token=token).expect(200).json["totalResults"] == 0
    body = {"schemas": [USER], "userName": user["userName"]}
    assert connection.send("POST", "/Users", body, token=token).expect(201).json["id"] == user["id"]


def test_a_day_of_requests_leaves_one_record(service):
    connection = service.connection()
    user = connection.create_user(f"{connection.name}-ada")
    path = f"/Users/{user['id']}"
    title = {"op": "replace", "path": "title", "value": "T"}
    connection.patch(path, title).expect(200)
    connection.patch(path, title).expect(200)
    connection.patch(path, {"op": "move"}).expect(400)
    connection.create_group(f"{connection.name} G", [user["id"]])
    connection.send("DELETE", path).expect(204)
    syncs = service.get(f"/api/v1/connections/{connection.name}/syncs")["items"]
    # Two when midnight passed meanwhile.
    assert 1 <= len(syncs) <= 2 and {sync["trigger"] for sync in syncs} == {"push"}
    counts = [sync["counts"].get("users", {}) for sync in syncs]
    total = {name: sum(each.get(name, 0) for each in counts) for name in ["created", "changed", "unchanged", "gone"]}
    assert total == {"created": 1, "changed": 1, "unchanged": 1, "gone": 1}
    assert service.get(f"/api/v1/connections/{connection.name}")["state"] == "ok"


def test_a_mapping_names_attributes_that_exist(service):
    for path in ["shoeSize", "name.shoe", f"{ENTERPRISE}:shoe", "urn:acme"]:
        body = {"kind": "scim", "attributes": {"Shoe": path}}
        answer = service.call("PUT", f"/api/v1/connections/m-{uuid.uuid4().hex[:6]}", body).expect(422)
        assert "Shoe" in answer.json["detail"] and path in answer.json["detail"]


def test_a_person_keeps_the_id(service, connection):
    # Whom files or the API know already is the same person.
    name = f"{connection.name}-Known"
    service.call("PUT", f"/api/v1/users/{name}", {"username": name, "permissions": ["AUDIT"]}).expect(201)
    user = connection.create_user(name, displayName="Known")
    domesday = service.user(name)
    assert domesday["permissions"] == ["AUDIT"] and domesday["name"] == "Known"
    for again in [name, name.upper()]:
        body = {"schemas": [USER], "userName": again}
        connection.send("POST", "/Users", body).expect(409, "uniqueness")
    connection.send("DELETE", f"/Users/{user['id']}").expect(204)
    connection.send("DELETE", f"/Users/{user['id']}").expect(404)
    assert connection.create_user(name)["id"] == user["id"]
    assert service.user(name)["status"] == "active"


def test_somebody_who_is_deleted_is_disabled_and_comes_back(service, connection):
    name = f"{connection.name}-gone"
    user = connection.create_user(name)
    group = connection.create_group(f"{connection.name} Past", [user["id"]])
    before = service.user(name)
    connection.send("DELETE", f"/Users/{user['id']}").expect(204)
    assert connection.members(group["id"]) == set()
    assert service.user(name)["status"] == "disabled"
    assert connection.create_user(name)["id"] == user["id"]
    assert service.user(name)["status"] == "active" and service.user(name).get("id") == before.get("id")


def test_nested_groups_are_flattened_and_cycles_are_harmless(service, connection):
    user = connection.create_user(f"{connection.name}-ada")
    names = [f"{connection.name} {letter}" for letter in "ABC"]
    inner = connection.create_group(names[0], [user["id"]])
    middle = connection.create_group(names[1], [inner["id"]])
    outer = connection.create_group(names[2], [middle["id"]])
    groups = lambda: sorted(service.user(user["userName"]).get("groups", []))  # noqa: E731
    assert groups() == names
    shown = connection.send("GET", f"/Users/{user['id']}").expect(200).json["groups"]
    assert {(group["display"], group["type"]) for group in shown} == {
        (names[0], "direct"), (names[1], "indirect"), (names[2], "indirect")
    }
    add = {"op": "add", "path": "members", "value": [{"value": outer["id"]}]}
    connection.patch(f"/Groups/{inner['id']}", add).expect(204)
    assert groups() == names
    kinds = connection.send("GET", f"/Groups/{inner['id']}").expect(200).json["members"]
    assert {member["type"] for member in kinds} == {"User", "Group"}
    connection.send("DELETE", f"/Groups/{middle['id']}").expect(204)
    assert groups() == [names[0]]


def test_a_member_must_exist(connection):
    group = connection.create_group(f"{connection.name} G")
    before = connection.send("GET", f"/Groups/{group['id']}").json["meta"]["version"]
    for member in [str(uuid.uuid4()), "somebody", ""]:
        add = {"op": "add", "path": "members", "value": [{"value": member}]}
        rename = {"op": "replace", "path": "displayName", "value": "other"}
        refused = connection.patch(f"/Groups/{group['id']}", rename, add).expect(400, "invalidValue")
        assert refused.json["schemas"] == [ERROR] and refused.json["status"] == "400"
    # A request that fails changes nothing.
    after = connection.send("GET", f"/Groups/{group['id']}").json
    assert (after["displayName"], after["meta"]["version"]) == (group["displayName"], before)


def test_versions_guard_changes(connection):
    user = connection.create_user(f"{connection.name}-ada")
    path, version = f"/Users/{user['id']}", user["meta"]["version"]
    title = lambda title: {"op": "replace", "path": "title", "value": title}  # noqa: E731
    body = lambda text: {"schemas": [PATCH], "Operations": [title(text)]}  # noqa: E731
    connection.send("GET", path, headers={"If-None-Match": version}).expect(304)
    changed = connection.send("PATCH", path, body("One"), {"If-Match": version}).expect(200)
    assert changed.headers["ETag"] not in (None, version)
    for method, document in [("PATCH", body("Two")), ("PUT", user), ("DELETE", None)]:
        refused = connection.send(method, path, document, {"If-Match": version}).expect(412)
        assert refused.json["schemas"] == [ERROR]
    connection.send("GET", path, headers={"If-None-Match": version}).expect(200)
    same = connection.send("PATCH", path, body("One"), {"If-Match": "*"}).expect(200)
    assert same.headers["ETag"] == changed.headers["ETag"], "nothing changed"


def test_lists_are_filtered_sorted_and_paged(connection):
    users = [
        connection.create_user(f"{connection.name}-{number:02}", title=f"T{(number * 7) % 10}", active=number != 3)
        for number in range(10)
    ]
    ids = [user["id"] for user in users]
    first = connection.list("/Users", count=4)
    assert [user["id"] for user in first["Resources"]] == ids[:4]
    assert (first["totalResults"], first["itemsPerPage"], first["startIndex"]) == (10, 4, 1)
    last = connection.list("/Users", startIndex=9, count=4)
    assert [user["id"] for user in last["Resources"]] == ids[8:]
    assert connection.list("/Users", count=0)["Resources"] == []
    assert connection.list("/Users", startIndex=0, count=1)["startIndex"] == 1
    ordered = connection.list("/Users", sortBy="title", attributes="title")
    titles = [user["title"] for user in ordered["Resources"]]
    assert titles == sorted(titles) and set(ordered["Resources"][0]) == {"schemas", "id", "title"}
    titles = [user["title"] for user in connection.list("/Users", sortBy="title", sortOrder="descending")["Resources"]]
    assert titles == sorted(titles, reverse=True)
    some = connection.list("/Users", filter='title gt "T4" and not (active eq false)', startIndex=2, count=2)
    # T7, T8, T5, T9 and T6; T1 is not greater, and the one with T1 is inactive.
    assert some["totalResults"] == 5 and some["itemsPerPage"] == 2
    group = connection.create_group(f"{connection.name} G", ids[:2])
    found = connection.list("/Groups", filter=f'members.value eq "{ids[1]}"', attributes="displayName")
    assert [one["id"] for one in found["Resources"]] == [group["id"]]
    search = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": f'userName sw "{connection.name}" or displayName sw "{connection.name}"',
        "count": 100,
    }
    everything = connection.send("POST", "/.search", search).expect(200).json
    assert [one["id"] for one in everything["Resources"]] == [*ids, group["id"]]
    assert connection.send("POST", "/Users/.search", search).expect(200).json["totalResults"] == 10
    assert connection.send("POST", "/Groups/.search", {}).expect(200).json["totalResults"] == 1


def test_mistakes_say_what_is_wrong(connection):
    user = connection.create_user(f"{connection.name}-ada")
    path = f"/Users/{user['id']}"
    answer = connection.send("GET", "/Users?filter=userName+is+%22x%22").expect(400, "invalidFilter")
    assert "character 10" in answer.json["detail"]
    for operation, scim_type in [
        ({"op": "move", "path": "title"}, "invalidSyntax"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "path": "emails[type eq", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'emails[type eq "work"].value', "value": "x"}, "noTarget"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ({"op": "replace", "path": "title"}, "invalidValue"),
    ]:
        connection.patch(path, operation).expect(400, scim_type)
    for body, scim_type in [(b"{", "invalidSyntax"), ({}, "invalidValue"), ([], "invalidSyntax")]:
        connection.send("POST", "/Users", body).expect(400, scim_type)
    connection.send("POST", "/Users", {"userName": "x"}, {"Content-Type": "text/plain"}).expect(415)
    connection.send("GET", f"/Users/{uuid.uuid4()}").expect(404)
    connection.send("GET", f"/Users/{user['id'].upper()}").expect(404)
    assert connection.send("GET", "/nothing").expect(404).json["schemas"] == [ERROR]
    assert connection.send("POST", path, {}).expect(405).json["schemas"] == [ERROR]
    after = connection.send("GET", path).expect(200).json
    assert after["meta"]["version"] == user["meta"]["version"]


def test_attributes_come_from_where_the_connection_says(service):
    schema = "urn:acme:params:scim:schemas:hr:2.0:User"
    connection = service.connection({"Region": f"{schema}:region", "Phone": "phoneNumbers.value"})
    body = {
        "schemas": [USER, schema],
        "userName": f"{connection.name}-ada",
        "phoneNumbers": [{"value": "1"}, {"value": "2"}],
        schema: {"region": ["EMEA", "APAC"], "unmapped": "x"},
    }
    user = connection.send("POST", "/Users", body).expect(201).json
    assert user[schema] == {"region": ["EMEA", "APAC"]} and schema in user["schemas"]
    attributes = service.user(user["userName"])["attributes"]
    assert attributes == {"Region": ["APAC", "EMEA"], "Phone": ["1", "2"]}
    change = {"op": "Replace", "path": f"{schema}:region", "value": "LATAM"}
    connection.patch(f"/Users/{user['id']}", change).expect(200)
    assert service.user(user["userName"])["attributes"]["Region"] == ["LATAM"]


def test_a_manager_may_come_later_and_be_renamed(service, connection):
    name = f"{connection.name}-chief"
    report = connection.create_user(f"{connection.name}-ada", **{ENTERPRISE: {"manager": {"value": name}}})
    assert "manager" not in service.user(report["userName"])
    chief = connection.create_user(name)
    assert service.user(report["userName"])["manager"] == name
    by_id = {"op": "replace", "path": f"{ENTERPRISE}:manager", "value": {"value": chief["id"]}}
    connection.patch(f"/Users/{report['id']}", by_id).expect(200)
    connection.patch(f"/Users/{chief['id']}", {"op": "replace", "path": "userName", "value": f"{name}-2"}).expect(200)
    assert service.user(report["userName"])["manager"] == f"{name}-2"
    connection.send("DELETE", f"/Users/{chief['id']}").expect(204)
    assert "manager" not in service.user(report["userName"])


def test_two_pushers_lose_nothing(service, connection):
    group = connection.create_group(f"{connection.name} All")
    second = service.call("POST", f"/api/v1/connections/{connection.name}/tokens").expect(201).json["secret"]

    def push(pusher, token):
        ids = []
        for number in range(15):
            body = {"schemas": [USER], "userName": f"{connection.name}-{pusher}-{number}"}
            user = connection.send("POST", "/Users", body, token=token).expect(201).json
            add = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
            body = {"schemas": [PATCH], "Operations": [add]}
            connection.send("PATCH", f"/Groups/{group['id']}", body, token=token).expect(204)
            # Both push this one: one of them creates it.
            body = {"schemas": [USER], "userName": f"{connection.name}-both-{number}"}
            ids.append((user["id"], connection.send("POST", "/Users", body, token=token).status))
        return ids

    with concurrent.futures.ThreadPoolExecutor() as threads:
        pushed = [threads.submit(push, pusher, token) for pusher, token in enumerate([connection.token, second])]
        one, other = (each.result() for each in pushed)
    assert connection.members(group["id"]) == {user for user, _ in one + other}
    for (_, first), (_, second) in zip(one, other):
        assert sorted([first, second]) == [201, 409]
    assert connection.list("/Users", count=0)["totalResults"] == 45
