"""What we write to people about their sign-in. Pure."""

from control_plane.mail.rules import Letter


def verification(to: str, console_url: str, token: str) -> Letter:
    return Letter(
        to=to,
        subject="Confirm your e-mail address",
        words=("Welcome. Confirm your address, and your first token is a minute away.",),
        button="Confirm my address",
        link=f"{console_url}/verify?token={token}",
    )


def already_registered(to: str, console_url: str) -> Letter:
    return Letter(
        to=to,
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
        subject="Choose a new password",
        words=("Use this link within an hour to choose a new password.",),
        button="Choose a new password",
        link=f"{console_url}/reset/choose?token={token}",
    )


def password_changed(to: str, console_url: str) -> Letter:
    return Letter(
        to=to,
        subject="Your password was changed",
        words=("Your password was changed, and you were signed out everywhere.",),
        button="Sign in",
        link=f"{console_url}/signin",
        ending="If it was not you, ask for a new password at once, and tell us.",
    )
