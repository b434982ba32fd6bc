"""Each preset against claims as its platform writes them."""

from typing import Any

import pytest

from shared.domain.workload import InvalidWorkload, Match, WorkloadRule, match_workload
from shared.domain.workload_presets import (
    PRESETS,
    azure,
    github,
    gitlab,
    google,
    kubernetes,
    spiffe,
)

_OURS = "https://auth.example/t/acme"
_TID, _OID, _APP = "5c0a4f2e-tid", "11b2c3d4-oid", "99aabbcc-app"
_CLUSTER = "https://oidc.cluster.example/id/1"

_GITHUB = {
    "iss": "https://token.actions.githubusercontent.com",
    "aud": _OURS,
    "sub": "repo:octo/app:environment:prod",
    "repository": "octo/app",
    "repository_id": "74",
    "repository_owner": "octo",
    "ref": "refs/heads/main",
    "environment": "prod",
}
_GITLAB = {
    "iss": "https://gitlab.com",
    "aud": _OURS,
    "sub": "project_path:group/sub/app:ref_type:branch:ref:main",
    "project_path": "group/sub/app",
    "project_id": "22",
    "ref": "main",
    "ref_type": "branch",
}
_TAG = {"ref": "v1", "ref_type": "tag"}
_OWN_GITLAB = "https://git.example"
_KUBERNETES = {
    "iss": _CLUSTER,
    "aud": [_OURS],
    "sub": "system:serviceaccount:prod:runner",
    "kubernetes.io": {
        "namespace": "prod",
        "pod": {"name": "runner-1", "uid": "a"},
        "serviceaccount": {"name": "runner", "uid": "b"},
    },
}
_GOOGLE = {
    "iss": "https://accounts.google.com",
    "aud": _OURS,
    "azp": "1042",
    "sub": "1042",
    "email": "ci@proj.iam.gserviceaccount.com",
    "email_verified": True,
}
_AZURE = {
    "iss": f"https://login.microsoftonline.com/{_TID}/v2.0",
    "aud": "api://acme",
    "azp": _APP,
    "oid": _OID,
    "sub": _OID,
    "tid": _TID,
    "ver": "2.0",
}
_AZURE_1 = _AZURE | {"iss": f"https://sts.windows.net/{_TID}/", "appid": _APP, "ver": "1.0"}
_SPIFFE = {"iss": "https://spire.example", "aud": [_OURS], "sub": "spiffe://prod.example/ns/a/web"}

_ON_AZURE: dict[str, Any] = {"azure_tenant": _TID, "object_id": _OID, "audience": "api://acme"}
_IN_CLUSTER = {"issuer": _CLUSTER, "namespace": "prod", "service_account": "runner"}
_IN_DOMAIN = {"issuer": "https://spire.example", "trust_domain": "prod.example"}


def matches(rule: WorkloadRule, claims: dict[str, Any]) -> bool:
    return isinstance(match_workload(rule, claims, _OURS), Match)


@pytest.mark.parametrize(
    ("rule", "claims"),
    [
        (github("a", repository="octo/app"), _GITHUB),
        (github("a", repository="octo/*", ref="main"), _GITHUB),
        (github("a", repository_id="74", ref="refs/heads/main", environment="prod"), _GITHUB),
        (gitlab("a", project="group/sub/app"), _GITLAB),
        (gitlab("a", project_id="22", ref="main"), _GITLAB),
        (gitlab("a", project="group/**", ref="refs/heads/m*"), _GITLAB),
        (gitlab("a", project="group/**", ref="refs/tags/v*"), _GITLAB | _TAG),
        (gitlab("a", project_id="22", issuer=_OWN_GITLAB), _GITLAB | {"iss": _OWN_GITLAB}),
        (kubernetes("a", **_IN_CLUSTER), _KUBERNETES),
        (google("a", service_account="1042"), _GOOGLE),
        (google("a", service_account="ci@proj.iam.gserviceaccount.com"), _GOOGLE),
        (azure("a", **_ON_AZURE), _AZURE),
        (azure("a", **_ON_AZURE, app_id=_APP), _AZURE),
        (azure("a", **_ON_AZURE, app_id=_APP, token_version=1), _AZURE_1),
        (spiffe("a", **_IN_DOMAIN, path="/ns/a/web"), _SPIFFE),
        (spiffe("a", **_IN_DOMAIN, path="/ns/*/web"), _SPIFFE),
    ],
)  # fmt: skip
def test_a_preset_matches_what_its_platform_writes(
    rule: WorkloadRule, claims: dict[str, Any]
) -> None:
    assert matches(rule, claims)
    assert not matches(rule, claims | {"aud": "https://other.example"})
    assert not matches(rule, claims | {"iss": "https://other.example"})


@pytest.mark.parametrize(
    ("rule", "claims"),
    [
        pytest.param(
            github("a", repository="octo/app", ref="main"),
            _GITHUB | {"ref": "refs/pull/1/merge"},
            id="github-pull-request",
        ),
        pytest.param(
            github("a", repository="octo/app", environment="prod"),
            {name: value for name, value in _GITHUB.items() if name != "environment"},
            id="github-no-environment",
        ),
        pytest.param(
            github("a", repository="octo/app"),
            _GITHUB | {"repository": "octo-evil/app"},
            id="github-other-owner",
        ),
        pytest.param(
            gitlab("a", project_id="22", ref="main"),
            _GITLAB | {"ref_type": "tag"},
            id="gitlab-tag-of-the-branchs-name",
        ),
        pytest.param(
            kubernetes("a", **_IN_CLUSTER),
            {
                "iss": _CLUSTER,
                "aud": [_OURS],
                "sub": "system:serviceaccount:prod:runner",
                "kubernetes.io/serviceaccount/namespace": "prod",
                "kubernetes.io/serviceaccount/service-account.name": "runner",
            },
            id="kubernetes-token-of-a-secret",
        ),
        pytest.param(
            google("a", service_account="ci@proj.iam.gserviceaccount.com"),
            _GOOGLE | {"email_verified": False},
            id="google-unverified",
        ),
        pytest.param(
            azure("a", **_ON_AZURE, app_id=_APP), _AZURE | {"oid": "person"}, id="azure-person"
        ),
        pytest.param(azure("a", **_ON_AZURE), _AZURE_1, id="azure-other-version"),
        pytest.param(
            spiffe("a", **_IN_DOMAIN, path="/ns/*/web"),
            _SPIFFE | {"sub": "spiffe://prod.example.evil/ns/a/web"},
            id="spiffe-other-domain",
        ),
        pytest.param(spiffe("a", **_IN_DOMAIN, path="/ns/*"), _SPIFFE, id="spiffe-one-segment"),
    ],
)
def test_a_preset_does_not_match_what_is_like_it(
    rule: WorkloadRule, claims: dict[str, Any]
) -> None:
    assert not matches(rule, claims)


@pytest.mark.parametrize(
    ("preset", "parts"),
    [
        pytest.param("github", {}, id="github-nobody"),
        pytest.param("github", {"ref": "main"}, id="github-any-repository"),
        pytest.param("github", {"repository": "**"}, id="github-everybody"),
        pytest.param("gitlab", {"ref": "main"}, id="gitlab-any-project"),
        pytest.param("gitlab", {"project": "*/app"}, id="gitlab-any-group"),
        pytest.param("kubernetes", _IN_CLUSTER | {"issuer": "http://k.example"}, id="http"),
        pytest.param(
            "kubernetes", _IN_CLUSTER | {"namespace": "*", "service_account": "*"}, id="any-pod"
        ),
        pytest.param("google", {"service_account": "*"}, id="google-everybody"),
        pytest.param("azure", _ON_AZURE | {"azure_tenant": "*"}, id="azure-any-directory"),
        pytest.param("azure", _ON_AZURE | {"token_version": 3}, id="azure-version"),
        pytest.param("spiffe", _IN_DOMAIN | {"path": "ns/a"}, id="spiffe-path"),
        pytest.param(
            "spiffe", _IN_DOMAIN | {"path": "/a", "trust_domain": "*.example"}, id="spiffe-domain"
        ),
    ],
)
def test_a_preset_that_says_nobody_is_refused(preset: str, parts: dict[str, Any]) -> None:
    with pytest.raises(InvalidWorkload):
        PRESETS[preset]("a", **parts)
