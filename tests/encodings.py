"""The forms in which a value could lie about, made without the code that looks for them."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse


def encodings(value: str) -> list[bytes]:
    """As it is, in base64 at each offset and in both alphabets, in hex, in UTF-16, escaped for URLs and JSON."""
    raw = value.encode()
    shifted = [base64.b64encode(b"\0" * n + raw).decode() for n in range(3)]
    # the first and last characters of an embedded base64 form depend on what stands beside it
    inner = [form[4 * (n > 0) : -4] for n, form in enumerate(shifted)]
    forms = [
        value,
        *inner,
        *(form.replace("+", "-").replace("/", "_") for form in inner),
        raw.hex(),
        raw.hex().upper(),
        urllib.parse.quote(value, safe=""),
        json.dumps(value)[1:-1],
    ]
    texts = [form.encode() for form in dict.fromkeys(forms) if len(form) > 3]
    return [*texts, value.encode("utf-16-le")]


def written(value: str) -> list[bytes]:
    """How programs would write the whole value down, in each of the forms that are looked for."""
    raw = value.encode()
    padded = [b"x" * n + raw + b"y" * m for n in range(3) for m in range(3)]
    coded = [code(text) for text in padded for code in (base64.b64encode, base64.urlsafe_b64encode)]
    quoted = urllib.parse.quote(value, safe="").encode()
    lower = re.sub(rb"%..", lambda match: match[0].lower(), quoted)
    texts = [raw, *coded, raw.hex().encode(), raw.hex().upper().encode(), quoted, lower]
    wide = value.encode("utf-16-le"), value.encode("utf-16-be")
    return list(dict.fromkeys([*texts, json.dumps(value)[1:-1].replace("/", r"\/").encode(), *wide]))
