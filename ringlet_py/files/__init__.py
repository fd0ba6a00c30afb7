"""Where files live, files that are private, and TOML that keeps its comments.

`folders` says where, `checks` who else could touch it, `private` reads, writes and locks, `trusted` reads
what steers us, `toml` parses and edits.  All but `toml` are light enough for launching.
"""
