"""Looking at every page of an app in Chromium: axe finds nothing, no policy is broken, and a phone
need not scroll sideways. With SCREENSHOTS=directory there is a picture of each.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from playwright.async_api import BrowserContext, Page, ViewportSize

from tests.control_plane.routes import Route, Search
from tests.interop.node import install, skip_without_node

CHROMIUM = shutil.which("chromium")
DESK: ViewportSize = {"width": 1280, "height": 900}
PATIENCE = 60_000  # milliseconds
_NPM = Path(__file__).parent / "npm"
_PHONE: ViewportSize = {"width": 390, "height": 844}
_AT_ONCE = 2  # pages of each context

_RUN_AXE = "more => axe.run(document, {resultTypes: ['violations'], preload: false, ...more})"
_OF_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}  # what the dark theme changes
_LINKS = "() => [...document.links].map(each => each.pathname)"
_WIDTH = "document.documentElement.scrollWidth"


class _Looked(msgspec.Struct, frozen=True):
    links: set[str]
    wrong: list[str]


def axe_script() -> str:
    """Give axe-core's text; skip where there is no Node.js to have it by."""
    skip_without_node("axe-core (npm) was not run")
    install(_NPM)
    return (_NPM / "node_modules/axe-core/axe.min.js").read_text()


class _Eye:
    """A page of the browser in which one path after the other is looked at, and what it says."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda each: self.said.append(f"{each.type}: {each.text}"))
        page.on("pageerror", lambda each: self.said.append(f"error: {each}"))


async def look_at_all(
    search: Search, contexts: Mapping[bool, BrowserContext], axe: str, status: Mapping[str, int]
) -> list[str]:
    """Give what is wrong with the pages. `contexts` has a visitor's under True, for what is open;
    `status` those paths whose status is another than 200.
    """
    idle, wrong = {each: asyncio.Queue[_Eye]() for each in contexts}, list[str]()
    for is_open, context in contexts.items():
        await context.add_init_script(axe)
        for _ in range(_AT_ONCE):
            idle[is_open].put_nowait(_Eye(await context.new_page()))

    async def look(route: Route, path: str) -> None:
        eye = await idle[route.is_open].get()
        seen = await _look_at(eye, path, status.get(path, 200))
        idle[route.is_open].put_nowait(eye)
        search.follow(seen.links)
        wrong.extend(seen.wrong)

    while pages := search.next():
        await asyncio.gather(*(look(route, path) for route, path in pages))
    return wrong


async def _look_at(eye: _Eye, path: str, status: int) -> _Looked:
    page = eye.page
    eye.said.clear()
    await page.set_viewport_size(DESK)
    answer = await page.goto(path)
    assert answer is not None, path
    if not (await answer.text()).startswith("<!doctype html>"):
        return _Looked(set(), [])  # a piece of a page
    wrong = [] if answer.status == status else [f"status {answer.status}"]
    for theme, rules in (("light", {}), ("dark", _OF_COLOURS)):
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        found = await page.evaluate(_RUN_AXE, rules)
        wrong += [f"{theme}: {_told(each)}" for each in found["violations"]]
        await _keep_picture(page, path, theme)
    await page.set_viewport_size(_PHONE)
    width = await page.evaluate(_WIDTH)
    wrong += [f"{width} px wide on a phone"] if width > _PHONE["width"] else []
    await _keep_picture(page, path, "phone")
    links = set(await page.evaluate(_LINKS))
    # that a page is not found, or a link too old, the browser says as well
    wrong += [
        each for each in eye.said if each.startswith(("error", "warning")) and " 4" not in each
    ]
    return _Looked(links, [f"{path}: {each}" for each in wrong])


def _told(violation: dict[str, Any]) -> str:
    places = ", ".join(str(each["target"]) for each in violation["nodes"])
    return f"{violation['id']} ({violation['help']}) at {places}"


async def _keep_picture(page: Page, path: str, kind: str) -> None:
    directory = os.environ.get("SCREENSHOTS")
    if directory:
        name = path.strip("/").replace("/", "-") or "start"
        await page.screenshot(path=f"{directory}/{name}-{kind}.png", full_page=True)
