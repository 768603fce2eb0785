"""Notices: decided and numbered inside the transaction that stores, announced after it."""
