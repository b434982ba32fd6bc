"""The rules that most people want, in their platform's own words.

Every value may be a pattern where the rule still says who it is. Each raises InvalidWorkload.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from shared.domain.workload import (
    GITHUB,
    GITLAB,
    GOOGLE,
    InvalidWorkload,
    WorkloadRule,
    check_workload_rule,
)

_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"


def github(
    name: str,
    *,
    repository: str | None = None,
    repository_id: str | None = None,
    ref: str | None = None,
    environment: str | None = None,
    audience: str | None = None,
) -> WorkloadRule:
    """A GitHub Actions job, by `repository` (owner/name) or better by `repository_id`.

    A name that is given up can be taken by another; an id cannot. Not by `sub`: its form differs
    with the trigger, and the repository may choose it. `ref` alone lets a branch's every workflow
    in; an `environment` has reviewers.
    """
    claims = {
        "repository": repository,
        "repository_id": repository_id,
        "ref": _full_ref(ref),
        "environment": environment,
    }
    return _rule(name, GITHUB, claims, audience)


def gitlab(
    name: str,
    *,
    project: str | None = None,
    project_id: str | None = None,
    ref: str | None = None,
    issuer: str = GITLAB,
    audience: str | None = None,
) -> WorkloadRule:
    """A GitLab CI job, by `project_path` (group/name) or better by `project_id`, as for GitHub.

    A merge request from a fork has the fork's path and id. `ref_type` is pinned with `ref`: a tag
    may have a branch's name. `issuer` is the GitLab of one's own.
    """
    claims: dict[str, str | None] = {"project_path": project, "project_id": project_id}
    if ref is not None:
        is_tag = ref.startswith(_TAGS)
        claims["ref"] = ref.removeprefix(_TAGS).removeprefix(_BRANCHES)
        claims["ref_type"] = "tag" if is_tag else "branch"
    return _rule(name, issuer, claims, audience)


def kubernetes(
    name: str,
    *,
    issuer: str,
    namespace: str,
    service_account: str,
    audience: str | None = None,
) -> WorkloadRule:
    """A pod, by its namespace and service account (a projected token).

    The two nested claims are in tokens that are bound to a pod and expire, and not in the old ones
    of a Secret, which never do.
    """
    claims = {
        "/kubernetes.io/namespace": namespace,
        "/kubernetes.io/serviceaccount/name": service_account,
    }
    return _rule(name, issuer, claims, audience)


def google(name: str, *, service_account: str, audience: str | None = None) -> WorkloadRule:
    """A Google service account, by its e-mail address or better by its unique id (`sub`).

    An address can be used again once its account is deleted; the id of digits cannot.
    """
    if service_account.isdecimal():
        return _rule(name, GOOGLE, {"sub": service_account}, audience)
    claims = {"email": service_account, "email_verified": "true"}
    return _rule(name, GOOGLE, claims, audience)


def azure(
    name: str,
    *,
    azure_tenant: str,
    object_id: str,
    audience: str,
    app_id: str | None = None,
    token_version: int = 2,
) -> WorkloadRule:
    """A managed identity or service principal of Microsoft Entra, by `tid` and `oid`.

    `oid` is the principal's object id, not its application's: with the application's id alone a
    person's token for that application would do. Entra's audiences are names of its own, so one is
    needed. `token_version` is the API registration's: version 1 has another issuer.
    """
    _refuse_stars(azure_tenant, "a directory")
    match token_version:
        case 1:
            issuer, app_claim = f"https://sts.windows.net/{azure_tenant}/", "appid"
        case 2:
            issuer, app_claim = f"https://login.microsoftonline.com/{azure_tenant}/v2.0", "azp"
        case _:
            raise InvalidWorkload("Entra's tokens have version 1 or 2")
    claims = {"tid": azure_tenant, "oid": object_id, app_claim: app_id}
    return _rule(name, issuer, claims, audience)


def spiffe(
    name: str, *, issuer: str, trust_domain: str, path: str, audience: str | None = None
) -> WorkloadRule:
    """A workload with a JWT-SVID, by its SPIFFE ID: `path` begins with a slash.

    The issuer is what the trust domain's server writes as `iss` (SPIRE: `jwt_issuer`).
    """
    _refuse_stars(trust_domain, "a trust domain")
    if not path.startswith("/"):
        raise InvalidWorkload("the path of a SPIFFE ID begins with a slash")
    return _rule(name, issuer, {"sub": f"spiffe://{trust_domain}{path}"}, audience)


PRESETS: MappingProxyType[str, Callable[..., WorkloadRule]] = MappingProxyType(
    {
        "github": github,
        "gitlab": gitlab,
        "kubernetes": kubernetes,
        "google": google,
        "azure": azure,
        "spiffe": spiffe,
    }
)


def _rule(
    name: str, issuer: str, claims: Mapping[str, str | None], audience: str | None
) -> WorkloadRule:
    patterns = {claim: pattern for claim, pattern in claims.items() if pattern is not None}
    rule = WorkloadRule(name=name, issuer=issuer, claims=patterns, audience=audience)
    check_workload_rule(rule)
    return rule


def _full_ref(ref: str | None) -> str | None:
    """Take a name without `refs/` for a branch's."""
    return ref if ref is None or ref.startswith("refs/") else f"{_BRANCHES}{ref}"


def _refuse_stars(text: str, thing: str) -> None:
    if "*" in text:
        raise InvalidWorkload(f"{thing} has one name: it takes no *")
