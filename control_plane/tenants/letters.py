"""What we write to an account's owners about its tenants. Pure."""

from datetime import datetime

from control_plane.mail.rules import Letter


def deletion_asked(to: str, *, console_url: str, slug: str, who: str, goes: datetime) -> Letter:
    return Letter(
        to=to,
        kind="deletion asked",
        subject=f"The tenant {slug} will be deleted",
        words=(
            f"{who} has asked for the deletion of the tenant {slug}. It issues no tokens any more.",
            f"On {goes:%Y-%m-%d at %H:%M} UTC all that it has is gone. Until then you can keep it.",
        ),
        button="Look at the tenant",
        link=f"{console_url}/tenants/{slug}/settings",
        ending="If this is as it should be, there is nothing to do.",
    )
