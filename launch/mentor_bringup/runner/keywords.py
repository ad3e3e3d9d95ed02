"""Keywords of the launch API: which a class of the stand-in knows."""

from __future__ import annotations

import inspect
from typing import Any

from mentor_bringup.runner.refusal import LaunchRefused, unknown


class KnownKeywords(type):
    """Refuses a keyword that the stand-in does not know, by name, instead of ignoring it."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        signature = inspect.signature(cls.__init__)  # type: ignore[misc]
        for keyword in kwargs:
            if keyword not in signature.parameters:
                raise unknown(
                    f"{cls.__name__}() has no keyword '{keyword}' in the stand-in",
                    [name for name in signature.parameters if name != "self"],
                )
        try:
            signature.bind(None, *args, **kwargs)
        except TypeError as error:
            raise LaunchRefused(f"{cls.__name__}(): {error}") from None
        return super().__call__(*args, **kwargs)
