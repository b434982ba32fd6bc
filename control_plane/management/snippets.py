"""What a program reads a new API key from, and its first request. Pure."""

import msgspec

from shared.domain.ids import ClientId


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """A new key, with where its tokens come from and what they are for."""

    client_id: ClientId
    client_secret: str
    token_endpoint: str
    audience: str

    def __repr__(self) -> str:
        return f"Credentials({self.client_id!r})"

    @property
    def dotenv(self) -> str:
        return (
            f"AUTH_TOKEN_URL={self.token_endpoint}\n"
            f"AUTH_CLIENT_ID={self.client_id}\n"
            f"AUTH_CLIENT_SECRET={self.client_secret}\n"
            f"AUTH_API={self.audience}v1\n"
        )

    @property
    def curl(self) -> str:
        """Ask for a token and list the tenants, with the variables of the file above."""
        return (
            "set -a; . ./api-key.env; set +a\n"
            'TOKEN=$(curl -s "$AUTH_TOKEN_URL" -u "$AUTH_CLIENT_ID:$AUTH_CLIENT_SECRET" \\\n'
            "  -d grant_type=client_credentials |\n"
            "  python3 -c 'import json, sys; print(json.load(sys.stdin)[\"access_token\"])')\n"
            'curl -s "$AUTH_API/tenants" -H "Authorization: Bearer $TOKEN"'
        )
