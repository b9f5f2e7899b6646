"""Stage 3, Core Database: the right data, all of it, undamaged, and how much was lost."""

from __future__ import annotations

from runbook.engine.procedure import Action, Check, Lasting, Question, Repeat, Stage
from runbook.engine.verdict import Observation
from steps.database import backups, content, effects, ground, reach, ready, recency, skew, structure
from steps.database import restore as act
from steps.database.access import copy
from steps.handing_over import serves
from steps.here import Here

_LONG_S = 12 * 3600


async def answers(here: Here) -> Observation:
    """Heartbeat: `select 1` on the copy."""
    await copy(here).ping()
    return Observation.passed(expected="an answer", observed="the copy answers", source="select 1")


_RESTORING = (
    Check(
        id="database.snapshots",
        title="Snapshots are there, fresh, encrypted, and of every day",
        why="The newest usable one decides how much is lost.",
        manual="aws rds describe-db-snapshots --db-instance-identifier SOURCE",
        look=backups.snapshots_are_there,
        lasting=Lasting.MOMENT,
    ),
    Question(
        id="database.choose",
        title="Choose the recovery point",
        why="The newest, unless what broke production is in it already.",
        manual="RDS console → Snapshots → sort by the original creation time",
        ask=backups.choose_recovery_point,
    ),
    Action(
        id="database.copy",
        title="Copy a snapshot that another account shares",
        aim=ground.COPIED,
        why="A shared one is under the other account's key and cannot be restored as it is.",
        manual="aws rds copy-db-snapshot --source-db-snapshot-identifier ARN --kms-key-id OUR_KEY …",
        find=ground.already_copied,
        preview=ground.show_copy,
        perform=ground.copy_shared,
        repeat=Repeat.ONCE,
        undo=ground.forget_copy,
    ),
    Check(
        id="database.preconditions",
        title="The ground for the copy is there, and in a drill nothing gets out of it",
        why="In a total loss the network is gone too; and a copy that can reach others acts like production at once.",
        manual="aws rds describe-db-subnet-groups; aws ec2 describe-security-groups; aws rds describe-db-parameters …",
        look=ground.ground_is_there,
        lasting=Lasting.MOMENT,
    ),
    Action(
        id="database.restore",
        title="Restore it into a new instance",
        aim=act.RESTORED,
        why="The copy stands beside the source: nothing is overwritten.",
        manual="aws rds restore-db-instance-from-db-snapshot, or restore-db-instance-to-point-in-time …",
        find=act.already_ours,
        preview=act.show_restore,
        perform=act.restore,
        repeat=Repeat.ONCE,
        undo=act.destroy,
        keeps=serves,
    ),
    Check(
        id="database.available",
        title="The provider says that it is available",
        why="Available is where peers stop; here it is where looking begins.",
        manual="aws rds describe-db-instances --db-instance-identifier NEW",
        look=ready.is_available,
        lasting=Lasting.MOMENT,
        timeout=_LONG_S,
    ),
    Check(
        id="database.configuration",
        title="The instance has what was asked for",
        why="The provider accepts some parameters and takes its own defaults for others.",
        manual="aws rds describe-db-instances --db-instance-identifier NEW, line by line against the request",
        look=ready.is_as_asked,
        after=("database.available",),
    ),
    Action(
        id="database.password",
        title="Give the copy a master password of its own",
        aim=ready.ITS_OWN,
        why="Whoever holds production's password must not get into the copy with it.",
        manual="aws rds modify-db-instance --db-instance-identifier NEW --master-user-password … --apply-immediately",
        find=ready.password_is_ours,
        preview=ready.show_password,
        perform=ready.set_password,
        repeat=Repeat.AGAIN,
        regain=ready.password_was_set,
        regained_alone=True,
    ),
)

_LOOKING = (
    Question(
        id="database.reach",
        title="The way to the copy",
        why="A private instance is reached from inside its network, or through a tunnel to it.",
        manual="aws ssm start-session … AWS-StartPortForwardingSessionToRemoteHost, then hostaddr=127.0.0.1",
        ask=reach.choose_route,
    ),
    Check(
        id="database.connect",
        title="We are connected to the copy, and to nothing else",
        why="A check that looks at production by mistake passes every time.",
        manual="psql 'host=… sslmode=verify-full' -c 'select pg_postmaster_start_time()'",
        look=reach.connects_to_the_copy,
        timeout=180,
        attestable=False,
    ),
    Check(
        id="database.key-skew",
        title="The recovered vault has the keys that the rows need",
        why="Rows written after the vault's backup may have been encrypted with a key that it does not hold.",
        manual="select distinct substring(CIPHERTEXT from 'vault:v[0-9]+') …; bao read transit/keys/KEY",
        look=skew.keys_fit,
        after=("database.connect",),
        lasting=Lasting.HEAVY,
        acceptable=True,
        timeout=_LONG_S,
    ),
    Check(
        id="database.content",
        title="Every table has the rows and the content that it should",
        why="A count proves little and a successful restore proves nothing: the content hash notices every damage.",
        manual="compare count(*) and the hash of each table with the manifest beside the backup",
        look=content.content_is_whole,
        after=("database.key-skew",),
        lasting=Lasting.HEAVY,
        acceptable=True,
        timeout=_LONG_S,
        asks=True,
    ),
    Check(
        id="database.structure",
        title="Indexes, constraints and sequences are sound",
        why="A damaged index answers wrongly, and no row of any table shows it.",
        manual="pg_amcheck --heapallindexed --parent-check; then the queries of this step's source",
        look=structure.structure_is_sound,
        after=("database.connect",),
        lasting=Lasting.HEAVY,
        acceptable=True,
        timeout=_LONG_S,
    ),
    Check(
        id="database.assertions",
        title="What you know of your own data holds",
        why="Only its owner knows what must always be true of it.",
        manual="run each [[database.assertions]] query",
        look=structure.assertions_hold,
        after=("database.connect",),
        timeout=_LONG_S,
    ),
    Check(
        id="database.recency",
        title="The newest row shows how much is lost",
        why="It is the achieved recovery point, whatever the backup's name says.",
        manual="select max(COLUMN) from TABLE",
        look=recency.newest_row,
        after=("database.connect",),
        timeout=_LONG_S,
    ),
    Check(
        id="database.side-effects",
        title="What the copy would do to others is known",
        why="It has production's jobs, subscriptions and queues.",
        manual="select * from cron.job; select * from pg_subscription; \\des",
        look=effects.side_effects_are_known,
        after=("database.connect",),
    ),
    Action(
        id="database.quiet",
        title="The copy acts on nobody",
        aim=effects.QUIET,
        why="A drill must not send a patient a message, nor pull from production.",
        manual="alter subscription … disable; select cron.alter_job(ID, active := false)",
        find=effects.already_quiet,
        preview=effects.show_quiet,
        perform=effects.make_quiet,
        repeat=Repeat.AGAIN,
        attestable=False,
    ),
    Action(
        id="database.analyze",
        title="The planner has statistics",
        aim=effects.ANALYZED,
        why="Without them the application is slow enough to look broken.",
        manual="analyze",
        find=effects.already_analyzed,
        preview=effects.show_analyze,
        perform=effects.analyze,
        repeat=Repeat.AGAIN,
    ),
)

DATABASE: Stage[Here] = Stage(
    number=3,
    id="database",
    title="Core Database",
    clause="3.3",
    touches="a new database instance, made from a backup and tagged with this run; the source is only read",
    heartbeat=answers,
    at_opening=(content.counts_still_hold,),
    steps=(*_RESTORING, *_LOOKING),
)
