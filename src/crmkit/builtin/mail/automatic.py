"""Whether a machine answered for a person: out of office, on holiday, a receipt (RFC 3834 and its kin)."""

from __future__ import annotations

import re
from email.message import Message as Mail

from crmkit.builtin.mail.incoming import header, sent_by_system, subject

#: What the subjects of such answers begin with. Not behind "Re:", where a person answers a message of that subject.
_AWAY = re.compile(
    r"(?i)(?:\[[^\]]*\] *)?(?:auto ?: ?)?(?:(?:i am|i'm|ich bin|je suis) (?:currently |derzeit )?)?"
    r"(?:out[ -]of[ -](?:the[ -])?office|away from|away until|on (?:\w+ )?(?:vacation|leave)|on holidays?"
    r"|vacation reply|auto(?:matic|mated|matische)?[ -]?(?:reply|response|(?:r[uü]ck)?antwort|beantwoording|abwesen\w*)"
    r"|abwesen\w*|nicht im (?:b[uü]ro|haus)|(?:im )?urlaub|(?:krank\w* )abwesend|r[ée]ponse automatique"
    r"|(?:message d.|notification d.)?absence|absente?(?:\(e\))?|en (?:cong[ée]s?|vacances)"
    r"|risposta automatica|fuori (?:sede|ufficio)|assente|assenza dall|in ferie"
    r"|respuesta autom[aá]tica|mensaje autom[aá]tico|fuera de (?:la )?oficina|ausente|de vacaciones"
    r"|resposta autom[aá]tica|fora do escrit[oó]rio|aus[eê]ncia|de f[eé]rias"
    r"|automatisch antwoord|afwezig(?:heid\w*)?|automatisk svar|autosvar|automatiskt svar|frav[æa]r\w*|fr[åa]nvar\w*"
    r"|automaattinen vastaus|poissa toimistosta|automatyczna odpowied[zź]|odpowied[zź] automatyczna"
    r"|automatick[áa] odpov[eě][ďd]|automatick[áa] odpove[ďd]|automatikus v[áa]lasz|r[ăa]spuns automat"
    r"|automatski odgovor|otomatik yan[ıi]t|автоматический ответ|автоответ|автоматична відповідь"
    r"|автоматичен отговор|αυτόματη απάντηση|رد تلقائي|תשובה אוטומטית|מענה אוטומטי"
    r"|tr[ảa] l[ờo]i t[ựu] đ[ộo]ng|balasan otomatis)\b"
    # Of scripts that write no spaces, no word ends here.
    r"|(?:自[动動](?:答[复復]|回[复覆復])|自動(?:応答|返信|回覆)|자동 ?(?:회신|응답)|ตอบกลับอัตโนมัติ)"
)
#: Headers of programs that answer for somebody.
_ANSWERING = (
    *("x-autoreply", "x-autoreply-from", "x-mail-autoreply", "x-autorespond", "x-autoresponse", "x-autoresponder"),
    "x-fc-machinegenerated",
)


def is_automatic(mail: Mail) -> bool:
    """Tell whether a machine answered for a person: out of office, on holiday, a receipt (RFC 3834 and its kin)."""
    if any(mail.get(name) is not None for name in _ANSWERING):
        return True
    said = (header(mail, name).lower().replace("-", "_") for name in ("precedence", "preference"))
    if any(value.startswith("auto_reply") for value in said):
        return True
    submitted = header(mail, "auto-submitted").lower()
    if submitted and not submitted.startswith("no") and not sent_by_system(mail):
        return True
    return bool(_AWAY.match(subject(mail)))
