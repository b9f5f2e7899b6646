# ruff: noqa: E501 - a configuration a row, its edit on one line
"""Broken configurations: one edit of the good file each, and what has to be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Broken:
    """`old` → `new` in the good file; the mistake is told of `key`, on the line of `at`, with the words `said`.

    `at` "" is the first line of `new`; `at` is looked for behind `after`.
    """

    name: str
    old: str
    new: str
    key: str
    said: str
    at: str = ""
    after: str = ""


DRILL: Final = """account_id = "222222222222"
region = "eu-west-2"
identity_patterns = ["arn:aws:sts::222222222222:assumed-role/runbook-drill/*"]"""
SAME: Final = (DRILL, DRILL.replace("2" * 12, "1" * 12))
SHARED: Final = 'source = "shared-copy"\ncopy_kms_key = "arn:aws:kms:eu-west-2:222222222222:key/91ab"\n'
ADDRESS: Final = 'address = "https://127.0.0.1:8210"'
CONTROL: Final = 'control_ciphertext = "vault:v1:cHJhY3RpY2U="'
SHA256: Final = 'sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"'
MOUNTS: Final = 'mounts = ["secret", "transit"]'
PEOPLE: Final = 'operator = "Ana Lovelace"'
NEVER: Final = "secrets never stand in this file"
AWS_TABLE: Final = '[production.aws]\naccount_id = "111111111111"\n'
PROBE: Final = (
    'production_url = "https://127.0.0.1:8443/appointments"\nstaging_url = "https://127.0.0.1:8543/appointments"\n'
)
DRILL_SIGN_IN: Final = '[staging.aws.sign_in]\nway = "mfa"\nmfa_serial = "arn:aws:iam::222222222222:mfa/ana"'
SIGN_IN: Final = '[production.aws.sign_in]\nway = "mfa"\nmfa_serial = "arn:aws:iam::111111111111:mfa/ana"'
OUTBOUND: Final = 'outbound = [{ secret_group = "web-env", variable = "OUTBOUND_MAIL" }]'
STAGING_PROJECT: Final = 'project = "clinic-staging"'
APP: Final = 'project = "clinic"\n'

SHAPE: Final = (
    Broken("an unknown key", PEOPLE, 'operater = "Ana Lovelace"', "people.operater", "did you mean operator?"),
    Broken("an unknown table", "[people]", "[poeple]", "poeple", "is not a known key"),
    Broken("an unknown key of an inline table", 'column = "ciphertext" }', 'column = "ciphertext", colour = "red" }',
           "production.database.ciphertexts.1.colour", "is not a known key", at="colour"),
    Broken("an unknown key of the second of an array", 'name = "worker"\n\n', 'name = "worker"\nsize = 3\n\n',
           "staging.application.services.2.size", "is not a known key", at="size = 3"),
    Broken("a dotted key that is unknown", PEOPLE, f'{PEOPLE}\nteam.lead = "Ana"', "people.team", "not a known key",
           at="team.lead"),
    Broken("a quoted key that is unknown", PEOPLE, f'{PEOPLE}\n"the team" = "Ana"', "people.the team", "not a known key",
           at='"the team"'),
    Broken("a missing key", MOUNTS + "\n", "", "production.vault.mounts", "is missing", at="[production.vault]"),
    Broken("a missing account", AWS_TABLE, "[production.aws]\n", "production.aws.account_id", "is missing"),
    Broken("a missing table", '[providers.vault]\nproduct = "openbao"\n', "", "providers.vault", "is missing",
           at="[providers.aws]"),
    Broken("a number in place of a text", MOUNTS, 'mounts = ["secret", 7]', "production.vault.mounts.2", "in quotes"),
    Broken("a text in place of a list", MOUNTS, 'mounts = "transit-and-more"', "production.vault.mounts", "a list"),
    Broken("a list in place of a table", '[rehearsal]\npolicy_exception = ""', "[[rehearsal]]", "rehearsal", "a table"),
    Broken("a text in place of a number", "rto_s = 14400", 'rto_s = "four hours"', "targets.rto_s", "whole number"),
    Broken("a text in place of true", 'prefix = "rt"', 'prefix = "rt"\nmulti_az = "perhaps"', "staging.database.multi_az",
           "true or false", at="multi_az"),
    Broken("a fraction of a second", "rto_s = 14400", "rto_s = 1.5", "targets.rto_s", "whole number"),
    Broken("a target in the past", "rto_s = 14400", "rto_s = -1", "targets.rto_s", "greater than or equal to 1"),
    Broken("a budget of no time", "rpo_s = 93600\n", "rpo_s = 93600\n[targets.stages]\nvault_s = 0\n", "targets.stages.vault_s",
           "greater than or equal to 1", at="vault_s = 0"),
    Broken("a budget of no stage", "rpo_s = 93600\n", "rpo_s = 93600\n[targets.stages]\nvaults_s = 60\n",
           "targets.stages.vaults_s", "not a known key", at="vaults_s"),
    Broken("a date in place of a text", 'version = "3"', "version = 2027-01-15", "policy.version", "in quotes"),
    Broken("lists within a list", MOUNTS, 'mounts = [["secret"]]', "production.vault.mounts.1", "in quotes"),
    Broken("no image at all", "[[application.images]]", "[[application.imagez]]", "application.images", "is missing",
           at="[[application.imagez]]"),
    Broken("an empty list of services", "services = [\n  { name", "services = []\n_services = [\n  { name",
           "production.application.services", "at least one", at="services = []"),
    Broken("an unknown word", 'product = "openbao"', 'product = "bitwarden"', "providers.vault.product", "'openbao' or 'vault'"),
    Broken("an unknown word for outbound", OUTBOUND, 'outbound = "nothing"', "staging.application.outbound", '"none"'),
    Broken("a key twice", PEOPLE, f"{PEOPLE}\n{PEOPLE}", "not valid TOML", "stands twice", at="\n" + PEOPLE, after=PEOPLE),
    Broken("a table twice", "[people]", "[platform]\n[people]", "not valid TOML", "stands twice", at="[platform]", after="rpo_s"),
    Broken("a quotation mark that is not closed", PEOPLE, 'operator = "Ana Lovelace', "not valid TOML", "Illegal character"),
    Broken("a word without quotation marks", PEOPLE, "operator = Ana", "not valid TOML", "Invalid value"),
    Broken("a comma too many", MOUNTS, 'mounts = ["secret",, "transit"]', "not valid TOML", "Invalid value"),
)  # fmt: skip

SECRETS: Final = (
    Broken("an AWS key", PEOPLE, 'operator = "AKIAIOSFODNN7EXAMPLE"', "people.operator", NEVER),
    Broken("a GitHub token", PEOPLE, 'operator = "ghp_0123456789abcdefghijABCDEFGHIJ012345"', "people.operator", NEVER),
    Broken("a vault token", CONTROL, 'control_ciphertext = "hvs.CAESIJlAxBcD0123456789"', "canary.control_ciphertext", NEVER),
    Broken("a private key", PEOPLE, 'operator = """\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBx\n"""', "people.operator", NEVER,
           at="operator ="),
    Broken("a key called password", 'user = "runbook_reader"', 'user = "runbook_reader"\npassword = "hunter22"',
           "production.database.password", NEVER, at="password ="),
    Broken("a key called token", "[providers.github]", '[providers.github]\napi_token = "sesame"', "providers.github.api_token",
           NEVER, at="api_token"),
    Broken("a key in capitals", "[providers.aws]", '[providers.aws]\nsecretAccessKey = "open sesame"',
           "providers.aws.secretAccessKey", NEVER, at="secretAccessKey"),
    Broken("an AWS secret without a mark", 'variable = "OUTBOUND_MAIL"', 'variable = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab"',
           "staging.application.outbound.1.variable", NEVER, at="wJalrX"),
    Broken("a share among the custodians", '"Ana", "Bo", "Cy"', '"Ana", "0f3c9a7be1d2445566778899aabbccddeeff00112233445566"',
           "production.vault.custodians.2", NEVER, at="custodians"),
    Broken("a password in a URL", 'api = "http://127.0.0.1:8082"', 'api = "https://runbook:sesame-open@api.github.com"',
           "providers.github.api", NEVER),
    Broken("a password in the tunnel's command", 'prefix = "rt"', 'prefix = "rt"\ntunnel = "ssh {host} {port} {local_port} password=sesame9"',
           "staging.database.tunnel", NEVER, at="tunnel"),
    Broken("a token in a comment", PEOPLE, f"{PEOPLE} # ghp_0123456789abcdefghijABCDEFGHIJ012345", "a comment", NEVER),
    Broken("a token as a key", PEOPLE, 'ghp_0123456789abcdefghijABCDEFGHIJ012345 = "x"', "people.***", NEVER),
    Broken("a placeholder of the example", PEOPLE, 'operator = "<the operator>"', "people.operator", "placeholder"),
)  # fmt: skip

APART: Final = (
    Broken("two accounts without a copy", SHARED, 'source = "same-account"\n', "staging.database.source", "two accounts"),
    Broken("two accounts and nothing said", SHARED, "", "staging.database.source", "two accounts", at="[staging.database]"),
    Broken("one account and a copy", *SAME, "staging.database.source", "both environments are in one", at=SHARED),
    Broken("two accounts without a reader", 'reader_role = "arn:aws:iam::111111111111:role/runbook-reads-backups"\n', "",
           "production.aws.reader_role", "is needed with two accounts", at="[production.aws]"),
    Broken("a copy without a key", SHARED, 'source = "shared-copy"\n', "staging.database.copy_kms_key", "is missing",
           at="[staging.database]"),
    Broken("a copy under production's key", "kms:eu-west-2:222222222222", "kms:eu-west-2:111111111111",
           "staging.database.copy_kms_key", "another account", at="copy_kms_key"),
    Broken("staging's vault is production's", ADDRESS, 'address = "https://localhost:8200"', "staging.vault.address",
           "production's vault"),
    Broken("staging's name is production's", 'name = "app.staging.practice.test"', 'name = "APP.clinic.practice.test."',
           "staging.connectivity.hostnames.1.name", "production's name"),
    Broken("staging's health is production's", "https://127.0.0.1:8543/healthz", "https://127.0.0.1:8443/health",
           "staging.application.services.1.health.url", "host of production's", at="health =", after="[staging.application]"),
    Broken("a service of both", STAGING_PROJECT, APP.strip(), "staging.application.services.1.name", "production's too",
           at='name = "web"\nhealth', after="[staging.application]"),
    Broken("a secret group of both", f'{APP}consumers = [{{ secret_group = "clinic-env" }}]',
           f'{STAGING_PROJECT}\nconsumers = [{{ secret_group = "worker-env" }}]', "staging.application.consumers.2.secret_group",
           "secret group of production's too", at='secret_group = "worker-env"', after="[staging.application]"),
    Broken("the same prefix", 'prefix = "rt"', 'prefix = "recovered"', "staging.database.prefix", "begins like"),
    Broken("a prefix of what is backed up", 'prefix = "rt"', 'prefix = "clinic"', "staging.database.prefix", "begins with it"),
    Broken("a prefix that no instance can have", 'prefix = "rt"', 'prefix = "RT_"', "staging.database.prefix", "begin with a letter"),
    Broken("backups among production's buckets", '["practice-clinic-documents"]', '["practice-vault-backups"]',
           "production.vault.backup.bucket", "keep backups apart", at='bucket = "practice-vault-backups"'),
    Broken("evidence among the backups", 'bucket = "practice-evidence"', 'bucket = "practice-vault-backups"',
           "records.bucket.bucket", "bucket of its own"),
    Broken("evidence without a folder", 'region = "eu-west-2"\n\n[rehearsal]', 'region = "eu-west-2"\nprefix = "evidence"\n\n[rehearsal]',
           "records.bucket.prefix", "end with /", at='prefix = "evidence"'),
    Broken("a lock of no days", 'region = "eu-west-2"\n\n[rehearsal]', 'region = "eu-west-2"\nretain_days = 0\n\n[rehearsal]',
           "records.bucket.retain_days", "greater than or equal to 1", at="retain_days = 0"),
    Broken("evidence among production's buckets", 'bucket = "practice-evidence"', 'bucket = "practice-clinic-documents"',
           "records.bucket.bucket", "production's own"),
    Broken("evidence among the manifests", 'recency_column = "booked_at"', 'recency_column = "booked_at"\nmanifest_bucket = "practice-evidence"',
           "records.bucket.bucket", "bucket of its own", at='bucket = "practice-evidence"'),
    Broken("a prefix that begins like the other", 'prefix = "rt"', 'prefix = "recovered-drill"', "staging.database.prefix", "begins like"),
    Broken("a recovery's prefix of what is backed up", 'instance = "clinic-production"', 'instance = "recovered-clinic"',
           "production.database.prefix", "begins with it", at="[production.database]"),
    Broken("staging's vault among production's endpoints", '"127.0.0.1:8200"]', '"127.0.0.1:8210"]', "production.vault.endpoints.2",
           "staging's vault", at="endpoints ="),
    Broken("staging's probe is on production's host", "https://127.0.0.1:8543/__runbook/probe", "https://127.0.0.1:8443/__runbook/probe",
           "staging.application.services.1.probe_url", "host of production's", at="probe_url"),
    Broken("staging's vault is a service of production's", 'service = "vault"\ndatabase_host = "127.0.0.1"', 'service = "web"', "staging.vault.service",
           "the vault is another", at='service = "web"'),
    Broken("two Regions", 'account_id = "222222222222"\nregion = "eu-west-2"', 'account_id = "222222222222"\nregion = "eu-west-1"',
           "staging.aws.region", "production's Region", at='region = "eu-west-1"'),
)  # fmt: skip

ACCOUNTS: Final = (
    Broken("an account of eleven digits", 'account_id = "333333333333"', 'account_id = "33333333333"', "records.bucket.account_id",
           "12 digits"),
    Broken("a Region that is none", 'account_id = "333333333333"\nregion = "eu-west-2"', 'account_id = "333333333333"\nregion = "London"',
           "records.bucket.region", "no Region", at='region = "London"'),
    Broken("MFA without a device", SIGN_IN, '[production.aws.sign_in]\nway = "mfa"', "production.aws.sign_in.mfa_serial", "is missing"),
    Broken("SSO without a profile", DRILL_SIGN_IN, '[staging.aws.sign_in]\nway = "sso"', "staging.aws.sign_in.profile", "is missing"),
    Broken("a device of another account", "arn:aws:iam::222222222222:mfa/ana", "arn:aws:iam::444444444444:mfa/ana",
           "staging.aws.sign_in.mfa_serial", "another account"),
    Broken("an identity of another account", "sts::222222222222", "sts::444444444444", "staging.aws.identity_patterns.1", "another account"),
    Broken("an identity that anyone has", '["arn:aws:sts::222222222222:assumed-role/runbook-drill/*"]', '["*"]',
           "staging.aws.identity_patterns.1", "must be an ARN"),
    Broken("a role of another account", SIGN_IN, SIGN_IN + '\nrole_arn = "arn:aws:iam::444444444444:role/drill"',
           "production.aws.sign_in.role_arn", "another account", at="role_arn"),
    Broken("a role that is no role", SIGN_IN, SIGN_IN + '\nrole_arn = "runbook-drill-role"', "production.aws.sign_in.role_arn",
           "must be an ARN", at="role_arn"),
    Broken("a copy's key of another Region", "kms:eu-west-2:222222222222", "kms:eu-west-1:222222222222", "staging.database.copy_kms_key",
           "another Region"),
    Broken("a session that no role has", SIGN_IN, SIGN_IN + '\nrole_arn = "arn:aws:iam::111111111111:role/drill"\nsession_hours = 24',
           "production.aws.sign_in.session_hours", "12 hours", at="session_hours"),
    Broken("a key that is no key", '"arn:aws:kms:eu-west-2:111111111111:key/6f1c"', '"alias/clinic-backups"',
           "production.vault.backup.kms_key", "ARN of a KMS key"),
)  # fmt: skip

ADDRESSES: Final = (
    Broken("http to another machine", 'api = "http://127.0.0.1:8081"', 'api = "http://api.northflank.com"', "providers.northflank.api",
           "must be https"),
    Broken("a vault without TLS", ADDRESS, 'address = "http://127.0.0.1:8210"', "staging.vault.address", "https://HOST:PORT"),
    Broken("a vault with a path", ADDRESS, 'address = "https://127.0.0.1:8210/v1"', "staging.vault.address", "without a path"),
    Broken("an address without a scheme", ADDRESS, 'address = "vault.internal:8200"', "staging.vault.address", "is no URL"),
    Broken("an address with half a bracket", ADDRESS, 'address = "https://[::1"', "staging.vault.address", "is no URL"),
    Broken("a port that is none", ADDRESS, 'address = "https://127.0.0.1:99999"', "staging.vault.address", "is no URL"),
    Broken("an endpoint without a port", '["127.0.0.1:5433",', '["db.internal",', "production.vault.endpoints.1", "HOST:PORT"),
    Broken("a name in place of an address", 'parameter_group = "clinic-drill"\nhostaddr = "127.0.0.1"',
           'parameter_group = "clinic-drill"\nhostaddr = "db.internal"', "staging.database.hostaddr", "IP address", at="db.internal"),
    Broken("a URL in place of a host", 'host = "clinic-production.eu-west-2.rds.practice.test"', 'host = "https://db.internal"',
           "production.database.host", "a host name"),
    Broken("a file that is not there", ADDRESS, f'{ADDRESS}\nca_file = "certificates/missing.pem"', "staging.vault.ca_file",
           "no such file", at="ca_file"),
    Broken("a file in place of a folder", 'folder = "compliance"', 'folder = "runbook.toml"', "records.folder", "should be a folder"),
    Broken("a file of nobody", ADDRESS, f'{ADDRESS}\nca_file = "~nobody-at-all/ca.pem"', "staging.vault.ca_file", "no such user", at="ca_file"),
)  # fmt: skip

TOGETHER: Final = (
    Broken("an image that there is not", 'name = "worker"\n\n[[staging.application.consumers]]',
           'name = "worker"\nimage = "worker-image"\n\n[[staging.application.consumers]]', "staging.application.services.2.image",
           "no package of the images", at="image = "),
    Broken("a name of a service that there is not", 'service = "web"', 'service = "front-end"', "staging.connectivity.hostnames.1.service",
           "no service of this environment"),
    Broken("a consumer of a service that there is not", 'services = ["web"]', 'services = ["front-end"]',
           "staging.application.consumers.1.services", "none of this project"),
    Broken("two consumers of one name", 'secret_group = "web-env"\nservices', 'secret_group = "web-env"\nname = "worker"\nservices',
           "staging.application.consumers.2", "more than once", at='[[staging.application.consumers]]\nsecret_group = "worker-env"'),
    Broken("a name outside its zone", 'name = "app.staging.practice.test"', 'name = "app.elsewhere.test"',
           "staging.connectivity.hostnames.1.name", "not in staging.connectivity.zone"),
    Broken("nothing that is put off", OUTBOUND, "outbound = []", "staging.application.outbound", "name the switches"),
    Broken("nothing that goes out, without a reason", OUTBOUND, 'outbound = "none"', "staging.application.outbound_reason", "needs the reason",
           at="[staging.application]"),
    Broken("a canary under another key", 'transit_key = "clinic"\nsha256', 'transit_key = "other-key"\nsha256', "canary.transit_key",
           "none of production.vault.transit_keys"),
    Broken("a SHA-256 of another length", SHA256, 'sha256 = "9f86d081"', "canary.sha256", "64 characters"),
    Broken("a control that is no ciphertext", CONTROL, 'control_ciphertext = "the plaintext"', "canary.control_ciphertext", "vault:v1:"),
    Broken("level B without a reason", 'level_reason = "a private repository on a plan without artifact attestations"', 'level_reason = ""',
           "application.images.1", "level B needs a level_reason", at="[[application.images]]"),
    Broken("no way out that is shut", 'egress_rule = "no way out: network policy vault-recovery"\n', "", "production.vault.egress_probe",
           "its way out", at="[production.vault]"),
    Broken("a measurement of nothing", 'endpoints = ["127.0.0.1:5433", "127.0.0.1:8200"]', "endpoints = []", "production.vault.endpoints",
           "is missing"),
    Broken("half a database engine", MOUNTS, f'{MOUNTS}\ndatabase_mount = "database"', "production.vault.database_connection", "is missing",
           at="[production.vault]"),
    Broken("the other half of a database engine", MOUNTS, f'{MOUNTS}\ndatabase_connection = "clinic-connection"',
           "production.vault.database_mount", "is missing", at="[production.vault]"),
    Broken("a ciphertext under another key", 'column = "ciphertext", transit_key = "clinic"', 'column = "ciphertext", transit_key = "other-key"',
           "production.database.ciphertexts.2.transit_key", "none of production.vault.transit_keys"),
    Broken("a check twice", "[[application.images]]", '[[database.assertions]]\nname = "every note has its appointment"\nsql = "select 1"\nexpect = "1"\n\n[[application.images]]',
           "database.assertions.2", "more than once", at='[[database.assertions]]\nname = "every note has its appointment"\nsql = "select 1"'),
    Broken("a page twice", "[[application.probes]]", '[[application.probes]]\nname = "appointments page"\nstaging_url = "https://127.0.0.1:8543/x"\n\n[[application.probes]]',
           "application.probes.2", "more than once", at="\n[[application.probes]]", after="8543/x"),
    Broken("a switch twice", OUTBOUND, OUTBOUND[:-1] + ", " + OUTBOUND.partition("[")[2], "staging.application.outbound.2", "more than once"),
    Broken("a variable for two databases", 'secret_group = "worker-env"\n', 'secret_group = "web-env"\n', "staging.application.consumers.2",
           "its database_variable stands more than once", at='[[staging.application.consumers]]\nsecret_group = "web-env"\nname'),
    Broken("a consumer whose services are another's", 'services = ["web"]', 'services = ["web", "worker"]\n[[staging.application.consumers]]\nsecret_group = "spare-env"\nname = "spare"',
           "staging.application.consumers.2", "serves no service", at="[[staging.application.consumers]]", after='services = ["web", "worker"]'),
    Broken("nobody who uses the database", 'secret_group = "clinic-env"', 'secret_group = "clinic-env", database_variable = ""',
           "production.application.consumers", "nothing would use the restored database", at="consumers = "),
    Broken("no health document at all", ', health = { url = "https://127.0.0.1:8443/healthz" }', "", "production.application.services",
           "no service has a health document", at="services = ["),
    Broken("a public name twice", "[canary]", '[[staging.connectivity.hostnames]]\nname = "app.staging.practice.test"\ncontent = "elsewhere.code.run"\n\n[canary]',
           "staging.connectivity.hostnames.2", "more than once", at='[[staging.connectivity.hostnames]]\nname = "app.staging.practice.test"\ncontent = "else'),
    Broken("a custodian twice", '["Ana", "Bo", "Cy"]', '["Ana", "Bo", "Ana"]', "production.vault.custodians.3", "more than once"),
    Broken("no custodian", 'custodians = ["Ana", "Bo", "Cy"]', "custodians = []", "production.vault.custodians", "hold the shares"),
    Broken("the operator as witness", 'witness = "Bo Turing"', 'witness = "ana lovelace "', "people.witness", "another person"),
    Broken("two tests in one quarter", 'version = "3"', 'version = "3"\nquarter_months = [1, 2, 7, 10]', "policy.quarter_months",
           "each quarter", at="quarter_months"),
    Broken("a thirteenth month", 'version = "3"', 'version = "3"\nquarter_months = [1, 4, 7, 13]', "policy.quarter_months.4",
           "less than or equal to 12", at="quarter_months"),
    Broken("a probe of nowhere", PROBE, "", "application.probes.1", "production_url", at="[[application.probes]]"),
    Broken("an instance's tunnel without its places", 'prefix = "rt"', 'prefix = "rt"\ntunnel = "ssh bastion-host"',
           "staging.database.tunnel", "lacks {host}", at="tunnel"),
)  # fmt: skip

BROKEN: Final = (*SHAPE, *SECRETS, *APART, *ACCOUNTS, *ADDRESSES, *TOGETHER)
