"""Reading policy documents."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from schemas.access import Action
from schemas.errors import RejectedInputError
from schemas.finding import Outcome
from schemas.policy import Policy


def load_policy(path: Path | None = None) -> Policy:
    """The policy in this file, or the built-in one. Raises RejectedInputError; whoever wrote the policy must act."""
    source = files("streams.policy").joinpath("default.toml") if path is None else path
    try:
        policy = Policy.model_validate(tomllib.loads(source.read_text(encoding="utf-8")))
    except OSError as error:
        raise RejectedInputError("policy", f"cannot be read ({error.strerror}): {path}") from None
    except UnicodeDecodeError as error:
        raise RejectedInputError("policy", f"is not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise RejectedInputError("policy", f"is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise RejectedInputError(f"policy.{'.'.join(map(str, first['loc']))}", first["msg"]) from None
    _is_whole(policy)
    return policy


def _is_whole(policy: Policy) -> None:
    for action in get_args(Action):
        if not any(action in clause.actions for clause in policy.clauses):
            raise RejectedInputError("policy.clauses", f"no clause covers the action {action}")
        for outcome in get_args(Outcome):
            if outcome != "explained" and action not in policy.severity.get(outcome, {}):
                raise RejectedInputError(f"policy.severity.{outcome}", f"says nothing about the action {action}")
