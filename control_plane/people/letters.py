"""What we write to people about their sign-in. Pure."""

from collections.abc import Callable
from typing import TypeAlias

from control_plane.mail.rules import Letter

Writer: TypeAlias = Callable[[str, str], Letter]  # to, console_url

_NOT_YOU = "If it was not you, ask for a new password at once, and tell us."


def verification(to: str, console_url: str, token: str) -> Letter:
    return Letter(
        to=to,
        kind="verification",
        subject="Confirm your e-mail address",
        words=("Welcome. Confirm your address, and your first token is a minute away.",),
        button="Confirm my address",
        link=f"{console_url}/verify?token={token}",
    )


def already_registered(to: str, console_url: str) -> Letter:
    return Letter(
        to=to,
        kind="already registered",
        subject="You already have an account",
        words=(
            "Someone, perhaps you, tried to sign up with this address. It has an account already.",
        ),
        button="Sign in",
        link=f"{console_url}/signin",
    )


def password_reset(to: str, console_url: str, token: str) -> Letter:
    return Letter(
        to=to,
        kind="password reset",
        subject="Choose a new password",
        words=("Use this link within an hour to choose a new password.",),
        button="Choose a new password",
        link=f"{console_url}/reset/choose?token={token}",
    )


def password_changed(to: str, console_url: str) -> Letter:
    return Letter(
        to=to,
        kind="password changed",
        subject="Your password was changed",
        words=("Your password was changed, and every other session was ended.",),
        button="Sign in",
        link=f"{console_url}/signin",
        ending=_NOT_YOU,
    )


def passkey_added(to: str, console_url: str) -> Letter:
    return Letter(
        to=to,
        kind="passkey added",
        subject="A passkey was added",
        words=("From now on a new passkey signs you in, without your password.",),
        button="Your security",
        link=f"{console_url}/you",
        ending=_NOT_YOU,
    )


def second_factor_on(to: str, console_url: str) -> Letter:
    return Letter(
        to=to,
        kind="second factor on",
        subject="A second factor was set up",
        words=("From now on we ask for a code of your authenticator app when you sign in.",),
        button="Your security",
        link=f"{console_url}/you",
        ending=_NOT_YOU,
    )


def second_factor_off(to: str, console_url: str) -> Letter:
    return Letter(
        to=to,
        kind="second factor off",
        subject="Your second factor was turned off",
        words=("We ask for no code of an authenticator app any more when you sign in.",),
        button="Your security",
        link=f"{console_url}/you",
        ending=_NOT_YOU,
    )
