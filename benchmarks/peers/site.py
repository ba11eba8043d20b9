"""The smallest Django project in which the Django peers run, with Django's own defaults wherever there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path

import words
from peers.driving import DATABASE

# Django looks for this name in the module that ROOT_URLCONF names; only the newsletter asks for addresses.
urlpatterns: list[Any] = []


def open_site(work: Path, port: int, apps: list[str], **more: Any) -> None:
    """Set Django up on the folder's SQLite file and a mail server on this machine.

    SQLite is left as Django opens it: a rollback journal, and full sync at every commit.
    """
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(work / DATABASE)}
    template = {"NAME": "django", "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
    settings.configure(
        SECRET_KEY="a key for measuring",  # noqa: S106 - it protects nothing
        DATABASES={"default": database},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", *apps],
        TEMPLATES=[{**template, "DIRS": [str(work / "templates")]}],
        USE_TZ=True,
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        DEFAULT_FROM_EMAIL=f"{words.PRACTICE} <{words.SENDER}>",
        ROOT_URLCONF="peers.site",
        **more,
    )
    django.setup()
    if "newsletter" in apps:
        urlpatterns.append(path("newsletter/", include("newsletter.urls")))


def create_tables() -> None:
    """Run the migrations of the installed apps."""
    call_command("migrate", verbosity=0)
