"""Checks of the account and the tenant: what stops every client of theirs. Pure."""

import json
from datetime import timedelta

from control_plane.support.diagnosis.seen import Seen, Told, told_of
from shared.domain.snapshot import KeyState, TenantStatus
from shared.domain.suspension import SuspensionKind

MONTH_USED, RATE_USED = "tokens of this month", "rate of token requests"  # as the reasons say it
_MOVED = "tenant.set_status"
_OVERDUE = timedelta(hours=1)
_SHOWN = 3  # changes


def look_at_account(seen: Seen) -> Told | str:
    match seen.suspended:
        case None:
            return "Support has suspended nothing."
        case SuspensionKind.CONSOLE:
            return "Support has closed the console; tokens are issued on."
        case SuspensionKind.TOKENS | SuspensionKind.FULL:
            return Told(
                found="Support has suspended the account: no tenant of it issues tokens.",
                tell="We have stopped your account's tokens. Ask us why: live ones still verify.",
                evidence=(f"Suspended: {seen.suspended}. The reason is with the suspension.",),
            )


def look_at_tenant(seen: Seen) -> Told | str:
    if seen.status is TenantStatus.DELETED:
        return Told(found="The tenant is deleted.", tell="It is gone, with all that it had.")
    if seen.deletes_at is not None:
        return Told(
            found="The tenant is on its way out and issues no tokens.",
            tell="Somebody of yours asked for its deletion: undo it under Settings until then.",
            evidence=(f"It goes on {seen.deletes_at:%Y-%m-%d %H:%M} UTC.",),
        )
    if seen.status is TenantStatus.SUSPENDED:
        return Told(
            found="The customer has suspended the tenant: it issues no tokens.",
            tell="Somebody of yours suspended it: resume it under Settings.",
            evidence=_changes(seen),
        )
    return _suspended_then(seen) or "It is active."


def _suspended_then(seen: Seen) -> Told | None:
    """Tell of a suspension that was over after the request."""
    if not seen.is_refused_as("invalid_client"):
        return None
    moved = [each for each in seen.later if each.action == _MOVED]
    if not moved or json.loads(moved[0].before or "{}").get("status") != TenantStatus.SUSPENDED:
        return None
    return Told(
        found="The tenant was suspended when the request came; it is active again.",
        tell=f"It was suspended until {moved[0].at:%Y-%m-%d %H:%M:%S} UTC. Try again.",
        evidence=_changes(seen),
    )


def look_at_month(seen: Seen) -> Told | str:
    month = seen.limits.month
    if month is None:
        return f"{seen.used:,} tokens this month; the account has no limit."
    said = f"{seen.used:,} of {month.announced:,} tokens this month."
    over = MONTH_USED in seen.reason
    if seen.used >= month.allowed and not seen.limits.observed:
        return Told(
            found="The account's tokens of this month are used up, for all its tenants.",
            tell="Move to a larger plan, or buy overage under Billing; else it goes on next month.",
            evidence=(said, f"At {month.allowed:,} no more are issued."),
        )
    if over:
        return Told(
            found="The month's tokens were used up then; there is room again.",
            tell="Your limit has been raised since, or a new month has begun. Try again.",
            evidence=(said,),
        )
    return said


def look_at_rate(seen: Seen) -> Told | str:
    rate, limited = seen.limits.rate, seen.counts.get("limited", 0)
    said = "The tenant has no rate limit."
    if rate is not None:
        said = f"{rate.per_second:,} token requests a second, {rate.burst:,} at once."
    # what was limited for the month's tokens is counted as the same event
    by_month = MONTH_USED in seen.reason or isinstance(look_at_month(seen), Told)
    if RATE_USED not in seen.reason and (by_month or not limited):
        return said
    whose = "The client asks" if "client's" in seen.reason else "The tenant's clients ask"
    return Told(
        found=f"{whose} for tokens faster than the limit allows.",
        tell="Keep each token until it expires: a service that does asks once for each lifetime. "
        "If you need more, move to a larger plan.",
        evidence=(said, *_own_rate(seen), f"{limited:,} over a limit, this hour and the last."),
    )


def _own_rate(seen: Seen) -> tuple[str, ...]:
    own = seen.client.rate if seen.client else None
    if own is None:
        return ()
    return (f"The client's own limit: {own.per_second:,} a second, {own.burst:,} at once.",)


def look_at_keys(seen: Seen) -> Told | str:
    """Each API has an algorithm, and none signs without a current key of it."""
    signing = {each.algorithm for each in seen.keys if each.state is KeyState.CURRENT}
    if seen.status is TenantStatus.DELETED:
        return "It has none any more."
    if not signing:
        return Told(
            found="The tenant has no key that signs.",
            tell="It is on our side, and we are on it.",
            evidence=("Have somebody run `auth-service keys list` and look at the jobs' log.",),
        )
    late = [
        each.kid
        for each in seen.keys
        if each.signs_at is not None and each.signs_at < seen.now - _OVERDUE
    ]
    if late:
        return Told(
            found="A rotation of the signing keys is overdue: the jobs do not run.",
            tell="Tokens are issued with the key from before; nothing is to be done on your side.",
            evidence=tuple(f"Key {kid} was to sign by now." for kid in late),
        )
    return f"Current keys: {', '.join(sorted(signing))}."


def look_at_publishing(seen: Seen) -> Told | str:
    if not seen.applying:
        return "The data plane has the tenant's last limits."
    return Told(
        found="A change of the account is not in what the data plane serves yet.",
        tell="It takes a second or two. Try again.",
        evidence=("If it stays so, the jobs do not run: see Jobs and mail.",),
    )


def _changes(seen: Seen) -> tuple[str, ...]:
    return tuple(map(told_of, [each for each in seen.changes if each.action == _MOVED][-_SHOWN:]))
