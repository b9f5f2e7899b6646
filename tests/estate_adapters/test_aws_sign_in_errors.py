"""What the operator reads when credentials cannot be had: each exception of botocore's, its sentence, its fix."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import exceptions as aws
from botocore.exceptions import ClientError

from runbook.engine.errors import LayerFailed, NoVerdict, RunbookError, SignedOut
from runbook.estate.aws.errors import asking

SIGN_IN_AGAIN = [
    (aws.SSOTokenLoadError(error_msg="Token for clinic does not exist"), "nobody has signed in to IAM Identity Center"),
    (aws.UnauthorizedSSOTokenError(), "the sign-in to IAM Identity Center has run out"),
    (aws.TokenRetrievalError(provider="sso", error_msg="expired"), "the sign-in to IAM Identity Center has run out"),
    (aws.NoAuthTokenError(), "nobody has signed in to IAM Identity Center"),
    (aws.LoginRefreshRequired(), "the sign-in by `aws login` has run out"),
    (aws.LoginTokenLoadError(error_msg="none"), "nobody has signed in by `aws login`"),
    (aws.LoginAuthorizationCodeError(error_msg="none"), "the sign-in by `aws login` cannot be used"),
]
SET_RIGHT = [
    (aws.ProfileNotFound(profile="clinic"), "no such profile", "aws configure list-profiles"),
    (aws.NoCredentialsError(), "no credentials are to be found", "way = mfa, sso or ambient"),
    (aws.PartialCredentialsError(provider="env", cred_var="X"), "only a part of the credentials", "both, or neither"),
    (
        aws.CredentialRetrievalError(provider="custom-process", error_msg="no"),
        "hands out credentials failed",
        "by hand",
    ),
    (aws.MetadataRetrievalError(error_msg="no"), "the machine's own role", "instance's role"),
    (aws.InvalidIMDSEndpointError(endpoint="x"), "the instance's metadata", "AWS_EC2_METADATA"),
    (aws.NoRegionError(), "no Region is set", "region in [aws]"),
    (aws.InvalidRegionError(region_name="x y"), "the Region is not one", "region in [aws]"),
    (aws.ConfigParseError(path="~/.aws/config"), "configuration file cannot be read", "Repair the line"),
    (aws.ConfigNotFound(path="x"), "configuration file is not there", "[aws.sign_in]"),
    (aws.InvalidConfigError(error_msg="lacks sso_region"), "the profile is not complete", "aws configure sso"),
    (
        aws.InfiniteLoopConfigError(source_profile="a", visited_profiles=["a"]),
        "names itself as its source",
        "source_profile",
    ),
    (aws.UnknownCredentialError(name="x"), "a source of credentials that does not exist", "[aws.sign_in]"),
    (aws.RefreshWithMFAUnsupportedError(), "wants a new code", "way = mfa"),
    (aws.MissingDependencyException(msg="botocore[crt]"), "signs in by `aws login`", "botocore[crt]"),
    (aws.LoginInsufficientPermissions(), "may not be renewed", "signin:CreateOAuth2Token"),
    (
        aws.EndpointConnectionError(endpoint_url="https://portal.sso.eu-west-2.amazonaws.com/federation/credentials"),
        "IAM Identity Center could not be reached",
        "sso_region",
    ),
    (
        aws.ConnectTimeoutError(endpoint_url="https://oidc.eu-west-2.amazonaws.com/token"),
        "IAM Identity Center could not be reached",
        "MFA device",
    ),
]


def told(error: Exception) -> RunbookError:
    with pytest.raises(RunbookError) as refused, asking("s3:GetObject"):
        raise error
    return refused.value


@pytest.mark.parametrize(("error", "sentence"), SIGN_IN_AGAIN, ids=lambda one: type(one).__name__)
def test_what_a_new_sign_in_mends_is_signed_out(error: Exception, sentence: str) -> None:
    refused = told(error)
    assert isinstance(refused, SignedOut)
    assert refused.system == "aws"
    assert sentence in refused.sentence
    assert "aws " in refused.fix
    assert refused.provider_text == str(error)


@pytest.mark.parametrize(("error", "sentence", "fix"), SET_RIGHT, ids=lambda one: type(one).__name__)
def test_what_has_to_be_set_right_is_no_verdict_with_its_fix(error: Exception, sentence: str, fix: str) -> None:
    refused = told(error)
    assert type(refused) is NoVerdict
    assert sentence in refused.sentence
    assert fix in refused.fix
    assert refused.provider_text == str(error)


def test_every_credential_exception_that_botocore_has_is_known() -> None:
    """A new botocore brings a new one now and then: it wants a sentence, or a place among those that need none."""
    words = ("Credential", "Token", "SSO", "Login", "Profile", "Dependency", "MFA", "IMDS", "MetadataRetrieval")
    found = {
        kind
        for kind in vars(aws).values()
        if isinstance(kind, type) and issubclass(kind, aws.BotoCoreError) and any(one in kind.__name__ for one in words)
    }
    needless = {
        "InvalidIMDSEndpointModeError",
        "UnknownTokenProviderError",
        "SSOError",
        "PendingAuthorizationExpiredError",
    }
    sayable = {type(error) for error, *_ in [*SIGN_IN_AGAIN, *SET_RIGHT]}
    assert {kind.__name__ for kind in found} - needless <= {kind.__name__ for kind in sayable} | {"LoginError"}


def client_error(code: str, words: str = "", status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": words}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Any")


@pytest.mark.parametrize(
    "code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "InvalidToken"]
)
def test_a_session_that_aws_no_longer_accepts_is_signed_out(code: str) -> None:
    refused = told(client_error(code))
    assert isinstance(refused, SignedOut)
    assert refused.system == "aws"
    assert "Sign in again" in refused.fix


@pytest.mark.parametrize(
    "words",
    [
        "User: x is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext",
        "The ciphertext refers to a customer master key that does not exist, or you are not allowed to access.",
    ],
)
@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_key_that_may_not_be_used_is_about_the_backup(code: str, words: str) -> None:
    refused = told(client_error(code, words, 403))
    assert isinstance(refused, LayerFailed)
    assert "the KMS key of the backup cannot be used" in refused.sentence


@pytest.mark.parametrize(
    "words", ["Access Denied", "User: x is not authorized to perform: kms:DescribeKey on resource: arn:aws:kms:…"]
)
def test_any_other_denial_is_about_us(words: str) -> None:
    assert type(told(client_error("AccessDenied", words, 403))) is NoVerdict
