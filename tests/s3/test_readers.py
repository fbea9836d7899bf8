"""DuckDB reads the delivered bucket over S3, through the script that was delivered with it."""

import json
import pathlib
import threading
import time

import duckdb
import duckdb_ext
import pytest

from conftest import REGION, make_catalog, objects, run


def connect(strict, script):
    """DuckDB with its real S3 client, as the server's root user, who may read."""
    folder = pathlib.Path(list(duckdb_ext.__path__)[0]) / "extensions"
    [extension] = folder.glob(f"v{duckdb.__version__}/*/httpfs.duckdb_extension")
    db = duckdb.connect()
    db.execute(f"LOAD '{extension}'")
    host = strict.url.removeprefix("http://")
    db.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID 'test', SECRET 'test', REGION '{REGION}', ENDPOINT '{host}',"
        " URL_STYLE 'path', USE_SSL false)"
    )
    db.execute("SET TimeZone = 'UTC'")
    db.execute(script)
    return db


def script(admin, bucket):
    return admin("s3").get_object(Bucket=bucket, Key="access/v1/_setup/duckdb.sql")["Body"].read().decode()


@pytest.mark.parametrize("layout", ["latest", "swap", "history"])
def test_the_delivered_script_reads_what_was_delivered(admin, strict, bucket, user, export, layout):
    days = ["2026-11-24T02:00:00Z", "2026-11-25T02:00:00Z", "2026-11-26T02:00:00Z"]
    for day in days:
        assert export(user.env, "--layout", layout, "--settle", "0", at=day).returncode == 0
    db = connect(strict, script(admin, bucket))
    views = {name for (name,) in db.execute("SELECT view_name FROM duckdb_views() WHERE schema_name = 'domesday'").fetchall()}
    manifest = json.loads(objects(admin, bucket)["access/v1/_manifest.json"])
    rows = {}
    for file in manifest["files"]:
        if file["table"] != "_setup":
            rows[file["table"]] = rows.get(file["table"], 0) + file["rows"]
    assert len(rows) == 15
    for table, count in rows.items():
        name = table.replace("-", "_")
        assert name in views
        found, dates = db.execute(
            f"SELECT count(*), list(DISTINCT export_date::VARCHAR) FROM domesday.{name}"
        ).fetchone()
        assert found == count, table
        assert count == 0 or dates == ["2026-11-26 02:00:00+00"], table
    if layout == "history":
        days = db.execute("SELECT count(DISTINCT export_date) FROM domesday.ext_user_metadata").fetchone()
        assert days == (3,)


@pytest.mark.parametrize("layout", ["latest", "swap", "history"])
def test_a_directory_is_read_by_the_printed_script(tmp_path, catalog, layout):
    out = tmp_path / "out"
    for day in ("2026-11-24T02:00:00Z", "2026-11-25T02:00:00Z"):
        args = ["export", "--catalog", catalog, "--to", out, "--layout", layout, "--settle", "0", "--at", day]
        assert run(args).returncode == 0
    sql = run(["setup", "ddl", "--engine", "duckdb", "--to", out, "--layout", layout]).stdout
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    db.execute(sql)
    assert db.execute("SELECT count(*), max(export_date)::VARCHAR FROM domesday.user_metadata").fetchone() == (
        5,
        "2026-11-25 02:00:00+00",
    )


def test_readers_of_the_swap_layout_switch_at_one_instant(admin, strict, bucket, user, export, tmp_path):
    """Runs of growing and shrinking days follow each other, many of them killed at some put; a reader in a loop sees
    whole days only. Each day has its own number of users, so a day that is not whole shows."""
    sizes = [4, 60, 9, 35, 2, 80]
    catalogs = [make_catalog(tmp_path / str(size), size) for size in sizes]
    day = lambda n: f"2026-12-{1 + n:02}T02:00:00Z"
    options = ["--layout", "swap", "--settle", "1"]
    assert export(user.env, *options, catalog=catalogs[0], at=day(0)).returncode == 0
    expected = {day(n)[:10]: sizes[n % len(sizes)] for n in range(28)}
    db = connect(strict, script(admin, bucket))
    query = (
        "SELECT (SELECT list(DISTINCT export_date::DATE::VARCHAR) FROM domesday.user_metadata),"
        " (SELECT count(*) FROM domesday.user_metadata), (SELECT count(*) FROM domesday.policy_outcomes),"
        " (SELECT list(DISTINCT export_date::DATE::VARCHAR) FROM domesday.policy_outcomes)"
    )
    seen, wrong, reads, stop = set(), [], [0], threading.Event()

    def read():
        while not stop.is_set():
            try:
                users_dates, users, outcomes, outcomes_dates = db.execute(query).fetchone()
            except duckdb.Error as error:
                # A file that changed under a query is noticed by its ETag: refused, not misread.
                if "ETag" not in str(error):
                    wrong.append(str(error))
                reads[0] += 1
                continue
            reads[0] += 1
            seen.update(users_dates)
            good = len(users_dates) == 1 and users_dates == outcomes_dates
            if not good or users != expected[users_dates[0]] or outcomes != 2 * users:
                wrong.append((users_dates, users, outcomes_dates, outcomes))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for n in range(1, 9):
            before = reads[0]
            if n % 2:
                # Cut off at some put in the middle: everything after it is refused.
                cut = 1 + 3 * n % 19
                strict.fault = lambda request, number, limit=strict.puts + cut: cut_off(request, number, limit)
                export(user.env, *options, catalog=catalogs[(n + 3) % len(sizes)], at="2026-11-30T02:00:00Z")
                strict.fault = None
            # A query lasts less than the time from one run's switch to the next run's first put.
            while reads[0] < before + 2:
                time.sleep(0.01)
            done = export(user.env, *options, catalog=catalogs[n % len(sizes)], at=day(n))
            assert done.returncode == 0, done.stdout
    finally:
        stop.set()
        reader.join()
    assert not wrong, wrong[:5]
    assert len(seen) >= 5 and reads[0] > 20, (seen, reads)


def cut_off(request, number, limit):
    from strict import Refusal

    if request.action == "s3:PutObject" and number >= limit:
        raise Refusal(403, "AccessDenied", "Access Denied")


@pytest.mark.parametrize("before, after", [("latest", "swap"), ("swap", "latest"), ("latest", "history")])
def test_a_change_of_layout_shows_one_day_whole_or_none(admin, strict, bucket, user, export, before, after, tmp_path):
    """Cut off at any put, the change leaves the readers of the old layout with the day before or with nothing, those of
    the new with the new day or with nothing, and in the end the files of the old one have no rows."""
    catalog = make_catalog(tmp_path / "catalog", 7)
    old_day, new_day = "2026-11-24T02:00:00Z", "2026-11-25T02:00:00Z"
    options = ["--settle", "0"]

    def deliver(layout, day):
        return export(user.env, "--layout", layout, *options, catalog=catalog, at=day)

    def ddl(layout):
        where = ["--to", f"s3://{bucket}/access", "--region", REGION, "--endpoint", strict.url]
        return run(["setup", "ddl", "--engine", "duckdb", *where, "--layout", layout]).stdout

    def seen(script):
        try:
            db = connect(strict, script)
            return db.execute(
                "SELECT (SELECT count(*) FROM domesday.user_metadata), (SELECT count(*) FROM domesday.policy_outcomes),"
                " (SELECT max(export_date)::DATE::VARCHAR FROM domesday.user_metadata),"
                " (SELECT max(export_date)::DATE::VARCHAR FROM domesday.policy_outcomes)"
            ).fetchone()
        except duckdb.IOException as error:
            # No file of a layout that nothing was delivered in yet.
            assert "No files found" in str(error), error
            return (0, 0, None, None)

    nothing, whole = (0, 0, None, None), lambda day: (7, 14, day[:10], day[:10])
    for cut in (1, 9, 14, 17, 19, 20, 22, 25, 29, 31, 33, 40):
        assert deliver(before, old_day).returncode == 0
        assert seen(ddl(before)) == whole(old_day)
        strict.fault = lambda request, number, limit=strict.puts + cut: cut_off(request, number, limit)
        failed = deliver(after, new_day).returncode != 0
        strict.fault = None
        assert seen(ddl(before)) in (whole(old_day), nothing), cut
        assert seen(ddl(after)) in (whole(new_day), nothing), cut
        if not failed:
            break
    assert deliver(after, new_day).returncode == 0
    assert (seen(ddl(before)), seen(ddl(after))) == (nothing, whole(new_day))
    glob = {"latest": "*.parquet", "swap": "slot=*/*.parquet"}[before]
    db = connect(strict, "SELECT 1")
    left = db.execute(f"SELECT count(*) FROM read_parquet('s3://{bucket}/access/v1/user-metadata/{glob}')").fetchone()
    assert left == (0,)
