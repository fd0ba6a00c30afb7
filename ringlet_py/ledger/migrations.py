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
    # what a key is for, whose it is, and until when
    (
        *(
            f"ALTER TABLE entries ADD COLUMN {name} TEXT NOT NULL DEFAULT ''"
            for name in ("label", "org", "tier", "source", "login", "batch", "expires_at", "max_uses", "base_url")
        ),
        "ALTER TABLE entries ADD COLUMN owner TEXT NOT NULL DEFAULT 'everyone'",
        "ALTER TABLE entries ADD COLUMN active INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE entries ADD COLUMN weight REAL NOT NULL DEFAULT 1.0",
        "ALTER TABLE entries ADD COLUMN secrets TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE entries ADD COLUMN fingerprint TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX entries_by_fingerprint ON entries (fingerprint) WHERE fingerprint <> ''",
    ),
    # sealed values, and the data keys that open them, wrapped by the master key
    (
        """
        CREATE TABLE sealed_keys (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            store TEXT NOT NULL,
            scheme TEXT NOT NULL,
            master TEXT NOT NULL,
            slot TEXT NOT NULL,
            salt BLOB NOT NULL,
            nonce BLOB NOT NULL,
            ciphertext BLOB NOT NULL
        )
        """,
        """
        CREATE TABLE sealed_values (
            address TEXT NOT NULL PRIMARY KEY,
            scheme TEXT NOT NULL,
            key_id TEXT NOT NULL,
            nonce BLOB NOT NULL,
            ciphertext BLOB NOT NULL
        ) WITHOUT ROWID
        """,
        "CREATE INDEX sealed_values_by_key ON sealed_values (key_id)",
    ),
    # who may be handed out and what was: read `sqlite_claims` for what the tables mean
    (
        """
        CREATE TABLE claiming (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            identity TEXT NOT NULL,
            version INTEGER NOT NULL DEFAULT 0,
            boot TEXT NOT NULL DEFAULT '',
            base INTEGER NOT NULL DEFAULT 0,
            latest INTEGER NOT NULL DEFAULT 0,
            skew INTEGER NOT NULL DEFAULT 0
        )
        """,
        "INSERT INTO claiming (id, identity) VALUES (1, lower(hex(randomblob(6))))",
        "CREATE TABLE documents (kind TEXT, name TEXT, text TEXT NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID",
        *(
            f"CREATE TRIGGER {table}_after_{verb} AFTER {verb} ON {table} "  # noqa: S608 - the names are ours
            "BEGIN UPDATE claiming SET version = version + 1; END"
            for table in ("entries", "documents")
            for verb in ("INSERT", "UPDATE", "DELETE")
        ),
        """
        CREATE TABLE turns (
            id INTEGER PRIMARY KEY,
            pool TEXT NOT NULL,
            provider TEXT NOT NULL,
            feature TEXT NOT NULL,
            policy TEXT NOT NULL,
            version TEXT NOT NULL,
            members INTEGER NOT NULL DEFAULT 0,
            cursor TEXT NOT NULL DEFAULT '',
            moment INTEGER NOT NULL DEFAULT 0,
            UNIQUE (pool, provider, feature)
        )
        """,
        """
        CREATE TABLE standings (
            turn INTEGER NOT NULL,
            address TEXT NOT NULL,
            org TEXT NOT NULL,
            expires_at INTEGER NOT NULL,
            weight REAL NOT NULL,
            key_set TEXT NOT NULL,
            rates TEXT NOT NULL,
            own TEXT NOT NULL,
            ranked INTEGER NOT NULL,
            rest_until INTEGER NOT NULL DEFAULT 0,
            rest_why TEXT NOT NULL DEFAULT '',
            ready_at INTEGER NOT NULL DEFAULT 0,
            last_used INTEGER NOT NULL DEFAULT 0,
            last_limited INTEGER NOT NULL DEFAULT 0,
            uses INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (turn, address)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX standings_free ON standings (turn, address) WHERE ready_at = 0",
        """
        CREATE INDEX standings_ranked ON standings (turn, last_limited, last_used, address)
        WHERE ready_at = 0 AND ranked = 1
        """,
        "CREATE INDEX standings_waiting ON standings (turn, ready_at, address) WHERE ready_at > 0",
        "CREATE INDEX standings_by_address ON standings (address)",
        "CREATE INDEX standings_by_org ON standings (org, address) WHERE org <> ''",
        """
        CREATE TABLE rests (
            provider TEXT NOT NULL,
            address TEXT NOT NULL,
            org TEXT NOT NULL,
            feature TEXT NOT NULL,
            until INTEGER NOT NULL,
            why TEXT NOT NULL,
            limited_at INTEGER NOT NULL,
            PRIMARY KEY (provider, address, org, feature)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE streams (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            total INTEGER NOT NULL,
            kept_uses INTEGER NOT NULL,
            kept_length INTEGER NOT NULL
        )
        """,
        """
        CREATE TABLE uses (
            stream INTEGER NOT NULL,
            number INTEGER NOT NULL,
            at INTEGER NOT NULL,
            wall INTEGER NOT NULL,
            lease TEXT NOT NULL,
            PRIMARY KEY (stream, number)
        ) WITHOUT ROWID
        """,
    ),
    # who may ask, and what was lent; without triggers: neither is part of what standings are made from
    (
        """
        CREATE TABLE tokens (
            id TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            digest TEXT NOT NULL UNIQUE,
            scope TEXT NOT NULL,
            parent TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            max_uses TEXT NOT NULL,
            quota TEXT NOT NULL
        ) WITHOUT ROWID
        """,
        "CREATE INDEX tokens_by_parent ON tokens (parent)",
        """
        CREATE TABLE leases (
            id TEXT NOT NULL PRIMARY KEY,
            address TEXT NOT NULL,
            caller TEXT NOT NULL,
            token TEXT NOT NULL,
            feature TEXT NOT NULL,
            pool TEXT NOT NULL,
            purpose TEXT NOT NULL,
            backend TEXT NOT NULL,
            org TEXT NOT NULL,
            reason TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            ended TEXT NOT NULL,
            ended_at INTEGER NOT NULL
        ) WITHOUT ROWID
        """,
        "CREATE INDEX leases_by_age ON leases (created_at)",
    ),
)
