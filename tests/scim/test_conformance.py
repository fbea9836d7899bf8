"""The standard, as others check it: scim2-tester, and a client that validates every answer."""

import collections

from conftest import ENTERPRISE, GROUP, USER
from scim2_models import PatchOp, PatchOperation, SearchRequest
from scim2_tester import Status, check_server


def test_every_check_of_the_tester_succeeds(service):
    mapped = "urn:acme:params:scim:schemas:hr:2.0:User:region"
    connection = service.connection({"Region": mapped, "Title": "title"})
    results = check_server(connection.client())
    wrong = [f"{result.title}: {result.reason} {result.data}" for result in results if result.status != Status.SUCCESS]
    assert not wrong, "\n".join(wrong)
    counts = collections.Counter(result.title for result in results)
    # Nothing was left out: every operation on each attribute of both resources.
    assert len(results) > 100 and counts["check_add_attribute"] > 20, counts


def test_a_client_pushes_a_company(service, connection):
    client = connection.client()
    User, Group = client.get_resource_model("User"), client.get_resource_model("Group")
    people = {}
    for name in ["ada", "grace", "edsger"]:
        user = User(user_name=f"{connection.name}-{name}", external_id=f"ext-{name}", display_name=name.title())
        people[name] = client.create(user)
        assert people[name].meta.version.startswith('W/"') and people[name].meta.resource_type == "User"
    found = client.query(User, query_parameters=SearchRequest(filter='externalId eq "ext-ada"'))
    assert [user.id for user in found.resources] == [people["ada"].id]
    group = client.create(
        Group(
            display_name=f"{connection.name} Analysts",
            members=[Group.Members(value=people["ada"].id, type="User")],
        )
    )
    assert [member.value for member in group.members] == [people["ada"].id]
    add = PatchOperation(
        op=PatchOperation.Op.add, path="members", value=[Group.Members(value=people["grace"].id, type="User")]
    )
    client.modify(Group, group.id, PatchOp[Group](operations=[add]))
    assert {member.value for member in client.query(Group, group.id).members} == {
        people["ada"].id,
        people["grace"].id,
    }
    # The version of a user is that of what clients write of it: membership changes none.
    grace = people["grace"]
    grace.display_name = "Grace Hopper"
    assert client.replace(grace).display_name == "Grace Hopper"
    assert service.user(grace.user_name)["groups"] == [f"{connection.name} Analysts"]
    client.delete(User, people["edsger"].id)
    listed = client.query(User, query_parameters=SearchRequest(sort_by="userName", count=10))
    assert [user.user_name.rsplit("-", 1)[1] for user in listed.resources] == ["ada", "grace"]


def test_what_is_supported_can_be_discovered(connection):
    config = connection.send("GET", "/ServiceProviderConfig").expect(200)
    assert config.headers["Content-Type"] == "application/scim+json"
    supported = {name: value["supported"] for name, value in config.json.items() if "supported" in value}
    assert supported == {
        "patch": True, "bulk": False, "filter": True, "changePassword": False, "sort": True, "etag": True
    }
    types = connection.send("GET", "/ResourceTypes").expect(200).json
    assert [(one["id"], one["endpoint"], one["schema"]) for one in types["Resources"]] == [
        ("User", "/Users", USER),
        ("Group", "/Groups", GROUP),
    ]
    schemas = connection.send("GET", "/Schemas").expect(200).json
    assert {USER, GROUP, ENTERPRISE} < {schema["id"] for schema in schemas["Resources"]}
    for path in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"]:
        connection.send("GET", f"{path}?filter=id+pr").expect(403)
        connection.send("POST", path, {}).expect(405)
    connection.send("POST", "/Bulk", {}).expect(501)
    connection.send("GET", "/Me").expect(501)
