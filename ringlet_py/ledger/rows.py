"""An entry as one flat row of texts and numbers, which is how every engine keeps it."""

from __future__ import annotations

from ringlet_py.entry import FIELDS, Address, Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Value = str | int | float

COLUMNS = ("provider", "alias", "backend", *FIELDS)


def row_of(entry: Entry) -> tuple[Value, ...]:
    """The values of COLUMNS; the names of bound secrets are one text, with blanks between them."""
    address = entry.address
    fields = {name: getattr(entry, name) for name in FIELDS}
    fields |= {"active": int(entry.active), "secrets": " ".join(entry.secrets)}
    return (address.provider, address.alias, entry.backend, *fields.values())


def entry_of(row: Sequence[Value], known: dict[Value, Value] | None = None) -> Entry:
    """The entry of a row; InvalidName, TypeError or ValueError for what `row_of` cannot have made.

    `known` are the values of rows before: of what is equal one is kept, as there may be ten thousands of them.
    """
    provider, alias, backend, *values = row if known is None else map(known.setdefault, row, row)
    fields = dict(zip(FIELDS, values, strict=True))
    fields |= {"active": bool(int(fields["active"])), "weight": float(fields["weight"])}
    texts = (provider, alias, backend, *(fields[name] for name in FIELDS if name not in ("active", "weight")))
    if set(map(type, texts)) != {str}:
        raise TypeError
    secrets = tuple(str(fields.pop("secrets")).split())
    return Entry(Address(str(provider), str(alias)), backend=str(backend), secrets=secrets, **fields)
