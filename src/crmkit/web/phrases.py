"""The words of the pages, by language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from crmkit.messages.links import Unsubscribe
from crmkit.people.medium import Medium, Purpose


@attrs.frozen(kw_only=True)
class Phrases:
    """The words of one language.

    Attributes:
        language: Its tag.
        title: What the page is for.
        would_end: Before what the button ends.
        button: On the button.
        whom: Whom it concerns, in words that fit the patient and a guardian.
        rest: What it does not concern.
        contact: Before the practice's e-mail address.
        done: The title afterwards.
        has_ended: Before what has ended.
        on_its_way: That a message may cross the wish.
        missing: The title where a link cannot be followed.
        missing_why: What to do then.
        failed: The title where a wish was not recorded.
        failed_why: What to do then.
        purposes: What messages of a purpose are.
        media: By which medium they come.
    """

    language: str
    title: str
    would_end: str
    button: str
    whom: str
    rest: str
    contact: str
    done: str
    has_ended: str
    on_its_way: str
    missing: str
    missing_why: str
    failed: str
    failed_why: str
    purposes: Mapping[Purpose, str]
    media: Mapping[Medium, str]

    def ends(self, asked: Unsubscribe) -> str:
        """Return what an unsubscribe link ends, such as "News, greetings and offers by e-mail"."""
        return f"{self.purposes[asked.purpose]} {self.media[asked.medium]}"


_EN = Phrases(
    language="en",
    title="Unsubscribe",
    would_end="When you press the button, you will no longer get:",
    button="Unsubscribe",
    whom="This is for you, or for the person in your care whom these messages are about.",
    rest="All other messages stay as they are.",
    contact="Questions? Write to us:",
    done="You are unsubscribed",
    has_ended="You will no longer get:",
    on_its_way="A message that is already on its way may still reach you.",
    missing="This link does not work",
    missing_why="Please open the whole link in the message, or reply to the message and ask us to stop.",
    failed="That did not work",
    failed_why="Please try again in a few minutes, or reply to the message and ask us to stop.",
    purposes={
        Purpose.CARE: "Reminders about your care",
        Purpose.SERVICE: "Messages about your appointments and orders",
        Purpose.MARKETING: "News, greetings and offers",
        Purpose.FEEDBACK: "Requests for your opinion",
    },
    media={Medium.EMAIL: "by e-mail", Medium.SMS: "by text message", Medium.POST: "by post", Medium.PHONE: "by phone"},
)

_DE = Phrases(
    language="de",
    title="Abmelden",
    would_end="Wenn Sie auf den Knopf drücken, erhalten Sie nicht mehr:",
    button="Abmelden",
    whom="Das gilt für Sie oder für die Ihnen anvertraute Person, um die es in diesen Nachrichten geht.",
    rest="Alle anderen Nachrichten bleiben, wie sie sind.",
    contact="Fragen? Schreiben Sie uns:",
    done="Sie sind abgemeldet",
    has_ended="Sie erhalten nicht mehr:",
    on_its_way="Eine Nachricht, die schon unterwegs ist, kann Sie noch erreichen.",
    missing="Dieser Link funktioniert nicht",
    missing_why="Bitte öffnen Sie den ganzen Link aus der Nachricht, oder antworten Sie auf die Nachricht und bitten "
    "Sie uns, damit aufzuhören.",
    failed="Das hat nicht geklappt",
    failed_why="Bitte versuchen Sie es in einigen Minuten noch einmal, oder antworten Sie auf die Nachricht und bitten "
    "Sie uns, damit aufzuhören.",
    purposes={
        Purpose.CARE: "Erinnerungen an Ihre Vorsorge und Behandlung",
        Purpose.SERVICE: "Nachrichten zu Ihren Terminen und Bestellungen",
        Purpose.MARKETING: "Neuigkeiten, Glückwünsche und Angebote",
        Purpose.FEEDBACK: "Fragen nach Ihrer Meinung",
    },
    media={Medium.EMAIL: "per E-Mail", Medium.SMS: "per SMS", Medium.POST: "per Post", Medium.PHONE: "per Telefon"},
)

_FR = Phrases(
    language="fr",
    title="Se désabonner",
    would_end="Si vous appuyez sur le bouton, vous ne recevrez plus\N{NO-BREAK SPACE}:",
    button="Se désabonner",
    whom="Cela vaut pour vous, ou pour la personne dont vous vous occupez et que ces messages concernent.",
    rest="Rien ne change pour tous les autres messages.",
    contact="Une question\N{NO-BREAK SPACE}? Écrivez-nous\N{NO-BREAK SPACE}:",
    done="Votre désabonnement est enregistré",
    has_ended="Vous ne recevrez plus\N{NO-BREAK SPACE}:",
    on_its_way="Un message déjà en route peut encore vous parvenir.",
    missing="Ce lien ne fonctionne pas",
    missing_why="Veuillez ouvrir le lien entier qui figure dans le message, ou répondre au message en nous demandant "
    "de cesser ces envois.",
    failed="Cela n’a pas fonctionné",
    failed_why="Veuillez réessayer dans quelques minutes, ou répondre au message en nous demandant de "
    "cesser ces envois.",
    purposes={
        Purpose.CARE: "Rappels concernant votre suivi",
        Purpose.SERVICE: "Messages concernant vos rendez-vous et vos commandes",
        Purpose.MARKETING: "Actualités, vœux et offres",
        Purpose.FEEDBACK: "Demandes d’avis",
    },
    media={
        Medium.EMAIL: "par e-mail",
        Medium.SMS: "par SMS",
        Medium.POST: "par courrier postal",
        Medium.PHONE: "par téléphone",
    },
)

_IT = Phrases(
    language="it",
    title="Annullare l’iscrizione",
    would_end="Premendo il pulsante, non riceverà più:",
    button="Annulla l’iscrizione",
    whom="Questo vale per Lei o per la persona di cui si prende cura e che questi messaggi riguardano.",
    rest="Tutti gli altri messaggi restano come sono.",
    contact="Domande? Ci scriva:",
    done="L’iscrizione è annullata",
    has_ended="Non riceverà più:",
    on_its_way="Un messaggio già in viaggio potrebbe ancora raggiungerLa.",
    missing="Questo link non funziona",
    missing_why="Apra il link intero che si trova nel messaggio, oppure risponda al messaggio chiedendoci di smettere.",
    failed="L’operazione non è riuscita",
    failed_why="Riprovi tra qualche minuto, oppure risponda al messaggio chiedendoci di smettere.",
    purposes={
        Purpose.CARE: "Promemoria sulle Sue cure",
        Purpose.SERVICE: "Messaggi sui Suoi appuntamenti e ordini",
        Purpose.MARKETING: "Novità, auguri e offerte",
        Purpose.FEEDBACK: "Domande sulla Sua opinione",
    },
    media={
        Medium.EMAIL: "per e-mail",
        Medium.SMS: "per SMS",
        Medium.POST: "per posta",
        Medium.PHONE: "per telefono",
    },
)

_ES = Phrases(
    language="es",
    title="Darse de baja",
    would_end="Al pulsar el botón, dejará de recibir:",
    button="Darse de baja",
    whom="Esto vale para usted o para la persona a su cargo a la que se refieren estos mensajes.",
    rest="Todos los demás mensajes siguen como están.",
    contact="¿Tiene alguna pregunta? Escríbanos:",
    done="Se ha dado de baja",
    has_ended="Ya no recibirá:",
    on_its_way="Un mensaje que ya esté en camino todavía puede llegarle.",
    missing="Este enlace no funciona",
    missing_why="Abra el enlace completo que figura en el mensaje, o responda al mensaje y pídanos que dejemos de "
    "escribirle.",
    failed="No ha funcionado",
    failed_why="Vuelva a intentarlo dentro de unos minutos, o responda al mensaje y pídanos que dejemos de escribirle.",
    purposes={
        Purpose.CARE: "Recordatorios sobre su atención",
        Purpose.SERVICE: "Mensajes sobre sus citas y pedidos",
        Purpose.MARKETING: "Noticias, felicitaciones y ofertas",
        Purpose.FEEDBACK: "Preguntas sobre su opinión",
    },
    media={
        Medium.EMAIL: "por correo electrónico",
        Medium.SMS: "por SMS",
        Medium.POST: "por correo postal",
        Medium.PHONE: "por teléfono",
    },
)

#: The words by language.
PHRASES: Mapping[str, Phrases] = MappingProxyType({said.language: said for said in (_EN, _DE, _FR, _IT, _ES)})
