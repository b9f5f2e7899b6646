"""What things are called in the estate in memory: as in the practice estate."""

from __future__ import annotations

ACCOUNT = "111122223333"
REGION = "eu-west-2"
ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/runbook-drill/cto"
MFA_DEVICE = f"arn:aws:iam::{ACCOUNT}:mfa/cto"
KMS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/5f2c9a4e-1d0b-4c3e-9b7a-2f6d8e1c0a35"

BACKUPS = "practice-clinic-vault-backups"
BACKUP_PREFIX = "vault/"

PRODUCTION_DATABASE = "clinic-production"
DATABASE_HOST = f"{PRODUCTION_DATABASE}.{REGION}.rds.practice.test"
DATABASE = "clinic"
MASTER_USER = "clinic_admin"
INSTANCE_CLASS = "db.t4g.medium"
SUBNET_GROUP = "clinic-drill"
SECURITY_GROUP = "sg-0a1b2c3d4e5f60718"
PARAMETER_GROUP = "clinic-drill"
VPC = "vpc-0c1d2e3f405162738"
MANIFEST_PREFIX = "manifests/"
APPLICATION_NAME = "clinic"

VAULT_ADDRESS = "https://127.0.0.1:8200"
PRODUCTION_VAULT = "https://127.0.0.1:8300"
TRANSIT_KEY = "patient-notes"

PROJECT = "clinic-staging"
SERVICE = "web"
WORKER = "worker"
VAULT_SERVICE = "vault"
SECRET_GROUP = "clinic-env"  # noqa: S105 - a name, not a secret
HEALTH_URL = "http://127.0.0.1:8080/healthz"
PROBE_URL = "http://127.0.0.1:8080/__runbook/probe"
APPOINTMENTS_URL = "http://127.0.0.1:8080/appointments"
EGRESS_PROBE = "http://127.0.0.1:8201/connect"
PRODUCTION_ENDPOINTS = ("127.0.0.1:5432", "127.0.0.1:8300")

ORGANISATION = "practice-clinic"
REPOSITORY = "practice-clinic/clinic"
PACKAGE = "clinic"
BRANCH = "main"
REFERENCE_HOST = "ghcr.io"
REQUIRED_CHECKS = ("build", "test")

ZONE = "clinic.test"
ACCOUNT_AT_EDGE = "c0ffee00c0ffee00c0ffee00c0ffee00"
HOSTNAME = "app.clinic.test"
API_HOSTNAME = "api.clinic.test"
ORIGIN = "p01--web--clinic-staging.code.practice.test"
OLD_ORIGIN = "p01--web--clinic-old.code.practice.test"
EDGE_ADDRESS = "127.0.0.1"
ORIGIN_ADDRESSES = {ORIGIN: "192.0.2.80", OLD_ORIGIN: "192.0.2.81"}
AUTHORITATIVE_PORT = 5301
PUBLIC_PORT = 5302
HTTPS_PORT = 8443
INGRESS_PORT = 8444
INGRESS_URL = f"https://{ORIGIN}:{INGRESS_PORT}/"
MANAGED_PHASE = "http_request_firewall_managed"
CUSTOM_PHASE = "http_request_firewall_custom"
MANAGED_RULESET = "efb7b8c949ac4650a09736fc376e9aee"
CANARY_PATH = "/__waf-canary"

CANARY_TABLE = "public.runbook_canary"
CANARY_ID = "canary"
CUSTODIANS = (
    "Amara Okafor (CTO)",
    "Bryn Hughes (COO)",
    "Chandra Nair (CEO)",
    "Dana Kowalska (lead)",
    "Eli Stone (board)",
)
