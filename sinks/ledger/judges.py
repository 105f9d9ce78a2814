"""The judge of each policy that is known, over the same facts: what was judged under an older one is checked by it."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.policy import Policy

from .rejudge import Rejudge


class Judges:
    """`now`: the judge of the policy in force, whose hash is `policy_hash`. `unknown`: policies that were asked for."""

    def __init__(self, now: Rejudge, policy_hash: str, others: Iterable[Policy] = ()) -> None:
        self.now = now
        self.policy_hash = policy_hash
        self.unknown: list[str] = []
        self._by_hash = {policy.hash(): now.under(policy) for policy in others} | {policy_hash: now}

    def under(self, policy_hash: str) -> Rejudge | None:
        """The judge of this policy; None: nobody has passed it."""
        judge = self._by_hash.get(policy_hash)
        if judge is None and policy_hash not in self.unknown:
            self.unknown.append(policy_hash)
        return judge
