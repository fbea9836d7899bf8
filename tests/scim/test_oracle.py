"""Filters and patches at random: the service agrees with an implementation that shares nothing with it."""

import json
import random

from conftest import ENTERPRISE, PATCH, USER
from scim2_models import EnterpriseUser, PatchOp, ScimFilter, User

Model = User[EnterpriseUser]
WORDS = ["ada", "Ada", "bob", "Bob B", "c", "work", "ADA@x.example", "zoë", "7"]
ADDRESSES = ["a@x.example", "B@x.example", "b@x.example"]
TEXTS = ["userName", "title", "name.familyName", "nickName", "externalId", f"{ENTERPRISE}:department", "displayName"]
LISTS = ["emails", "phoneNumbers"]


def comparison(rng, path, words):
    operator = rng.choice(["eq", "eq", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"])
    return f"{path} pr" if operator == "pr" else f"{path} {operator} {json.dumps(rng.choice(words))}"


def some_filter(rng, depth=3):
    kind = rng.randrange(8 if depth else 4)
    if kind < 2:
        return comparison(rng, rng.choice(TEXTS), WORDS)
    if kind == 2:
        return f"active eq {rng.choice(['true', 'false'])}"
    if kind == 3:
        name = rng.choice(LISTS)
        # The oracle compares addresses with addresses only.
        values = ADDRESSES if name == "emails" else WORDS
        inner = comparison(rng, "type", WORDS)
        if rng.random() < 0.5:
            inner = f"{inner} {rng.choice(['and', 'or'])} {comparison(rng, 'value', values)}"
        return f"{name}[{inner}]" if rng.random() < 0.6 else comparison(rng, f"{name}.value", values)
    if kind == 4:
        return f"not ({some_filter(rng, depth - 1)})"
    parts = [some_filter(rng, depth - 1) for _ in range(rng.choice([2, 2, 3]))]
    joined = f" {rng.choice(['and', 'or', 'AND', 'Or'])} ".join(parts)
    return f"({joined})" if rng.random() < 0.5 else joined


def some_user(rng, name):
    word = lambda: rng.choice(WORDS)  # noqa: E731
    user = {"schemas": [USER, ENTERPRISE], "userName": name, "active": rng.random() < 0.7}
    for attribute in ["title", "nickName", "externalId", "displayName"]:
        if rng.random() < 0.6:
            user[attribute] = word()
    if rng.random() < 0.6:
        user["name"] = {"familyName": word(), "givenName": word()}
    if rng.random() < 0.6:
        user[ENTERPRISE] = {"department": word()}
    if rng.random() < 0.7:
        types = rng.sample(["work", "home"], rng.choice([1, 2]))
        user["emails"] = [{"value": f"{rng.choice(['a', 'B'])}@x.example", "type": kind} for kind in types]
    if rng.random() < 0.5:
        user["phoneNumbers"] = [{"value": word(), "type": "work"}]
    return user


def test_filters_select_what_an_oracle_selects(connection):
    rng = random.Random(20260114)
    users = []
    for number in range(40):
        name = rng.choice(WORDS[:5]).strip() + f" {number}"
        users.append(connection.send("POST", "/Users", some_user(rng, name)).expect(201).json)
    models = [Model.model_validate(user) for user in users]
    selecting = 0
    for _ in range(400):
        text = some_filter(rng)
        wanted = [model.id for model in models if ScimFilter[Model](text).match(model)]
        found = connection.list("/Users", filter=text, attributes="id", count=1000)
        assert [user["id"] for user in found["Resources"]] == wanted, text
        selecting += 0 < len(wanted) < len(users)
    assert selecting > 150, "the filters tell users apart"


def some_operation(rng):
    word = rng.choice(WORDS)
    path, value = rng.choice(
        [
            ("title", word),
            ("name.familyName", word),
            ("name", {"givenName": word}),
            (f"{ENTERPRISE}:department", word),
            ("nickName", word),
            ("emails", [{"value": f"{rng.choice('abc')}@x.example", "type": rng.choice(["work", "home", "other"])}]),
            ('emails[type eq "work"].value', "new@x.example"),
            ('emails[type eq "home"].display', word),
            ("active", rng.random() < 0.5),
        ]
    )
    operation = rng.choice(["add", "replace", "remove"])
    return {"op": operation, "path": path} | ({} if operation == "remove" else {"value": value})


def test_patches_lead_where_an_oracle_gets(connection):
    rng = random.Random(20260115)
    shown = lambda document: {  # noqa: E731
        key: value for key, value in document.items() if key not in ("meta", "schemas", "groups") and value != []
    }
    compared = 0
    for number in range(120):
        body = some_user(rng, f"patched {number}")
        user = connection.send("POST", "/Users", body).expect(201).json
        operations = [some_operation(rng) for _ in range(rng.choice([1, 2, 3]))]
        document = {"schemas": [PATCH], "Operations": operations}
        answer = connection.send("PATCH", f"/Users/{user['id']}", document)
        model = Model.model_validate(user)
        try:
            PatchOp[Model].model_validate(document).patch(model)
        except Exception as error:  # noqa: BLE001
            # A filter that selects nothing: the service creates the value on add, as identity providers expect.
            assert "no" in str(error).lower() or "match" in str(error).lower(), (operations, error)
            continue
        if answer.status == 400:
            raise AssertionError((operations, answer.body, shown(model.model_dump())))
        assert shown(answer.json) == shown(model.model_dump()), (user, operations)
        compared += 1
    assert compared > 60
