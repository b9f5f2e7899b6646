"""GitHub's documents as its OpenAPI description wants them; most of a document is links."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from runbook.training.servers.images import BRANCH, ORGANISATION, REPOSITORY, Commit, Version

LINKS_OF_USER = ("followers", "following", "gists", "starred", "subscriptions", "repos", "events", "received_events")
# fmt: off
LINKS_OF_REPOSITORY = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
    "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks",
    "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones", "notifications",
    "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams", "trees",
)
# fmt: on
COUNTS = ("forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers")
FLAGS = ("fork", "has_projects", "has_wiki", "has_pages", "has_discussions", "archived", "disabled")


def stamp(at: datetime) -> str:
    """GitHub's time format."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def account(base: str, login: str, kind: str = "User") -> dict[str, Any]:
    """The short form of a user or an organisation."""
    url = f"{base}/users/{login}"
    return {
        "login": login,
        "id": 4001,
        "node_id": "U_practice",
        "avatar_url": f"{base}/avatars/{login}.png",
        "gravatar_id": "",
        "url": url,
        "html_url": f"https://github.com/{login}",
        "organizations_url": f"{url}/orgs",
        "type": kind,
        "site_admin": False,
        **{f"{link}_url": f"{url}/{link}" for link in LINKS_OF_USER},
    }


def user(base: str, created: datetime) -> dict[str, Any]:
    """`GET /user` of the machine account that the token belongs to."""
    nothing = dict.fromkeys(("bio", "blog", "company", "email", "hireable", "location"))
    numbers = ("followers", "following", "public_gists", "public_repos", "private_gists", "collaborators", "disk_usage")
    more = dict.fromkeys((*numbers, "owned_private_repos", "total_private_repos"), 0)
    times = {"created_at": stamp(created), "updated_at": stamp(created)}
    return (
        account(base, "practice-restorer")
        | nothing
        | more
        | times
        | {
            "name": "Practice restorer",
            "two_factor_authentication": True,
        }
    )


def repository(base: str, pushed: datetime) -> dict[str, Any]:
    """`GET /repos/{owner}/{repo}`: private, as a supplier's is."""
    url = f"{base}/repos/{REPOSITORY}"
    return {
        "id": 70001,
        "node_id": "R_practice",
        "name": REPOSITORY.partition("/")[2],
        "full_name": REPOSITORY,
        "owner": account(base, ORGANISATION, "Organization"),
        "private": True,
        "description": "The practice clinic's application",
        "default_branch": BRANCH,
        "url": url,
        "html_url": f"https://github.com/{REPOSITORY}",
        "clone_url": f"https://github.com/{REPOSITORY}.git",
        "git_url": f"git://github.com/{REPOSITORY}.git",
        "ssh_url": f"git@github.com:{REPOSITORY}.git",
        "svn_url": f"https://github.com/{REPOSITORY}",
        "has_issues": True,
        "pushed_at": stamp(pushed),
        "created_at": stamp(pushed),
        "updated_at": stamp(pushed),
        **{f"{link}_url": f"{url}/{link}" for link in LINKS_OF_REPOSITORY},
        **dict.fromkeys((*COUNTS, "watchers_count", "network_count", "subscribers_count"), 0),
        **dict.fromkeys(FLAGS, False),
        **dict.fromkeys(("homepage", "language", "mirror_url", "license")),
    }


def commit(base: str, made: Commit) -> dict[str, Any]:
    """`GET /repos/…/commits/{ref}` with what GitHub says of the signature."""
    url = f"{base}/repos/{REPOSITORY}/commits/{made.sha}"
    signature = {"name": "Practice developer", "email": "developer@clinic.test", "date": stamp(made.at)}
    return {
        "sha": made.sha,
        "node_id": f"C_{made.sha[:8]}",
        "url": url,
        "html_url": f"https://github.com/{REPOSITORY}/commit/{made.sha}",
        "comments_url": f"{url}/comments",
        "author": account(base, "practice-developer"),
        "committer": account(base, "practice-developer"),
        "parents": [{"sha": sha, "url": f"{base}/repos/{REPOSITORY}/commits/{sha}"} for sha in made.parents],
        "commit": {
            "url": f"{base}/repos/{REPOSITORY}/git/commits/{made.sha}",
            "author": signature,
            "committer": signature,
            "message": made.message,
            "comment_count": 0,
            "tree": {"sha": made.sha[::-1], "url": f"{base}/repos/{REPOSITORY}/git/trees/{made.sha[::-1]}"},
            "verification": verification(made),
        },
    }


def verification(made: Commit) -> dict[str, Any]:
    """The `verification` part: only `valid` is verified."""
    valid = made.reason == "valid"
    return {
        "verified": valid,
        "reason": made.reason,
        "signature": "-----BEGIN SSH SIGNATURE-----\npractice\n-----END SSH SIGNATURE-----" if valid else None,
        "payload": f"tree {made.sha[::-1]}\n" if valid else None,
        "verified_at": stamp(made.at) if valid else None,
    }


def branch(base: str, head: Commit, *, protected: bool) -> dict[str, Any]:
    """`GET /repos/…/branches/main`."""
    url = f"{base}/repos/{REPOSITORY}/branches/{BRANCH}"
    return {
        "name": BRANCH,
        "commit": commit(base, head),
        "_links": {"self": url, "html": f"https://github.com/{REPOSITORY}/tree/{BRANCH}"},
        "protected": protected,
        "protection": {"enabled": protected},
        "protection_url": f"{url}/protection",
    }


def check_run(base: str, made: Commit, number: int, name: str) -> dict[str, Any]:
    """One check-run; without a conclusion it is still on its way."""
    conclusion = made.checks[name]
    url = f"{base}/repos/{REPOSITORY}/check-runs/{number}"
    return {
        "id": number,
        "node_id": f"CR_{number}",
        "head_sha": made.sha,
        "external_id": "",
        "name": name,
        "url": url,
        "html_url": f"https://github.com/{REPOSITORY}/runs/{number}",
        "details_url": f"https://github.com/{REPOSITORY}/runs/{number}",
        "status": "completed" if conclusion else "in_progress",
        "conclusion": conclusion,
        "started_at": stamp(made.at),
        "completed_at": stamp(made.at) if conclusion else None,
        "output": {
            "title": None,
            "summary": None,
            "text": None,
            "annotations_count": 0,
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": 5},
        "app": None,
        "pull_requests": [],
    }


def combined_status(base: str, made: Commit) -> dict[str, Any]:
    """`GET /repos/…/commits/{ref}/status`: the worst of all; `pending` where there are none."""
    url = f"{base}/repos/{REPOSITORY}/commits/{made.sha}"
    said = set(made.statuses.values())
    state = "failure" if said & {"failure", "error"} else "success" if said == {"success"} else "pending"
    return {
        "state": state,
        "sha": made.sha,
        "total_count": len(made.statuses),
        "statuses": [_status(base, made, 700 + i, name) for i, name in enumerate(made.statuses)],
        "repository": repository(base, made.at),
        "commit_url": url,
        "url": f"{url}/status",
    }


def _status(base: str, made: Commit, number: int, context: str) -> dict[str, Any]:
    return {
        "id": number,
        "node_id": f"SC_{number}",
        "url": f"{base}/repos/{REPOSITORY}/statuses/{made.sha}",
        "avatar_url": None,
        "target_url": None,
        "description": None,
        "context": context,
        "state": made.statuses[context],
        "created_at": stamp(made.at),
        "updated_at": stamp(made.at),
    }


def version(base: str, package: str, listed: Version) -> dict[str, Any]:
    """One entry of the package's versions; its name is the digest."""
    page = f"https://github.com/orgs/{ORGANISATION}/packages/container"
    return {
        "id": listed.id,
        "name": listed.digest,
        "url": f"{base}/orgs/{ORGANISATION}/packages/container/{package}/versions/{listed.id}",
        "package_html_url": f"{page}/package/{package}",
        "html_url": f"{page}/{package}/{listed.id}",
        "created_at": stamp(listed.created),
        "updated_at": stamp(listed.created),
        "metadata": {"package_type": "container", "container": {"tags": list(listed.tags)}},
    }
