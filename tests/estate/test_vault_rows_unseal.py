"""Shares against a real OpenBao 2.6.2: each answer that a single node can give, and what the operator reads of it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.estate.vault_lab import Node, altered, said

pytestmark = pytest.mark.estate


@dataclass(frozen=True)
class Sealed:
    """Three of five shares open it."""

    node: Node
    shares: tuple[str, ...]


@pytest.fixture(scope="module")
def server(lab) -> Sealed:
    node = lab.node("three-of-five")
    return Sealed(node, node.initialised(5, 3).keys)


@pytest.fixture
def sealed(server: Sealed) -> Sealed:
    """Sealed, and no share entered."""
    if not server.node.bao.call("GET", "sys/seal-status")["sealed"]:
        server.node.bao.restart()
    server.node.bao.call("PUT", "sys/unseal", {"reset": True})
    return server


async def test_each_share_counts_under_one_nonce_until_the_last_opens(sealed):
    node, shares = sealed.node, sealed.shares
    assert (await node.vault.seal_status()).nonce == ""
    first = await node.unseal(shares[0])
    second = await node.unseal(base64.b64decode(shares[3]).hex())  # hex is as good as base64
    assert [(s.sealed, s.progress, s.threshold, s.shares) for s in (first, second)] == [
        (True, 1, 3, 5),
        (True, 2, 3, 5),
    ]
    assert first.nonce == second.nonce != ""
    last = await node.unseal(shares[4])
    assert (last.sealed, last.progress, last.nonce) == (False, 0, "")
    assert last.cluster_id
    assert (last.product, last.seal_type, last.recovery_seal, last.migration) == ("openbao", "shamir", False, False)


async def test_a_reset_throws_the_entered_shares_away(sealed):
    await sealed.node.unseal(sealed.shares[0])
    status = await sealed.node.vault.reset_unseal(sealed.node.permit("Unseal"))
    assert (status.sealed, status.progress, status.nonce) == (True, 0, "")


async def test_the_same_share_twice_counts_once(sealed):
    first = await sealed.node.unseal(sealed.shares[0])
    again = await sealed.node.unseal(sealed.shares[0])
    assert (again.progress, again.nonce) == (1, first.nonce)


WRONG_SETS: dict[str, tuple[Callable[[tuple[str, ...]], tuple[str, ...]], str, str, str, str]] = {
    "one of them is wrong": (
        lambda s: (altered(s[0]), s[1], s[2]),
        "set",
        "one of these shares is wrong, which one is not told, or they are another cluster's; progress is back to 0",
        "Enter all of them again",
        (
            "unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message "
            "authentication failed"
        ),
    ),
    "two of one custodian, written differently": (
        lambda s: (s[0], altered(s[0]), s[2]),
        "duplicate",
        "two of these shares are the same custodian's: progress is back to 0",
        "each custodian's share once",
        "invalid key: failed to compute combined key: duplicate part detected",
    ),
    "one is shorter": (
        lambda s: (s[0], base64.b64encode(base64.b64decode(s[1])[:32]).decode(), s[2]),
        "length",
        "not of the same length",
        "look for one that was cut off",
        "invalid key: failed to compute combined key: all parts must be the same length",
    ),
}


@pytest.mark.parametrize("row", WRONG_SETS)
async def test_a_wrong_set_is_told_and_all_is_entered_again(sealed, row):
    choose, reason, sentence, fix, words = WRONG_SETS[row]
    *first, last = choose(sealed.shares)
    for share in first:
        await sealed.node.unseal(share)
    read = await said(sealed.node.unseal(last))
    assert (read.verdict, read.words) == (f"wrong shares: {reason}", words)
    assert sentence in read.sentence
    assert fix in read.fix
    after = await sealed.node.vault.seal_status()
    assert (after.sealed, after.progress, after.nonce) == (True, 0, "")


NO_SHARES = {
    "neither hex nor base64": ("not a share!", "neither hex nor base64", "'key' must be a valid hex or base64 string"),
    "empty": (
        "",
        "it is empty",
        "'key' must be specified in request body as JSON, or 'reset' set to true",
    ),
    "too short": ("AAAAAAAAAAAAAA==", "too short", "invalid key: key is shorter than minimum 16 bytes"),
    "too long": ("00" * 34, "too long", "invalid key: key is longer than maximum 33 bytes"),
}


@pytest.mark.parametrize("row", NO_SHARES)
async def test_what_is_no_share_leaves_the_entered_ones_in(sealed, row):
    share, sentence, words = NO_SHARES[row]
    before = await sealed.node.unseal(sealed.shares[0])
    read = await said(sealed.node.unseal(share))
    assert (read.verdict, read.words) == ("fail", words)
    assert sentence in read.sentence
    assert "progress is untouched" in read.sentence
    assert "hex or base64" in read.fix
    after = await sealed.node.vault.seal_status()
    assert (after.progress, after.nonce) == (1, before.nonce)


async def test_an_open_vault_takes_a_share_and_a_reset_calmly(sealed):
    for share in sealed.shares[:3]:
        await sealed.node.unseal(share)
    assert not (await sealed.node.unseal(sealed.shares[3])).sealed
    assert not (await sealed.node.vault.reset_unseal(sealed.node.permit("Unseal"))).sealed


async def test_an_uninitialised_server_takes_no_share(lab, sealed):
    node = lab.node("empty")
    status = await node.vault.seal_status()
    assert (status.initialised, status.sealed, status.threshold) == (False, True, 0)
    assert (await node.vault.health()).meaning == "not initialised"
    read = await said(node.unseal(sealed.shares[0]))
    assert (read.verdict, read.words) == ("fail", "Vault is not initialized")
    assert "the target is not initialised" in read.sentence
    assert read.fix == "Go back to vault.initialise."


async def test_a_wrong_recovery_key_says_what_recovery_keys_are(lab):
    node = lab.node("self-unsealing", lab.static_seal("a"))
    opened = node.initialised(3, 2)
    status = await node.vault.seal_status()
    assert (status.seal_type, status.recovery_seal, status.threshold, status.shares) == ("static", True, 2, 3)
    node.bao.call("PUT", "sys/seal", token=opened.token)
    await node.unseal(opened.keys[0])
    read = await said(node.unseal(altered(opened.keys[1])))
    assert read.verdict == "wrong shares: recovery"
    assert read.words == ("invalid key: failed to verify recovery key: recovery key does not match submitted values")
    assert "recovery keys authorise, they do not unseal" in read.sentence
    assert "restart it" in read.fix
    node.bao.restart()
    node.becomes(200)  # which is what the operator was told to do
