"""The first token request in the customer's own language, with their own values. Pure.

Each needs nothing but the language itself, so that it works where it is pasted.
"""

import msgspec

SECRET = "CLIENT_SECRET"  # the variable that a snippet reads where the secret is not known any more
_MASK = "•" * 12
_SHOWN = 10  # characters of a masked secret: its prefix, which is no secret


class Snippet(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    shown: str  # with the secret masked
    copied: str

    def __repr__(self) -> str:
        return f"Snippet({self.name!r})"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Whose values the snippets hold."""

    issuer: str
    slug: str
    client_id: str
    client_secret: str = ""  # empty: it was shown before, and is not known any more
    scope: str = ""

    def __repr__(self) -> str:
        return f"Caller({self.client_id!r})"


def snippets_for(caller: Caller) -> list[Snippet]:
    made = {
        "curl": _curl(caller),
        "Python": _python(caller),
        "Node": _node(caller),
        "Go": _go(caller),
        "CLI": _cli(caller),
    }
    return [
        Snippet(name=name, shown=masked(text, caller.client_secret), copied=text)
        for name, text in made.items()
    ]


def masked(text: str, secret: str) -> str:
    if not secret:
        return text
    return text.replace(secret, f"{secret[:_SHOWN]}{_MASK}{secret[-4:]}")


def dotenv(caller: Caller) -> str:
    """What a service reads its credentials from."""
    return (
        f"AUTH_ISSUER={caller.issuer}\n"
        f"AUTH_TOKEN_URL={caller.issuer}/oauth/token\n"
        f"AUTH_CLIENT_ID={caller.client_id}\n"
        f"AUTH_CLIENT_SECRET={caller.client_secret}\n"
    )


def _curl(caller: Caller) -> str:
    secret = caller.client_secret or f"'\"${SECRET}\"'"
    return (
        f"curl -s {caller.issuer}/oauth/token \\\n"
        f"  -u '{caller.client_id}:{secret}' \\\n"
        f"  -d grant_type=client_credentials{_scope_line(caller)}"
    )


def _scope_line(caller: Caller) -> str:
    return f" \\\n  -d 'scope={caller.scope}'" if caller.scope else ""


def _python(caller: Caller) -> str:
    secret = f'"{caller.client_secret}"' if caller.client_secret else f'os.environ["{SECRET}"]'
    return f"""import base64, json, os, urllib.parse, urllib.request

client_id = "{caller.client_id}"
client_secret = {secret}

form = {{"grant_type": "client_credentials", "scope": "{caller.scope}"}}
request = urllib.request.Request(
    "{caller.issuer}/oauth/token",
    data=urllib.parse.urlencode(form).encode(),
)
basic = base64.b64encode(f"{{client_id}}:{{client_secret}}".encode()).decode()
request.add_header("Authorization", "Basic " + basic)
print(json.load(urllib.request.urlopen(request))["access_token"])"""


def _node(caller: Caller) -> str:
    secret = f'"{caller.client_secret}"' if caller.client_secret else f"process.env.{SECRET}"
    return f"""const clientId = "{caller.client_id}";
const clientSecret = {secret};

const answer = await fetch("{caller.issuer}/oauth/token", {{
  method: "POST",
  headers: {{ Authorization: "Basic " + btoa(`${{clientId}}:${{clientSecret}}`) }},
  body: new URLSearchParams({{ grant_type: "client_credentials", scope: "{caller.scope}" }}),
}});
console.log((await answer.json()).access_token); // save as token.mjs"""


def _go(caller: Caller) -> str:
    secret = f'"{caller.client_secret}"' if caller.client_secret else f'os.Getenv("{SECRET}")'
    used = "" if caller.client_secret else '\t"os"\n'
    return f"""package main

import (
\t"fmt"
\t"io"
\t"net/http"
\t"net/url"
{used}\t"strings"
)

func main() {{
\tform := url.Values{{"grant_type": {{"client_credentials"}}, "scope": {{"{caller.scope}"}}}}
\trequest, _ := http.NewRequest("POST", "{caller.issuer}/oauth/token",
\t\tstrings.NewReader(form.Encode()))
\trequest.Header.Set("Content-Type", "application/x-www-form-urlencoded")
\trequest.SetBasicAuth("{caller.client_id}", {secret})
\tanswer, err := http.DefaultClient.Do(request)
\tif err != nil {{
\t\tpanic(err)
\t}}
\tbody, _ := io.ReadAll(answer.Body)
\tfmt.Println(string(body))
}}"""


def _cli(caller: Caller) -> str:
    given = f"{SECRET}='{caller.client_secret}' " if caller.client_secret else ""
    scopes = "".join(f" --scope {each}" for each in caller.scope.split())
    return (
        f"{given}auth-service token get --tenant {caller.slug}"
        f" --client-id {caller.client_id}{scopes}"
    )
