"""The rules for AWS: whose session, where, and only what a run made; and where records go."""

from __future__ import annotations

import re
from typing import Final

from runbook.safety.bounds import HEADS, Bounds
from runbook.safety.call import CHANGING, RESTORING, Call
from runbook.safety.learned import DESTROY_TAG, ENVIRONMENT_TAG, RUN_TAG, Learned
from runbook.safety.operations import Effect

_DELETES: Final = ("rds:DeleteDBInstance", "rds:DeleteDBSnapshot")
_KEPT: Final = "kept-"  # what a recovery preserves before it begins: a copy with its source's own tags
_MODIFIED: Final = frozenset({"ApplyImmediately", "PubliclyAccessible", "MasterUserPassword"})
_LONGEST: Final = 63  # characters that RDS takes; a longer name of ours is cut, and then numbered
_NUMBERED: Final = re.compile(r"(?:-source)?(?:-\d+)?$")
_ENOUGH: Final = 24  # characters of a run's id: its mode, its day and its minute


def account_is_known(call: Call, bounds: Bounds, _: Learned) -> str | None:
    """Asked of STS for the very session that signs; never the configuration alone."""
    if bounds.target is None or call.provider != "rds" or not call.changes:
        return None
    if not call.account:
        return f"{call.operation.name}: STS was not asked yet whose session this is"
    if call.account != bounds.target.account:
        return f"{call.operation.name}: this session is of account {call.account}, not of {bounds.target.account}"
    return None


def region_is_the_targets(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if bounds.target is None or call.provider != "rds" or not call.changes:
        return None
    expected = bounds.target.aws_endpoint
    if expected is not None:
        return None if call.place == expected else f"{call.host} is not the endpoint of {bounds.target.name}"
    own = f"rds.{bounds.target.region}.amazonaws.com"
    if call.place in {(own, 443), (f"{own}.cn", 443)}:
        return None
    return f"{call.operation.name}: {call.host} is not in {bounds.target.region}, where {bounds.target.name} is"


def name_is_generated(call: Call, bounds: Bounds, learned: Learned) -> str | None:
    """What is made carries a run of this process in its name: nothing else is ever made, or overwritten."""
    if bounds.target is None or call.operation.name not in RESTORING:
        return None
    kept = (_KEPT,) if bounds.mode == "recovery" and call.operation.name == "rds:CopyDBSnapshot" else ()
    if any(_is_generated(call.named, start, learned) for start in (f"{bounds.target.instance_prefix}-", *kept)):
        return None
    return f"{call.operation.name}: {call.named or 'nothing'} is no name that this run generates"


def _is_generated(name: str, start: str, learned: Learned) -> bool:
    """`<start><run id>`, with an end of its own or cut to what RDS takes."""
    wholes = [f"{start}{run}".lower() for run in learned.runs]
    if any(name == whole or name.startswith(f"{whole}-") for whole in wholes):
        return True
    cut = _NUMBERED.sub("", name)
    long_enough = len(name) == _LONGEST and len(cut) - len(start) >= _ENOUGH
    return long_enough and any(whole.startswith(cut) for whole in wholes)


def tags_what_it_makes(call: Call, bounds: Bounds, learned: Learned) -> str | None:
    if bounds.target is None or call.operation.name not in RESTORING or call.named.startswith(_KEPT):
        return None
    if call.given.get("tag", "") in learned.runs:
        return None
    return f"{call.operation.name}: what it makes would not carry this run's tag"


def has_our_prefix(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if bounds.target is None or call.operation.name not in CHANGING:
        return None
    if call.named.startswith(f"{bounds.target.instance_prefix}-"):
        return None
    return f"{call.operation.name}: {call.named or 'nothing'} does not carry the prefix of {bounds.target.name}"


def is_tagged_as_ours(call: Call, bounds: Bounds, learned: Learned) -> str | None:
    """What is changed was looked at in this process, and carried our tag.

    Another run's may be deleted, and no more than that, where its tags say that it was made to be destroyed.
    """
    if bounds.target is None or call.operation.name not in CHANGING:
        return None
    tags = learned.tags_of(call.named)
    run, environment = tags.get(RUN_TAG, ""), tags.get(ENVIRONMENT_TAG, bounds.target.name)
    left_behind = run != "" and DESTROY_TAG in tags and environment == bounds.target.name
    if run in learned.runs or (left_behind and call.operation.name in _DELETES):
        return None
    return f"{call.operation.name}: {call.named or 'nothing'} was not seen to carry the tag of this run"


def changes_only_what_it_may(call: Call, bounds: Bounds, _: Learned) -> str | None:
    """No other name, no other protection: a copy is hidden and gets another password, and that is all."""
    if bounds.target is None or call.operation.name != "rds:ModifyDBInstance":
        return None
    if strange := sorted(set(call.given.get("fields", "").split()) - _MODIFIED):
        return f"{call.operation.name}: {', '.join(strange)} is nothing that this tool changes"
    return None


def stays_private(call: Call, bounds: Bounds, _: Learned) -> str | None:
    """Nothing that holds patients' data is ever made reachable from outside; a restore has to say so itself."""
    public = call.given.get("public", "")
    if bounds.target is None or call.provider != "rds" or public == "false":
        return None
    if public or call.operation.name.startswith("rds:Restore"):
        return f"{call.operation.name}: {call.named or 'nothing'} would be public"
    return None


def is_not_productions_database(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if bounds.source is not None and call.named and call.named == bounds.source.instance.lower():
        return f"{call.operation.name}: {call.named} is production's own database"
    return None


def deletes_no_production(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if bounds.mode == "recovery" and call.operation.name == "rds:DeleteDBInstance":
        return "rds:DeleteDBInstance: what a recovery restored is production; it deletes no database"
    return None


# -- the evidence bucket ------------------------------------------------------------------------------------------
def record_has_its_place(call: Call, bounds: Bounds, _: Learned) -> str | None:
    if call.operation.effect is not Effect.RECORDING:
        return None
    there = bounds.records
    if there is None or not there.prefix:
        return f"{call.operation.name}: no evidence bucket is configured for this mode"
    bucket, key = call.given.get("bucket", ""), call.given.get("key", "")
    if bucket != there.bucket or not key.startswith(there.prefix) or {"", ".", ".."} & set(key.split("/")):
        return f"{call.operation.name}: {bucket}/{key} is not below {there.bucket}/{there.prefix}"
    if call.given.get("owner", "") != there.account_id:
        return f"{call.operation.name}: {bucket} is not asked to belong to account {there.account_id}"
    return None


def locks_only_heads(call: Call, bounds: Bounds, _: Learned) -> str | None:
    """Whatever is locked stays for years: a journal or a report that holds too much could not be taken back."""
    if call.operation.effect is not Effect.RECORDING or not call.given.get("locked"):
        return None
    there, key = bounds.records, call.given.get("key", "")
    if there is not None and there.locks and key.startswith(f"{there.prefix}{HEADS}"):
        return None
    return f"{call.operation.name}: {key} would be locked, and only heads of the log are, where retain_days is set"


def bucket_is_in_the_path(call: Call, bounds: Bounds, _: Learned) -> str | None:
    """At AWS a bucket may stand in the host's name too: then the path would be read for another one."""
    if call.operation.effect is not Effect.RECORDING or bounds.target is None:
        return None
    if bounds.target.aws_endpoint is not None or call.host.lower().startswith("s3."):
        return None
    return f"{call.operation.name}: {call.host} names a bucket itself"
