"""`destination verify`: the checks, each failure with what to fix."""

import json


from conftest import REGION, User, objects, run


def verify(strict, bucket, env, *more, region=REGION, to=None):
    to = to or f"s3://{bucket}/access"
    args = ["destination", "verify", "--to", to, "--region", region, "--endpoint", strict.url, "--format", "json"]
    done = run([*args, *more], env)
    told = json.loads(done.stdout)
    assert (done.returncode == 0) == told["ok"], done.stderr
    return told, {check["name"]: check for check in told["checks"]}


def test_what_works_passes_and_needs_no_more_than_a_delivery(admin, strict, bucket, user):
    told, checks = verify(strict, bucket, user.env)
    assert told["ok"] and [check["status"] for check in told["checks"]] == ["passed"] * 3
    assert user.arn in checks["credentials"]["message"]
    assert strict.actions() == {"sts:GetCallerIdentity", "s3:ListBucket", "s3:PutObject"}
    assert list(objects(admin, bucket)) == ["access/v1/_connection_test"]
    verify(strict, bucket, user.env)
    assert list(objects(admin, bucket)) == ["access/v1/_connection_test"]


def statement(action, resource, **more):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource, **more}]}


def test_missing_rights_are_named(admin, strict, bucket):
    lister = User(admin, bucket, policy=statement("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    _, checks = verify(strict, bucket, lister.env)
    assert checks["list"]["status"] == "passed"
    assert checks["put"]["kind"] == "missing-permission" and "s3:PutObject" in checks["put"]["fix"]
    assert checks["put"]["code"] == "AccessDenied" and checks["put"]["requestId"]

    putter = User(admin, bucket, policy=statement("s3:PutObject", f"arn:aws:s3:::{bucket}/access/*"))
    _, checks = verify(strict, bucket, putter.env)
    assert checks["put"]["status"] == "passed"
    assert checks["list"]["kind"] == "missing-permission" and "s3:ListBucket" in checks["list"]["message"]


def test_wrong_secret_key_bucket_and_region(admin, strict, bucket, user):
    wrong = {**user.env, "AWS_SECRET_ACCESS_KEY": "x" * 40}
    _, checks = verify(strict, bucket, wrong)
    assert checks["credentials"]["kind"] == "bad-credentials" and checks["put"]["status"] == "skipped"

    _, checks = verify(strict, bucket, {**user.env, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"})
    assert checks["credentials"]["kind"] == "bad-credentials"

    _, checks = verify(strict, bucket, user.env, region="us-west-2")
    assert checks["list"]["kind"] == "wrong-region" and checks["list"]["fix"] == f"set the region to {REGION}"

    everywhere = User(admin, bucket, policy=statement(["s3:ListBucket", "s3:PutObject"], "arn:aws:s3:::*"))
    _, checks = verify(strict, bucket, everywhere.env, to="s3://acme-nowhere-at-all/access")
    assert checks["list"]["kind"] == "no-such-bucket"


def test_owner_and_key(strict, bucket, user):
    _, checks = verify(strict, bucket, user.env, "--bucket-owner", "999999999999")
    assert checks["list"]["kind"] == "missing-permission"
    key = f"arn:aws:kms:{REGION}:000000000000:key/nowhere"
    _, checks = verify(strict, bucket, user.env, "--kms-key-id", key)
    assert checks["list"]["status"] == "passed"
    assert checks["put"]["kind"] == "kms-unusable" and key in checks["put"]["message"]


def test_no_credentials_and_no_server(strict, bucket, user):
    _, checks = verify(strict, bucket, {})
    assert checks["credentials"]["kind"] == "no-credentials" and "AWS_ACCESS_KEY_ID" in checks["credentials"]["fix"]
    strict.close()


def test_a_server_without_sts_is_no_failure(admin, strict, bucket, user):
    """Many S3-compatible stores have none, and answer as if a bucket had been asked for."""
    from strict import Refusal

    def fault(request, number):
        if request.action.startswith("sts:"):
            raise Refusal(405, "MethodNotAllowed", "The specified method is not allowed against this resource")

    strict.fault = fault
    told, checks = verify(strict, bucket, user.env)
    assert told["ok"] and checks["credentials"]["status"] == "skipped"


def test_text_says_the_same(strict, bucket, user):
    args = ["destination", "verify", "--to", f"s3://{bucket}/elsewhere", "--region", REGION, "--endpoint", strict.url]
    done = run(args, user.env)
    assert done.returncode == 1
    assert "failed   list" in done.stdout and "fix: allow s3:ListBucket" in done.stdout
    assert user.key[1] not in done.stdout + done.stderr


def test_a_policy_that_requires_encryption_is_hinted_at_and_met(admin, strict, bucket, user, export):
    """As a bucket policy that denies puts without `x-amz-server-side-encryption: AES256`."""
    from strict import Refusal

    def fault(request, number):
        if request.action == "s3:PutObject":
            asked = {name.lower(): value for name, value in request.headers.items()}
            if asked.get("x-amz-server-side-encryption") != "AES256":
                raise Refusal(403, "AccessDenied", "Access Denied")

    strict.fault = fault
    _, checks = verify(strict, bucket, user.env)
    assert checks["put"]["kind"] == "missing-permission" and "--sse AES256" in checks["put"]["fix"]
    told, _ = verify(strict, bucket, user.env, "--sse", "AES256")
    assert told["ok"]
    assert export(user.env, "--sse", "AES256").returncode == 0
    head = admin("s3").head_object(Bucket=bucket, Key="access/v1/_manifest.json")
    assert head["ServerSideEncryption"] == "AES256"
    both = run(["export", "--catalog", ".", "--to", "s3://acme-audit", "--sse", "AES256", "--kms-key-id", "k"], {})
    assert both.returncode == 2
