"""Great Expectations' expectations as they are, but that each makes its configuration once.

While it validates, it has each of them put it together from all fields some hundred times: a third of the time where
frames are small. These are for that alone; whoever reads Data Docs finds the names of the real ones.
"""

from __future__ import annotations

from typing import Any

from great_expectations import expectations as gxe
from great_expectations.compatibility.pydantic import PrivateAttr


def _made_once(of: Any) -> property:
    def configuration(self: Any) -> Any:
        fields = list(self.__dict__.values())
        if self._made is None or any(one is not other for one, other in zip(fields, self._made[0], strict=True)):
            self._made = fields, of.configuration.fget(self)
        return self._made[1]

    return property(configuration)


class RememberedInSet(gxe.ExpectColumnValuesToBeInSet):
    """See above."""

    _made: Any = PrivateAttr(default=None)
    configuration = _made_once(gxe.ExpectColumnValuesToBeInSet)


class RememberedNotNull(gxe.ExpectColumnValuesToNotBeNull):
    """See above."""

    _made: Any = PrivateAttr(default=None)
    configuration = _made_once(gxe.ExpectColumnValuesToNotBeNull)


class RememberedBetween(gxe.ExpectColumnValuesToBeBetween):
    """See above."""

    _made: Any = PrivateAttr(default=None)
    configuration = _made_once(gxe.ExpectColumnValuesToBeBetween)


class RememberedRegex(gxe.ExpectColumnValuesToMatchRegex):
    """See above."""

    _made: Any = PrivateAttr(default=None)
    configuration = _made_once(gxe.ExpectColumnValuesToMatchRegex)
