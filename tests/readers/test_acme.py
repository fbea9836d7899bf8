"""The rows of policy-outcomes against every fact of the example company that was worked out by hand."""

import json

from conftest import ROOT

FACTS = json.loads((ROOT / "crates/domesday/tests/data/acme-expected.json").read_text())


def test_rows_are_the_expected_facts(database):
    query = """
        SELECT o.username, o.datasource_name, c.column_name, o.scope, o.outcome, o.reason, o.request_id
        FROM "policy-outcomes" o LEFT JOIN "column-metadata" c USING (column_id)
    """
    rows = {tuple(row[:4]): row[4:] for row in database.execute(query).fetchall()}
    wrong = []
    for fact in FACTS:
        key = (fact["user"], fact["dataSource"], fact.get("column"), fact["scope"])
        found = rows.get(key, ("NONE", None, None))
        wanted = (fact["outcome"], fact.get("reason"), fact.get("requestId"))
        if found != wanted:
            wrong.append((key, wanted, found, fact["why"]))
    assert len(FACTS) > 100
    assert wrong == []


def test_policy_ids_name_policies_of_the_right_kind(database):
    for column, kind in [
        ("grant_policy_ids", "GRANT"),
        ("guardrail_policy_ids", "GUARDRAIL"),
        ("data_policy_ids", "MASK"),
    ]:
        query = f"""
            SELECT DISTINCT id, p.access_type
            FROM (SELECT unnest(CAST({column} AS JSON)::BIGINT[]) AS id FROM "policy-outcomes") named
            LEFT JOIN "policy-metadata" p ON p.policy_id = named.id
        """
        found = database.execute(query).fetchall()
        assert found and all(access_type == kind for _, access_type in found), (column, found)


def test_counts_in_metadata_are_those_of_the_outcomes(database):
    query = """
        SELECT d.datasource_name, d.subscriber_count, count(o.user_id)
        FROM "datasource-metadata" d LEFT JOIN "policy-outcomes" o
          ON o.datasource_id = d.datasource_id AND o.outcome = 'GRANTED' AND o.scope = 'READ'
        GROUP BY ALL HAVING d.subscriber_count <> count(o.user_id)
    """
    assert database.execute(query).fetchall() == []
