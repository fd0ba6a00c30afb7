"""The local HTTP service: the same claim for programs that store no key, over a Unix socket and loopback TCP.

`parts` is what a route works with, `access` says who asks, `answers` writes JSON, `lender` claims without blocking,
`contract` is what a route says of itself, `openapi` tells it, `metrics` counts.
"""
