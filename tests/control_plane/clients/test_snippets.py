"""What the snippets hold, and that each one whose tool is here gets a token as it stands."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from control_plane.clients.snippets import Caller, Snippet, snippets_for
from tests.support import MadeTenant

# Go's is not among them: its compiler takes a minute for its first program.
_RUN = {
    "curl": ("curl", "token.sh", ("sh",)),
    "Python": (sys.executable, "token_.py", (sys.executable,)),
    "Node": ("node", "token.mjs", ("node",)),
    "Java": ("java", "Token.java", ("java",)),
}


def caller(secret: str = "", scope: str = "read it's&all") -> Caller:
    return Caller(
        issuer="https://issuer.example/t/acme",
        slug="acme",
        client_id="c_1",
        client_secret=secret,
        scope=scope,
    )


def named(snippets: list[Snippet], name: str) -> str:
    return next(each.copied for each in snippets if each.name == name)


def test_each_snippet_holds_the_callers_values() -> None:
    secret = "as_cs_" + "s" * 49
    snippets = snippets_for(caller(secret, "read write"))
    assert [each.name for each in snippets] == [
        *("curl", "Python", "Node", "Go", "Java", "C#", "CLI", "Postman")
    ]
    for each in snippets:
        assert "c_1" in each.copied
        assert secret in each.copied
        assert all(scope in each.copied for scope in ("read", "write"))
        if each.name != "CLI":  # it knows the issuer
            assert "https://issuer.example/t/acme/oauth/token" in each.copied


def test_postman_is_given_a_collection() -> None:
    collection = json.loads(named(snippets_for(caller()), "Postman"))
    [item] = collection["item"]
    values = [
        {each["key"]: each["value"] for each in pairs}
        for pairs in (
            item["request"]["auth"]["basic"],
            item["request"]["body"]["urlencoded"],
            collection["variable"],
        )
    ]
    assert values == [
        {"username": "c_1", "password": "{{CLIENT_SECRET}}"},
        {"grant_type": "client_credentials", "scope": "read it's&all"},
        {"CLIENT_SECRET": ""},
    ]


@pytest.mark.parametrize("name", _RUN)
async def test_it_runs_as_it_stands(name: str, tenant: MadeTenant, tmp_path: Path) -> None:
    tool, file, command = _RUN[name]
    if shutil.which(tool) is None:
        pytest.skip(f"needs {tool}")
    client_id, secret = tenant.basic
    made = Caller(
        issuer=tenant.issuer,
        slug=tenant.slug,
        client_id=client_id,
        scope="read write",
    )
    program = tmp_path / file
    program.write_text(named(snippets_for(made), name))
    printed = await run(*command, str(program), CLIENT_SECRET=secret)
    assert printed.startswith("eyJ") or json.loads(printed)["scope"] == "read write", printed


async def run(*command: str, **variables: str) -> str:
    process: Any = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return str(printed.decode())
