"""Signing in to AWS with long-term keys and the code of an MFA device."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runbook.engine.errors import NoVerdict, Refused, SignedOut
from runbook.engine.ports import Secret
from runbook.estate.ports import WrongCode
from tests.estate_adapters.loopback_aws import Cloud, refusal, s3_refusal, session
from tests.estate_adapters.signing import DEVICE, KEYS, MFA, ROLE, Bench, ask, config_of

CODE = Secret("123456")


@pytest.fixture(autouse=True)
def machine(trapped: Path) -> Path:
    """Every test here is on a machine whose own AWS set-up leads astray."""
    return trapped


@pytest.fixture
def signing(bench: Bench):
    bench.cloud.answers["sts:AssumeRole"] = session("AssumeRole", "ASIAFIRST")
    return bench(MFA, KEYS)


def test_before_there_is_a_session_only_sts_is_asked_who_we_are(signing, cloud: Cloud) -> None:
    with pytest.raises(SignedOut, match="sign in with the code of your MFA device first") as refused:
        signing.list()
    assert refused.value.system == "aws"
    assert cloud.asked == []
    assert ask(signing.account.identity()).arn.endswith("user/cto")
    assert cloud.keys("sts:GetCallerIdentity") == ["AKIALONGTERM"]


def test_long_term_keys_cannot_be_used_for_more_than_signing_in(signing, cloud: Cloud) -> None:
    sts = signing.access.client("sts")
    with pytest.raises(Refused, match="for signing in or reading only"):
        sts.get_access_key_info(AccessKeyId="AKIALONGTERM12345")
    assert cloud.asked == []


def test_the_state_says_which_device_without_asking_anybody(signing, cloud: Cloud) -> None:
    state = ask(signing.account.sign_in_state())
    assert (state.way, state.needs, state.mfa, state.device) == ("mfa", "code", "NO", DEVICE)
    assert cloud.asked == []


def test_a_code_gets_a_session_of_the_role_which_proves_mfa(signing, cloud: Cloud) -> None:
    state = ask(signing.account.sign_in(CODE))
    assert (state.needs, state.mfa, state.until) == ("", "PROVEN", datetime(2030, 1, 1, tzinfo=UTC))
    sent = cloud.asked[-1]
    assert (sent.what, sent.key) == ("sts:AssumeRole", "AKIALONGTERM")
    assert {name: sent.form[name] for name in ("RoleArn", "SerialNumber", "TokenCode", "RoleSessionName")} == {
        "RoleArn": ROLE, "SerialNumber": DEVICE, "TokenCode": "123456", "RoleSessionName": "cto",
    }  # fmt: skip
    assert sent.form["DurationSeconds"] == "14400"
    signing.list()
    assert cloud.keys("s3:GET") == ["ASIAFIRST"]


def test_without_a_role_the_session_is_the_users_own(bench: Bench) -> None:
    bench.cloud.answers["sts:GetSessionToken"] = session("GetSessionToken", "ASIAUSER")
    signing = bench({"way": "mfa", "mfa_serial": DEVICE, "session_hours": 36}, KEYS)
    assert ask(signing.account.sign_in(CODE)).mfa == "PROVEN"
    assert bench.cloud.asked[-1].form["DurationSeconds"] == "129600"
    signing.list()
    assert bench.cloud.keys("s3:GET") == ["ASIAUSER"]


def test_a_role_is_never_asked_for_more_than_twelve_hours(bench: Bench) -> None:
    bench.cloud.answers["sts:AssumeRole"] = session("AssumeRole", "ASIALONG")
    ask(bench({**MFA, "session_hours": 36}, KEYS).account.sign_in(CODE))
    assert bench.cloud.asked[-1].form["DurationSeconds"] == "43200"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. "),
        (
            "AccessDenied",
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
        ),
        (
            "AccessDenied",
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial",
        ),
        ("ValidationError", "1 validation error detected: Value 'x' at 'serialNumber' failed to satisfy constraint"),
        ("ValidationError", "1 validation error detected: Value 'x' at 'tokenCode' failed to satisfy constraint"),
    ],
)
def test_a_code_that_sts_does_not_take_leaves_the_session_there_was(
    signing, cloud: Cloud, code: str, words: str
) -> None:
    ask(signing.account.sign_in(CODE))
    cloud.answers["sts:AssumeRole"] = refusal(code, words)
    with pytest.raises(WrongCode) as wrong:
        ask(signing.account.sign_in(Secret("654321")))
    assert wrong.value.text == f"{code}: {words}"
    assert "654321" not in str(wrong.value)
    signing.list()
    assert cloud.keys("s3:GET") == ["ASIAFIRST"]


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
def test_what_is_not_six_digits_is_not_sent(signing, cloud: Cloud, typed: str) -> None:
    with pytest.raises(WrongCode, match="six digits"):
        ask(signing.account.sign_in(Secret(typed)))
    assert cloud.asked == []


def test_the_space_that_authenticators_show_is_no_mistake(signing, cloud: Cloud) -> None:
    ask(signing.account.sign_in(Secret(" 123 456\n")))
    assert cloud.asked[-1].form["TokenCode"] == "123456"


def test_a_code_is_sent_once_even_when_sts_stumbles(signing, cloud: Cloud) -> None:
    cloud.answers["sts:AssumeRole"] = refusal("ServiceUnavailable", "later", 503)
    with pytest.raises(NoVerdict, match="failed to answer"):
        ask(signing.account.sign_in(CODE))
    assert len(cloud.asked) == 1


def test_a_role_that_allows_only_short_sessions_says_what_to_set(signing, cloud: Cloud) -> None:
    words = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    cloud.answers["sts:AssumeRole"] = refusal("ValidationError", words, 400)
    with pytest.raises(NoVerdict, match="sessions of that length") as refused:
        ask(signing.account.sign_in(CODE))
    assert "session_hours" in refused.value.fix


def test_a_role_that_is_not_for_us_is_not_a_wrong_code(signing, cloud: Cloud) -> None:
    cloud.answers["sts:AssumeRole"] = refusal("AccessDenied", "User is not authorized to perform: sts:AssumeRole")
    with pytest.raises(NoVerdict, match="does not allow this session"):
        ask(signing.account.sign_in(CODE))


def test_without_a_code_there_is_no_session(signing, cloud: Cloud) -> None:
    with pytest.raises(SignedOut):
        ask(signing.account.sign_in())
    assert cloud.asked == []


def test_without_a_device_it_says_what_to_set(bench: Bench) -> None:
    with pytest.raises(NoVerdict, match="no MFA device is named") as refused:
        ask(bench({"way": "mfa"}, KEYS).account.sign_in_state())
    assert "mfa_serial" in refused.value.fix


# -- when it ends ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"])
def test_a_session_that_aws_says_is_over_is_not_used_again(signing, cloud: Cloud, code: str) -> None:
    ask(signing.account.sign_in(CODE))
    cloud.answers["s3:GET"] = s3_refusal(code, status=400)
    with pytest.raises(SignedOut, match="no longer accepts this session"):
        signing.list()
    assert ask(signing.account.sign_in_state()).needs == "code"
    before = len(cloud.asked)
    with pytest.raises(SignedOut, match="has run out"):
        ask(signing.account.identity())
    assert len(cloud.asked) == before, "that the long-term keys exist would look like being signed in"


def test_a_head_is_refused_without_a_word_when_the_session_is_over(signing, cloud: Cloud) -> None:
    ask(signing.account.sign_in(CODE))
    cloud.answers["s3:HEAD"] = (400, "")
    with pytest.raises(SignedOut, match="without a word"):
        ask(signing.objects.head("bucket", "key"))
    assert ask(signing.account.sign_in_state()).needs == "code"


def test_a_request_that_came_too_late_does_not_cost_the_session(signing, cloud: Cloud) -> None:
    ask(signing.account.sign_in(CODE))
    cloud.answers["s3:GET"] = s3_refusal("RequestExpired", status=400)
    with pytest.raises(SignedOut):
        signing.list()
    assert ask(signing.account.sign_in_state()).needs == ""


def test_a_session_past_its_end_needs_a_code_before_aws_says_so(signing, cloud: Cloud) -> None:
    cloud.answers["sts:AssumeRole"] = session("AssumeRole", "ASIASHORT", until="2027-01-15T07:59:59Z")
    ask(signing.account.sign_in(CODE))
    assert ask(signing.account.sign_in_state()).needs == "code"


def test_a_refusal_that_comes_late_does_not_end_the_next_session(signing, cloud: Cloud) -> None:
    """A call of the first session is under way while another thread signs in again."""
    ask(signing.account.sign_in(CODE))
    under_way, go_on = threading.Event(), threading.Event()

    def slowly(_asked):
        under_way.set()
        assert go_on.wait(10)
        return s3_refusal("ExpiredToken", status=400)

    cloud.answers["s3:GET"] = slowly
    refused: list[Exception] = []

    def call() -> None:
        try:
            signing.list()
        except SignedOut as error:
            refused.append(error)

    late = threading.Thread(target=call)
    late.start()
    assert under_way.wait(10)
    cloud.answers["sts:AssumeRole"] = session("AssumeRole", "ASIASECOND")
    ask(signing.account.sign_in(Secret("222222")))
    go_on.set()
    late.join()
    del cloud.answers["s3:GET"]
    assert len(refused) == 1
    assert ask(signing.account.sign_in_state()).needs == ""
    signing.list()
    assert cloud.keys("s3:GET") == ["ASIAFIRST", "ASIASECOND"]


def test_a_session_that_another_thread_replaced_is_used_by_the_next_call(signing, cloud: Cloud) -> None:
    ask(signing.account.sign_in(CODE))
    signing.list()
    old = signing.access.client("s3")
    cloud.answers["sts:AssumeRole"] = session("AssumeRole", "ASIASECOND")
    again = threading.Thread(target=lambda: ask(signing.account.sign_in(Secret("222222"))))
    again.start()
    again.join()
    signing.list()
    assert cloud.keys("s3:GET") == ["ASIAFIRST", "ASIASECOND"]
    assert signing.access.client("s3") is not old
    assert signing.access.client("s3") is signing.access.client("s3")


def test_many_threads_get_one_client_of_the_newest_session(signing, cloud: Cloud) -> None:
    ask(signing.account.sign_in(CODE))
    got = []
    threads = [threading.Thread(target=lambda: got.append(signing.access.client("s3"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in got}) == 1


# -- keys of a profile ------------------------------------------------------------------------------------------------
BASE = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n"


def test_a_profile_has_the_keys_the_role_and_the_device(bench: Bench, machine: Path) -> None:
    config_of(machine, f"{BASE}[profile clinic]\nsource_profile = base\nrole_arn = {ROLE}\nmfa_serial = {DEVICE}\n")
    bench.cloud.answers["sts:AssumeRole"] = session("AssumeRole", "ASIAROLE")
    signing = bench({"way": "mfa", "profile": "clinic"})
    state = ask(signing.account.sign_in_state())
    assert (state.needs, state.device, state.source) == ("code", DEVICE, "access key of the profile base")
    ask(signing.account.sign_in(CODE))
    assert (bench.cloud.asked[-1].key, bench.cloud.asked[-1].form["RoleArn"]) == ("AKIABASE", ROLE)


def test_what_runbook_toml_says_goes_before_what_the_profile_says(bench: Bench, machine: Path) -> None:
    config_of(machine, f"{BASE}role_arn = arn:aws:iam::111122223333:role/other\nmfa_serial = other\n")
    bench.cloud.answers["sts:AssumeRole"] = session("AssumeRole", "ASIAROLE")
    ask(bench({**MFA, "profile": "base"}).account.sign_in(CODE))
    assert bench.cloud.asked[-1].form["RoleArn"] == ROLE
    assert bench.cloud.asked[-1].form["SerialNumber"] == DEVICE


def test_a_profile_may_have_its_keys_from_a_program(bench: Bench, machine: Path, tmp_path: Path) -> None:
    (tmp_path / "said").write_text('{"Version": 1, "AccessKeyId": "AKIASTORE", "SecretAccessKey": "s"}')
    config_of(machine, f"[profile clinic]\ncredential_process = cat {tmp_path / 'said'}\n")
    ask(bench({**MFA, "profile": "clinic"}).account.identity())
    assert bench.cloud.keys("sts:GetCallerIdentity") == ["AKIASTORE"]


def test_the_file_that_is_configured_is_the_only_one(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text(BASE)
    signing = bench({**MFA, "profile": "base", "config_file": str(file)})
    ask(signing.account.identity())
    assert bench.cloud.keys("sts:GetCallerIdentity") == ["AKIABASE"]
    with pytest.raises(NoVerdict, match="no such profile"):
        ask(bench({**MFA, "profile": "trap", "config_file": str(file)}).account.sign_in_state())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[profile other]\n", "no such profile"),
        ("[profile clinic]\nsource_profile = gone\n", "no such profile"),
        ("[profile clinic]\naws_access_key_id = AKIAHALF\n", "only a part of the credentials"),
        ("[profile clinic]\nregion = eu-west-2\n", "no credentials are to be found"),
        ("[profile clinic]\ncredential_process = false\n", "the program or service that hands out credentials failed"),
        ("[profile clinic", "the AWS configuration file cannot be read"),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(bench: Bench, machine: Path, text: str, sentence: str) -> None:
    config_of(machine, text)
    with pytest.raises(NoVerdict, match=sentence) as refused:
        ask(bench({**MFA, "profile": "clinic"}).account.sign_in_state())
    assert not isinstance(refused.value, SignedOut)
    assert refused.value.fix
    assert bench.cloud.asked == []
