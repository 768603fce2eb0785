"""Commands kept in a table, and repeated until the gateway replies (CUSTODY.md 16)."""
