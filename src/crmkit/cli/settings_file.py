"""The text of a new practice's `crm.toml`: settings, three campaigns, and a note at every line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from string import Template

_TEXT = Template("""\
# The settings of $plain_name.
# A line that starts with # is a note to the reader; the program passes over it.

# Where the program keeps what it knows: one file beside this one. Take it into your backups.
database = "sqlite:///crmkit.db"

# What the program may use. "csv" reads what your practice software exports; "folder" writes each message into a file
# instead of sending it. When everything looks right, put "email" in the place of "folder".
plugins = ["csv", "folder"]

# Folders beside this file: the texts of the newsletter, and your own wording of messages (none is needed).
content = "content"
# templates = "templates"

# Who is speaking. The name, the postal address and the telephone number stand at the foot of every message.
[practice]
id = $id
name = $name
country = $country
timezone = $timezone
locale = $locale
currency = $currency
email = $email
phone = $phone
address = $address
# Where patients reach you for unsubscribing. Without it, news by e-mail is held back.
$public_url
# Signs the unsubscribe links, and proves bounces. Keep it secret, and keep it: links of old messages need it.
keys = [$key]
# Your state or canton, if its rules and public holidays are to count: NSW for AU-NSW.
# region = "..."

# The law and courtesy keep messages out of the night. With these lines nothing leaves outside your own hours either.
# Remove the # in front of them.
# [hours]
# week = "Mon-Fri 09:00-17:00, Sat 09:00-12:00"
# closed = "public holidays, 12-24..01-02"    # quiet days, here of every year

# The folder with the files from the practice software: patients.csv, visits.csv, consents.csv and so on.
[settings.csv]
folder = $exports
# encoding = "cp1252"        # for files of many Windows programs
# delimiter = ";"

# If your columns are called otherwise, say which is which. Remove the # in front of the lines that you need.
# [settings.csv.patients]
# file = "Patient list.csv"
# id = "Patient No"
# given = "First name"
# family = "Surname"
# born = { column = "DOB", format = "$date_format" }
# status = { column = "State", values = { A = "active", I = "inactive", D = "deceased" } }
# email = "E-mail"
# mobile = "Mobile"
# full_name = "{First name} {Surname}"

# Who has agreed to news. Without a yes no news is sent; a cell without an answer says nothing.
# [settings.csv.consents]
# file = "Patient list.csv"
# id = "{Patient No}:news"
# patient = "Patient No"
# purpose = { constant = "marketing" }
# medium = { constant = "email" }
# given = { column = "News", values = { Y = "yes", N = "no" } }
# at = { column = "News since", format = "$date_format" }

# When each was here last, if that stands in the same list.
# [settings.csv.visits]
# file = "Patient list.csv"
# id = "{Patient No}:last"
# patient = "Patient No"
# day = { column = "Last visit", format = "$date_format" }
# status = { constant = "completed" }
# if_filled = "Last visit"

# The folder in which you will find the finished messages.
[settings.folder]
path = "outbox"

# With "email", put these lines in the place of [settings.folder].
# [settings.email]
# host = "smtp.your-provider.example"
# port = 587
# user = "..."
# password = "..."

# What goes out. Each part below is one campaign: to whom (segment), what (message), when (schedule).
# If a patient would get two messages in the same days, the one with the lower priority number goes first.

# A card on the birthday, to every active patient who has agreed to news by e-mail. It cannot wait, and so goes first.
[campaigns.birthday-card]
objective = "celebrate"
message = "birthday"
segment = "status is active"
schedule = "on birthday"
priority = 20

# The newsletter, four times a year. Its text is one file for each quarter, such as content/newsletter/2026-q4.md;
# as long as the file is missing, nothing goes out.
[campaigns.quarterly-news]
objective = "inform"
message = "newsletter"
segment = "status is active"
schedule = "quarterly on day 20"

# A friendly word before Christmas to adults who have not been seen for a year and a half and have nothing booked.
# One household in five (lot) gets nothing: by comparing them with the others you can see whether it worked.
[campaigns.christmas-return]
objective = "reactivate"
message = "reactivation"
segment = "last_visit before 18 months ago and next_visit is empty and age >= 18"
schedule = "yearly on 1 December"
lot = 0.2
priority = 30
""")


def settings_file(answers: Mapping[str, str], *, id_: str, key: str, public_url: str = "") -> str:
    """Return the file's text.

    Args:
        answers: The answers by question.
        id_: The practice's id.
        key: The secret that signs links.
        public_url: Where patients reach the host, empty if that is not known yet.
    """
    from crmkit.words import date_format

    url = f"public_url = {_quoted(public_url)}" if public_url else '# public_url = "https://..."'
    quoted = {name: _quoted(answer) for name, answer in answers.items()}
    # A day that is taken for a month is no error where both are below thirteen.
    plain = {"plain_name": answers["name"], "date_format": date_format(answers["locale"])}
    return _TEXT.substitute(quoted, id=_quoted(id_), key=_quoted(key), public_url=url, **plain)


def _quoted(text: str) -> str:
    # What JSON escapes in a string, TOML escapes in the same way.
    return json.dumps(text, ensure_ascii=False)
