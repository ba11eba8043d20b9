"""The words by which readers say stop, by language, and what they end.

The American rule is the widest: a sender must heed "stop", "quit", "end", "revoke", "opt out", "cancel" and
"unsubscribe", and any other words that clearly mean it (47 CFR 64.1200(a)(10)). So a whole answer that is one of the
words counts, and a short sentence that cannot mean anything else; "please cancel my appointment" does neither.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from crmkit.delivery.events.event import Stop
from crmkit.delivery.events.stopsentences import ADVERTISING, EVERYTHING, LISTS, NOUNS, SENTENCES
from crmkit.people.medium import Medium, Purpose

#: A whole answer of these words ends messages, however it is written: case, accents and punctuation do not count.
WORDS = {
    "en": """stop; stopp; stopped; quit; end; revoke; opt out; optout; opt me out; opting out; cancel; unsubscribe
        unsubscribed; unsubcribe; unsuscribe; unsub; unsubscribe me; stop it; stop this; stop now; stop messages
        stop texts; stop emails; stop sms; remove me; i opt out; i unsubscribe; i revoke; i revoke my consent
        withdraw consent; i withdraw my consent; remove my number; delete my number; remove my email; delete my email
        remove my email address; delete my email address; leave me alone
        lose my number; remove; cancel subscription; cancel my subscription; cancel newsletter; text stop
        reply stop""",
    "de": """abmelden; abmeldung; abbestellen; austragen; beenden; ende; widerruf; widerrufen; aufhoren; aufhoeren
        ich widerrufe; ich widerrufe meine einwilligung; stoppen; stop sms; loschen sie meine nummer
        newsletter abbestellen; newsletter abmelden; vom newsletter abmelden; melden sie mich ab; melde mich ab
        loschen sie meine e mail adresse; loschen sie meine mailadresse; loschen sie meine adresse""",
    "fr": """arret; arreter; arretez; desabonner; desabonnement; me desabonner; desinscrire; desinscription
        me desinscrire; desinscrivez moi; desabonnez moi; resilier; fin; stop sms; retirez moi; supprimez mon numero
        je me desabonne; je retire mon consentement; stop pub""",
    "it": """basta; ferma; fermate; fermatevi; cancella; cancellami; cancellatemi
        disiscrivi; disiscrivimi; disiscrizione; disiscrivetemi
        annulla; annulla iscrizione; revoca; revoco il consenso; smettetela; smettete; rimuovetemi""",
    "es": """alto; baja; dar de baja; darme de baja; dame de baja; deme de baja; parar; pare; paren; cancelar; detener
        cancelar suscripcion; anular; anular suscripcion; desuscribir; desuscribirme; fin; no molestar
        revoco mi consentimiento; quiero darme de baja; no envien mas; no me escriban mas""",
    "pt": """parar; pare; parem; sair; cancelar; remover; cancelar inscricao; cancelar subscricao; descadastrar
        anular subscricao; quero sair; removam me; retiro o meu consentimento; nao quero receber mais""",
    "nl": """afmelden; uitschrijven; stoppen; einde; beeindigen; opzeggen; meld mij af; meld me af; schrijf mij uit
        schrijf me uit; intrekken; ik trek mijn toestemming in; verwijder mij; verwijder mijn nummer""",
    # Of these only whole answers are known.
    "da": "afmeld; afmeld mig; afmelding; frameld; frameld mig; jeg vil afmeldes",
    "sv": "avregistrera; avregistrera mig; avanmäl; avanmäl mig; avprenumerera; sluta",
    "nb": "avmeld; avmeld meg; avmelding; meld meg av; stans",
    "fi": "lopeta; peruuta tilaus; peru tilaus; poista minut",
    "pl": "wypisz; wypisz mnie; proszę mnie wypisać; rezygnuję; koniec",
    "cs": "odhlásit; odhlaste mě; odhlásit odběr; konec",
    "tr": "iptal; iptal et; abonelikten çık",
    "ru": "стоп; отписаться; отпишите меня; отписка; хватит",
    "uk": "відписатися; відпишіть мене; досить",
    "el": "στοπ; διαγραφή; σταματήστε",
    "ar": "توقف; قف; إلغاء; إلغاء الاشتراك; الغاء الاشتراك",
    "he": "הסר; הסרה; הסירו אותי",
    "zh": "停止; 退订; 退訂; 取消订阅; 取消訂閱; td",
    "ja": "停止; 配信停止; 解除; 退会; ストップ",
    "ko": "수신거부; 중지; 그만",
    "vi": "từ chối; hủy đăng ký",
}

#: What may stand around the words without changing what they say.
_LEADING = re.compile(
    r"^(?:(?:hi|hello|hey|dear|sirs?|madam|team|hallo|guten tag|bonjour|salut|ciao|buongiorno|hola|ola|ok|okay|please"
    r"|pls|plz|kindly|just|bitte|s ?il (?:vous|te) plait|svp|merci de|per favore|por favor|alstublieft|aub|i said"
    r"|sorry|(?:no |many )?thanks|(?:no )?thank you|thx|(?:nein |vielen )?danke|(?:non )?merci|(?:no )?grazie"
    r"|(?:no )?gracias|(?:nao )?obrigad[oa]|(?:nee )?dank (?:u|je)) )+"
)
_TRAILING = re.compile(
    r"(?: (?:please|pls|plz|now|immediately|thanks?|thank you|thx|cheers|ok|bitte|sofort|danke|vielen dank|merci"
    r"|s ?il (?:vous|te) plait|svp|grazie|per favore|gracias|por favor|ya|obrigad[oa]|dank(?: u| je)?|alstublieft"
    r"|aub|a u b|s v p))+$"
)

#: What makes a wish a question, or is asked before it.
_ASKED = re.compile(
    r"(?:(?:can|could|would|will) you|i (?:would|d) like you to|i want you to|i ask you to|id like you to"
    r"|konnten sie|wurden sie|ich bitte sie|pourriez vous|pouvez vous|potete|potreste|pueden|podrian)"
    r"(?: (?:please|kindly|bitte|just))? "
)

#: Said first, these count though more follows: "STOP. Wrong number."
FIRST = """stop; stopp; unsubscribe; unsub; opt out; optout; abmelden; abbestellen; austragen; arret; desabonner
    desabonnement; desinscrire; desinscription; disiscrivimi; disiscrivetemi; disiscrizione; desuscribir; desuscribirme
    descadastrar; afmelden; uitschrijven; afmeld; frameld; avregistrera; avanmäl; avprenumerera; avmeld; wypisz
    odhlásit; отписаться; отписка; відписатися; 退订; 退訂; 取消订阅; 取消訂閱; 配信停止; 수신거부"""
_WHICH = r"(?: (?:any|these|those|this|your|the|more|such|further|me|us|all|every|of|kind))*"
_EVER = r"(?: (?:any ?more|again|ever|from now on|at once|right now|here|to|on|at|this|my|number|phone))*"
_JOINED = frozenset("'’‘`´\u200b\u200c\u200d\ufeff")
#: Not within "a.u.b." or "s.v.p.".
_ENDS = re.compile(r"[.!?;]+(?=\s|$)|\n+")
#: Where a mail program may have broken a sentence: behind a long line.
_WRAPPED = re.compile(r"(?<=[^\n]{45})\n(?=[^\n])")
#: What is said before a plea, unless it says under which condition the plea holds: "I have moved, please ...".
_BEFORE_PLEA = re.compile(
    r"(?is)^\s*(?!(?:if|when|while|until|unless|as|wenn|falls|solange|si|s'il|se|als|quand|lorsque|quando|cuando)\b)[^,]*,"
    r"\s*(?:so |but |and |also |aber |und )?(?=(?:please|bitte|merci de|veuillez|per favore|por favor|graag)\b)"
)
_PROMOTIONAL = (Purpose.MARKETING, Purpose.FEEDBACK)
_LONGEST = 400


@cache
def _known() -> Mapping[str, frozenset[str]]:
    return {language: _listed(text) for language, text in WORDS.items()}


@cache
def _listed(text: str) -> frozenset[str]:
    return frozenset(_letters(word) for word in re.split(r"[;\n]", text) if word.strip())


@cache
def _pattern(language: str) -> re.Pattern[str]:
    noun = f"(?:(?:{NOUNS[language]}|{ADVERTISING[language]})(?: (?:{NOUNS[language]}))?)"
    filled = "|".join(SENTENCES[language]).replace("FROM", LISTS[language]).replace("NOUN", noun)
    return re.compile(filled.replace("WHICH", _WHICH).replace("EVER", _EVER))


def read_stop(text: str, medium: Medium) -> Stop | None:
    """Return what an answer wants to end, None if it is no wish to stop.

    By SMS and phone a bare STOP ends everything but care, by e-mail and post marketing and feedback; "stop all" ends
    everything; who singles out advertising ends that.

    >>> read_stop("Stop, please!", Medium.EMAIL)
    Stop(purposes=(<Purpose.MARKETING: 'marketing'>, <Purpose.FEEDBACK: 'feedback'>), language='en')
    >>> read_stop("Please cancel my appointment on Monday", Medium.SMS) is None
    True
    """
    if not text.strip() or len(text) > _LONGEST:
        return None
    whole = plain_letters(text)
    split = [*_ENDS.split(text), *_ENDS.split(_WRAPPED.sub(" ", text))]
    parts = (said for part in split for said in (part, _BEFORE_PLEA.sub("", part)))
    sentences = list(dict.fromkeys(one for part in parts if (one := plain_letters(part))))
    if language := _word(whole) or _sentence(whole):
        return Stop(_purposes(whole, language, medium), language)
    for number, sentence in enumerate(sentences):
        first = number == 0 and (sentence in _listed(FIRST) or " " in sentence)
        if language := (first and _word(sentence)) or _sentence(sentence):
            return Stop(_purposes(sentence, language, medium), language)
    return None


def bare_stop(medium: Medium) -> tuple[Purpose, ...]:
    """Return what a STOP without further words ends: by SMS and phone all but care, else marketing and feedback.

    American law takes a revocation by text or call as meant for the sender's texts and calls, not for one list. Care
    goes on unless the answered message was of care (`Stop.including`) or all is said.
    """
    if medium in (Medium.SMS, Medium.PHONE):
        return (Purpose.SERVICE, Purpose.MARKETING, Purpose.FEEDBACK)
    return _PROMOTIONAL


def plain_letters(text: str) -> str:
    """Return a text without case, accents, punctuation and courtesies.

    >>> plain_letters("Bitte ARRÊT!!"), plain_letters("S T O P"), plain_letters("I can't stop")
    ('arret', 'stop', 'i cant stop')
    """
    plain = _letters(text)
    words = plain.split()
    if words and all(len(word) == 1 for word in words):
        plain = "".join(words)
    bare = _LEADING.sub("", _TRAILING.sub("", plain))
    return bare or plain


def _letters(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(sign for sign in apart if not unicodedata.combining(sign) and sign not in _JOINED)
    return " ".join("".join(sign if sign.isalnum() else " " for sign in letters).split())


def _word(plain: str) -> str:
    """Return the language of a text that is one of the words, alone or with "all"; empty if it is none."""
    for language, words in _known().items():
        if plain in words:
            return language
        if language not in EVERYTHING:
            continue
        rest = re.sub(rf"^(?:{EVERYTHING[language]}) | ?(?:{EVERYTHING[language]})$", "", plain)
        if rest != plain and rest in words | {"stop"}:
            return language
    return ""


def _sentence(plain: str) -> str:
    asked = _ASKED.match(plain)
    said = plain[asked.end() :] if asked else plain
    return next((language for language in SENTENCES if _pattern(language).fullmatch(said)), "")


def _purposes(said: str, language: str, medium: Medium) -> tuple[Purpose, ...]:
    if language not in EVERYTHING:
        return bare_stop(medium)
    if re.search(rf"\b(?:{ADVERTISING[language]})\b", said):
        return _PROMOTIONAL
    if re.search(rf"\b(?:stop)?(?:{EVERYTHING[language]})$|\b(?:{EVERYTHING[language]})\b", said):
        return tuple(Purpose)
    return bare_stop(medium)
