"""Keys out of rc files, `.env`, agents' configuration and other tools, into the keychain; and back again."""
