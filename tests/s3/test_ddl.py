"""Scripts for engines over paths with every character that means something: run by DuckDB, over directories and over
S3, and read by the tokenizers of the dialects for the engines that cannot run here."""

import re
import shutil
from urllib.parse import quote

import duckdb
import pytest
import sqlglot
from paths import PATHS, REFUSED, is_refused, statements

from conftest import REGION, make_catalog, run
from test_readers import connect

ENGINES = sorted(REFUSED)
LAYOUTS = ["latest", "swap", "history"]
USERS, DECOYS = 5, 3


def ddl(engine, to, *more):
    return run(["setup", "ddl", "--engine", engine, "--to", to, *more])


@pytest.fixture(scope="module")
def summaries(tmp_path_factory):
    """A summary a layout of the one catalog, and of another with fewer users."""
    folder = tmp_path_factory.mktemp("summaries")
    made = {}
    for users in (USERS, DECOYS):
        catalog = make_catalog(folder / f"catalog{users}", users)
        for layout in LAYOUTS:
            made[users, layout] = folder / f"{layout}{users}"
            for day in ("2026-11-24T02:00:00Z", "2026-11-25T02:00:00Z"):
                args = ["export", "--catalog", catalog, "--to", made[users, layout], "--at", day, "--settle", "0"]
                done = run([*args, "--layout", layout])
                assert done.returncode == 0, done.stderr
    return made


def check(db):
    count, dates = db.execute(
        "SELECT count(*), list(DISTINCT export_date::VARCHAR) FROM domesday.user_metadata"
    ).fetchone()
    assert (count, dates) == (USERS, ["2026-11-25 02:00:00+00"])
    assert db.execute("SELECT count(*) FROM domesday.policy_outcomes").fetchone() == (2 * USERS,)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_duckdb_reads_a_directory_of_any_name(summaries, tmp_path, layout):
    for path, decoy in PATHS.items():
        base = tmp_path / str(len(list(tmp_path.iterdir())))
        shutil.copytree(summaries[USERS, layout], base / path)
        if decoy:
            shutil.copytree(summaries[DECOYS, layout], base / decoy)
        done = ddl("duckdb", base / path, "--layout", layout)
        if is_refused("duckdb", path):
            assert done.returncode == 1 and "`\\`" in done.stderr, path
            continue
        assert done.returncode == 0, done.stderr
        db = duckdb.connect()
        db.execute("SET TimeZone = 'UTC'")
        db.execute(done.stdout)
        check(db)


@pytest.mark.parametrize("name", ["~", "a[b]", "a*"])
def test_duckdb_reads_a_relative_directory(summaries, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(summaries[USERS, "latest"], tmp_path / name)
    done = ddl("duckdb", name)
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    db.execute(done.stdout)
    check(db)


def test_duckdb_reads_a_bucket_path_of_any_name(summaries, admin, strict, bucket, tmp_path):
    s3 = admin("s3")

    def upload(summary, path):
        for file in summary.rglob("*.parquet"):
            s3.put_object(Bucket=bucket, Key=f"{path}/{file.relative_to(summary)}", Body=file.read_bytes())

    wrong = []
    for number, (path, decoy) in enumerate(PATHS.items()):
        path, decoy = f"{number}/{path}", decoy and f"{number}/{decoy}"
        done = ddl("duckdb", f"s3://{bucket}/{path}", "--region", REGION, "--endpoint", strict.url)
        if is_refused("duckdb", path, in_bucket=True):
            assert done.returncode == 1 and "DuckDB" in done.stderr, path
            continue
        assert done.returncode == 0, done.stderr
        upload(summaries[USERS, "latest"], path)
        if decoy:
            upload(summaries[DECOYS, "latest"], decoy)
        try:
            check(connect(strict, done.stdout))
        except (duckdb.Error, AssertionError) as error:
            wrong.append((path, str(error)[:200]))
    assert not wrong


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_dialect_reads_the_location_as_it_is(engine, layout):
    """The strings of a script are the locations, whole and unchanged, and nothing of a path gets out of them."""

    def read(path):
        where = ["--region", REGION, "--layout", layout]
        done = ddl(engine, f"s3://acme-audit/{path}", *where)
        if done.returncode:
            return done, None, None
        tokens = sqlglot.tokenize(done.stdout, read=engine)
        locations = {token.text for token in tokens if re.match(r"(s3|https)://", token.text)}
        code = [token.token_type for token in tokens]
        return done, locations, code

    _, plain_locations, plain_code = read("plain")
    assert plain_locations
    for path in PATHS:
        done, locations, code = read(path)
        if is_refused(engine, path, in_bucket=True):
            assert done.returncode == 1 and f"engine {engine}" in done.stderr, path
            continue
        assert done.returncode == 0, done.stderr
        assert code == plain_code, path
        written = path
        if engine == "duckdb":
            written = re.sub(r"([*?\[])", r"[\1]", path)
        if engine == "clickhouse":
            written = quote(path, safe="/=~")
        assert locations == {where.replace("/plain/", f"/{written}/") for where in plain_locations}, path


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_queries_of_the_views_are_of_the_dialect(engine, layout):
    dialect = "trino" if engine == "athena" else engine
    done = ddl(engine, "s3://acme-audit/it's", "--region", REGION, "--layout", layout)
    views = [text for text in statements(done.stdout) if " VIEW " in text.split("\n")[0]]
    assert len(views) >= 15
    for view in views:
        [parsed] = sqlglot.parse(view, read=dialect)
        assert isinstance(parsed, sqlglot.exp.Create) and parsed.kind == "VIEW", view


def test_a_path_that_no_script_can_carry_is_refused(tmp_path):
    for engine in ENGINES:
        done = ddl(engine, tmp_path / "line\nDROP TABLE x;")
        assert done.returncode == 1 and "control character" in done.stderr


def test_a_delivery_succeeds_where_an_engine_cannot_read_the_path(admin, strict, bucket, export):
    root = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    assert export(root, to=f"s3://{bucket}/a*b").returncode == 0
    s3 = admin("s3")
    script = lambda engine: s3.get_object(Bucket=bucket, Key=f"a*b/v1/_setup/{engine}.sql")["Body"].read().decode()
    assert "`*`" in script("clickhouse") and script("clickhouse").count("\n") == 1
    db = connect(strict, script("duckdb"))
    assert db.execute("SELECT count(*) FROM domesday.user_metadata").fetchone() == (5,)
