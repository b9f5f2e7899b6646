"""The configuration and the credentials of the estate in memory."""

from __future__ import annotations

from runbook import config
from runbook.engine.ports import Secret
from runbook.estate.memory import names
from runbook.estate.memory.contents import ORPHANS
from runbook.estate.memory.layout import Layout, Place
from runbook.estate.memory.production import Production


def environment(production: Production, layout: Layout) -> config.Environment:
    """What a run is told; the shape of a practice run's."""
    return config.Environment(
        name="practice",
        aws=config.Aws(
            account_id=names.ACCOUNT,
            region=names.REGION,
            endpoint="http://127.0.0.1:5000",
            sign_in=config.SignIn(way="mfa", mfa_serial=names.MFA_DEVICE),
            identity_patterns=(f"arn:aws:sts::{names.ACCOUNT}:assumed-role/runbook-drill/*",),
        ),
        vault=_vault(production),
        database=_database(),
        application=_application(layout),
        connectivity=_connectivity(layout),
        canary=config.Canary(
            table=names.CANARY_TABLE,
            key_column="id",
            key=names.CANARY_ID,
            ciphertext_column="ciphertext",
            transit_key=names.TRANSIT_KEY,
            sha256=production.canary_sha256,
            control_ciphertext=production.control,
        ),
    )


def credentials() -> dict[str, Secret]:
    """By the names that the practice estate uses."""
    plain = {
        "aws-access-key": "AKIAPRACTICE00000000",
        "aws-secret-key": "practice-aws-secret",
        "vault-role-id": "practice-role-id",
        "vault-secret-id": "practice-secret-id",
        "database-password": "practice-database",
        "northflank-token": "practice-northflank",
        "github-token": "practice-github",
        "cloudflare-token": "practice-cloudflare",
    }
    return {name: Secret(value) for name, value in plain.items()}


def _vault(production: Production) -> config.Vault:
    return config.Vault(
        address=names.VAULT_ADDRESS,
        product="openbao",
        production_address=names.PRODUCTION_VAULT,
        cluster_id=production.vault.id,
        backup=config.VaultBackup(
            bucket=names.BACKUPS,
            prefix=names.BACKUP_PREFIX,
            kms_key=names.KMS_KEY,
            production_buckets=("practice-clinic-documents",),
        ),
        mounts=("secret", "transit"),
        transit_keys=(names.TRANSIT_KEY,),
        egress_probe=names.EGRESS_PROBE,
        production_endpoints=names.PRODUCTION_ENDPOINTS,
        service=names.VAULT_SERVICE,
        custodians=names.CUSTODIANS,
    )


def _database() -> config.Database:
    return config.Database(
        source_instance=names.PRODUCTION_DATABASE,
        source_host=names.DATABASE_HOST,
        instance_class=names.INSTANCE_CLASS,
        subnet_group=names.SUBNET_GROUP,
        security_groups=(names.SECURITY_GROUP,),
        parameter_group=names.PARAMETER_GROUP,
        name=names.DATABASE,
        user="runbook_reader",
        hostaddr="127.0.0.1",
        manifest_bucket=names.BACKUPS,
        manifest_prefix=names.MANIFEST_PREFIX,
        recency_table="public.appointments",
        recency_column="booked_at",
        patients_table="public.patients",
        ciphertexts=(config.Column(table="public.clinical_notes", column="ciphertext"),),
        assertions=(config.Assertion(name="every note has its appointment", sql=ORPHANS, expect="0"),),
    )


def _application(layout: Layout) -> config.Application:
    return config.Application(
        platform="http://127.0.0.1:8081/v1",
        project=names.PROJECT,
        github="http://127.0.0.1:8082",
        registry="http://127.0.0.1:8083",
        images=tuple(_image(package) for package in layout.packages),
        services=tuple(_service(place) for place in layout.services),
        consumers=tuple(
            config.Consumer(secret_group=place.group, name=place.consumer, services=(place.name,))
            for place in layout.services
        ),
        outbound=tuple(
            config.Switch(secret_group=place.group, variable=variable)
            for place in layout.services
            for variable in place.switches
        ),
        probes=(config.Probe(name="appointments page", url=names.APPOINTMENTS_URL, contains="The diary is open."),),
    )


def _image(package: str) -> config.Image:
    return config.Image(
        organisation=names.ORGANISATION,
        repository=names.REPOSITORY,
        package=package,
        branch=names.BRANCH,
        required_checks=names.REQUIRED_CHECKS,
        level="B",
        level_reason="The practice code host signs no attestations.",
    )


def _service(place: Place) -> config.Service:
    health = config.Health(url=place.health_url)
    return config.Service(name=place.name, image=place.package, health=health, probe_url=place.probe_url)


def _connectivity(layout: Layout) -> config.Connectivity:
    return config.Connectivity(
        cloudflare="http://127.0.0.1:8084/client/v4",
        zone=names.ZONE,
        hostnames=tuple(
            config.Hostname(name=name, content=names.ORIGIN, service=names.SERVICE) for name in layout.hostnames
        ),
        managed_rulesets=(names.MANAGED_RULESET,),
        canary_path=names.CANARY_PATH,
        authoritative=(config.Resolver(address="127.0.0.1", port=names.AUTHORITATIVE_PORT),),
        resolvers=(config.Resolver(address="127.0.0.1", port=names.PUBLIC_PORT),),
        https_port=names.HTTPS_PORT,
        marker_header="x-clinic-commit",
        origins=(config.Origin(url=names.INGRESS_URL, address="127.0.0.1"),),
    )
