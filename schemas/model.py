"""What all records of the contract share: strict, frozen, nothing unknown."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

STRICT = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class Strict(BaseModel):
    """A value of the contract: exact types, unknown fields refused, never changed, and silent about its input."""

    model_config = STRICT


class Sparse(Strict):
    """A Strict value that leaves its absent fields out when written, so that one value has one spelling."""

    @model_serializer(mode="wrap")
    def _without_absent_fields(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}
