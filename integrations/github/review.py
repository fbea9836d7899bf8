"""Compares the access by the catalog of two commits, and reports it in Markdown: a file, and the summary of the job.

The catalogs come from git, not from the work tree, and are data: nothing in them is run, and links in them are refused, since
a link would lead out of the catalog and into files of the machine.
"""

import io
import os
import pathlib
import re
import secrets
import subprocess
import sys

# A catalog of which the other commit has nothing: one object, since a catalog that declares none is refused.
NO_CATALOG = "tenant: { name: none, timeZone: UTC }\n"

# GitHub takes a comment of 65,536 characters, and a summary of 1 MiB.
LONGEST_REPORT = 60_000

# What a catalog may have at most.
MOST_FILES = 100_000
MOST_BYTES = 512 << 20

# What cannot be read is not taken for what is not there: nothing would be gained by it.
INCOMPLETE = "the repository does not have all objects of the commits: check out without `filter` or `sparse-checkout`"

# The exit code of a limit that was passed.
LIMIT_PASSED = 3


class Refused(Exception):
    """A mistake of the workflow or of the pull request, in words for its author."""


def git(*arguments, **options):
    done = subprocess.run(["git", *arguments], capture_output=True, **options)
    return (done.stdout, "") if done.returncode == 0 else (None, done.stderr.decode(errors="replace").strip())


def commit(name, value):
    found, said = git("rev-parse", "--verify", "--end-of-options", f"{value}^{{commit}}")
    if found is None:
        hint = "check out with `fetch-depth: 2`, or 0 when you name another commit"
        raise Refused(f"`{name}` names no commit of the repository: {hint} ({said.splitlines()[0] if said else 'git failed'})")
    return found.decode().strip()


def catalog_path(text):
    path = pathlib.PurePosixPath(text)
    if not text or path.is_absolute() or ".." in path.parts:
        raise Refused("`catalog` must be a directory below the root of the repository")
    return str(path)


def files_of(tree):
    """The files of a tree: object and path each. What a catalog has no use for is refused."""
    listed, _ = git("ls-tree", "-r", "-l", "-z", "--full-tree", tree)
    if listed is None:
        raise Refused(INCOMPLETE)
    files, size = [], 0
    for entry in filter(None, listed.split(b"\0")):
        properties, name = entry.split(b"\t", 1)
        mode, _, object_id, length = properties.split()
        path = os.fsdecode(name)
        if mode not in (b"100644", b"100755"):
            path = name.decode(errors="replace")
            raise Refused(f"`{path}` is a symbolic link or a submodule, which a catalog under review must not contain")
        # Git itself never writes such a path, but a tree that was made by hand can contain one.
        if any(part in ("", ".", "..") for part in path.split("/")):
            raise Refused("the catalog contains a path that leads out of it")
        if not length.isdigit():
            raise Refused(INCOMPLETE)
        files.append((object_id, path))
        size += int(length)
    if len(files) > MOST_FILES or size > MOST_BYTES:
        raise Refused(f"the catalog has more than {MOST_FILES} files or {MOST_BYTES >> 20} MiB")
    return files


def extract(revision, catalog, folder):
    """Writes the catalog of a commit into a folder. Returns whether the commit has one.

    Objects are read one by one: `git archive` leaves out what the attributes in the change ask it to.
    """
    tree = f"{revision}^{{tree}}"
    if catalog != ".":
        listed, _ = git("ls-tree", "-z", "--full-tree", tree, "--", catalog)
        if listed is None:
            raise Refused(INCOMPLETE)
        if not listed:
            folder.joinpath("none.yaml").write_text(NO_CATALOG)
            return False
        _, kind, tree = listed.split(b"\t", 1)[0].decode().split()
        if kind != "tree":
            raise Refused("`catalog` is not a directory")
    files = files_of(tree)
    objects, _ = git("cat-file", "--batch", input=b"".join(object_id + b"\n" for object_id, _ in files))
    if objects is None:
        raise Refused(INCOMPLETE)
    stream = io.BytesIO(objects)
    for _, path in files:
        header = stream.readline().split()
        if len(header) != 3:
            raise Refused(INCOMPLETE)
        length = int(header[2])
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(stream.read(length))
        stream.read(1)
    return True


def run(command, folder):
    # The program needs no secret, and gets none.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    try:
        return subprocess.run(command, cwd=folder, env=kept, capture_output=True, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise Refused("`domesday` is not on the path: set `wheel`, or install it in an earlier step") from None


def compare(folder):
    command = ["domesday", "diff", "--catalog", "before", "--catalog", "after"]
    command += ["--format", "markdown", "--color", "never"]
    limit, at = os.environ["MAX_GAINED"].strip(), os.environ["AT"].strip()
    if limit:
        if not re.fullmatch(r"\d{1,18}", limit):
            raise Refused("`max-gained` must be a whole number")
        command += ["--max-gained", limit]
    if at:
        command.append(f"--at={at}")
    return run(command, folder)


def fenced(text):
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.strip()}\n{fence}\n"


def report(done, catalog, has_base, is_base_valid):
    """The report, and its result in a word."""
    note = "" if has_base else f"The base has no catalog in `{catalog}`: everything is new.\n\n"
    if done.returncode == 0:
        return note + done.stdout, "passed"
    # The limit is the last line; before it are notes on the catalogs.
    said = done.stderr.strip()
    if done.returncode == LIMIT_PASSED:
        [*_, last] = said.splitlines() or ["more is gained than allowed"]
        return f"> [!CAUTION]\n> {last.removeprefix('error: ')}\n\n{note}{done.stdout}", "limit"
    where = "" if is_base_valid else " The catalog of the base has mistakes already."
    return f"# Changes of access\n\nThe catalogs could not be compared.{where}\n\n{note}{fenced(said)}", "error"


def shortened(text):
    if len(text) <= LONGEST_REPORT:
        return text
    cut = text.rfind("\n", 0, LONGEST_REPORT)
    return text[: cut if cut > 0 else LONGEST_REPORT] + "\n\n… the report is cut here; run `domesday diff` for all of it.\n"


def quoted_log(text):
    """Prints text of the pull request into the log, in which no line of it is a command to the runner."""
    mark = secrets.token_hex(16)
    print(f"::stop-commands::{mark}\n{text}\n::{mark}::", flush=True)


def main():
    work = pathlib.Path(os.environ["RUNNER_TEMP"]) / f"domesday-review-{secrets.token_hex(4)}"
    path = work / "report.md"
    try:
        catalog = catalog_path(os.environ["CATALOG"])
        folders = []
        for name, variable in (("before", "BASE"), ("after", "HEAD")):
            folder = work / name
            folder.mkdir(parents=True)
            folders.append(extract(commit(variable.lower(), os.environ[variable]), catalog, folder))
        has_base, has_head = folders
        if not (has_base or has_head):
            raise Refused("neither commit has the directory that `catalog` names")
        done = compare(work)
        is_base_valid = done.returncode in (0, LIMIT_PASSED) or run(["domesday", "check", "before"], work).returncode == 0
        text, result = report(done, catalog, has_base, is_base_valid)
        code = done.returncode
        quoted_log(f"{done.stdout}\n{done.stderr}")
    except Refused as refused:
        work.mkdir(parents=True, exist_ok=True)
        text, result, code = f"# Changes of access\n\n{refused}\n", "error", 1
        quoted_log(str(refused))
    path.write_text(shortened(text), encoding="utf-8")
    with open(os.environ["GITHUB_STEP_SUMMARY"], "a", encoding="utf-8") as summary:
        summary.write(shortened(text) + "\n")
    with open(os.environ["GITHUB_OUTPUT"], "a") as output:
        output.write(f"result={result}\nreport={path}\n")
    if result == "limit":
        print("::error title=Access review::The change gives more access than `max-gained` allows; the summary lists it.")
    elif result == "error":
        print("::error title=Access review::The catalogs could not be compared; the summary says why.")
    sys.exit(code)


if __name__ == "__main__":
    main()
