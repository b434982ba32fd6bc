"""The doorbell: `NOTIFY` says that something was published, never what.

Who hears it reads the tables; who misses it finds the same at the next poll. The payload,
`tenant_id:version`, is for people who watch the channel.
"""

from shared.domain.ids import TenantId

CHANNEL = "doorbell"
RING = "SELECT pg_notify('doorbell', $1)"


def payload(tenant: TenantId, what: int | str) -> str:
    return f"{tenant}:{what}"
