"""The first token request in the customer's own language, with their own values. Pure.

Each needs nothing but the language itself, so that it works where it is pasted.
"""

import json
import shlex

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
        "Java": _java(caller),
        "C#": _csharp(caller),
        "CLI": _cli(caller),
        "Postman": _postman(caller),
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
    # a scope may hold what a shell or a form reads otherwise, such as ' and & (RFC 6749 s3.3)
    return f" \\\n  --data-urlencode {shlex.quote(f'scope={caller.scope}')}" if caller.scope else ""


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


def _java(caller: Caller) -> str:
    secret = f'"{caller.client_secret}"' if caller.client_secret else f'System.getenv("{SECRET}")'
    return f"""import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

public class Token {{ // save as Token.java, run by: java Token.java
    public static void main(String[] args) throws Exception {{
        var clientId = "{caller.client_id}";
        var clientSecret = {secret};

        var form = "grant_type=client_credentials&scope="
            + URLEncoder.encode("{caller.scope}", StandardCharsets.UTF_8);
        var basic = Base64.getEncoder().encodeToString(
            (clientId + ":" + clientSecret).getBytes(StandardCharsets.UTF_8));
        var request = HttpRequest.newBuilder(URI.create("{caller.issuer}/oauth/token"))
            .header("Authorization", "Basic " + basic)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofString(form))
            .build();
        var answer = HttpClient.newHttpClient()
            .send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.body());
    }}
}}"""


def _csharp(caller: Caller) -> str:
    known = f'"{caller.client_secret}"'
    secret = known if caller.client_secret else f'Environment.GetEnvironmentVariable("{SECRET}")'
    return f"""// Program.cs of `dotnet new console`
using System.Net.Http.Headers;
using System.Text;

var clientId = "{caller.client_id}";
var clientSecret = {secret};

var basic = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{{clientId}}:{{clientSecret}}"));
using var http = new HttpClient();
http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", basic);

var form = new FormUrlEncodedContent(new Dictionary<string, string>
{{
    ["grant_type"] = "client_credentials",
    ["scope"] = "{caller.scope}",
}});
var answer = await http.PostAsync("{caller.issuer}/oauth/token", form);
Console.WriteLine(await answer.Content.ReadAsStringAsync());"""


def _postman(caller: Caller) -> str:
    """Give a collection: Postman takes it under Import, as raw text."""
    password = caller.client_secret or f"{{{{{SECRET}}}}}"
    form = {"grant_type": "client_credentials"} | ({"scope": caller.scope} if caller.scope else {})
    request = {
        "method": "POST",
        "auth": {
            "type": "basic",
            "basic": _pairs({"username": caller.client_id, "password": password}),
        },
        "url": f"{caller.issuer}/oauth/token",
        "body": {"mode": "urlencoded", "urlencoded": _pairs(form)},
    }
    collection = {
        "info": {
            "name": f"{caller.slug}: token of {caller.client_id}",
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "item": [{"name": "Get a token", "request": request}],
        "variable": [] if caller.client_secret else _pairs({SECRET: ""}),
    }
    return json.dumps(collection, indent=2)


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": name, "value": value, "type": "text"} for name, value in values.items()]


def _cli(caller: Caller) -> str:
    given = f"{SECRET}='{caller.client_secret}' " if caller.client_secret else ""
    scopes = "".join(f" --scope {shlex.quote(each)}" for each in caller.scope.split())
    return (
        f"{given}auth-service token get --tenant {caller.slug}"
        f" --client-id {caller.client_id}{scopes}"
    )
