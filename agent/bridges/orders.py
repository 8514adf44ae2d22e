"""What a session's owner may tell an avatar, as the server's data messages carry it."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter

from agent.turns.wake import Strictness

Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=80)]
MOST_PHRASES = 32


class Reset(BaseModel):
    """Forget what was said."""

    do: Literal["reset_context"] = "reset_context"


class Configure(BaseModel):
    """Answer only to these phrases, or to everything; how like them words must be."""

    do: Literal["configure"] = "configure"
    wake_phrases: list[Phrase] = Field(max_length=MOST_PHRASES)
    strictness: Strictness


Order = Reset | Configure
_ORDERS: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="do")])


def read(data: bytes) -> Order:
    """Raises pydantic.ValidationError for what is no order."""
    return _ORDERS.validate_json(data)
