"""The letters that we send: their words, as text and as HTML. Pure.

Links come from the configuration alone, never from a request (hostile-inputs.md I12).
"""

from html import escape

import msgspec


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    to: str
    subject: str
    words: tuple[str, ...]  # paragraphs
    button: str = ""  # what the link says
    link: str = ""
    ending: str = "If you did not ask for this, ignore this letter."
    kind: str = "other"  # what support counts it under

    def __repr__(self) -> str:
        return f"Letter({self.subject!r})"  # its link may be a secret


def domain_of(address: str) -> str:
    """Give what support may know of an address: whose mail server it is."""
    return address.rpartition("@")[2].lower()


def text_of(letter: Letter) -> str:
    parts = [*letter.words, *([letter.link] if letter.link else []), letter.ending]
    return "\n\n".join(parts) + "\n"


def html_of(letter: Letter) -> str:
    """Give a page of tables, as mail programs want it; everything that varies is escaped."""
    paragraphs = "".join(f'<p style="margin:0 0 16px">{escape(each)}</p>' for each in letter.words)
    button = (
        f'<p style="margin:0 0 16px"><a href="{escape(letter.link)}" style="background:#3b4fd8;'
        "color:#ffffff;padding:10px 18px;border-radius:6px;text-decoration:none;"
        f'display:inline-block">{escape(letter.button)}</a></p>'
        if letter.link
        else ""
    )
    ending = f'<p style="margin:0;color:#4d5866;font-size:13px">{escape(letter.ending)}</p>'
    return (
        '<!doctype html><html lang="en"><body style="margin:0;background:#f7f8fa">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr>'
        '<td align="center" style="padding:32px 12px"><table role="presentation" width="480" '
        'cellpadding="0" cellspacing="0" style="max-width:480px;background:#ffffff;'
        'border:1px solid #e1e5eb;border-radius:8px"><tr><td style="padding:28px;'
        'font:15px/1.5 Helvetica,Arial,sans-serif;color:#161b22"><p style="margin:0 0 16px">'
        f"<strong>auth-service</strong></p>{paragraphs}{button}{ending}"
        "</td></tr></table></td></tr></table></body></html>"
    )
