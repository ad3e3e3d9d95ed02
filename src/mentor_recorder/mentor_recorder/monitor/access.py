"""Who may watch: this machine, or whoever has the token."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from urllib.parse import parse_qs, urlsplit


def is_loopback(host: str) -> bool:
    """Return whether an address is one of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Access:
    """Decides about a request.

    A page on another site, opened in the same browser, could reach a server on loopback; so the
    request's ``Host`` must be an address or ``localhost`` where no token is asked for, never a name
    that anybody can point here, and its ``Origin``, where there is one, must be this server's own
    or a desktop program's.

    Args:
        host: address that the server is bound to.
        token: token that is asked for; empty: none on loopback, else a random one.
    """

    def __init__(self, host: str, token: str = "") -> None:
        self.token = token or ("" if is_loopback(host) else secrets.token_urlsafe(16))

    def refusal(self, path: str, host: str, origin: str, cookie: str = "") -> str | None:
        """Return why a request is refused, or None.

        Args:
            path: path of the request, with its query.
            host: the header ``Host``.
            origin: the header ``Origin``; empty: none.
            cookie: the header ``Cookie``; the page gets one, for what it loads.
        """
        name = host.rsplit(":", 1)[0].strip("[]") if host.count(":") != 1 else host.split(":")[0]
        if not self.token and not _is_address(name):
            return f"Host '{host}' is no address"
        if origin and urlsplit(origin).netloc != host and not _is_desktop(origin):
            return f"a page of {origin} may not read this server"
        if self.token and not self._has_token(path, cookie):
            return "the token is missing or wrong: open the address that the node has printed"
        return None

    def _has_token(self, path: str, cookie: str) -> bool:
        given = parse_qs(urlsplit(path).query).get("token", [])
        given += [
            part.partition("=")[2] for part in cookie.replace(" ", "").split(";")
            if part.startswith("mentor_token=")
        ]  # fmt: skip
        return any(hmac.compare_digest(one.encode(), self.token.encode()) for one in given)


def _is_address(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_desktop(origin: str) -> bool:
    """Return whether an origin is that of Foxglove's or Lichtblick's desktop program.

    A sandboxed frame of any page has the origin ``null``.
    """
    return origin != "null" and not origin.startswith(("http://", "https://"))
