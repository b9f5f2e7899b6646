"""The interlock is closed by default: unlisted, unpermitted and far away are all refused, in every combination."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.engine.errors import Refused
from runbook.engine.ports import Permit
from runbook.estate.door import Door
from runbook.safety import bounds
from runbook.safety.bounds import is_loopback
from runbook.safety.interlock import Interlock
from runbook.safety.operations import OPERATIONS, Effect, named, of_http

CHANGES = [operation for operation in OPERATIONS if operation.effect is Effect.MUTATING]
READS = [operation for operation in OPERATIONS if operation.effect is Effect.READ]
HERE = "127.0.0.1"
TARGET = "https://127.0.0.1"


def _permit(operation: str, target: str = TARGET) -> Permit:
    return Permit("run", "step", operation, target)


@pytest.fixture
def interlock() -> Interlock:
    return Interlock(bounds.practice())


def test_reads_pass_and_are_counted(interlock):
    for operation in READS:
        interlock.check(operation, HERE)
    assert interlock.counts == {"read": len(READS), "mutating": 0, "refused": 0}


@pytest.mark.parametrize("operation", CHANGES, ids=lambda operation: operation.name)
def test_a_change_needs_its_own_permit(interlock, operation):
    with pytest.raises(Refused, match="nobody permitted it"):
        interlock.check(operation, HERE, port=443)
    for other in CHANGES:
        with interlock.holding(_permit(other.name), other.name, TARGET):
            if other is operation:
                interlock.check(operation, HERE, port=443)
            else:
                with pytest.raises(Refused, match="the permit is for"):
                    interlock.check(operation, HERE, port=443)
    with pytest.raises(Refused, match="nobody permitted it"):
        interlock.check(operation, HERE, port=443)
    assert interlock.counts["mutating"] == 1


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_training_reaches_no_other_machine_with_any_operation_and_any_permit(interlock, operation):
    with interlock.holding(_permit(operation.name), operation.name, TARGET):
        for host in ("rds.eu-west-2.amazonaws.com", "10.0.0.1", "127.0.0.1.example.test", "localhost.example", ""):
            with pytest.raises(Refused, match="cannot leave this machine"):
                interlock.check(operation, host)
    assert interlock.counts["mutating"] == interlock.counts["read"] == 0


@pytest.mark.parametrize(("operation", "target"), [("vault:Unseal", TARGET), ("vault:Restore", "other")])
def test_a_permit_fits_one_operation_on_one_target(interlock, operation, target):
    with (
        pytest.raises(Refused, match=f"the permit is for vault:Restore on {TARGET}"),
        interlock.holding(_permit("vault:Restore"), operation, target),
    ):
        pytest.fail("it was let in")


def test_what_is_not_listed_is_refused(interlock):
    with pytest.raises(Refused, match="not in the table"):
        named("rds:RebootDBInstance")
    with pytest.raises(Refused, match="not in the table"):
        interlock.check_url("vault", "DELETE", f"http://{HERE}/v1/sys/mounts/transit")
    assert interlock.counts["refused"] == 1


@given(st.sampled_from(["PUT", "POST", "PATCH", "DELETE", "LIST"]), st.text(max_size=40))
def test_no_unlisted_change_passes_as_a_read(method, path):
    try:
        operation = of_http("vault", method, "/v1/" + path)
    except Refused:
        return
    assert operation.effect is Effect.MUTATING or operation.name == "vault:TransitDecrypt"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/sys/health/../init",
        "/v1/sys/seal-status/",
        "/v1//sys/health",
        "/v1/sys/health\n",
        "/v2/sys/health",
        "/v1/sys/HEALTH",
    ],
)
def test_a_path_that_only_looks_listed_is_refused(path):
    with pytest.raises(Refused):
        of_http("vault", "GET", path)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("PUT", "/v1/sys/unseal", "vault:Unseal"),
        ("POST", "/v1/sys/storage/raft/snapshot-force", "vault:Restore"),
        ("POST", "/v1/transit/decrypt/notes", "vault:TransitDecrypt"),
        ("GET", "/v1/transit/keys/notes", "vault:TransitKey"),
        ("POST", "/v1/auth/approle/login", "vault:Login"),
    ],
)
def test_calls_are_known_by_method_and_path(method, path, name):
    assert of_http("vault", method, path).name == name


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback(host):
    assert is_loopback(host)


@given(st.ip_addresses())
def test_an_address_is_loopback_or_refused(address):
    interlock = Interlock(bounds.practice())
    if address.is_loopback:
        interlock.check(named("vault:Health"), str(address))
    else:
        with pytest.raises(Refused, match="cannot leave this machine"):
            interlock.check(named("vault:Health"), str(address))


def test_outside_training_other_machines_can_be_read():
    Interlock(bounds.reading()).check(named("rds:DescribeDBSnapshots"), "rds.eu-west-2.amazonaws.com")


async def test_a_permit_goes_through_the_door_with_its_call_and_with_no_other(interlock):
    door = Door(2)
    restore = named("vault:Restore")

    async def permitted() -> None:
        with interlock.holding(_permit("vault:Restore"), "vault:Restore", TARGET):
            await door(lambda: interlock.check(restore, HERE, port=443))

    async def unpermitted() -> None:
        with pytest.raises(Refused, match="nobody permitted it"):
            await door(lambda: interlock.check(restore, HERE, port=443))

    await asyncio.gather(*(call() for _ in range(20) for call in (permitted, unpermitted)))
    door.close()
    assert interlock.counts == {"read": 0, "mutating": 20, "refused": 20}
