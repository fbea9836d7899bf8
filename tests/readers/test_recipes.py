"""The documents show what the program really prints: each block is run, and its output compared.

A document holds pairs of fenced blocks: a command or a query, and below it a `text` block with what it answers.
With `--regen` the answers are written anew.

- `sql`: a query over the summary, run by DuckDB beside the folder `out`.
- `console`: a command of the program, after `$ `.
- `python`: a script run beside the folder `out`.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import duckdb
import pytest

from conftest import AT, ROOT, domesday

DOCUMENTS = ["README.md", "docs/recipes.md"]
PAIR = re.compile(r"^```(?P<kind>sql|console|python)\n(?P<input>.*?)^```\n\n```text\n(?P<output>.*?)^```$", re.M | re.S)
#: What differs from run to run, and what stands for it when outputs are compared.
VARIES = [(re.compile(r"in \d+\.\d s\b"), "in 0.1 s")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the example company and its summary in `out`, as the documents have it."""
    folder = tmp_path_factory.mktemp("recipes")
    (folder / "examples").symlink_to(ROOT / "examples")
    domesday("export", "--catalog", "examples/acme", "--to", folder / "out", "--at", AT, "--quiet")
    return folder


def table(columns, rows):
    """A result as aligned columns, numbers to the right."""
    texts = [["" if value is None else str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *texts)]
    numeric = [all(isinstance(row[at], (int, type(None))) for row in rows) for at in range(len(columns))]

    def line(cells):
        pairs = zip(cells, widths, numeric)
        return "  ".join(c.rjust(w) if n else c.ljust(w) for c, w, n in pairs).rstrip()

    return "\n".join([line(columns), line(["─" * width for width in widths]), *map(line, texts)]) + "\n"


def run_sql(query, place):
    connection = duckdb.connect()
    connection.execute(f"SET file_search_path = '{place}'; SET TimeZone = 'UTC'")
    result = connection.sql(query)
    return table(result.columns, result.fetchall())


def run_command(line, place):
    words = shlex.split(line.removeprefix("$ "))
    if words[:2] == ["cargo", "run"]:
        words = ["domesday", *words[words.index("--") + 1 :]]
    assert words[0] == "domesday", line
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOMESDAY_")}
    environment.update(NO_COLOR="1", COLUMNS="100")
    command = [os.environ["DOMESDAY_BIN"], *words[1:]]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    return done.stderr + done.stdout


def run_python(script, place):
    done = subprocess.run([sys.executable, "-c", script], cwd=place, capture_output=True, text=True)
    return done.stderr + done.stdout


def answer(match, place):
    run = {"sql": run_sql, "console": run_command, "python": run_python}[match["kind"]]
    return run(match["input"].strip(), place)


def fixed(text):
    for pattern, stand_in in VARIES:
        text = pattern.sub(stand_in, text)
    return [line.rstrip() for line in text.strip().splitlines()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_show_what_is_answered(document, place, request):
    path = pathlib.Path(ROOT / document)
    text = path.read_text()
    pairs = list(PAIR.finditer(text))
    assert pairs, f"{document} shows nothing"
    # A block that is no pair would be shown but never run.
    assert len(pairs) == len(re.findall(r"^```(?:sql|console|python)$", text, re.M)), document
    if request.config.getoption("--regen"):
        write = lambda match: f"```{match['kind']}\n{match['input']}```\n\n```text\n{answer(match, place)}```"
        path.write_text(PAIR.sub(write, text))
        return
    for match in pairs:
        assert fixed(answer(match, place)) == fixed(match["output"]), match["input"]


def test_recipes_have_answers(place):
    """An empty answer proves nothing: every query of the recipes finds something in the example company."""
    text = (ROOT / "docs/recipes.md").read_text()
    queries = [match for match in PAIR.finditer(text) if match["kind"] == "sql"]
    assert len(queries) >= 6
    for match in queries:
        assert len(answer(match, place).splitlines()) > 2, match["input"]
