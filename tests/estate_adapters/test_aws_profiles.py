"""Signing in to AWS by IAM Identity Center, and by what the machine has."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import NoVerdict, Refused, SignedOut
from tests.estate_adapters.loopback_aws import Asked, refusal, role_credentials, s3_refusal, session
from tests.estate_adapters.signing import DEVICE, ROLE, Bench, ask, config_of

START = "https://clinic.awsapps.com/start"
ACCOUNT = "sso_account_id = 111122223333\nsso_role_name = Admin\n"
SHARED = (
    f"[profile clinic]\nsso_session = clinic-sso\n{ACCOUNT}"
    f"[sso-session clinic-sso]\nsso_start_url = {START}\nsso_region = eu-west-1\n"
)
LEGACY = f"[profile clinic]\nsso_start_url = {START}\nsso_region = eu-west-1\n{ACCOUNT}"
SSO = {"way": "sso", "profile": "clinic"}
LATER = "2035-01-15T20:00:00Z"


@pytest.fixture(autouse=True)
def home(bare: Path) -> Path:
    config_of(bare, SHARED)
    return bare


def sign_in_by_browser(home: Path, *, key: str = "clinic-sso", token: str = "bearer", until: str = LATER) -> Path:  # noqa: S107 - a practice one
    """What `aws sso login` leaves."""
    folder = home / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()}.json"
    file.write_text(json.dumps({"startUrl": START, "region": "eu-west-1", "accessToken": token, "expiresAt": until}))
    return file


# -- IAM Identity Center: what the files say ------------------------------------------------------------------------
@pytest.mark.parametrize(("text", "key"), [(SHARED, "clinic-sso"), (LEGACY, START)])
@pytest.mark.parametrize("until", [LATER, "2035-01-15T20:00:00UTC", "2035-01-15T20:00:00+00:00"])
def test_the_end_of_the_sign_in_is_read_from_the_file_without_a_call(
    bench: Bench, home: Path, text: str, key: str, until: str
) -> None:
    config_of(home, text)
    sign_in_by_browser(home, key=key, until=until)
    signing = bench(SSO)
    state = ask(signing.account.sign_in_state())
    assert (state.way, state.needs, state.mfa) == ("sso", "", "NO")
    assert state.until == datetime(2035, 1, 15, 20, tzinfo=UTC)
    assert state.source == "IAM Identity Center, profile clinic"
    assert bench.cloud.asked == []
    assert signing.interlock.counts == {"read": 0, "mutating": 0, "refused": 0}


def test_nobody_has_signed_in_yet(bench: Bench) -> None:
    state = ask(bench(SSO).account.sign_in_state())
    assert (state.needs, state.until) == ("login", None)
    assert state.command == ("aws", "sso", "login", "--profile", "clinic")
    with pytest.raises(SignedOut, match="nobody has signed in") as refused:
        ask(bench(SSO).account.sign_in())
    assert refused.value.system == "aws"
    assert bench.cloud.asked == []


@pytest.mark.parametrize("text", [SHARED, LEGACY])
def test_a_token_past_its_end_needs_a_login(bench: Bench, home: Path, text: str) -> None:
    config_of(home, text)
    for key in ("clinic-sso", START):
        sign_in_by_browser(home, key=key, until="2020-01-15T20:00:00Z")
    signing = bench(SSO)
    state = ask(signing.account.sign_in_state())
    assert (state.needs, state.until) == ("login", datetime(2020, 1, 15, 20, tzinfo=UTC))
    with pytest.raises(SignedOut, match="has run out"):
        ask(signing.account.sign_in())
    with pytest.raises(SignedOut, match="has run out"):
        signing.list()
    assert bench.cloud.asked == []


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"accessToken": "x"}', '{"accessToken": "x", "expiresAt": "soon"}'])
def test_a_token_file_that_cannot_be_read_is_none(bench: Bench, home: Path, damage: str) -> None:
    sign_in_by_browser(home).write_text(damage)
    assert ask(bench(SSO).account.sign_in_state()).needs == "login"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[profile other]\n", "no such profile"),
        ("[profile clinic]\nregion = eu-west-1\n", "the profile is not complete"),
        ("[profile clinic]\nsso_session = gone\n" + ACCOUNT, "the profile is not complete"),
        (LEGACY.replace("sso_role_name = Admin\n", ""), "the profile is not complete"),
        ("[profile clinic", "cannot be read"),
    ],
)
def test_a_profile_that_is_not_one_of_sso_says_so(bench: Bench, home: Path, text: str, words: str) -> None:
    config_of(home, text)
    with pytest.raises(NoVerdict, match=words) as refused:
        ask(bench(SSO).account.sign_in_state())
    assert not isinstance(refused.value, SignedOut)
    assert refused.value.fix


# -- IAM Identity Center: what the portal says ----------------------------------------------------------------------
def test_the_portal_gives_the_role_for_the_token_and_the_interlock_sees_it(bench: Bench, home: Path) -> None:
    sign_in_by_browser(home)
    bench.cloud.answers["sso:GET"] = role_credentials("ASIAPORTAL")
    signing = bench(SSO)
    assert ask(signing.account.sign_in()).mfa == "NO"
    asked = bench.cloud.asked[-1]
    assert (asked.token, asked.form) == ("bearer", {"role_name": "Admin", "account_id": "111122223333"})
    assert signing.interlock.counts["read"] == 1
    signing.list()
    assert bench.cloud.keys("s3:GET") == ["ASIAPORTAL"]


def test_in_training_not_even_the_portal_is_called_elsewhere(bench: Bench, home: Path) -> None:
    sign_in_by_browser(home)
    with pytest.raises(Refused, match=r"training cannot leave this machine: portal\.sso\.eu-west-1\.amazonaws\.com"):
        ask(bench(SSO, real=True).account.sign_in())


def test_the_portals_address_cannot_be_configured_away(bench: Bench, home: Path) -> None:
    own = "[services traps]\nsso =\n  endpoint_url = http://127.0.0.1:1\n"
    config_of(
        home, SHARED.replace("[profile clinic]\n", "[profile clinic]\nservices = traps\nendpoint_url = x\n") + own
    )
    sign_in_by_browser(home)
    with pytest.raises(Refused, match=r"portal\.sso\.eu-west-1\.amazonaws\.com"):
        ask(bench(SSO, real=True).account.sign_in())


def test_a_token_that_the_portal_refuses_needs_a_login_until_there_is_another(bench: Bench, home: Path) -> None:
    sign_in_by_browser(home, token="withdrawn")

    def portal(asked: Asked) -> tuple[int, str]:
        refused = '{"__type": "UnauthorizedException", "message": "Session token not found or invalid"}'
        return role_credentials("ASIAPORTAL") if asked.token == "fresh" else (401, refused)

    bench.cloud.answers["sso:GET"] = portal
    signing = bench(SSO)
    with pytest.raises(SignedOut, match="has run out"):
        ask(signing.account.sign_in())
    assert ask(signing.account.sign_in_state()).needs == "login"
    sign_in_by_browser(home, token="fresh")
    assert ask(signing.account.sign_in_state()).needs == ""
    assert ask(signing.account.sign_in()).needs == ""
    signing.list()


def test_a_role_that_is_not_assigned_is_not_a_lost_sign_in(bench: Bench, home: Path) -> None:
    sign_in_by_browser(home)
    bench.cloud.answers["sso:GET"] = (403, '{"__type": "ForbiddenException", "message": "No access"}')
    with pytest.raises(NoVerdict, match="does not give this role to you") as refused:
        ask(bench(SSO).account.sign_in())
    assert not isinstance(refused.value, SignedOut)
    assert "sso_role_name" in refused.value.fix


def test_keys_that_ran_out_are_fetched_anew(bench: Bench, home: Path) -> None:
    sign_in_by_browser(home)
    keys = iter(("ASIAFIRST", "ASIASECOND"))
    bench.cloud.answers["sso:GET"] = lambda _: role_credentials(next(keys))
    signing = bench(SSO)
    signing.list()
    bench.cloud.answers["s3:GET"] = s3_refusal("ExpiredToken", status=400)
    with pytest.raises(SignedOut):
        signing.list()
    del bench.cloud.answers["s3:GET"]
    signing.list()
    assert bench.cloud.keys("s3:GET") == ["ASIAFIRST", "ASIAFIRST", "ASIASECOND"]


def test_a_session_is_renewed_quietly_where_the_login_allows_it(bench: Bench, home: Path) -> None:
    """An sso-session has a refresh token: an hour's end is no sign-in.  The file stays one that the AWS CLI reads."""
    file = sign_in_by_browser(home, until="2020-01-15T20:00:00Z")
    renewing = {"clientId": "c", "clientSecret": "s", "refreshToken": "r", "registrationExpiresAt": LATER}
    file.write_text(json.dumps(json.loads(file.read_text()) | renewing))
    bench.cloud.answers["sso:POST"] = (200, '{"accessToken": "renewed", "expiresIn": 3600}')
    bench.cloud.answers["sso:GET"] = role_credentials("ASIAPORTAL")
    signing = bench(SSO)
    ask(signing.account.sign_in())
    assert [one.token for one in bench.cloud.asked if one.what == "sso:GET"] == ["renewed"]
    written = json.loads(file.read_text())
    assert written["accessToken"] == "renewed"
    assert datetime.fromisoformat(written["expiresAt"].removesuffix("Z")).replace(tzinfo=UTC) > datetime.now(UTC)


def test_a_configured_file_and_cache_are_the_only_ones(bench: Bench, home: Path, tmp_path: Path) -> None:
    sign_in_by_browser(home, token="of the machine")
    mine = tmp_path / "mine"
    (mine / "cache").mkdir(parents=True)
    (mine / "config").write_text(SHARED)
    config_of(home, "")
    signing = bench({**SSO, "config_file": str(mine / "config"), "sso_cache": str(mine / "cache")})
    assert ask(signing.account.sign_in_state()).needs == "login"
    file = sign_in_by_browser(home)
    file.rename(mine / "cache" / file.name)
    assert ask(signing.account.sign_in_state()).needs == ""


def test_identity_center_is_asked_in_its_own_region(bench: Bench, home: Path) -> None:
    sign_in_by_browser(home)
    bench.cloud.answers["sso:GET"] = role_credentials("ASIAPORTAL")
    bench.cloud.answers["sso:ListInstances"] = (200, '{"Instances": [{"InstanceArn": "arn:aws:sso:::instance/i"}]}')
    assert ask(bench(SSO).account.sso_instances()) == ("arn:aws:sso:::instance/i",)
    assert bench.cloud.asked[-1].region == "eu-west-1"
    assert bench(SSO, real=True).access.endpoint("sso-admin") == "https://sso.eu-west-1.amazonaws.com"


# -- what the machine has -------------------------------------------------------------------------------------------
AMBIENT: dict[str, Any] = {"way": "ambient"}


def test_the_environments_keys_are_used_and_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    signing = bench(AMBIENT)
    state = ask(signing.account.sign_in_state())
    assert (state.way, state.source, state.needs, state.mfa) == ("ambient", "environment variables", "", "NO")
    signing.list()
    assert bench.cloud.keys("s3:GET") == ["ASIAENV"]


def test_keys_that_changed_are_loaded_by_signing_in_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    signing = bench(AMBIENT)
    for key in ("ASIAFIRST", "ASIASECOND"):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        ask(signing.account.sign_in())
        signing.list()
    assert bench.cloud.keys("s3:GET") == ["ASIAFIRST", "ASIASECOND"]


def test_a_profile_of_the_environment_counts(bench: Bench, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config_of(home, "[profile mine]\naws_access_key_id = AKIAMINE\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert ask(bench(AMBIENT).account.sign_in_state()).source == "AWS configuration file"


def test_where_a_file_is_configured_nothing_else_counts(bench: Bench, trapped: Path, tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("AWS_PROFILE", "trap")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATRAP")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "trap")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    file = tmp_path / "mine"
    file.write_text("[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s\n")
    signing = bench({**AMBIENT, "config_file": str(file)})
    assert ask(signing.account.sign_in_state()).source == "AWS configuration file"
    signing.list()
    assert bench.cloud.keys("s3:GET") == ["AKIAFILE"]
    file.write_text("[default]\n")
    with pytest.raises(NoVerdict, match="no credentials are to be found"):
        ask(signing.account.sign_in())


def test_a_machine_without_credentials_is_told_how_to_have_some(bench: Bench, home: Path) -> None:
    config_of(home, "")
    with pytest.raises(NoVerdict, match="no credentials are to be found") as refused:
        ask(bench(AMBIENT).account.sign_in_state())
    assert "way = mfa, sso or ambient" in refused.value.fix
    with pytest.raises(NoVerdict, match="no credentials are to be found"):
        bench(AMBIENT).list()


def test_half_a_key_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAENV")
    with pytest.raises(NoVerdict, match="only a part of the credentials") as refused:
        ask(bench(AMBIENT).account.sign_in_state())
    assert "AWS_SECRET_ACCESS_KEY" in refused.value.provider_text


def test_botocore_never_asks_for_a_code_on_the_terminal(
    bench: Bench, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> str:
        raise AssertionError("a prompt underneath the screen")

    monkeypatch.setattr("getpass.getpass", asked)
    base = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n"
    config_of(home, f"{base}[profile mine]\nsource_profile = base\nrole_arn = {ROLE}\nmfa_serial = {DEVICE}\n")
    signing = bench({**AMBIENT, "profile": "mine"})
    assert ask(signing.account.sign_in_state()).source == "a role that the profile assumes"
    with pytest.raises(NoVerdict, match="wants a new code") as refused:
        signing.list()
    assert "way = mfa" in refused.value.fix
    assert bench.cloud.asked == []


def test_a_role_of_a_profile_is_assumed_behind_the_interlock(bench: Bench, home: Path) -> None:
    base = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n"
    config_of(home, f"{base}[profile mine]\nsource_profile = base\nrole_arn = {ROLE}\n")
    bench.cloud.answers["sts:AssumeRole"] = session("AssumeRole", "ASIAROLE", until="2035-01-01T00:00:00Z")
    signing = bench({**AMBIENT, "profile": "mine"})
    signing.list()
    assert signing.interlock.counts["read"] == 2
    assert bench.cloud.keys("s3:GET") == ["ASIAROLE"]
    bench.cloud.answers["sts:AssumeRole"] = refusal("AccessDenied", "not for you")
    with pytest.raises(NoVerdict):
        bench({**AMBIENT, "profile": "mine"}).list()


def test_a_machine_with_a_web_identity_token_signs_in_behind_the_interlock(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("of the machine")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    until = "2035-01-01T00:00:00Z"
    # Not signed, so the loopback AWS cannot tell whose call it is.
    bench.cloud.answers["sso:AssumeRoleWithWebIdentity"] = session("AssumeRoleWithWebIdentity", "ASIAWEB", until)
    signing = bench(AMBIENT)
    assert ask(signing.account.sign_in_state()).source == "a role assumed with a web identity token"
    signing.list()
    assert bench.cloud.keys("s3:GET") == ["ASIAWEB"]
    assert signing.interlock.counts["read"] == 2


def test_a_portal_that_is_away_is_not_a_lost_sign_in(bench: Bench, home: Path) -> None:
    sign_in_by_browser(home)
    bench.cloud.address = "http://127.0.0.1:1"
    with pytest.raises(NoVerdict, match="could not be reached") as refused:
        ask(bench(SSO).account.sign_in())
    assert not isinstance(refused.value, SignedOut)
