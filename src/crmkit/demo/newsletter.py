"""The practice's newsletter: one page for each quarter, in the seasons of the southern hemisphere."""

from __future__ import annotations

from datetime import date

SUMMER = """\
# A new year, and a clear start: news from Bright Eyes

The bags are packed away, the sand is mostly out of the car, and we are back behind the desk. We hope that your
summer was a kind one.

**Back to school.** If your child's school asks for a note about glasses or for a spare pair, ring us a few days
ahead and we will have it ready. Name labels for spectacle cases are free; ask at the desk.

**Sunglasses that were sat on.** It happens in every family, and more often in January. Bring them in. A bent frame
can often be straightened while you wait, and we do not charge for it.

**Extras cover.** Many health funds start counting afresh on 1 January. What yours pays for, only the fund can tell
you; if you bring the card, we can claim on the spot.
"""
AUTUMN = """\
# Shorter days, longer reading: news from Bright Eyes

The plane trees along the street are turning, the reading lamps are coming out, and Thursday evenings are quiet again:
a good time to drop in without a rush.

**Late on Thursdays.** We are here until half past seven, for everyone who works in the day. On Saturdays we open from
nine to one. Over Easter and on Anzac Day we are closed.

**A place for old glasses.** There is a wooden box beside the door. Leave the pairs that nobody wears any more and we
pass them on to a charity that sorts and re-uses them. Cases are welcome too.

**Driving home in the dark.** A clean windscreen, inside as well as outside, and clean lenses are the cheapest help
there is. Cloths are at the desk; take one for the glove box.
"""
WINTER = """\
# Warm inside, foggy lenses: news from Bright Eyes

You know the moment: in from the cold, and the world turns white. We have no cure for winter, but there is a heater in
the waiting room, and the kettle is always on.

**Fog on the glasses.** Lukewarm water, a drop of plain dish soap and a soft cloth leave a film that fogs a little
less. Tissues and jumpers scratch. If you want to see how we do it, come by; it takes two minutes.

**School holidays.** In the July break we keep the mornings for families. Tell us when you book if you would like to
come together, so that nobody has to wait for long.

**A spare pair.** If yours is older than your phone, have a look whether it still sits well. We adjust frames at no
charge, also those bought elsewhere.
"""
SPRING = """\
# Spring light on King Street: news from Bright Eyes

The jacarandas are out, the evenings are long, and the sun stands low just when everybody drives home. Time to look
for the sunglasses in the bottom of the bag.

**Before the holidays.** Orders for spectacles take about ten days, a little longer in December. If you would like
something ready for the beach or for a trip, early in the month is better than late.

**Our hours over Christmas.** We are closed from 25 December to 1 January. Until then we are here as usual, on
Thursdays until half past seven and on Saturdays from nine to one.

**Taking glasses on the road.** A hard case, a small screwdriver and a photo of your prescription on the phone: those
three have saved many a holiday. We are glad to give you a copy of the prescription; just ask.
"""
SOMMER_DE = """\
# Ein neues Jahr mit klarem Blick: Neues von Bright Eyes

Die Ferien sind vorbei, der Sand ist fast aus dem Auto, und wir sind wieder für Sie da.

**Schulanfang.** Braucht Ihr Kind für die Schule eine Bestätigung oder eine zweite Brille? Rufen Sie uns ein paar Tage
vorher an, dann liegt alles bereit. Namensschilder für das Etui gibt es kostenlos.

**Auf die Sonnenbrille gesetzt?** Bringen Sie sie vorbei. Ein verbogenes Gestell lässt sich oft gleich richten, und
das kostet nichts.
"""
HERBST_DE = """\
# Kürzere Tage, längere Leseabende: Neues von Bright Eyes

Die Platanen färben sich, die Leselampen gehen an, und am Donnerstagabend ist es bei uns wieder ruhig.

**Donnerstags länger.** Wir sind bis halb acht für Sie da, samstags von neun bis eins. Über Ostern und am Anzac Day
bleibt die Praxis geschlossen.

**Ein Platz für alte Brillen.** Neben der Tür steht eine Holzkiste. Was Sie nicht mehr tragen, geben wir an eine
wohltätige Sammlung weiter, auch Etuis.
"""
WINTER_DE = """\
# Drinnen warm, die Gläser beschlagen: Neues von Bright Eyes

Man kommt aus der Kälte herein, und die Welt wird weiß. Bei uns ist geheizt, und der Tee ist heiß.

**Beschlagene Gläser.** Lauwarmes Wasser, ein Tropfen einfaches Spülmittel und ein weiches Tuch helfen ein wenig.
Papiertücher und Pullover zerkratzen die Gläser. Wir zeigen Ihnen gern, wie wir es machen.

**Schulferien.** In den Juliferien halten wir die Vormittage für Familien frei. Sagen Sie uns bei der Anmeldung, wenn
Sie gemeinsam kommen möchten.
"""
FRUEHLING_DE = """\
# Frühlingslicht in der King Street: Neues von Bright Eyes

Die Jacarandas blühen, die Abende sind lang, und auf dem Heimweg steht die Sonne tief.

**Vor den Ferien.** Eine neue Brille braucht etwa zehn Tage, im Dezember etwas länger. Wenn sie zum Fest oder zur
Reise fertig sein soll, kommen Sie lieber früh im Monat.

**Öffnungszeiten über Weihnachten.** Vom 25. Dezember bis zum 1. Januar ist die Praxis geschlossen. Bis dahin sind wir
wie gewohnt da, donnerstags bis halb acht und samstags von neun bis eins.
"""
ENGLISH = (SUMMER, AUTUMN, WINTER, SPRING)
GERMAN = (SOMMER_DE, HERBST_DE, WINTER_DE, FRUEHLING_DE)
#: Five closing words for four seasons, so that the same season of the next year does not end on the same one.
CLOSING = (
    "**From the desk.** Has your address or your telephone number changed? Tell us when you are next here, and we will "
    "put it right while you choose a biscuit.",
    "**From the desk.** The two chairs at the window have new cushions. The cat from next door has approved of them.",
    "**From the desk.** Three of you have asked where the coffee comes from: the roaster around the corner. We grind "
    "it every morning.",
    "**From the desk.** If you would rather be written to in another language, say so. We will do what we can.",
    "**From the desk.** The shelf with books to take and to leave is full again. Take two.",
)
CLOSING_DE = "**Vom Empfang.** Hat sich Ihre Adresse geändert? Sagen Sie es uns beim nächsten Besuch."
FAREWELL = "Warm regards from all of us at Bright Eyes"
FAREWELL_DE = "Herzliche Grüße von uns allen bei Bright Eyes"


def issues(today: date) -> dict[str, str]:
    """Return the newsletters by file name: this quarter's, also in German, and those of the four quarters to come.

    >>> sorted(issues(date(2026, 11, 23)))
    ['2026-q4.de.md', '2026-q4.md', '2027-q1.md', '2027-q2.md', '2027-q3.md', '2027-q4.md']
    """
    now = today.year * 4 + (today.month - 1) // 3
    german = {f"{_period(now)}.de.md": f"{GERMAN[now % 4]}\n{CLOSING_DE}\n\n{FAREWELL_DE}\n"}
    return german | {f"{_period(quarter)}.md": _english(quarter) for quarter in range(now, now + 5)}


def _english(quarter: int) -> str:
    return f"{ENGLISH[quarter % 4]}\n{CLOSING[quarter % 5]}\n\n{FAREWELL}\n"


def _period(quarter: int) -> str:
    return f"{quarter // 4}-q{quarter % 4 + 1}"
