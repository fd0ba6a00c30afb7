"""Where files live, files that are private, and TOML that keeps its comments.

`folders` says where, `checks` who else could touch it, `private` reads, writes and locks, `trusted` reads
what steers us, `toml` parses, `toml_editing` edits.  All but the last two are light enough for launching.
"""
