"""Why token requests fail: of a tenant, of a client, or of one request that was refused."""
