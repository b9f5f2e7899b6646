"""What every estate does, whatever is behind the ports: one restore, walked stage by stage."""

from __future__ import annotations

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Secret
from runbook.estate.ports import Instance, SealStatus, ThrowAway, Undecryptable, WrongShares
from tests.contract.world import World, sha256


# -- identity -----------------------------------------------------------------------------------------------------
def test_everyone_knows_who_we_are(world: World):
    estate, environment = world.estate, world.environment
    assert world.ask(estate.account.identity()).account == environment.aws.account_id
    assert abs(world.ask(estate.account.clock_offset())) < 60
    assert estate.account.loopback
    for owner in (estate.platform, estate.code, estate.edge):
        identity = world.ask(owner.token())
        assert identity.active
        assert identity.id
    assert world.ask(estate.platform.project_visible(environment.application.project))
    assert not world.ask(estate.platform.project_visible("no-such-project"))
    assert world.ask(estate.code.repository_visible(environment.application.images[0].repository))


# -- vault --------------------------------------------------------------------------------------------------------
def test_backups_are_listed_oldest_first_and_described_by_head(world: World):
    backup = world.environment.vault.backup
    found = world.ask(world.estate.objects.list(backup.bucket, backup.prefix))
    assert len(found) >= 2
    assert [one.modified for one in found] == sorted(one.modified for one in found)
    head = world.ask(world.estate.objects.head(backup.bucket, found[-1].key))
    assert (head.encryption, head.kms_key, head.size) == ("aws:kms", backup.kms_key, found[-1].size)
    assert world.ask(world.estate.objects.posture(backup.bucket)).public_access_blocked
    assert world.ask(world.estate.keys.state(backup.kms_key)) == "Enabled"
    assert world.ask(world.estate.keys.state(backup.kms_key[:-12] + "000000000000")) is None


def test_a_download_is_what_its_digest_says_and_nobody_elses(world: World, tmp_path):
    told: list[tuple[int, int]] = []
    newest = world.newest_backup()
    progress = lambda done, total: told.append((done, total))  # noqa: E731 - a port's callback
    got = world.ask(world.estate.objects.download(newest, tmp_path / "a.snap", progress))
    assert got.sha256 == sha256(got.path.read_bytes())
    assert got.size == newest.size == got.path.stat().st_size
    assert got.path.stat().st_mode & 0o777 == 0o600
    assert told[-1][0] == got.size


def test_an_archive_says_offline_what_it_needs(world: World, tmp_path):
    report = world.ask(world.estate.archives.inspect(world.download()))
    assert (report.seal_type, report.shares, report.threshold) == ("shamir", len(world.custodians), 3)
    assert report.raft_index
    cut = tmp_path / "cut.snap"
    cut.write_bytes(world.download().read_bytes()[:-40])
    with pytest.raises(LayerFailed):
        world.ask(world.estate.archives.inspect(cut))


def test_the_target_is_empty_before_and_cannot_decrypt(before):
    assert before["health"].status == 501
    assert before["health"].cluster_id is None
    assert isinstance(before["control"], Undecryptable)
    assert before["control"].reason == "sealed"


def test_a_change_without_its_own_permit_is_refused(world: World):
    with pytest.raises(Refused):
        world.ask(world.estate.vault.initialise(world.vault_permit("Unseal"), shares=5, threshold=3))
    elsewhere = world.permit("vault:Initialise", world.environment.vault.production_address)
    with pytest.raises(Refused):
        world.ask(world.estate.vault.initialise(elsewhere, shares=5, threshold=3))


def test_a_fresh_cluster_is_not_productions(world: World, fresh):
    keys, cluster = fresh
    assert len(keys.keys) == 5
    assert cluster != world.environment.vault.cluster_id


def test_a_restored_vault_is_sealed_with_productions_threshold_and_refuses_again(world: World, restored: SealStatus):
    assert (restored.sealed, restored.threshold, restored.shares) == (True, 3, len(world.custodians))
    canary = world.environment.canary
    with pytest.raises(Undecryptable) as caught:
        world.ask(world.estate.vault.decrypt("transit", canary.transit_key, canary.control_ciphertext))
    assert (caught.value.reason, caught.value.status) == ("sealed", 503)


def test_a_wrong_set_drops_progress_and_a_share_twice_counts_once(world: World, restored: SealStatus):
    vault, one_two = world.estate.vault, world.three_shares()[:2]
    world.unseal(one_two[0], one_two[0])
    assert world.ask(vault.seal_status()).progress == 1
    world.unseal(one_two[1])
    assert world.ask(vault.seal_status()).progress == 2
    with pytest.raises(WrongShares):
        world.unseal(world.bad_share)
    status = world.ask(vault.seal_status())
    assert (status.sealed, status.progress) == (True, 0)


def test_what_is_no_share_leaves_progress_alone(world: World, restored: SealStatus):
    world.unseal(world.three_shares()[0])
    with pytest.raises(LayerFailed):
        world.unseal(Secret("not a share"))
    assert world.ask(world.estate.vault.seal_status()).progress == 1
    assert world.ask(world.estate.vault.reset_unseal(world.vault_permit("Unseal"))).progress == 0


def test_the_opened_vault_is_productions(opened: World, fresh: tuple[ThrowAway, str | None]):
    health = opened.ask(opened.estate.vault.health())
    assert health.status == 200
    assert health.cluster_id == opened.environment.vault.cluster_id or opened.environment.vault.cluster_id is None
    assert health.cluster_id != fresh[1]
    assert opened.estate.vault.signed_in
    assert not opened.ask(opened.estate.vault.token_works(fresh[0].root_token))


def test_mounts_and_keys_came_back(opened: World):
    vault, settings = opened.estate.vault, opened.environment.vault
    assert set(settings.mounts) <= set(opened.ask(vault.mounts()))
    for name in settings.transit_keys:
        key = opened.ask(vault.transit_key(settings.transit_mount, name))
        assert key is not None
        assert key.latest in key.versions
    try:
        unknown = opened.ask(vault.transit_key(settings.transit_mount, "no-such-key"))
    except NoVerdict:
        unknown = None  # a least-privilege identity may not even ask for a key that it does not use
    assert unknown is None


def test_a_whole_record_decrypts_and_a_damaged_one_says_why_not(opened: World):
    vault, canary, mount = opened.estate.vault, opened.environment.canary, opened.environment.vault.transit_mount
    whole = canary.control_ciphertext
    assert opened.ask(vault.decrypt(mount, canary.transit_key, whole)).reveal()
    place = len(whole) // 2
    damaged = whole[:place] + ("A" if whole[place] != "A" else "B") + whole[place + 1 :]
    for text, reason in (
        (damaged, "authentication"),
        (whole.replace("vault:v1:", "vault:v9:"), "version-too-new"),
        ("no ciphertext", "malformed"),
    ):
        with pytest.raises(Undecryptable) as caught:
            opened.ask(vault.decrypt(mount, canary.transit_key, text))
        assert caught.value.reason == reason


# -- database -----------------------------------------------------------------------------------------------------
def test_the_canary_of_the_copy_decrypts_in_the_restored_vault(opened: World, copy: Instance):
    canary = opened.environment.canary
    here = opened.connect(copy)
    text = opened.ask(here.text_value(canary.table, canary.key_column, canary.key, canary.ciphertext_column))
    assert text is not None
    plain = opened.ask(opened.estate.vault.decrypt("transit", canary.transit_key, text))
    assert sha256(plain.reveal().encode()) == canary.sha256


# -- cleanup ------------------------------------------------------------------------------------------------------
def test_what_was_made_can_be_taken_away_and_asked_for_in_vain(opened: World, copy: Instance):
    databases = opened.estate.databases
    for _ in range(2):  # the second time there is nothing left, which is no error
        opened.ask(databases.delete(opened.permit("rds:DeleteDBInstance", copy.id), copy.id))
        gone = opened.until(lambda: databases.instance(copy.id), lambda instance: instance is None)
    assert gone is None
    assert opened.ask(databases.automated_backups(copy.id)) == 0
    opened.ask(opened.estate.vault.sign_out(opened.vault_permit("SignOut")))
    assert not opened.estate.vault.signed_in
