"""Answers that the practice cloud writes itself, in the words and the XML of AWS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

_REQUEST = "<ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata>"
_STS = "https://sts.amazonaws.com/doc/2011-06-15/"
_IAM = "https://iam.amazonaws.com/doc/2010-05-08/"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: HTTPStatus
    kind: str
    body: bytes


def credentials_reply(action: str, keys: Any, until: datetime, *, arn: str = "", role_id: str = "") -> Reply:
    """STS's answer to AssumeRole (which says whose session it is) or GetSessionToken; `keys` are moto's."""
    token = getattr(keys, "session_token", "") or f"session-{keys.access_key_id}"
    fields = {
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_access_key,
        "SessionToken": token,
        "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    body = f"<Credentials>{_elements(fields)}</Credentials>"
    if arn:
        body += f"<AssumedRoleUser>{_elements({'AssumedRoleId': role_id, 'Arn': arn})}</AssumedRoleUser>"
    return _xml(_STS, action, body)


def simulation_reply(page: Iterable[tuple[str, str]], *, marker: str) -> Reply:
    """IAM's answer to SimulatePrincipalPolicy: actions with their decisions; `marker` where more are to come."""
    members = "".join(
        "<member>"
        + _elements({"EvalActionName": action, "EvalResourceName": "*", "EvalDecision": decision})
        + "<MatchedStatements/><MissingContextValues/></member>"
        for action, decision in page
    )
    more = {"IsTruncated": "true", "Marker": marker} if marker else {"IsTruncated": "false"}
    return _xml(_IAM, "SimulatePrincipalPolicy", f"<EvaluationResults>{members}</EvaluationResults>{_elements(more)}")


def _elements(fields: dict[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def _xml(namespace: str, action: str, result: str) -> Reply:
    document = (
        f'<{action}Response xmlns="{namespace}"><{action}Result>{result}</{action}Result>{_REQUEST}</{action}Response>'
    )
    return Reply(HTTPStatus.OK, "text/xml", document.encode())
