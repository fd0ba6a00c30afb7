"""Which key is lent: whose keys are asked in which order, which of them is free, and what its provider said of it.

`turns` makes of a request the turns in which a key is looked for, `choosing` takes one, waiting if need be,
`reports` is what is heard from providers, `explaining` tells all of it without taking anything.
"""

from __future__ import annotations

from ringlet_py.lending.choosing import Chosen as Chosen
from ringlet_py.lending.choosing import Lending as Lending
