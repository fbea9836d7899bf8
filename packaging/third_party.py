"""Collects the license texts of every crate that is linked into the program.

    python third_party.py TARGET OUT

Most of these licenses demand that their text and the names of the authors come with a binary. The texts are those in the
sources of each crate, of C code in it too; a text that several have is written once.
"""

import json
import pathlib
import re
import subprocess
import sys

NAME = re.compile(r"(licen[cs]e|copying|notice|unlicense|copyright)", re.I)
#: Files with such an ending are programs or data about licenses.
NOT_A_TEXT = {".rs", ".py", ".json", ".toml", ".yaml", ".yml", ".hbs", ".c", ".h", ".js", ".sh", ".spdx"}


def linked(target):
    """The crates that the program is linked with, without those of the workspace."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting = [id for id in metadata["workspace_members"] if packages[id]["name"] == "domesday"]
    seen = set(waiting)
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            # Build scripts and tests are not linked.
            is_linked = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if is_linked and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                waiting.append(dependency["pkg"])
    found = [packages[id] for id in seen if packages[id]["source"] is not None]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def texts(package):
    """The license texts in the sources of a crate."""
    folder = pathlib.Path(package["manifest_path"]).parent
    for path in sorted(folder.rglob("*")):
        if NAME.match(path.name) and path.suffix.lower() not in NOT_A_TEXT and path.is_file():
            text = path.read_text(errors="replace").strip()
            if text:
                yield "\n".join(line.rstrip() for line in text.splitlines())


def main(target, out):
    by_text, without = {}, []
    for package in linked(target):
        name = f"{package['name']} {package['version']} ({package['license'] or 'see its text'})"
        found = False
        for text in texts(package):
            found = True
            # Lines are wrapped differently in copies of one text.
            _, names = by_text.setdefault(" ".join(text.split()), (text, []))
            if name not in names:
                names.append(name)
        if not found:
            without.append(name)
    parts = ["Domesday is linked with the following works of others, under the licenses that stand below their names."]
    if without:
        parts.append("These come without a text of their license:\n" + "\n".join(without))
    line = "-" * 80
    for text, names in sorted(by_text.values(), key=lambda pair: pair[1]):
        parts.append(line + "\n" + "\n".join(names) + "\n" + line + "\n\n" + text)
    pathlib.Path(out).write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
