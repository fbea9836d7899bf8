"""Writes the report as a comment of the pull request, or updates the one of an earlier run.

A comment that cannot be written is a warning: the pull request of a fork has a token that may not, and the summary of the job
has the report as well. The result of the review is that of the comparison alone.
"""

import hashlib
import json
import os
import pathlib
import urllib.error
import urllib.request

# Of 100 comments each.
MOST_PAGES = 30
LONGEST_ANSWER = 32 << 20


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token goes to the API and nowhere else."""

    def redirect_request(self, *_):
        return None


def call(method, path, body=None):
    request = urllib.request.Request(
        os.environ["GITHUB_API_URL"].rstrip("/") + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['TOKEN']}",
            "Content-Type": "application/json",
            "User-Agent": "domesday-access-review",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urllib.request.build_opener(NoRedirect).open(request, timeout=30) as response:
        return json.loads(response.read(LONGEST_ANSWER) or b"null")


def marker(catalog):
    """What tells the comment apart, invisible; catalogs of one repository have comments of their own."""
    return f"<!-- domesday-access-review {hashlib.sha256(catalog.encode()).hexdigest()[:16]} -->"


def existing(comments, mark, author):
    """The address of the comment of an earlier run. One that somebody else wrote is not ours, whatever it says."""
    for page in range(1, MOST_PAGES + 1):
        found = call("GET", f"{comments}?per_page=100&page={page}")
        for comment in found:
            is_own = (comment.get("user") or {}).get("login") == author
            if is_own and (comment.get("body") or "").startswith(mark):
                return comment["id"]
        if len(found) < 100:
            return None
    return None


def main():
    repository, number = os.environ["GITHUB_REPOSITORY"], int(os.environ["PULL_REQUEST"])
    mark = marker(os.environ["CATALOG"])
    body = {"body": f"{mark}\n{pathlib.Path(os.environ['REPORT']).read_text(encoding='utf-8')}"}
    comments = f"/repos/{repository}/issues/{number}/comments"
    try:
        known = existing(comments, mark, os.environ["AUTHOR"])
        if known is None:
            call("POST", comments, body)
        else:
            call("PATCH", f"/repos/{repository}/issues/comments/{int(known)}", body)
    except urllib.error.HTTPError as error:
        reason = f"GitHub answered {error.code}"
        if error.code in (401, 403, 404):
            reason += "; the job needs the permission `pull-requests: write`, which the pull request of a fork does not get"
        print(f"::warning title=Access review::The comment could not be written: {reason}.")
    except (OSError, ValueError) as error:
        print(f"::warning title=Access review::The comment could not be written: {type(error).__name__}.")


if __name__ == "__main__":
    main()
