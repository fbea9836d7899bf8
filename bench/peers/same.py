"""Whether sets of Parquet files hold the same rows, in whatever order: count and a hash over all columns.

    same.py ONE.parquet OTHER.parquet...
"""

import json
import sys

import duckdb


def summary(path: str) -> dict:
    database = duckdb.connect()
    columns = [row[0] for row in database.execute(f"DESCRIBE FROM read_parquet('{path}')").fetchall()]
    hashed = ", ".join(f"epoch_us({name})" if name in ("expires_at", "export_date") else name for name in columns)
    count, total = database.execute(
        f"SELECT count(*), sum(hash({hashed})::HUGEINT) FROM read_parquet('{path}')"
    ).fetchone()
    return {"columns": columns, "rows": count, "hash": str(total)}


if __name__ == "__main__":
    one, *others = (summary(path) for path in sys.argv[1:])
    same = all(other == one for other in others)
    print(json.dumps({"same": same, "rows": one["rows"], "hash": one["hash"], "others": others}))
    sys.exit(0 if same else 1)
