"""A person with a second factor, as tests of several features need one."""

import re
import time

import msgspec

from control_plane.second_factors.rules import STEP, code_at
from tests.control_plane.people.browsing import PASSWORD, Browser, Console

_SECRET = re.compile(r'<code id="secret">([A-Z2-7]+)</code>')
_SEALED = re.compile(r'name="sealed" value="([^"]+)"')
_CODE = re.compile(r"<li><code>([a-z0-9-]+)</code>")


class App(msgspec.Struct):
    """An authenticator app. Its clock goes ahead a step at a time, so that each code is another."""

    secret: str
    ahead: int = -1

    @property
    def code(self) -> str:
        return code_at(self.secret, int(time.time()) // STEP + self.ahead)


async def begin_set_up(browser: Browser) -> tuple[App, str]:
    """Give the app that has read the secret, and the set-up as the page holds it."""
    page = await browser.see("/you/second-factor")
    secret, sealed = _SECRET.search(page.text), _SEALED.search(page.text)
    assert secret
    assert sealed
    return App(secret[1]), sealed[1]


async def set_up(browser: Browser) -> tuple[App, list[str]]:
    """Turn the second factor on; give the app, and the recovery codes."""
    app, sealed = await begin_set_up(browser)
    answer = await browser.fill("/you/second-factor", sealed=sealed, code=app.code)
    assert answer.status_code == 200
    app.ahead += 1
    return app, _CODE.findall(answer.text)


async def half_signed_in(console: Console, email: str, **fields: str) -> Browser:
    browser = console.browser()
    await browser.see("/signin")
    answer = await browser.fill("/signin", email=email, password=PASSWORD, **fields)
    await browser.see(answer.headers["location"])
    return browser
