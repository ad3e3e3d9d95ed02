"""Keywords of the launch API: which ones a class of the stand-in knows."""

from __future__ import annotations

import inspect
from typing import Any

from mentor_bringup.runner.refusal import LaunchRefused, unknown


class KnownKeywords(type):
    """Refuses a keyword that the stand-in does not know, by name, instead of ignoring it."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        known = _keywords(cls)
        for keyword in kwargs:
            if keyword not in known:
                raise unknown(f"{cls.__name__}() has no keyword '{keyword}' in the stand-in", known)
        try:
            inspect.signature(cls.__init__).bind(None, *args, **kwargs)  # type: ignore[misc]
        except TypeError as error:
            raise LaunchRefused(f"{cls.__name__}(): {error}") from None
        return super().__call__(*args, **kwargs)


def _keywords(cls: type) -> set[str]:
    """Return the keywords of a class, with those that it passes on to the class it derives from."""
    found: set[str] = set()
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = inspect.signature(base.__init__).parameters.values()  # type: ignore[misc]
        found.update(
            p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        )
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found - {"self"}
