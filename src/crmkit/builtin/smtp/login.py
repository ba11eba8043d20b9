"""Logging in at a mail server, also with a password that has letters beyond ASCII."""

from __future__ import annotations

import smtplib
from base64 import b64encode

_LET_IN = 235


def log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    """Tell the server who one is.

    The standard library writes names and passwords in ASCII only; the mechanism PLAIN takes them in UTF-8 (RFC 4616).

    Raises:
        SMTPException: If the server does not let us in, or offers no way.
    """
    if f"{user}{password}".isascii():
        server.login(user, password)
        return
    if "PLAIN" not in server.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError("AUTH PLAIN")
    told = b64encode(f"\0{user}\0{password}".encode()).decode("ascii")
    code, said = server.docmd("AUTH", f"PLAIN {told}")
    if code != _LET_IN:
        raise smtplib.SMTPAuthenticationError(code, said)
