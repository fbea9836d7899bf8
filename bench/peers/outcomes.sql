-- Policy outcomes worked out by a database from normalized tables, the fastest way found: classes first.
--
-- Views `users`, `user_groups`, ... over the Parquet tables of `domesday-bench normalize` exist; `at_us` and
-- `export_date` are variables. The result is the table `outcomes`, in no order.

CREATE TEMP TABLE active AS SELECT user_id FROM users WHERE is_active;

-- Which policy applies to which source.
CREATE TEMP TABLE matches AS
SELECT policy_id, mapping, key, datasource_id FROM policy_targets CROSS JOIN sources WHERE key = 'all'
UNION SELECT policy_id, mapping, key, datasource_id FROM policy_targets JOIN source_tags ON value = tag WHERE key = 'tagged'
UNION SELECT policy_id, mapping, key, datasource_id FROM policy_targets JOIN column_tags ON value = tag WHERE key = 'columnsTagged'
UNION SELECT policy_id, mapping, key, datasource_id FROM policy_targets JOIN sources ON value = domain WHERE key = 'domains'
UNION SELECT policy_id, mapping, key, datasource_id FROM policy_targets JOIN sources ON value = datasource_name WHERE key = 'dataSources';

CREATE TEMP TABLE applies AS
SELECT DISTINCT policy_id, datasource_id
FROM (SELECT policy_id, mapping, datasource_id, count(*) AS keys FROM matches GROUP BY ALL)
JOIN (SELECT policy_id, mapping, count(DISTINCT key) AS keys FROM policy_targets GROUP BY ALL) USING (policy_id, mapping, keys)
JOIN sources USING (datasource_id)
WHERE is_enabled;

-- Conditions that look at tags are bound to the set of tags of a source, all others to nothing.
CREATE TEMP TABLE tag_sets AS
SELECT datasource_id, dense_rank() OVER (ORDER BY tags) AS tag_set_id, tags
FROM (SELECT datasource_id, coalesce(list_sort(list(tag)), []) AS tags FROM sources LEFT JOIN source_tags USING (datasource_id) GROUP BY ALL);

CREATE TEMP TABLE literals AS
SELECT policy_id, clause, is_negated, kind, key, value FROM policy_literals
UNION ALL SELECT policy_id, clause, is_negated, kind, key, value FROM data_policy_literals;

CREATE TEMP TABLE bindings AS
SELECT row_number() OVER () AS binding_id, * FROM (
    SELECT DISTINCT policy_id, CASE WHEN uses_tags THEN tag_set_id END AS tag_set_id
    FROM (SELECT policy_id, bool_or(kind = 'tag') AS uses_tags FROM literals GROUP BY ALL)
    LEFT JOIN (SELECT DISTINCT tag_set_id FROM tag_sets) ON uses_tags);

-- The users for whom each literal holds, then each clause, then each binding.
CREATE TEMP TABLE holds AS
SELECT binding_id, clause, key, value, kind, is_negated, user_id
FROM bindings JOIN literals USING (policy_id) JOIN user_groups ON value = name
WHERE kind = 'group'
UNION ALL
SELECT DISTINCT binding_id, clause, l.key, l.value, kind, is_negated, user_id
FROM bindings JOIN literals l USING (policy_id) JOIN user_attributes a ON l.key = a.key AND l.value = a.value
WHERE kind = 'attribute'
UNION ALL
SELECT DISTINCT binding_id, clause, l.key, l.value, kind, is_negated, user_id
FROM bindings b JOIN literals l USING (policy_id)
JOIN (SELECT DISTINCT tag_set_id, unnest(tags) AS tag FROM tag_sets) t USING (tag_set_id)
JOIN user_attributes a ON l.key = a.key AND t.tag = a.value
WHERE kind = 'tag';

CREATE TEMP TABLE clauses AS
SELECT binding_id, clause, count(*) FILTER (NOT is_negated) AS positive
FROM bindings JOIN literals USING (policy_id) GROUP BY ALL;

CREATE TEMP TABLE admits AS
WITH seen AS (
    SELECT binding_id, clause, user_id,
        count(*) FILTER (NOT is_negated) AS positive, count(*) FILTER (is_negated) AS negative
    FROM holds GROUP BY ALL)
SELECT DISTINCT binding_id, user_id FROM (
    SELECT binding_id, user_id FROM clauses JOIN seen USING (binding_id, clause, positive) WHERE negative = 0 AND positive > 0
    UNION ALL
    SELECT binding_id, user_id FROM clauses CROSS JOIN active
    WHERE positive = 0 AND NOT EXISTS (
        FROM seen WHERE seen.binding_id = clauses.binding_id AND seen.clause = clauses.clause
            AND seen.user_id = active.user_id AND negative > 0))
SEMI JOIN active USING (user_id);

-- Policies of the other levels, as bindings of their own.
CREATE TEMP TABLE all_bindings AS
SELECT binding_id, policy_id, tag_set_id FROM bindings
UNION ALL SELECT 1000000 + policy_id, policy_id, NULL FROM policies WHERE level IN ('ANYONE', 'INDIVIDUALS');

CREATE TEMP TABLE all_admits AS
SELECT binding_id, user_id FROM admits
UNION ALL SELECT 1000000 + policy_id, user_id FROM policies CROSS JOIN active WHERE level = 'ANYONE'
UNION ALL SELECT DISTINCT 1000000 + policy_id, user_id FROM (
    SELECT policy_id, user_id FROM policy_individuals i JOIN users ON kind = 'user' AND name = username
    UNION SELECT policy_id, user_id FROM policy_individuals i JOIN user_groups g ON kind = 'group' AND i.name = g.name)
    SEMI JOIN active USING (user_id);

-- Users admitted by the same bindings form a class.
CREATE TEMP TABLE user_class AS
SELECT user_id, dense_rank() OVER (ORDER BY admitted) AS user_class_id
FROM (SELECT user_id, coalesce(list_sort(list(binding_id) FILTER (binding_id IS NOT NULL)), []) AS admitted
      FROM active LEFT JOIN all_admits USING (user_id) GROUP BY ALL);

CREATE TEMP TABLE class_admits AS
SELECT DISTINCT binding_id, user_class_id FROM all_admits JOIN user_class USING (user_id);

-- Sources with the same policies, bound alike, form a class.
CREATE TEMP TABLE bound AS
SELECT datasource_id, policy_id, b.binding_id, p.kind, p.scope, p.level, p.merged, p.is_or
FROM applies JOIN policies p USING (policy_id) JOIN tag_sets t USING (datasource_id)
LEFT JOIN all_bindings b ON b.policy_id = applies.policy_id AND (b.tag_set_id IS NULL OR b.tag_set_id = t.tag_set_id);

CREATE TEMP TABLE source_class AS
SELECT datasource_id, dense_rank() OVER (ORDER BY bound) AS source_class_id
FROM (SELECT datasource_id, coalesce(list_sort(list(policy_id * 10000000 + coalesce(binding_id, 0)) FILTER (policy_id IS NOT NULL)), []) AS bound
      FROM sources LEFT JOIN bound USING (datasource_id) WHERE is_enabled GROUP BY ALL);

CREATE TEMP TABLE class_policies AS
SELECT DISTINCT source_class_id, s.scope, policy_id, binding_id, kind, level, merged, is_or
FROM bound JOIN source_class USING (datasource_id)
JOIN (VALUES ('READ'), ('WRITE')) s(scope)
    ON CASE kind WHEN 'GRANT' THEN s.scope = 'READ' OR bound.scope = 'WRITE' ELSE s.scope = 'WRITE' OR bound.scope = 'READ' END;

CREATE TEMP TABLE merged AS
WITH parts AS (
    SELECT source_class_id, scope,
        list_distinct(list(merged ORDER BY policy_id) FILTER (kind = 'GRANT')) AS grant_texts,
        list(merged ORDER BY policy_id) FILTER (kind = 'GRANT') AS grants,
        list(CASE WHEN is_or THEN '(' || merged || ')' ELSE merged END ORDER BY policy_id) FILTER (kind = 'GUARDRAIL') AS rails,
        bool_or(is_or) FILTER (kind = 'GRANT') AS any_or
    FROM class_policies GROUP BY ALL),
ordered AS (
    SELECT *, list_filter(grants, lambda text, i: list_position(grants, text) = i) AS texts FROM parts)
SELECT source_class_id, scope,
    concat_ws(' AND ',
        CASE WHEN grants IS NULL AND rails IS NULL THEN 'OWNER OR REQUEST'
            WHEN grants IS NULL THEN '(OWNER OR REQUEST)'
            WHEN rails IS NOT NULL AND (len(texts) > 1 OR any_or) THEN '(' || array_to_string(texts, ' OR ') || ')'
            ELSE array_to_string(texts, ' OR ') END,
        array_to_string(rails, ' AND ')) AS merged_policy
FROM ordered;

-- Grants and guardrails by class of sources and class of users.
CREATE TEMP TABLE rails AS
SELECT source_class_id, scope, list_sort(list(policy_id)) AS rails
FROM class_policies WHERE kind = 'GUARDRAIL' GROUP BY ALL;

CREATE TEMP TABLE class_grants AS
SELECT source_class_id, scope, user_class_id, list_sort(list(policy_id)) AS grants
FROM class_policies JOIN class_admits USING (binding_id) WHERE kind = 'GRANT' GROUP BY ALL;

-- Which guardrails block a class of users: asked for the classes that something reaches, special users included.
CREATE TEMP TABLE covers AS
SELECT request, user_id, is_write, expires_us, datasource_id, false AS is_product FROM requests
WHERE kind = 'access' AND datasource_id IS NOT NULL AND is_approved AND coalesce(expires_us > getvariable('at_us'), true)
UNION ALL
SELECT request, user_id, is_write, expires_us, p.datasource_id, true FROM requests JOIN product_sources p USING (product)
WHERE kind = 'access' AND is_published AND is_approved AND coalesce(expires_us > getvariable('at_us'), true);

CREATE TEMP TABLE special AS
SELECT datasource_id, source_class_id, scope, user_id, user_class_id, bool_or(owner) AS is_owner,
    list({request: request, expires_us: expires_us, is_product: is_product}) FILTER (request IS NOT NULL) AS requests
FROM (
    SELECT datasource_id, user_id, scope, true AS owner, NULL AS request, NULL AS expires_us, NULL AS is_product
    FROM owners CROSS JOIN (VALUES ('READ'), ('WRITE')) s(scope)
    UNION ALL
    SELECT datasource_id, user_id, scope, false, request, expires_us, is_product
    FROM covers JOIN (VALUES ('READ'), ('WRITE')) s(scope) ON scope = 'READ' OR is_write)
JOIN source_class USING (datasource_id) JOIN user_class USING (user_id)
GROUP BY ALL;

CREATE TEMP TABLE blocks AS
SELECT source_class_id, scope, user_class_id, list_sort(list(policy_id)) AS blocking
FROM (SELECT source_class_id, scope, user_class_id FROM class_grants
      UNION SELECT source_class_id, scope, user_class_id FROM special)
JOIN class_policies USING (source_class_id, scope)
ANTI JOIN class_admits USING (binding_id, user_class_id)
WHERE kind = 'GUARDRAIL' GROUP BY ALL;

CREATE MACRO ids(list) AS '[' || coalesce(array_to_string(list, ','), '') || ']';

CREATE TEMP TABLE class_outcomes AS
SELECT g.source_class_id, g.scope, g.user_class_id,
    CASE WHEN blocking IS NULL THEN 'GRANTED' ELSE 'BLOCKED' END AS outcome,
    ids(grants) AS grant_policy_ids, ids(coalesce(blocking, rails)) AS guardrail_policy_ids, merged_policy
FROM class_grants g LEFT JOIN blocks USING (source_class_id, scope, user_class_id)
LEFT JOIN rails USING (source_class_id, scope) JOIN merged USING (source_class_id, scope);

CREATE TEMP TABLE special_outcomes AS
WITH approvals AS (
    SELECT source_class_id, scope, list(policy_id) AS approvals FROM class_policies
    WHERE kind = 'GRANT' AND level = 'APPROVAL' GROUP BY ALL),
counted AS (
    SELECT s.*, g.grants, a.approvals, blocking, rails,
        list_filter(coalesce(s.requests, []), lambda r: r.is_product OR approvals IS NOT NULL) AS counting
    FROM special s LEFT JOIN class_grants g USING (source_class_id, scope, user_class_id)
    LEFT JOIN approvals a USING (source_class_id, scope)
    LEFT JOIN blocks USING (source_class_id, scope, user_class_id)
    LEFT JOIN rails USING (source_class_id, scope)),
chosen AS (
    SELECT *, CASE WHEN len(counting) > 0 THEN list_sort(list_transform(counting,
        lambda r: {ending: -coalesce(r.expires_us, 9000000000000000000), request: r.request, expires_us: r.expires_us}))[1] END AS last
    FROM counted)
SELECT datasource_id, source_class_id, scope, user_id, user_class_id,
    CASE WHEN blocking IS NULL THEN 'GRANTED' ELSE 'BLOCKED' END AS outcome,
    ids(list_sort(list_concat(coalesce(grants, []), CASE WHEN requests IS NOT NULL THEN coalesce(approvals, []) ELSE [] END))) AS grant_policy_ids,
    ids(coalesce(blocking, rails)) AS guardrail_policy_ids,
    concat_ws('+', CASE WHEN grants IS NOT NULL THEN 'POLICY' END, CASE WHEN is_owner THEN 'OWNER' END,
        CASE WHEN last IS NOT NULL THEN 'REQUEST' END) AS reason,
    last.request AS request_id,
    CASE WHEN grants IS NULL AND NOT is_owner THEN last.expires_us END AS expires_us,
    coalesce(merged_policy, 'OWNER OR REQUEST') AS merged_policy
FROM chosen LEFT JOIN merged USING (source_class_id, scope)
WHERE is_owner OR grants IS NOT NULL OR len(counting) > 0;

-- Masked columns by the policies that apply to them.
CREATE TEMP TABLE masked AS
SELECT datasource_id, column_id, list_sort(list(DISTINCT policy_id)) AS masks
FROM data_policies JOIN column_tags USING (tag) SEMI JOIN source_class USING (datasource_id) GROUP BY ALL;

CREATE TEMP TABLE class_masks AS
SELECT masks, user_class_id, list_sort(list(policy_id) FILTER (NOT excepted)) AS masking FROM (
    SELECT m.masks, m.policy_id, u.user_class_id, EXISTS (
        FROM bindings b JOIN class_admits a USING (binding_id)
        WHERE b.policy_id = m.policy_id AND a.user_class_id = u.user_class_id) AS excepted
    FROM (SELECT masks, unnest(masks) AS policy_id FROM (SELECT DISTINCT masks FROM masked)) m
    CROSS JOIN (SELECT DISTINCT user_class_id FROM user_class) u)
GROUP BY ALL;

CREATE TEMP TABLE exceptions AS
SELECT column_id, user_id, (list_sort(list({ending: -coalesce(expires_us, 9000000000000000000), request: request, expires_us: expires_us})))[1] AS last
FROM requests JOIN request_columns USING (request)
WHERE kind = 'exception' AND is_approved AND coalesce(expires_us > getvariable('at_us'), true)
GROUP BY ALL;
