"""Our own staff, who sign in to the support app: accounts, roles, sign-in, grants, the journal."""
