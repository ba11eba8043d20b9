"""What every system says, and to whom: the same words of the same length, and the same made-up people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

PRACTICE = "Bright Eyes Optometry"
SENDER = "hello@brighteyes.example"
PUBLIC_URL = "https://brighteyes.example/crm"
PHONE = "+61255501234"
ADDRESS = "1 High St, Newtown NSW 2042"

SUBJECT = "{{ greeting }}, it is time to look after your eyes"

# About half a kilobyte. Jinja and Django read the same braces; only the names of the two fields differ.
TEXT = """\
Dear {{ greeting }},

It has been a while since your last visit, and we wanted to ask how you are. Eyes change slowly, so slowly that most
people notice only when reading small print has become tiring.

If you would like to arrange an appointment, just reply to this e-mail or call us on +61255501234. We will find a time
that suits you.

With kind regards,
Bright Eyes Optometry
1 High St, Newtown NSW 2042

Unsubscribe: {{ unsubscribe }}
"""

# About one and a half kilobytes.
HTML = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Bright Eyes Optometry</title></head>
<body style="margin:0;padding:0;background:#f4f4f2;color:#1f1f1f">
<div style="max-width:560px;margin:0 auto;padding:16px;font-family:system-ui,Helvetica,Arial,sans-serif;font-size:17px">
<header style="padding:8px 8px 16px;font-size:18px;font-weight:bold">Bright Eyes Optometry</header>
<main style="padding:24px;background:#ffffff;border-radius:8px">
<p style="margin:0 0 16px">Dear {{ greeting }},</p>
<p style="margin:0 0 16px">It has been a while since your last visit, and we wanted to ask how you are. Eyes change
slowly, so slowly that most people notice only when reading small print has become tiring.</p>
<p style="margin:0 0 16px">If you would like to arrange an appointment, just reply to this e-mail or call us on
<strong>+61255501234</strong>. We will find a time that suits you.</p>
<p style="margin:0">With kind regards,<br>Bright Eyes Optometry</p>
</main>
<footer style="padding:16px 8px;font-size:14px;line-height:1.5;color:#4a4a4a">
<p style="margin:0 0 8px">Bright Eyes Optometry<br>1 High St, Newtown NSW 2042</p>
<p style="margin:0"><a href="{{ unsubscribe }}" style="color:#4a4a4a;text-decoration:underline">Unsubscribe</a></p>
</footer>
</div>
</body>
</html>
"""

_GIVEN = ("Mia", "Sam", "Ada", "Ben", "Eva", "Zoë", "Tom", "José", "Lea", "Kim", "Noor", "Ravi", "Ines")
_FAMILY = ("Stone", "Reed", "Lind", "Okoro", "Marsh", "Berg", "Nguyễn", "Silva", "Weiß", "Park", "Haddad")


class Person(NamedTuple):
    """One reader."""

    id: str
    given: str
    family: str
    email: str
    born: str
    unsubscribe: str


def people(count: int) -> Iterator[Person]:
    """Yield so many people, always the same.

    The link is as long as the ones that crmkit signs while it renders; the others are given it ready-made.
    """
    for number in range(count):
        secret = hashlib.sha256(str(number).encode()).hexdigest()
        yield Person(
            id=f"P{number:06d}",
            given=_GIVEN[number % len(_GIVEN)],
            family=_FAMILY[number % len(_FAMILY)],
            email=f"p{number:06d}@patients.example",
            born=f"{1940 + number % 60}-{1 + number % 12:02d}-{1 + number % 28:02d}",
            unsubscribe=f"{PUBLIC_URL}/unsubscribe/{secret[:32]}.{secret}",
        )


def in_terms_of(template: str, greeting: str, unsubscribe: str) -> str:
    """Return a template with the two fields under the names that a system knows them by.

    >>> in_terms_of("Dear {{ greeting }}", "recipient.greeting", "links.unsubscribe")
    'Dear {{ recipient.greeting }}'
    """
    renamed = template.replace("{{ greeting }}", f"{{{{ {greeting} }}}}")
    return renamed.replace("{{ unsubscribe }}", f"{{{{ {unsubscribe} }}}}")
