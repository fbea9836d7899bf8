"""Requests in the habits of Okta and of Microsoft Entra."""

import uuid

from conftest import ENTERPRISE, GROUP, USER


def test_the_cycle_of_a_user_in_okta(service, connection):
    name = f"isaac-{uuid.uuid4().hex[:6]}@acme.example"
    # Okta looks for the user before it creates one.
    found = connection.list("/Users", filter=f'userName eq "{name}"', startIndex=1, count=100)
    assert (found["totalResults"], found["startIndex"], found["itemsPerPage"]) == (0, 1, 0)
    body = {
        "schemas": [USER, ENTERPRISE],
        "userName": name,
        "name": {"givenName": "Isaac", "familyName": "Brock"},
        "emails": [{"primary": True, "value": name, "type": "work"}],
        "displayName": "Isaac Brock",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
        ENTERPRISE: {"employeeNumber": "701984", "department": "Tour Operations"},
    }
    created = connection.send("POST", "/Users", body).expect(201)
    user = created.json
    assert created.headers["Location"] == user["meta"]["location"] == f"{connection.url}/Users/{user['id']}"
    assert created.headers["ETag"] == user["meta"]["version"]
    assert "password" not in user and user["schemas"] == [USER, ENTERPRISE]
    domesday = service.user(name)
    assert (domesday["name"], domesday["email"], domesday["employeeNumber"], domesday["department"]) == (
        "Isaac Brock", name, "701984", "Tour Operations"
    )
    assert domesday["identityProvider"] == connection.name and domesday["status"] == "active"
    found = connection.list("/Users", filter=f'userName eq "{name.upper()}"', startIndex=1, count=100)
    assert [one["id"] for one in found["Resources"]] == [user["id"]]
    # It writes the whole user back with what changed.
    user["name"]["familyName"] = "Newton"
    user["displayName"] = "Isaac Newton"
    replaced = connection.send("PUT", f"/Users/{user['id']}", user).expect(200).json
    assert replaced["name"]["familyName"] == "Newton" and service.user(name)["name"] == "Isaac Newton"
    # It deactivates with an operation without a path.
    off = {"op": "replace", "value": {"active": False}}
    assert connection.patch(f"/Users/{user['id']}", off).expect(200).json["active"] is False
    assert service.user(name)["status"] == "disabled"
    connection.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": True}}).expect(200)
    assert service.user(name)["status"] == "active"


def test_the_cycle_of_a_group_in_okta(service, connection):
    ada, bob = (connection.create_user(f"{connection.name}-{name}") for name in ["ada", "bob"])
    name = f"{connection.name} Tours"
    group = connection.send(
        "POST", "/Groups", {"schemas": [GROUP], "displayName": name, "members": []}
    ).expect(201).json
    assert "members" not in group
    # Okta sends the id with the new name, and the name of each member.
    rename = {"op": "replace", "value": {"id": group["id"], "displayName": f"{name} 2"}}
    connection.patch(f"/Groups/{group['id']}", rename).expect(204)
    add = {"op": "add", "path": "members", "value": [{"value": ada["id"], "display": ada["userName"]}]}
    connection.patch(f"/Groups/{group['id']}", add).expect(204)
    assert service.user(ada["userName"])["groups"] == [f"{name} 2"]
    swap = [
        {"op": "remove", "path": f'members[value eq "{ada["id"]}"]'},
        {"op": "add", "path": "members", "value": [{"value": bob["id"], "display": bob["userName"]}]},
    ]
    connection.patch(f"/Groups/{group['id']}", *swap).expect(204)
    assert connection.members(group["id"]) == {bob["id"]}
    assert "groups" not in service.user(ada["userName"]) or service.user(ada["userName"])["groups"] == []
    replace = {"op": "replace", "path": "members", "value": [{"value": ada["id"]}, {"value": bob["id"]}]}
    connection.patch(f"/Groups/{group['id']}", replace).expect(204)
    assert connection.members(group["id"]) == {ada["id"], bob["id"]}
    shown = connection.patch(f"/Groups/{group['id']}", add, attributes="members").expect(200).json
    assert {member["value"] for member in shown["members"]} == {ada["id"], bob["id"]}
    connection.send("DELETE", f"/Groups/{group['id']}").expect(204)
    connection.send("GET", f"/Groups/{group['id']}").expect(404)
    assert not service.user(bob["userName"]).get("groups")
    # A group that comes back by its name is the same one.
    assert connection.create_group(f"{name} 2")["id"] == group["id"]


def test_the_cycle_of_a_user_in_entra(service, connection):
    name = f"{connection.name}-test@acme.example"
    body = {
        "schemas": [USER, ENTERPRISE],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": name,
        "active": True,
        "emails": [{"primary": True, "type": "work", "value": name}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
        "roles": [],
    }
    user = connection.send("POST", "/Users", body).expect(201).json
    path = f"/Users/{user['id']}"
    chief = connection.create_user(f"{connection.name}-chief")
    found = connection.list("/Users", filter='externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"')
    assert found["totalResults"] == 1
    update = [
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": f"new-{name}"},
        {"op": "Replace", "path": "name.familyName", "value": "updated"},
        {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "DE"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+49 30 1"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Finance"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": chief["id"]},
    ]
    updated = connection.patch(path, *update).expect(200).json
    assert updated["emails"][0]["value"] == f"new-{name}" and updated["name"]["familyName"] == "updated"
    assert updated["addresses"] == [{"type": "work", "country": "DE"}]
    assert updated["phoneNumbers"] == [{"type": "mobile", "value": "+49 30 1"}]
    assert updated[ENTERPRISE] == {"department": "Finance", "manager": {"value": chief["id"]}}
    assert service.user(name)["manager"] == chief["userName"]
    # An object without a path, whose keys are paths.
    keys = {
        "displayName": "Shown",
        "name.givenName": "Given",
        f"{ENTERPRISE}:employeeNumber": "7",
        'emails[type eq "home"].value': "home@acme.example",
        "nothing.of.this": 1,
    }
    connection.patch(path, {"op": "Add", "value": keys}).expect(200)
    domesday = service.user(name)
    assert (domesday["name"], domesday["employeeNumber"], domesday["email"]) == ("Shown", "7", f"new-{name}")
    # Booleans come as texts.
    connection.patch(path, {"op": "Replace", "path": "active", "value": "False"}).expect(200)
    assert service.user(name)["status"] == "disabled"
    rename = {"op": "Replace", "path": "userName", "value": f"renamed-{name}"}
    assert connection.patch(path, rename).expect(200).json["id"] == user["id"]
    assert service.user(f"renamed-{name}")["department"] == "Finance"
    connection.patch(path, {"op": "Remove", "path": f"{ENTERPRISE}:manager"}).expect(200)
    assert "manager" not in service.user(f"renamed-{name}")
    connection.send("DELETE", path).expect(204)
    connection.send("GET", path).expect(404)


def test_the_members_of_a_group_in_entra(service, connection):
    users = [connection.create_user(f"{connection.name}-{number}")["id"] for number in range(4)]
    group = connection.create_group(f"{connection.name} G", externalId="8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159")
    path = f"/Groups/{group['id']}"
    shown = connection.list("/Groups", excludedAttributes="members", filter=f'displayName eq "{group["displayName"]}"')
    assert shown["totalResults"] == 1 and "members" not in shown["Resources"][0]
    add = {"op": "Add", "path": "members", "value": [{"$ref": None, "value": user} for user in users]}
    connection.patch(path, add).expect(204)
    assert connection.members(group["id"]) == set(users)
    one = connection.list("/Groups", filter=f'id eq "{group["id"]}" and members eq "{users[0]}"')
    assert one["totalResults"] == 1
    # The member to be removed is a value, or in the path.
    connection.patch(path, {"op": "Remove", "path": "members", "value": [{"value": users[0]}]}).expect(204)
    connection.patch(path, {"op": "Remove", "path": f'members[value eq "{users[1]}"]'}).expect(204)
    assert connection.members(group["id"]) == set(users[2:])
    none = connection.list("/Groups", filter=f'id eq "{group["id"]}" and members eq "{users[0]}"')
    assert none["totalResults"] == 0
    # A single member is added by path.
    connection.patch(path, {"op": "Add", "path": f'members[value eq "{users[0]}"]'}).expect(204)
    connection.patch(path, {"op": "Add", "path": "members", "value": {"value": users[1]}}).expect(204)
    assert connection.members(group["id"]) == set(users)
    connection.patch(path, {"op": "Remove", "path": "members"}).expect(204)
    assert connection.members(group["id"]) == set()
