"""Answers: a wish to stop is heeded in many languages, and nothing else is taken for one."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from bounded import run_bounded
from hypothesis import given
from hypothesis import strategies as st

from crmkit.builtin.mail.replies import ReplyParser, own_words
from crmkit.delivery.events.event import EventKind, Payload
from crmkit.delivery.events.reply import reply_event
from crmkit.delivery.events.stopsentences import SENTENCES
from crmkit.delivery.events.stopwords import WORDS, read_stop
from crmkit.errors import CrmkitError
from crmkit.messages.footer import foot
from crmkit.people.medium import Medium, Purpose

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY = "acee0661dca0cc9062eb88c1d7b554a4"
MIA_MAIL = "Mia <mia@home.example>"
EVERY = tuple(Purpose)
BUT_CARE = (Purpose.SERVICE, Purpose.MARKETING, Purpose.FEEDBACK)
ADVERTISING = (Purpose.MARKETING, Purpose.FEEDBACK)

STOPS = {
    # What American law names, and how telephones write it.
    "STOP": "en", "stop.": "en", "Stop!!!": "en", "S T O P": "en", "ＳＴＯＰ": "en", "“Stop”": "en", "quit": "en",
    "END": "en", "Revoke": "en", "opt out": "en", "Opt-Out": "en", "optout": "en", "CANCEL": "en", "Unsubscribe": "en",
    "Please stop": "en", "stop please, thank you": "en", "Hi, STOP": "en", "STOP. Wrong number, I am not Mia": "en",
    "stop 🛑": "en", "st\u200bop": "en", "Stop\n\nMia": "en",
    # Short sentences.
    "please stop texting me": "en", "Stop sending me messages!": "en", "Can you please stop emailing me?": "en",
    "Don't text me anymore": "en", "Please don’t send me any more texts": "en", "No more messages please": "en",
    "Remove me from your mailing list": "en", "take me off your list please": "en", "I want to unsubscribe": "en",
    "I'd like to opt out": "en", "Unsubscribe me": "en", "I revoke my consent": "en",
    "I have moved to Perth. Please stop texting me.": "en", "I don't want to receive your emails": "en",
    # Other languages.
    "abmelden": "de", "Bitte abmelden": "de", "ABBESTELLEN": "de", "Bitte keine Nachrichten mehr": "de",
    "Ich möchte mich abmelden": "de", "Schicken Sie mir keine SMS mehr": "de", "Hören Sie auf mir zu schreiben": "de",
    "Nehmen Sie mich aus Ihrem Verteiler": "de",
    "ARRÊT": "fr", "arreter svp": "fr", "Désabonner": "fr", "Je veux me désinscrire": "fr", "Plus de SMS": "fr",
    "Arrêtez de m'envoyer des messages": "fr", "Ne m'écrivez plus": "fr", "Je ne veux plus recevoir de messages": "fr",
    "Basta": "it", "cancellami": "it", "Disiscrivimi, grazie": "it", "Non mandatemi più messaggi": "it",
    "Baja": "es", "darme de baja por favor": "es", "No más mensajes": "es", "No me envíen más mensajes": "es",
    "Sair": "pt", "Não quero receber mais mensagens": "pt", "Parem de enviar mensagens": "pt",
    "Afmelden": "nl", "uitschrijven aub": "nl", "Stuur me geen berichten meer": "nl", "Ik wil me afmelden": "nl",
    # With a courtesy around them, as they are written by e-mail.
    "Remove": "en", "Please remove me from this list": "en", "Bitte nehmen Sie mich aus dem Verteiler.": "de",
    "Veuillez me désabonner.": "fr", "Merci de me désinscrire de votre liste": "fr",
    "Vi prego di cancellarmi dalla lista.": "it", "Por favor denme de baja de la lista.": "es",
    "Graag uitschrijven a.u.b.\n\nMet vriendelijke groet,\nMia": "nl",
    "Thanks, please unsubscribe me": "en", "No thank you, take me off your list": "en", "Sorry, opt out": "en",
    "Nein danke, bitte keine Mails mehr": "de", "Non merci, désabonnez-moi": "fr", "No gracias, darme de baja": "es",
    "I would like to be removed from your mailing list.": "en", "Please can you take me off your email list?": "en",
    "I've moved away, please remove me from your list": "en", "Remove this address from your list": "en",
    "Thank you for the kind wishes, but I moved to Perth in May. Please take me\noff your mailing list.\n\nMia": "en",
    "I have moved to Perth and will not come back to you\nPlease stop texting me\n\nMia": "en",
    "Désinscription\n\nMia Dupont": "fr", "Graag uitschrijven\n\nMia": "nl", "Avregistrera\n\nMia Berg": "sv",
    "수신거부\n\n미아": "ko",
    "Please delete my email address.": "en", "Remove me\n\nMia Meier": "en", "I want off this list": "en",
    "Bitte aus dem Verteiler löschen": "de", "Hiermit widerrufe ich meine Einwilligung": "de",
    "Bitte löschen Sie meine E-Mail-Adresse": "de", "Ich bitte um Löschung aus dem Verteiler": "de",
    "Ich möchte nicht mehr angeschrieben werden": "de",
    "Möchte keine Mails mehr erhalten": "de", "Ich möchte diese E-Mails nicht mehr bekommen.": "de",
    "Deseo darme de baja de la newsletter": "es", "No deseo recibir más comunicaciones": "es",
    "Non desidero più ricevere vostre comunicazioni": "it", "Je ne souhaite plus recevoir vos communications": "fr",
    "Entfernen Sie mich bitte aus Ihrem E-Mail-Verteiler": "de", "Unterlassen Sie weitere E-Mails": "de",
    "Merci de ne plus m'envoyer de mails": "fr", "Veuillez supprimer mon adresse de vos fichiers": "fr",
    "Non voglio più ricevere le vostre email": "it", "Por favor, elimínenme de su lista": "es",
    "Haal mij van de lijst": "nl", "Retirem-me da lista": "pt", "Quero cancelar a subscrição": "pt",
    # Single words of further languages.
    "Afmeld": "da", "Avanmäl mig": "sv", "Stans": "nb", "Lopeta": "fi", "Proszę mnie wypisać": "pl", "Odhlásit": "cs",
    "İptal": "tr", "СТОП": "ru", "Відписатися": "uk", "ΣΤΟΠ": "el", "إلغاء الاشتراك": "ar", "הסר": "he", "退订": "zh",
    "ストップ": "ja", "수신거부": "ko", "Hủy đăng ký": "vi",
}  # fmt: skip

ALL = [
    "STOP ALL", "stopall", "Stop everything",
    "unsubscribe all", "Unsubscribe me from all emails", "Never contact me again",
    "Do not contact me", "alles abbestellen", "Stop alles", "Bitte nicht mehr kontaktieren", "stop tout",
    "Ne me contactez plus", "basta tutto", "baja todo", "parar tudo", "stoppen alles", "stop all messages",
]  # fmt: skip

ONLY_ADVERTISING = [
    "No more newsletters", "stop sending me ads", "Stop all marketing emails", "Keine Werbung mehr bitte",
    "plus de publicités", "non voglio ricevere pubblicità", "no más publicidad", "geen reclame meer",
    "Newsletter abbestellen", "Please stop sending me birthday emails",
    "Bitte melden Sie mich vom Newsletter ab", "No more birthday cards",
]  # fmt: skip

ORDINARY = [
    "I can't stop by on Friday", "please cancel my appointment on Monday",
    "Cancel my appointment", "I'd like to cancel",
    "I want to cancel please", "Can you cancel Tuesday and book Thursday?", "Don't stop texting me",
    "please don't stop",
    "Stop by tomorrow?", "I will stop in at 5", "The bleeding won't stop", "It does not stop hurting",
    "How do I stop the pain?", "Should I stop taking the drops?", "stop smoking advice please",
    "The end of May suits me",
    "Weekend", "In the end I found my glasses", "I quit my job, new insurance", "Remove me from the waiting list",
    "take me off the waiting list", "Take me off the cancellation list",
    "Can you remove my wisdom tooth?",
    "Do not call before 9", "Don't call me, I will ring you", "Don't email me, text me instead", "Yes", "No",
    "OK thanks", "No thanks", "No thank you", "Nein danke", "No thanks, I am away until the end",
    "Y", "9", "", "   ", "👍", "Wrong number", "Who is this?", "Bus stop opposite your door?",
    "unsubscribe from what?",
    "Did I unsubscribe?", "I never unsubscribed", "Do not unsubscribe me", "don't cancel", "No need to cancel",
    "all", "All good", "Everything fine", "marketing", "Why do you text me so late?", "Send me a text at this number",
    "I opted out of surgery", "Bitte Termin absagen", "Ich muss den Termin am Montag absagen",
    "Ich kann mich am Ende der Woche melden", "Am Ende passt es doch", "Nicht abmelden bitte", "Ich komme nicht mehr",
    "Je voudrais annuler mon rendez-vous", "N'arrêtez pas", "Je ne peux plus venir lundi", "tout va bien",
    "Vorrei cancellare il mio appuntamento", "Basta così il dolore?", "Va tutto bene", "Quiero cancelar mi cita",
    "No me cancelen la cita", "Todo bien", "Quero cancelar a minha consulta", "Tudo bem",
    "Ik wil mijn afspraak afzeggen", "Niet afmelden", "Alles goed", "Stop de pijn", "stopwatch", "alto riesgo",
    "We should end this conversation", "Ich widerrufe meine Einwilligung zur Operation",
    "If I am late, please do not contact me", "Could you remove my stitches?", "Can you take me off the waiting list?",
    "I would like to be removed from the waiting list", "Please delete my appointment", "Bitte löschen Sie den Termin",
    "My number has changed, please update it", "Supprimez mon rendez-vous", "Streichen Sie mich von der Warteliste",
]  # fmt: skip


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(STOPS) + len(ALL) + len(ONLY_ADVERTISING) >= 60
    assert len(set(ORDINARY)) >= 60


@pytest.mark.no_cover
@pytest.mark.parametrize("text", STOPS)
def test_a_wish_to_stop_is_heeded_in_its_language(text: str) -> None:
    by_sms, by_mail = read_stop(text, Medium.SMS), read_stop(text, Medium.EMAIL)
    assert by_sms
    assert by_mail
    assert (by_sms.purposes, by_mail.purposes) == (BUT_CARE, ADVERTISING)
    assert by_sms.language == by_mail.language == STOPS[text]


@pytest.mark.parametrize("text", ALL)
def test_who_says_all_ends_all(text: str) -> None:
    for medium in Medium:
        stop = read_stop(text, medium)
        assert stop
        assert stop.purposes == EVERY


@pytest.mark.parametrize("text", ONLY_ADVERTISING)
def test_who_is_tired_of_advertising_keeps_the_rest(text: str) -> None:
    stop = read_stop(text, Medium.SMS)
    assert stop
    assert stop.purposes == ADVERTISING


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_answer_ends_nothing_and_reaches_a_person(text: str) -> None:
    event = reply_event(text, event_id="in-1", medium=Medium.SMS)
    assert event.kind is EventKind.REPLIED
    assert event.stop is None
    assert event.evidence == "an answer for a person to read"


@given(st.sampled_from(["stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"]), st.data())
def test_the_words_of_the_law_count_however_they_are_written(word: str, data: st.DataObject) -> None:
    text = "".join(data.draw(st.sampled_from([sign.lower(), sign.upper()])) for sign in word)
    around = st.text(" .,!?\n\t\"'*-", max_size=5)
    assert read_stop(data.draw(around) + text + data.draw(around), Medium.SMS)


@pytest.mark.parametrize("language", WORDS)
def test_each_word_of_the_lists_is_found(language: str) -> None:
    words = [word.strip() for line in WORDS[language].splitlines() for word in line.split(";") if word.strip()]
    assert len(words) > 10 or language not in SENTENCES
    assert [word for word in words if not read_stop(word, Medium.SMS)] == []


@given(st.text(max_size=600))
def test_any_text_gets_an_answer(text: str) -> None:
    event = reply_event(text, event_id="in-1", medium=Medium.SMS)
    assert (event.stop is None) == ("person" in event.evidence)


READ_ALL = """
import sys

from crmkit.delivery.events.stopwords import read_stop
from crmkit.people.medium import Medium

read = 0
for piece in sys.stdin.read().splitlines():
    for text in (piece * 5000, f"stop sending {piece * 50}x"[:400], f"unsubscribe from {piece * 50}x"[:400]):
        read_stop(text, Medium.SMS)
        read += 1
print(read)
"""


def test_no_text_takes_long_to_read() -> None:
    pieces = ["all of ", "please ", "on this ", "stop ", "any more ", "me ", "!", "bitte "]
    assert run_bounded(READ_ALL, "\n".join(pieces).encode()) == f"{3 * len(pieces)}\n"


def mail(text: str, *, html: str = "", **headers: str) -> Payload:
    made = EmailMessage()
    stated = {"From": "Mia <mia@home.example>", "Subject": "Re: Your eyes", "Date": "Mon, 23 Nov 2026 08:00:00 +0000"}
    answered = {"In_Reply_To": f"<{KEY}@brighteyes.example>"}
    for name, value in (stated | answered | headers).items():
        if value:
            made[name.replace("_", "-")] = value
    made.set_content(html or text, subtype="html" if html else "plain")
    return Payload(made.as_bytes(), received_at=NOW)


def test_an_answer_by_mail_names_touch_sender_and_time_and_quotes_nothing() -> None:
    payload = mail("Thanks, see you on Friday.\n\n> Dear Mia")
    [event] = ReplyParser().parse(payload)
    assert (event.kind, event.key, event.address) == (EventKind.REPLIED, KEY, "mia@home.example")
    assert event.at == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert event.stop is None
    assert "Friday" not in repr(event)
    assert event.id == payload.event_id(1)


QUOTES = [
    "> Dear Mia,\n> to stop, answer STOP",
    "On Mon, 23 Nov 2026 at 08:00, Bright Eyes <hello@brighteyes.example> wrote:\n> Dear Mia",
    "On Mon, 23 Nov 2026 at 08:00,\nBright Eyes <hello@brighteyes.example> wrote:\n\nDear Mia",
    "Am 23.11.2026 um 08:00 schrieb Bright Eyes:\n> Liebe Mia",
    "Le lun. 23 nov. 2026 à 08:00, Bright Eyes a écrit :\n> Chère Mia",
    "-----Original Message-----\nFrom: Bright Eyes\nDear Mia",
    "________________________________\nFrom: Bright Eyes",
    "-- \nMia Meier\nArchitect",
    "Sent from my iPhone",
    "Von meinem iPhone gesendet",
    "Skickat från min iPhone",
    "Wysłane z iPhone'a",
    "iPhoneから送信",
    "Outlook für iOS beziehen<https://aka.ms/o0ukef>",
    "Sent from Outlook for Android",
    "pon., 23 lis 2026 o 10:00 Bright Eyes <hello@brighteyes.example> napisał(a):\n\nDroga Mia",
    "пн, 23 нояб. 2026 г. в 10:00, Bright Eyes <hello@brighteyes.example>:\n\nMia",
    "2026年11月23日(月) 10:00 Bright Eyes <hello@brighteyes.example>:\n\nMia",
]


@pytest.mark.parametrize("quote", QUOTES)
def test_what_is_quoted_or_signed_is_not_the_readers_word(quote: str) -> None:
    assert own_words(f"Stop\n\n{quote}") == "Stop"
    [heeded] = ReplyParser().parse(mail(f"Unsubscribe\n\n{quote}"))
    assert heeded.stop
    [answered] = ReplyParser().parse(mail(f"See you then\n\n{quote}"))
    assert answered.stop is None


FOOT = "Bright Eyes\n1 High St\n\n{}\n\nUnsubscribe from these messages\nhttps://b.example/unsubscribe/x"


@pytest.mark.parametrize(
    "head",
    [
        "",
        "From: Bright Eyes\nSent: Monday, 23 November 2026 10:00\nTo: Mia",
        "*Von:* Bright Eyes\n*Gesendet:* Montag, 23. November 2026",
        "Bright Eyes wrote:",
        "---------- Původní zpráva ----------",
        "Begin forwarded message:",
    ],
)
def test_our_own_foot_below_an_answer_is_no_wish_of_the_reader(head: str) -> None:
    for language in ("en", "de", "fr", "it", "es"):
        said = FOOT.format(foot(language, Purpose.MARKETING).reason)
        [event] = ReplyParser().parse(mail(f"Thanks, see you on Friday\n\n{head}\n\nDear Mia\n\n{said}"))
        assert event.stop is None
    [event] = ReplyParser().parse(mail(f"Unsubscribe from these messages\n\n{head}\n\nDear Mia"))
    assert event.stop


def test_who_writes_below_what_is_quoted_is_heard_too() -> None:
    quoted = "On Mon, 23 Nov 2026 at 08:00, Bright Eyes wrote:\n> Dear Mia\n> To stop, answer STOP\n"
    [heeded] = ReplyParser().parse(mail(f"{quoted}\nUnsubscribe\n\n-- \nMia Meier"))
    assert heeded.stop
    [silent] = ReplyParser().parse(mail(quoted))
    assert silent.stop is None


def test_a_mail_in_html_is_read_too() -> None:
    html = "<html><head><style>p {color: red}</style></head><p>Please stop&nbsp;emailing me</p>"
    [event] = ReplyParser().parse(mail("", html=f"{html}<blockquote>Dear Mia</blockquote></html>"))
    assert event.stop
    assert event.stop.purposes == ADVERTISING


@pytest.mark.parametrize(
    "text",
    [
        "<!-- a > b --><p>Unsubscribe</p>",
        "<body><!--[if gte mso 9]><xml><o:x>1</o:x></xml><![endif]-->Please stop emailing me</body>",
    ],
)
def test_what_is_hidden_in_html_is_not_the_readers_word(text: str) -> None:
    [event] = ReplyParser().parse(mail("", html=text))
    assert event.stop


@pytest.mark.parametrize(
    "mark",
    [
        '<div class="gmail_quote gmail_quote_container"><div class="gmail_attr">V pondelok napísal Bright Eyes</div>',
        '<div id="divRplyFwdMsg" dir="ltr"><b>Od:</b> Bright Eyes<br><b>Odesláno:</b> pondělí</div>',
        '<hr style="width:98%">',
        '<div class="moz-cite-prefix">Bright Eyes napsal(a):<br></div>',
    ],
)
def test_what_html_marks_as_quoted_is_not_the_readers_word(mark: str) -> None:
    quoted = "<p>Dear Mia,</p>" + "<p>It has been a while since your last visit.</p>" * 20
    [heeded] = ReplyParser().parse(mail("", html=f"<p>Please take me off your list</p>{mark}{quoted}"))
    assert heeded.stop
    [answered] = ReplyParser().parse(mail("", html=f"<p>Thanks</p>{mark}<p>Unsubscribe from these messages</p>"))
    assert answered.stop is None


def test_a_wish_in_a_signed_mail_is_read() -> None:
    signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nPlease unsubscribe me\n-----BEGIN PGP SIGNATURE-----"
    [event] = ReplyParser().parse(mail(f"{signed}\n\niQEzBAEBCgAd\n-----END PGP SIGNATURE-----"))
    assert event.stop


def test_what_is_attached_is_not_the_readers_word() -> None:
    made = EmailMessage()
    made["From"], made["Subject"], made["In-Reply-To"] = MIA_MAIL, "Re: Your eyes", f"<{KEY}@brighteyes.example>"
    made.set_content("<p>Here is the list that you asked for.</p>", subtype="html")
    made.add_attachment("stop", filename="list.txt")
    [event] = ReplyParser().parse(Payload(made.as_bytes(), received_at=NOW))
    assert event.stop is None


@pytest.mark.parametrize(
    ("charset", "text"),
    [("iso-2022-jp", "停止"), ("gb2312", "退订"), ("windows-1252", "Désabonner"), ("koi8-r", "СТОП")],
)
def test_a_wish_in_an_old_character_set_is_read(charset: str, text: str) -> None:
    head = f"From: {MIA_MAIL}\nIn-Reply-To: <{KEY}@brighteyes.example>\nContent-Type: text/plain; charset={charset}\n\n"
    [event] = ReplyParser().parse(Payload(head.encode() + text.encode(charset), received_at=NOW))
    assert event.stop


@pytest.mark.parametrize(
    ("named", "written"),
    [
        ("iso-8859-1", "utf-8"), ("us-ascii", "utf-8"), ("utf-8", "iso-8859-1"), ("us-ascii", "iso-8859-1"),
        ("x-unknown", "utf-8"), ("unknown-8bit", "windows-1252"), ("iso-8859-8-i", "iso-8859-8"),
    ],
)  # fmt: skip
def test_a_wish_is_read_though_the_mail_names_another_character_set(named: str, written: str) -> None:
    text = "הסר" if written == "iso-8859-8" else "Désabonner"
    head = f"From: {MIA_MAIL}\nIn-Reply-To: <{KEY}@brighteyes.example>\nContent-Type: text/plain; charset={named}\n\n"
    [event] = ReplyParser().parse(Payload(head.encode() + text.encode(written), received_at=NOW))
    assert event.stop


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
def test_a_subject_of_raw_octets_is_read(charset: str) -> None:
    head = "From: Zoë <zoe@home.example>\nSubject: Désabonner\n\n".encode(charset)
    [event] = ReplyParser().parse(Payload(head, received_at=NOW))
    assert event.stop
    assert event.address == "zoe@home.example"


def test_a_wish_in_the_subject_counts_if_the_reader_wrote_the_subject() -> None:
    parse = ReplyParser().parse
    [event] = parse(mail("Mia Meier", Subject="Unsubscribe", In_Reply_To=""))
    assert event.stop
    assert parse(mail("Thank you", Subject="Re: Unsubscribe", In_Reply_To="")) == ()


def test_a_wish_below_the_subject_says_more_than_the_subject_does() -> None:
    [event] = ReplyParser().parse(mail("Stop all", Subject="Unsubscribe", In_Reply_To=""))
    assert event.stop
    assert set(event.stop.purposes) == set(EVERY)


@pytest.mark.parametrize(
    "text", ["From: now on please\nStop", "Please stop\nDate: today", "Date: today\nStop", "<stop>"]
)
def test_what_only_looks_like_the_head_of_a_quoted_mail_or_a_tag_is_the_readers_own(text: str) -> None:
    assert own_words(text) == text
    [event] = ReplyParser().parse(mail(text))
    assert (event.stop is None) == (read_stop(text, Medium.EMAIL) is None)


def test_an_ordinary_mail_is_no_event() -> None:
    assert ReplyParser().parse(mail("Do you sell sunglasses?", Subject="A question", In_Reply_To="")) == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated"},
        {"X_Autoreply": "yes"},
        {"Precedence": "auto_reply"},
        {"Subject": "Abwesenheitsnotiz: Ihre Augen"},
        {"Subject": "Réponse automatique : vos yeux"},
        {"Subject": "Automatic reply: Your eyes"},
        {"Subject": "Out of Office Re: Your eyes"},
        {"Subject": "On annual leave"},
        {"Subject": "Automatische Rückantwort: Ihre Augen"},
        {"Subject": "Automatisch antwoord: Uw ogen"},
        {"Subject": "Autosvar: Dine øjne"},
        {"Subject": "Odpowiedź automatyczna: Twoje oczy"},
        {"Subject": "Автоматический ответ: глаза"},
        {"Subject": "رد تلقائي: عيناك"},
        {"Subject": "自动回复:您的眼睛"},
        {"Subject": "자동 회신: 눈"},
        {"X_FC_MachineGenerated": "true"},
        {"From": "MAILER-DAEMON@mx.home.example"},
        {"List_Id": "<friends.home.example>"},
    ],
)
def test_what_a_machine_answers_is_no_answer(headers: dict[str, str]) -> None:
    assert ReplyParser().parse(mail("stop", **headers)) == ()


def test_an_answer_to_a_message_about_absence_is_not_taken_for_a_machines() -> None:
    [event] = ReplyParser().parse(mail("Stop", Subject="Re: Out of office in December"))
    assert event.stop


@given(st.binary(max_size=2000))
def test_any_bytes_give_events_or_an_error_of_ours(body: bytes) -> None:
    with suppress(CrmkitError):
        ReplyParser().parse(Payload(body, received_at=NOW))
    with suppress(CrmkitError):
        ReplyParser().parse(Payload(mail("Stop").body.replace(b"\n\n", b"\n" + body + b"\n\n", 1), received_at=NOW))


def test_a_person_who_answers_a_message_about_absence_is_heard() -> None:
    [event] = ReplyParser().parse(mail("Unsubscribe", Subject="AW: Urlaub der Praxis"))
    assert event.stop
