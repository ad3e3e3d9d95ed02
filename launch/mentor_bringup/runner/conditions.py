"""When an action is executed (`launch.conditions`)."""

from __future__ import annotations

from mentor_bringup.runner.context import LaunchContext
from mentor_bringup.runner.keywords import KnownKeywords
from mentor_bringup.runner.substitutions import Texts, truth


class Condition(metaclass=KnownKeywords):
    """Decides whether an action is executed."""

    def __init__(self, predicate_expression: Texts) -> None:
        self.predicate_expression = predicate_expression

    def evaluate(self, context: LaunchContext) -> bool:
        """Return whether the action is executed."""
        raise NotImplementedError


class IfCondition(Condition):
    """Execute the action if the text reads true."""

    def evaluate(self, context: LaunchContext) -> bool:
        """Return whether the action is executed."""
        return truth(context, self.predicate_expression)


class UnlessCondition(Condition):
    """Execute the action if the text reads false."""

    def evaluate(self, context: LaunchContext) -> bool:
        """Return whether the action is executed."""
        return not truth(context, self.predicate_expression)
