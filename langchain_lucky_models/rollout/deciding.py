"""Who gets the new path. Pure: the same answer for the same rule and user, in every process and release."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_lucky_models.shares import share_of


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for a feature at one moment.

    Attributes:
        name: The feature.
        percentage: Of all users, who gets the new path.
        allow: Users who get it whatever the percentage says.
        deny: Users who never get it.
        off: Who has switched it off; empty while it is on.
    """

    name: str
    percentage: float = 0.0
    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    off: str = ""

    def plain(self) -> dict[str, object]:
        """The same in plain values."""
        return {
            "percentage": self.percentage,
            "allow": sorted(self.allow),
            "deny": sorted(self.deny),
            "off": self.off,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """Which path a user gets, and why. It is true where it is the new one.

    Attributes:
        new: Whether it is the new path.
        reason: Why, in words.
        share: Where the user stands between 0 and 100.
    """

    new: bool
    reason: str
    share: float

    def __bool__(self) -> bool:
        return self.new


def decide(rule: Rule, user_id: str) -> Decision:
    """Which path a user gets.

    The off switch comes first, then `deny`, then `allow`, then the percentage. A user's share does not depend on the
    percentage, so raising it takes the new path from nobody.

    Args:
        rule: What holds for the feature now.
        user_id: Who asks.

    Example:
        >>> decide(Rule("new_search", percentage=25), "ada").reason
        '18.41 is below 25 %'
        >>> bool(decide(Rule("new_search", percentage=25, off="enabled is false"), "ada"))
        False
    """
    share = share_of(user_id, rule.name)
    # Not the share times 100: 1.0 is above every share, and a division keeps the order of percentages.
    new = share < rule.percentage / 100
    reason = f"{share * 100:.2f} is {'' if new else 'not '}below {rule.percentage:g} %"
    if rule.off:
        new, reason = False, f"switched off: {rule.off}"
    elif user_id in rule.deny:
        new, reason = False, "denied"
    elif user_id in rule.allow:
        new, reason = True, "allowed"
    return Decision(new, reason, share * 100)
