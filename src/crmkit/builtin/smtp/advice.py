"""Why a mail server could not be used, in words that say what to mend; never what the server said."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl

#: OpenSSL's numbers of what is wrong with a certificate.
_EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 10, 62, 64
_ADVICE = {530: ": it wants a login or an encrypted line: look at user, password and security"}
_RECORDS = ": the receiver cannot see that the mail is yours: look at SPF, DKIM and DMARC of your domain"
FULL = ": the mailbox is full"
#: What the second half of a status code says, whether it begins with 4 or with 5. Those of 7 are of RFC 7372, of Gmail
#: (27, 30 to 32, 40) and of Outlook.com (509, 515).
_MEANS = {
    **{f"7.{number}": _RECORDS for number in (20, 21, 22, 23, 24, 26, 27, 30, 31, 32, 40, 509, 515)},
    "2.1": ": the mailbox is switched off",
    "2.2": FULL,
    "3.4": ": the message is too large for it",
}
NOT_FOR_US = ": it does not send for us: look at host, user and password"
NOT_ALLOWED = ": its rules do not allow it: look at user and password, or ask the provider"
NOT_FROM_US = ": it takes nothing from the practice's address: look at the practice's email"
NOT_THIS_ACCOUNT = ": it does not let this account send it: look at the practice's email and the provider's limits"
_WRONG_LOGIN = (530, 534, 535, 538)
#: Microsoft and Google let programs in only if that is switched on, or with a password for programs.
_NO_PASSWORD = re.compile(r"(?i)\bis disabled|basic authentication is not|application-specific|web ?login|web browser")


def refusal(problem: Exception, phase: str = "connect") -> str:
    """Return in a few words why a session could not be opened, or was lost.

    Args:
        problem: What the standard library said.
        phase: How far it had come: `connect`, `starttls`, `ehlo` or `login`.

    >>> refusal(ConnectionRefusedError()), refusal(socket.gaierror())
    ('nobody listens there: look at host and port', 'there is no such host: look at host')
    >>> refusal(smtplib.SMTPAuthenticationError(535, b"5.7.8 ..."))
    '535, not let in: look at user and password'
    """
    code = getattr(problem, "smtp_code", 0)
    if isinstance(problem, smtplib.SMTPAuthenticationError) and _NO_PASSWORD.search(str(problem)):
        return f"{code}, not let in with this password: ask the provider for an app password, or to allow SMTP AUTH"
    if code > 0:
        return f"{code}, not let in: look at user and password" if code in _WRONG_LOGIN else str(code)
    if isinstance(problem, ssl.SSLCertVerificationError):
        return _certificate(problem.verify_code)
    if isinstance(problem, smtplib.SMTPServerDisconnected):
        # After a wrong login some servers say no more.
        return f"the server hung up: look at {'user and password' if phase == 'login' else 'port and security'}"
    if type(problem) is smtplib.SMTPException:
        return "the server takes no kind of login that is known here"
    return next((words for kind, words in _WORDS if isinstance(problem, kind)), type(problem).__name__)


def advice(code: int, status: str = "") -> str:
    """Return what to do about a reply that is about us, or what else it means; empty where nothing can be said.

    Args:
        code: The reply's three digits.
        status: Its enhanced code, such as `5.7.26`.

    >>> advice(530)
    ': it wants a login or an encrypted line: look at user, password and security'
    """
    return _ADVICE.get(code) or _MEANS.get(status[2:], "")


def _certificate(code: int) -> str:
    if code in (_OTHER_NAME, _OTHER_ADDRESS):
        return "the certificate is for another name: host must be the name that the provider gives"
    if code == _EXPIRED:
        return "the certificate has expired: tell the provider"
    return "the certificate is signed by nobody that this machine trusts"


#: The narrower kinds first.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (smtplib.SMTPNotSupportedError, "the server does not offer it: look at port and security"),
    (socket.gaierror, "there is no such host: look at host"),
    (ConnectionRefusedError, "nobody listens there: look at host and port"),
    (ConnectionError, "the line broke"),
    (TimeoutError, "no answer in time"),
    (ssl.SSLError, "no encrypted line could be agreed on: look at port and security"),
)
