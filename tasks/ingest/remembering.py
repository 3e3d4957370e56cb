"""Great Expectations' expectations, and the same but that each makes its configuration once.

While it validates, it has each of them put it together from all fields some hundred times: a third of the time where
frames are small. Those that remember are for that alone; whoever reads Data Docs finds the names of the real ones.
"""

from __future__ import annotations

from typing import Any

from great_expectations import expectations as gxe
from great_expectations.compatibility.pydantic import PrivateAttr


def _remembering(kind: Any) -> Any:
    def configuration(self: Any) -> Any:
        fields = list(self.__dict__.values())
        if self._made is None or any(one is not other for one, other in zip(fields, self._made[0], strict=True)):
            self._made = fields, kind.configuration.fget(self)
        return self._made[1]

    held = {"_made": PrivateAttr(default=None), "configuration": property(configuration), "__module__": __name__}
    # Great Expectations knows classes by their names.
    return type(kind)(f"Remembering{kind.__name__}", (kind,), held)


# By the kind of a rule.
KINDS = {
    "readable": gxe.ExpectColumnValuesToBeInSet,
    "not_null": gxe.ExpectColumnValuesToNotBeNull,
    "between": gxe.ExpectColumnValuesToBeBetween,
    "pattern": gxe.ExpectColumnValuesToMatchRegex,
}
REMEMBERING = {rule: _remembering(kind) for rule, kind in KINDS.items()}
