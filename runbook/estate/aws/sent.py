"""What an AWS request names as it is sent, and what an answer teaches the interlock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from runbook.safety.call import NAMED
from runbook.safety.learned import RUN_TAG, Learned

_PUT = "s3:PutObject"
_LOCKS = tuple(f"x-amz-object-lock-{name}" for name in ("mode", "retain-until-date", "legal-hold"))
_OWNER = "x-amz-expected-bucket-owner"


def parameters(operation: str, request: Any) -> Mapping[str, str]:
    """The parameters that a rule reads, of the request's own body (RDS speaks the query protocol) or path (S3)."""
    if operation == _PUT:
        bucket, _, key = unquote(urlsplit(request.url).path).lstrip("/").partition("/")
        locked = " ".join(filter(None, (_text(request.headers.get(name)) for name in _LOCKS)))
        return {"bucket": bucket, "key": key, "owner": _text(request.headers.get(_OWNER)), "locked": locked}
    if operation not in NAMED:
        return {}
    body = request.body if isinstance(request.body, str) else bytes(request.body or b"").decode("utf-8", "replace")
    fields = {name: ",".join(values) for name, values in parse_qs(body, keep_blank_values=True).items()}
    return {
        NAMED[operation]: fields.get(NAMED[operation], ""),
        "tag": _run_tag(fields),
        "public": fields.get("PubliclyAccessible", ""),
        "fields": " ".join(fields.keys() - {"Action", "Version", NAMED[operation]}),
    }


def _text(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")


def _run_tag(fields: Mapping[str, str]) -> str:
    """`Tags.Tag.1.Key=…&Tags.Tag.1.Value=…`: the run that the thing made will carry."""
    for name, value in fields.items():
        if name.startswith("Tags.") and name.endswith(".Key") and value == RUN_TAG:
            return fields.get(f"{name.removesuffix('.Key')}.Value", "")
    return ""


def learn(learned: Learned, operation: str, parsed: Mapping[str, Any]) -> None:
    """Whose tag an instance or a snapshot carries, and where an instance answers."""
    if operation == "rds:DescribeDBSnapshots":
        for snapshot in parsed.get("DBSnapshots", ()):
            learned.tagged(str(snapshot.get("DBSnapshotIdentifier", "")), _tags(snapshot))
        return
    if not operation.startswith("rds:"):
        return
    one = parsed.get("DBInstance")
    for instance in (*parsed.get("DBInstances", ()), *((one,) if one else ())):
        host = (instance.get("Endpoint") or {}).get("Address") or ""
        learned.tagged(str(instance.get("DBInstanceIdentifier", "")), _tags(instance), host)


def _tags(thing: Mapping[str, Any]) -> Mapping[str, str]:
    return {str(tag.get("Key", "")): str(tag.get("Value", "")) for tag in thing.get("TagList", ())}
