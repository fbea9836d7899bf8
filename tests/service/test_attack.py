"""The API attacked by a tester that knows its document: whatever it sends, the service answers as documented."""

import os
import pathlib
import subprocess
import sys

# What a request that fits its schema may still meet: a name that exists nowhere, a tag that is no longer right.
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422"]
"""


def test_no_request_gets_an_answer_that_the_document_does_not_have(service, tmp_path):
    acme = service(env={"DOMESDAY_FAILED_AUTHENTICATIONS_PER_MINUTE": "1000000"})
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    attack = subprocess.run(
        [
            pathlib.Path(sys.executable).parent / "st",
            f"--config-file={configuration}",
            "run",
            f"{acme.url}/openapi.json",
            f"--header=Authorization: {acme.key}",
            "--max-examples=5",
            "--workers=2",
            "--seed=1",
            "--no-color",
        ],
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, "HOME": str(tmp_path)},
        cwd=tmp_path,
    )
    assert attack.returncode == 0, attack.stdout[-20000:] + attack.stderr
    errors = [line for line in acme.logged().splitlines() if '"level":"ERROR"' in line]
    assert errors == []
