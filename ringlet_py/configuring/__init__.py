"""Every setting: what it does, its default, which layer says what, and its place in config.toml."""
