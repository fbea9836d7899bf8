"""Installs the wheel of Domesday into an environment of its own, and puts it on the path of the steps that follow."""

import os
import pathlib
import re
import subprocess
import sys
import venv


def fail(message):
    print(f"::error::{message}")
    sys.exit(1)


def requirement(wheel, sha256):
    """The line of a requirements file: pip then downloads this file and no other, and checks its hash."""
    if sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        fail("`wheel-sha256` is not a SHA-256 in 64 hexadecimal digits: copy it from SHA256SUMS of the release")
    if wheel.startswith("https://"):
        if not sha256:
            fail("`wheel` is an address: set `wheel-sha256` to the hash of the file, from SHA256SUMS of the release")
        address = wheel
    elif pathlib.Path(wheel).is_file():
        address = pathlib.Path(wheel).resolve().as_uri()
    else:
        fail("`wheel` is neither an https address nor a file")
    if re.search(r"[\s#;]", address):
        fail("`wheel` contains a blank, `#` or `;`: name the file without them")
    return f"domesday @ {address}" + (f" --hash=sha256:{sha256}" if sha256 else "")


def main():
    line = requirement(os.environ["WHEEL"], os.environ["WHEEL_SHA256"].strip().lower())
    folder = pathlib.Path(os.environ["RUNNER_TEMP"]) / "domesday"
    venv.create(folder, with_pip=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(line + "\n")
    # Isolated: in the work tree may be a module named as one of pip's.
    pip = [folder / "bin/python", "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    # Nothing else is installed: neither a dependency nor a package of an index.
    done = subprocess.run([*pip, "--no-index", "--requirement", requirements])
    if done.returncode:
        fail("the wheel of Domesday could not be installed; the log says why")
    with open(os.environ["GITHUB_PATH"], "a") as path:
        path.write(f"{folder / 'bin'}\n")


if __name__ == "__main__":
    main()
