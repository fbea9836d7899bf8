"""Completes a wheel: its bill of materials without the folder of the checkout, and the licenses of what is linked.

    python finish_wheel.py WHEEL CHECKOUT LICENSES BILL

The generator of the bill names the crates of the workspace by the folder that they were built in. With it, the same commit
would give another wheel in another folder, and publish the path. BILL is where a copy of the bill is written. Every other
file of the wheel keeps its bytes.
"""

import base64
import hashlib
import pathlib
import sys
import zipfile


def record_line(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}"


def main(wheel, checkout, licenses, bill):
    wheel, licenses = pathlib.Path(wheel), pathlib.Path(licenses)
    with zipfile.ZipFile(wheel) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        files = {name: archive.read(name) for name in entries}
    (record,) = [name for name in files if name.endswith(".dist-info/RECORD")]
    information = record.removesuffix("RECORD")

    bills = [name for name in files if name.startswith(f"{information}sboms/")]
    if len(bills) != 1:
        sys.exit(f"{wheel.name} has {len(bills)} bills of materials, and not one")
    folder = pathlib.Path(checkout).resolve().as_uri()
    files[bills[0]] = files[bills[0]].replace(f"path+{folder}".encode(), b"path+file://")
    pathlib.Path(bill).write_bytes(files[bills[0]])

    added = f"{information}licenses/{licenses.name}"
    entries[added] = zipfile.ZipInfo(added, entries[record].date_time)
    entries[added].external_attr = entries[record].external_attr
    files[added] = licenses.read_bytes()

    # The record comes last, as it did.
    names = [*(name for name in files if name != record), record]
    files[record] = "".join(f"{record_line(name, files[name])}\n" for name in names[:-1]).encode()
    files[record] += f"{record},,\n".encode()
    written = wheel.with_suffix(".new")
    with zipfile.ZipFile(written, "w") as archive:
        for name in names:
            archive.writestr(entries[name], files[name], zipfile.ZIP_DEFLATED)
    written.replace(wheel)


if __name__ == "__main__":
    main(*sys.argv[1:])
