"""When an action happens (`launch.conditions`)."""

from __future__ import annotations

from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.keywords import KnownKeywords
from mentor_bringup.runner.substitutions import Texts, truth


class Condition(metaclass=KnownKeywords):
    """Decides whether an action happens."""

    def __init__(self, predicate_expression: Texts) -> None:
        self.predicate_expression = predicate_expression

    def evaluate(self, context: LaunchContext) -> bool:
        """Say whether the action happens."""
        raise NotImplementedError


class IfCondition(Condition):
    """The action happens if the text reads true."""

    def evaluate(self, context: LaunchContext) -> bool:
        """Say whether the action happens."""
        return truth(context, self.predicate_expression)


class UnlessCondition(Condition):
    """The action happens if the text reads false."""

    def evaluate(self, context: LaunchContext) -> bool:
        """Say whether the action happens."""
        return not truth(context, self.predicate_expression)
