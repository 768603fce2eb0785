"""The gateway's durable memory: hash-chained, one writer, never ahead of the disk."""

from gateway.journal.engine import JournalError, StorageShort
from gateway.journal.recording import Desk, Handed, Recorded
from gateway.journal.store import Journal, opened

__all__ = ["Desk", "Handed", "Journal", "JournalError", "Recorded", "StorageShort", "opened"]
