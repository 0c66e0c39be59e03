"""The model of a refusal; `origin.problems` makes them."""

from __future__ import annotations

from pydantic import Field

from origin.api.fields import Model


class ParameterProblem(Model):
    """What is wrong with a parameter, or with a member of the body."""

    name: str
    problem: str


class ProblemDetails(Model):
    """Why there is no answer. RFC 9457."""

    type: str = Field(examples=["urn:headwater:problem:token-expired"])
    title: str
    status: int
    reason: str = Field(description="For machines.", examples=["token-expired"])
    detail: str = Field(default="", description="For people; not always there.")
    request_id: str = Field(default="", description="Of an unexpected error, as in the log.")
    errors: tuple[ParameterProblem, ...] = Field(default=(), description="Of a malformed request.")
