"""How the generated practice is laid down: CSV files, the settings, the newsletters. The same bytes everywhere."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from crmkit.demo.rows import HEADERS, Tables

CRM_TOML = """\
# The settings of Bright Eyes Optometry, a practice that does not exist. All patients are made up.
# A line that starts with # is a note to the reader; the program passes over it.

# Where the program keeps what it knows: one file beside this one. Take it into your backups.
database = "sqlite:///practice.db"

# What the program may use. "csv" reads what your practice software exports; "folder" writes each message
# into a file instead of sending it, so that you can look at everything first. Nobody is written to.
plugins = ["csv", "folder"]

# Folders beside this file: your own wording of messages (none is needed, so it is empty), and the newsletter's texts.
templates = "templates"
content = "content"

# Who is speaking. The name, the postal address and the telephone number stand at the foot of every message.
[practice]
id = "bright-eyes"                                    # never changes, even if the practice gets a new name
name = "Bright Eyes Optometry"
country = "AU"                                        # whose rules and telephone numbers are meant
timezone = "Australia/Sydney"                         # messages are due at nine there
locale = "en_AU"                                      # how dates and amounts are written
currency = "AUD"
email = "hello@brighteyes.example"                    # where messages come from and answers go to
phone = "02 5550 1234"
address = "1 High St, Newtown NSW 2042"               # the law wants it in every newsletter
public_url = "https://brighteyes.example/crm"         # where the unsubscribe links lead
keys = ["demo-key-not-secret"]                        # signs those links; in your own practice, keep it secret
region = "NSW"                                        # whose public holidays are meant

# The law and courtesy keep messages out of the night. With these lines nothing leaves outside your own hours either.
# Remove the # in front of them.
# [hours]
# week = "Mon-Fri 09:00-17:00, Sat 09:00-12:00"
# closed = "public holidays, 12-24..01-02"            # quiet days, here of every year

# The folder with the files from the practice software: patients.csv, visits.csv and so on.
[settings.csv]
folder = "exports"

# The folder in which you will find the finished messages.
[settings.folder]
path = "outbox"

# What goes out. Each part below is one campaign: to whom (segment), what (message), when (schedule).
# If a patient would get two messages in the same days, the one with the lower priority number goes first.

# A card on the birthday, to every active patient. Who has not agreed to news, or has taken the yes back, is left
# out without your doing anything; so for all campaigns.
[campaigns.birthday-card]
objective = "celebrate"
message = "birthday"
segment = "status is active"
schedule = "on birthday"
priority = 40

# The newsletter, four times a year. Its text is content/newsletter/, one file for each quarter.
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
"""


def write_tables(folder: Path, tables: Tables) -> None:
    """Write each table as `<folder>/<table>.csv`: UTF-8, a header line, lines that end in a line feed."""
    for name, header in HEADERS.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([row[column] for column in header] for row in tables[name])
        write_text(folder / f"{name}.csv", text.getvalue())


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, its line ends as they are, and make the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
