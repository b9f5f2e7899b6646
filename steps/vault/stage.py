"""Stage 2, Encryption Vault: without it nothing can be decrypted, so it comes before the data."""

from __future__ import annotations

from typing import Final

from runbook.engine.procedure import Action, Check, Lasting, Question, Repeat, Stage
from steps.handing_over import vault_serves
from steps.here import Here
from steps.vault import backup, proofs, target
from steps.vault import open as opening
from steps.vault import restore as act
from steps.vault.inspect import archive_is_whole

VAULT_SYSTEM: Final = "vault"

VAULT: Stage[Here] = Stage(
    number=2,
    id="vault",
    title="Encryption Vault",
    clause="3.2",
    touches="an empty vault server: initialised, the backup restored into it, opened with the custodians' shares",
    heartbeat=proofs.is_healthy,
    steps=(
        Check(
            id="vault.backup",
            title="The newest backup is there, fresh and encrypted",
            why="Without the vault's keys nothing in the database can be read.",
            manual="aws s3api list-objects-v2 --bucket B --prefix P --query 'sort_by(Contents,&LastModified)[-1]'",
            look=backup.backup_is_there,
            lasting=Lasting.MOMENT,
        ),
        Question(
            id="vault.choose",
            title="Which backup is restored",
            why="The newest loses least; an older one is right when the newest is damaged or made by an intruder.",
            manual="note the key and version id of the chosen object, and why it is not the newest",
            ask=backup.choose_backup,
        ),
        Action(
            id="vault.download",
            title="Download it into a private folder",
            why="It is inspected and restored from this machine.",
            manual="aws s3 cp s3://BUCKET/KEY vault-backup.snap && sha256sum vault-backup.snap",
            find=backup.archive_already_here,
            preview=backup.show_download,
            perform=backup.download,
            repeat=Repeat.ONCE,
            undo=backup.discard_archive,
        ),
        Check(
            id="vault.inspect",
            title="The archive is whole, and says what it will need",
            why="A damaged archive is found here, before any server is touched.",
            manual="tar tzvf vault-backup.snap; tar xzf vault-backup.snap && sha256sum -c SHA256SUMS",
            look=archive_is_whole,
            lasting=Lasting.MOMENT,
            asks=True,
        ),
        Check(
            id="vault.target",
            title="The target server is empty, ours, and not production's",
            why="A restore replaces everything that the target holds.",
            manual="bao status -address=https://TARGET",
            look=target.target_is_safe,
            lasting=Lasting.MOMENT,
            attestable=False,
        ),
        Check(
            id="vault.egress",
            title="The target cannot reach production",
            why="A restored vault revokes leases and rotates passwords in whatever databases it still knows.",
            manual="on the vault's own machine: nc -zv -w 3 PRODUCTION_DATABASE 5432 → must fail, for each",
            look=target.cannot_reach_production,
            lasting=Lasting.MOMENT,
            asks=True,
        ),
        Action(
            id="vault.initialise",
            title="Initialise the empty target with throw-away keys",
            why="A server takes an archive only when it is initialised and open; its own keys are thrown away after.",
            manual="bao operator init -key-shares=N -key-threshold=T, then bao operator unseal × T",
            find=target.target_already_made,
            preview=target.show_initialise,
            perform=target.initialise_target,
            repeat=Repeat.AGAIN,
            undo=target.wipe_target,
            keeps=vault_serves,
            regain=target.restore_not_seen,
        ),
        Action(
            id="vault.restore",
            title="Restore the archive into the target",
            why="From here on the target is production's vault as it was at the backup.",
            manual="bao operator raft snapshot restore -force vault-backup.snap",
            find=act.archive_already_restored,
            preview=act.show_restore,
            perform=act.restore_archive,
            repeat=Repeat.ONCE,
            undo=target.wipe_target,
            keeps=vault_serves,
        ),
        Action(
            id="vault.restart",
            title="Restart it, where it shows a stale threshold",
            why="After a forced restore it may show the throw-away cluster's figures, and refuse every right share.",
            manual="restart the vault service; bao status must then show the backup's own threshold",
            find=act.no_restart_needed,
            preview=act.show_restart,
            perform=act.restart,
            repeat=Repeat.AGAIN,
        ),
        Check(
            id="vault.sealed-control",
            title="While it is shut, nothing can be decrypted",
            why="A success later means something only if there was a failure before.",
            manual="bao write transit/decrypt/KEY ciphertext=CONTROL → must answer 503 Vault is sealed",
            look=proofs.sealed_must_fail,
            lasting=Lasting.MOMENT,
            control="sealed",
        ),
        Action(
            id="vault.unseal",
            title="Unseal it",
            why="Only the custodians' shares, or the key service that seals it, can open production's keys.",
            manual="bao operator unseal, once for each custodian; auto-unseal: make its KMS key usable and wait",
            find=opening.already_open,
            preview=opening.show_unseal,
            perform=opening.unseal,
            repeat=Repeat.AGAIN,
            asks=False,
        ),
        Check(
            id="vault.health",
            title="The vault is active, and it is production's",
            why="Open is not up: only an active vault answers, and only this cluster has the keys.",
            manual="curl -s https://TARGET/v1/sys/health",
            look=proofs.is_healthy_twice,
            attestable=False,
        ),
        Action(
            id="vault.login",
            title="Sign in with the identity that the backup holds",
            why="It shows that identities came back too, and that the throw-away cluster is gone.",
            manual="bao write auth/approle/login role_id=… secret_id=…",
            find=opening.never_found,
            preview=opening.show_login,
            perform=opening.sign_in,
            repeat=Repeat.AGAIN,
            undo=opening.sign_out,
            regain=lambda _: True,
            signs_in=VAULT_SYSTEM,
            asks=False,
        ),
        Check(
            id="vault.keys",
            title="Mounts and transit keys are there",
            why="The rows name a key and a version: both must exist.",
            manual="bao secrets list; bao read transit/keys/KEY",
            look=proofs.keys_are_there,
        ),
        Check(
            id="vault.damaged-control",
            title="A damaged record must not decrypt",
            why="It shows that what answers really checks the data, and does not just say yes.",
            manual="change one character of the control ciphertext → message authentication failed",
            look=proofs.damaged_must_fail,
            lasting=Lasting.MOMENT,
            control="damaged",
            after=("vault.keys",),
        ),
    ),
)
