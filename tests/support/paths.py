"""Paths with every character that means something to some engine or to SQL, and what reads a script's statements."""

import re

# Each with a path that it would also match as a pattern, or none.
PATHS = {
    "plain": None,
    "it's": None,
    "''; DROP TABLE x; --": None,
    'say "hi"': None,
    "`tick`": None,
    "a[bc]d": "abd",
    "]x[": None,
    "[!a]": "b",
    "what?": "whatX",
    "st*r": "stXr",
    "**": "x",
    "{a,b}": "a",
    "{a": None,
    "a}": None,
    "100%": None,
    "a%20b": "a b",
    "a b": "a%20b",
    "a+b": "a b",
    "naïve-日本": None,
    "back\\slash": "backslash",
    "\\": None,
    "$x": None,
    "${HOME}": None,
    "$$": None,
    "a;b": None,
    "a--b": "a",
    "/* x */".replace("/", "_"): None,
    "a=b": None,
    "slot=c": None,
    "export_date=2019-01-01": None,
    "~": None,
    "a&b<c>": None,
    "@x": None,
    "a:b,c": None,
}

# What an engine cannot be given: the printed reason names the character.
REFUSED = {
    "snowflake": "",
    "databricks": "*?[]{}\\",
    "athena": "*?[]{}\\",
    "trino": "?#",
    "duckdb": "\\",
    "clickhouse": "*?{}",
}


def statements(script):
    """The statements of a script; every one ends with its line."""
    parts = re.split(r";\n", "\n".join(line for line in script.split("\n") if not line.startswith("--")))
    return [part.strip() for part in parts if part.strip()]


# The same in a bucket, besides.
REFUSED_IN_BUCKET = {"duckdb": "?", "clickhouse": "$"}


def is_refused(engine, path, in_bucket=False):
    refused = REFUSED[engine] + (REFUSED_IN_BUCKET.get(engine, "") if in_bucket else "")
    return any(character in path for character in refused)
