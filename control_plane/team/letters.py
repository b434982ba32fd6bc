"""What we write to people about the accounts they are members of. Pure."""

from control_plane.mail.rules import Letter


def invitation(
    to: str, *, console_url: str, account: str, role: str, inviter: str, token: str
) -> Letter:
    return Letter(
        to=to,
        kind="invitation",
        subject="You are invited to an account",
        words=(
            f"{inviter} invites you to the account {account}, as {role}.",
            "The link is good once, for seven days.",
        ),
        button="Look at the invitation",
        link=f"{console_url}/invitation?token={token}",
        ending="If you do not know who this is, ignore this letter: nothing happens.",
    )
