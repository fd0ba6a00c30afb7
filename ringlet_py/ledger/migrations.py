"""How the embedded ledger came to its present form, one step a version; part of the embedded engine."""

from __future__ import annotations

# Step n takes a ledger from version n to n + 1, statement by statement.  A step that was released is never changed.
# STRICT tables would want SQLite 3.37, and Python 3.11 is found with older ones (3.34 on RHEL 9).
MIGRATIONS = (
    (
        """
        CREATE TABLE entries (
            provider TEXT NOT NULL,
            alias TEXT NOT NULL,
            backend TEXT NOT NULL,
            created_at TEXT NOT NULL,
            replaced_at TEXT NOT NULL,
            PRIMARY KEY (provider, alias)
        ) WITHOUT ROWID
        """,
    ),
)
