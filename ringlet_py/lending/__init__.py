"""Which key is lent: whose keys are asked in which order, which of them is free, and what its provider said of it.

`turns` makes of a request the turns in which a key is looked for, `choosing` takes one, pausing if need be, `together`
does so for many at once, `walking` goes from place to place, `missing` around keys that are on other machines, and
`surroundings` finds the environment's; `refusals` says why there was none, `reports` is what is heard from providers,
`explaining` tells all of it without taking anything.
"""

from __future__ import annotations

from ringlet_py.lending.choosing import Lending as Lending
from ringlet_py.lending.known import Chosen as Chosen
