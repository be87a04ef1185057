"""Kinds of nodes of a schema. Values are not converted: 5.0 is no integer."""

from pydantic import BaseModel, ConfigDict, Field

from mdhr.config.ranges import Name


class Open(BaseModel):
    """Node with further settings that its constructor takes."""

    model_config = ConfigDict(extra="allow", strict=True)


class Closed(BaseModel):
    """Node without further settings."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Target(Open):
    """Node that is instantiated."""

    target: Name = Field(alias="_target_")
