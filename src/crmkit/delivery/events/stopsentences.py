"""The sentences by which readers say stop, by language: patterns over plain letters, and words to fill them with."""

from __future__ import annotations

#: What is sent, and what of it is advertising; by these the sentences below are filled in.
NOUNS = {
    "en": "texts?|text messages?|messages?|msgs?|sms|e ?mails?|mails?|letters?|calls?|reminders?|surveys?|spam|junk",
    "de": "nachrichten|sms|e ?mails?|mails?|post|briefe|erinnerungen",
    "fr": "messages?|sms|e ?mails?|mails?|textos?|courriers?|courriels?|communications?",
    "it": "messaggi|comunicazioni|sms|e ?mail|mail",
    "es": "mensajes|comunicaciones|sms|correos|e ?mails?|mails?",
    "pt": "mensagens|sms|e ?mails?",
    "nl": "berichten|sms|e ?mails?|mails?",
}
ADVERTISING = {
    "en": "newsletters?|marketing|ads?|adverts?|advertising|promos?|promotions?|offers?|mailings|promotional"
    "|birthday(?: cards?| greetings?| wishes)?",
    "de": "werbung|newslettern?|werbemails?|werbenachrichten",
    "fr": "publicites?|pubs?|newsletters?",
    "it": "pubblicita|newsletter|promozioni",
    "es": "publicidad|promociones|boletines",
    "pt": "publicidade|promocoes|newsletters?",
    "nl": "reclame|nieuwsbrief|nieuwsbrieven",
}
#: Words that make it all messages, of whichever kind: with a word to stop, or in a sentence.
EVERYTHING = {
    "en": "all|everything|anything|any kind|contact",
    "de": "alles|alle|nichts|kontaktieren",
    "fr": "tout|tous|rien|contacte[zr]",
    "it": "tutto|tutti|nulla|niente|contattatemi|contattarmi",
    "es": "todo|todos|nada|contacten|contactarme",
    "pt": "tudo|todos|nada|contactar",
    "nl": "alles|alle|niets",
}

#: From which list one wants to be taken.
LISTS = {
    "en": r"(?:off|from)(?: (?:of|all))? (?:your|this"
    r"|(?:the|this|your) (?:mailing|e ?mail|text|texting|sms|contact|marketing|newsletter))"
    r"(?: (?:lists?|database|system|records))",
    "de": r"(?:(?:aus|von) (?:ihrem|dem|der|ihrer|allen|ihren)|vom) (?:(?:e ?mail |newsletter )?verteilern?"
    r"|verteilerlisten?|mailinglisten?|adresslisten?|e ?mail liste|newsletter)",
    "fr": r"de (?:votre|vos|cette|la) (?:listes?(?: de (?:diffusion|contacts))?|newsletters?|mailing list|fichiers?"
    r"|bases?(?: de donnees)?)",
    "it": r"dall[ae] (?:vostr[ae] )?(?:list[ae](?: di distribuzione)?|mailing list|newsletter)",
    "es": r"de (?:la|su|esta|vuestra|sus) (?:listas?(?: de (?:correo|distribucion))?|newsletter|base de datos)",
    "pt": r"da (?:vossa |sua |tua )?(?:lista(?: de (?:e ?mails|contactos|distribuicao))?|newsletter|base de dados)",
    "nl": r"(?:van|uit) (?:de|uw|jullie|deze|het) (?:(?:mailing|e ?mail|verzend|adres)? ?lijst|nieuwsbrief|bestand"
    r"|database)",
}
#: Short sentences that say it and cannot mean anything else: patterns over plain letters. NOUN and FROM stand for the
#: words above, WHICH and EVER for what may stand before and after.
SENTENCES = {
    "en": (
        r"(?:(?:can|could|would|will) you )?(?:please )?(?:stop|quit|cease) (?:sending|texting|messaging|e ?mailing"
        r"|contacting|mailing|writing|spamming|bothering|calling)(?: to me)?WHICH(?: NOUN)?EVER",
        r"(?:do not|dont|never)(?: ever)? (?:text|message|sms|e ?mail|mail|write to|contact|call or text)"
        r" (?:me|us)EVER",
        r"(?:do not|dont|never) send(?: me| us)?WHICH NOUNEVER|(?:do not|dont|never) send(?: me| us) anythingEVER",
        r"no more NOUN(?: of any kind)?EVER|stop(?:WHICH NOUN| all of (?:it|this|these)| everything)EVER",
        r"(?:i )?(?:do not|dont|no longer)(?: want| wish)?(?: to)? (?:want|receive|get)WHICH NOUN(?: from you)?EVER",
        r"(?:take|remove|delete|get) (?:me|us|(?:my|this) (?:number|e ?mail|(?:e ?mail )?address|name|details)) FROM"
        r"EVER|i want FROMEVER",
        r"(?:i |id )?(?:want|would like|like|wish|need|ask) to be (?:(?:removed|taken|deleted) FROM|unsubscribed"
        r"(?: from(?:WHICH NOUN| all)| FROM)?)EVER",
        r"(?:unsubscribe|opt)(?: me| us)?(?: out)?(?: (?:from|of))(?:WHICH NOUN| all| everything)(?: lists?)?EVER",
        r"(?:unsubscribe|opt) (?:me|us)(?: out)?|cancelWHICH NOUN",
        r"(?:i |id )?(?:want|would like|like|wish) to (?:stop|opt out|unsubscribe)(?: (?:of|from)WHICH NOUN)?EVER",
    ),
    "de": (
        r"(?:senden|schicken|schreiben)(?: sie)?(?: mir)?(?: bitte)?(?: keine(?: weiteren)? NOUN| nichts)(?: mehr)?",
        r"(?:bitte )?keine (?:weiteren )?NOUN(?: mehr)?(?: an mich)?(?: senden| schicken)?",
        r"(?:mich )?(?:bitte )?nicht mehr (?:schreiben|anschreiben|kontaktieren)",
        r"(?:schreiben|kontaktieren) sie (?:mich|mir) (?:bitte )?(?:nicht|nie) (?:mehr|wieder)",
        r"horen sie (?:bitte )?auf mir (?:NOUN )?zu (?:schreiben|schicken|senden)",
        r"(?:(?:ich )?(?:mochte|will|wunsche) )?keine (?:weiteren )?NOUN(?: mehr)?(?: von ihnen)?"
        r"(?: (?:erhalten|bekommen))?",
        r"(?:ich )?(?:mochte|will|wunsche) (?:ihre|diese|solche|die) NOUN(?: bitte)? nicht (?:mehr|weiter|langer)"
        r"(?: (?:erhalten|bekommen))?",
        r"ich (?:mochte|will) (?:mich |den newsletter |das )?(?:abmelden|abbestellen|austragen|widerrufen)",
        r"(?:nehmen|streichen|loschen|entfernen|tragen) sie (?:mich|meine (?:e ?mail )?adresse) (?:bitte )?FROM"
        r"(?: (?:aus|heraus))?",
        r"(?:mich )?(?:bitte )?FROM (?:loschen|nehmen|streichen|entfernen|austragen|abmelden)",
        r"(?:ich )?(?:bitte|ersuche) um (?:loschung|streichung|entfernung|austragung) FROM",
        r"melden sie mich (?:bitte )?FROM ab|(?:ich )?(?:mochte|will) (?:bitte )?FROM (?:abgemeldet|gestrichen) werden",
        r"(?:hiermit )?(?:widerrufe ich|ich widerrufe)(?: hiermit)? meine (?:einwilligung|zustimmung)"
        r"(?: (?:zu|zum|zur|in|fur|in den|in die)(?: \w+){0,3} NOUN)?",
        r"ich (?:mochte|will|wunsche) (?:von ihnen )?nicht (?:mehr|weiter|langer)"
        r" (?:angeschrieben|angemailt|kontaktiert) werden",
        r"unterlassen sie (?:es )?(?:kunftig |in zukunft )?(?:weitere|ihre|diese|alle) NOUN",
        r"(?:stoppen|beenden) sie (?:alle|die|diese) NOUN|alles abbestellen|alles abmelden|von allem abmelden",
    ),
    "fr": (
        r"(?:arretez|cessez|arreter)(?: de)? (?:m ?envoyer|me contacter|m ?ecrire)"
        r"(?: (?:des|vos|ces|les|tous vos))?(?: NOUN)?",
        r"(?:arretez|cessez) (?:les|vos|ces|tous les|tous vos) NOUN|plus (?:de |d ?|aucun )NOUN",
        r"(?:je )?(?:ne )?(?:veux|souhaite) plus (?:recevoir )?(?:(?:de|vos|ces|aucun) |d ?)?NOUN",
        r"je (?:veux|souhaite|voudrais) me (?:desabonner|desinscrire)",
        r"(?:veuillez |merci de (?:bien vouloir )?|pouvez vous )?me (?:desabonner|desinscrire|retirer|supprimer)"
        r"(?: de (?:votre|vos|cette|la) (?:listes?|newsletter|mailing list|liste de diffusion)"
        r"| de (?:vos|ces|tous vos) NOUN)?",
        r"(?:veuillez |priere de |je vous prie de )?ne plus (?:m ?envoyer|m ?adresser|m ?ecrire|me contacter)"
        r"(?: (?:(?:de|vos|ces|aucun) |d ?)?NOUN)?",
        r"(?:veuillez |merci de (?:bien vouloir )?)?(?:supprime[rz]|retire[rz]|efface[rz])"
        r" mon (?:adresse|(?:adresse )?e? ?mail)(?: FROM)?|(?:supprime[rz]|retire[rz]|enleve[rz]) moi FROM",
        r"(?:ne )?(?:m ?ecrivez|m ?envoyez|me contactez) plus(?: rien)?(?: (?:de |d ?)NOUN)?",
    ),
    "it": (
        r"(?:smettete|smetta|basta)(?: di| con)? (?:scrivermi|mandarmi|inviarmi|contattarmi)(?: NOUN)?",
        r"(?:basta|niente piu)(?: con i| i)? NOUN",
        r"(?:vi prego di |prego di |vorrei )?(?:cancellarmi|disiscrivermi|rimuovermi|cancellatemi|rimuovetemi)"
        r"(?: dalla (?:vostra )?(?:lista|mailing list|newsletter))?",
        r"non (?:scrivetemi|contattatemi|mandatemi|inviatemi) piu(?: NOUN| nulla)?",
        r"non (?:voglio|desidero) (?:piu )?ricevere(?: piu)?"
        r" (?:(?:le |i )?(?:vostr[eai] |quest[eia] |altr[eai] )?NOUN|nulla)",
        r"(?:cancellate|rimuovete|togliete|eliminate)mi FROM",
    ),
    "es": (
        r"(?:dejen|deje|paren|pare) de (?:enviarme|mandarme|escribirme|contactarme)(?: mas)?(?: NOUN)?",
        r"no (?:me )?(?:envien|manden|escriban|contacten) (?:mas|nada)(?: NOUN)?|no mas NOUN",
        r"(?:(?:quiero|deseo|quisiera|solicito|me gustaria) )?(?:den|de|dar)me de baja(?: FROM| de NOUN)?",
        r"(?:eliminen|borren|quiten|saquen|elimine|borre|quite|saque)me FROM",
        r"no (?:quiero|deseo) (?:recibir )?mas NOUN|no (?:quiero|deseo) recibir nada",
    ),
    "pt": (
        r"(?:parem|pare|deixem) de (?:me )?(?:enviar|mandar|escrever|contactar)(?: me)?(?: NOUN)?",
        r"nao (?:me )?(?:enviem|mandem|escrevam) mais(?: NOUN| nada)?|nao quero (?:receber )?mais NOUN",
        r"(?:retir|remov|tir)[ae]m? me FROM",
        r"(?:quero |desejo )?cancelar (?:a |minha |a minha )?(?:subscricao|inscricao)",
        r"(?:chega de|sem mais|nao mais) NOUN",
    ),
    "nl": (
        r"(?:stop met|hou op met) (?:(?:het )?(?:sturen|mailen|sms en|smsen)(?: van)?(?: NOUN)?|NOUN)",
        r"(?:stuur|mail|sms|bericht) (?:mij|me) (?:niet|geen NOUN|niets) meer",
        r"ik wil (?:me|mij) (?:afmelden|uitschrijven)|graag (?:afmelden|uitschrijven)"
        r"(?: (?:van|voor) (?:de|uw|jullie|deze) (?:nieuwsbrief|lijst|mailinglijst))?",
        r"(?:verwijder|haal|schrap) (?:mij|me|ons|mijn (?:e ?mail ?)?adres) FROM",
        r"(?:ik wil )?geen NOUN meer(?: ontvangen)?",
    ),
}
