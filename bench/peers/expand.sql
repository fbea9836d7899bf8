-- The rows, from the classes of outcomes.sql: a query, so that its caller can count, hash, order or write it.
WITH source_rows AS NOT MATERIALIZED (
    SELECT s.datasource_id, s.datasource_name, c.source_class_id FROM sources s JOIN source_class c USING (datasource_id)),
table_rows AS NOT MATERIALIZED (
    SELECT u.user_id, u.user_class_id, s.datasource_id, o.scope, o.outcome, o.grant_policy_ids, o.guardrail_policy_ids,
        'POLICY' AS reason, NULL AS request_id, o.merged_policy, NULL::BIGINT AS expires_us
    FROM class_outcomes o JOIN source_rows s USING (source_class_id) JOIN user_class u USING (user_class_id)
    ANTI JOIN special_outcomes x ON x.datasource_id = s.datasource_id AND x.scope = o.scope AND x.user_id = u.user_id
    UNION ALL
    SELECT user_id, user_class_id, datasource_id, scope, outcome, grant_policy_ids, guardrail_policy_ids, reason,
        request_id, merged_policy, expires_us
    FROM special_outcomes),
column_rows AS NOT MATERIALIZED (
    SELECT t.user_id, t.datasource_id, m.column_id, 'READ' AS scope,
        CASE WHEN k.masking IS NOT NULL AND e.last IS NULL THEN 'MASKED' ELSE 'UNMASKED' END AS outcome,
        ids(CASE WHEN k.masking IS NOT NULL AND e.last IS NULL THEN k.masking ELSE m.masks END) AS data_policy_ids,
        CASE WHEN k.masking IS NOT NULL AND e.last IS NOT NULL THEN 'REQUEST' ELSE 'POLICY' END AS reason,
        CASE WHEN k.masking IS NOT NULL THEN e.last.request END AS request_id,
        CASE WHEN k.masking IS NOT NULL THEN e.last.expires_us END AS expires_us,
        t.merged_policy
    FROM table_rows t JOIN masked m USING (datasource_id)
    JOIN class_masks k ON k.masks = m.masks AND k.user_class_id = t.user_class_id
    LEFT JOIN exceptions e ON e.column_id = m.column_id AND e.user_id = t.user_id
    WHERE t.scope = 'READ' AND t.outcome = 'GRANTED'),
all_rows AS NOT MATERIALIZED (
    SELECT user_id, datasource_id, NULL::BIGINT AS column_id, scope, outcome, grant_policy_ids, guardrail_policy_ids,
        '[]' AS data_policy_ids, reason, request_id, merged_policy, expires_us
    FROM table_rows
    UNION ALL
    SELECT user_id, datasource_id, column_id, scope, outcome, '[]', '[]', data_policy_ids, reason, request_id,
        merged_policy, expires_us
    FROM column_rows)
SELECT u.global_user_id, r.user_id, u.username, r.datasource_id, s.datasource_name, r.column_id, r.scope, r.outcome,
    r.grant_policy_ids, r.guardrail_policy_ids, r.data_policy_ids, r.reason, r.request_id, r.merged_policy,
    make_timestamptz(r.expires_us) AS expires_at, make_timestamptz(getvariable('at_us')) AS export_date
FROM all_rows r JOIN users u USING (user_id) JOIN sources s USING (datasource_id)
