"""The words at the foot of every e-mail: why the reader gets it, and how to stop it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import attrs

from crmkit import words
from crmkit.messages.views import FootView
from crmkit.people.medium import Purpose

_BEGINNING = 5


@attrs.frozen
class _Foot:
    """The sentences of one language; `agreed` is for marketing, `opinion` for feedback, `patient` for all else."""

    agreed: str
    opinion: str
    patient: str
    unsubscribe: str


_FEET: Mapping[str, _Foot] = MappingProxyType(
    {
        "en": _Foot(
            "You receive this message because you agreed to hear from us, for yourself or for someone in your care.",
            "You receive this message because you agreed that we may ask for your opinion.",
            "You receive this message because you, or someone in your care, are a patient of our practice.",
            "Unsubscribe from these messages",
        ),
        "de": _Foot(
            "Sie erhalten diese Nachricht, weil Sie für sich oder für eine Ihnen anvertraute Person eingewilligt "
            "haben, Neuigkeiten von uns zu erhalten.",
            "Sie erhalten diese Nachricht, weil Sie eingewilligt haben, dass wir Sie nach Ihrer Meinung fragen.",
            "Sie erhalten diese Nachricht, weil wir Sie oder eine Ihnen anvertraute Person in unserer Praxis betreuen.",
            "Von diesen Nachrichten abmelden",
        ),
        "fr": _Foot(
            "Vous recevez ce message parce que vous avez accepté, pour vous-même ou pour une personne dont vous vous "
            "occupez, de recevoir de nos nouvelles.",
            "Vous recevez ce message parce que vous avez accepté que nous vous demandions votre avis.",
            "Vous recevez ce message parce que notre cabinet vous suit ou suit une personne dont vous vous occupez.",
            "Se désabonner de ces messages",
        ),
        "it": _Foot(
            "Riceve questo messaggio perché ha acconsentito, per sé o per una persona di cui si prende cura, a "
            "ricevere nostre notizie.",
            "Riceve questo messaggio perché ha acconsentito a ricevere richieste di opinione da parte nostra.",
            "Riceve questo messaggio perché il nostro studio segue Lei o una persona di cui si prende cura.",
            "Annullare l’iscrizione a questi messaggi",
        ),
        "es": _Foot(
            "Recibe este mensaje porque aceptó, para usted o para una persona a su cargo, recibir noticias nuestras.",
            "Recibe este mensaje porque aceptó que le pidamos su opinión.",
            "Recibe este mensaje porque nuestra consulta le atiende a usted o a una persona a su cargo.",
            "Darse de baja de estos mensajes",
        ),
    }
)


def foot(language: str, purpose: Purpose) -> FootView:
    """Return the words for a language and a purpose, in English where the language is not among ours.

    >>> foot("de-CH", Purpose.MARKETING).unsubscribe
    'Von diesen Nachrichten abmelden'
    """
    spoken = words.pick_language([language, "en"], _FEET) or "en"
    said = _FEET[spoken]
    reasons = {Purpose.MARKETING: said.agreed, Purpose.FEEDBACK: said.opinion}
    return FootView(reasons.get(purpose, said.patient), said.unsubscribe, spoken)


@cache
def reasons() -> tuple[str, ...]:
    """Return how the sentences begin that tell why somebody gets a message, so far as no mail program breaks the line.

    >>> "You receive this message because" in reasons()
    True
    """
    told = [reason for said in _FEET.values() for reason in (said.agreed, said.opinion, said.patient)]
    return tuple(dict.fromkeys(" ".join(reason.split()[:_BEGINNING]) for reason in told))
