"""The built-in plugins keep the laws that every vendor's plugin must keep."""

from __future__ import annotations

from builtin_fakes import MailServer, Outbox, exports, signed_calls

from crmkit.builtin import core, csv, email, folder, webhook
from crmkit.testing import conformance

TestCore = conformance(core.plugin, examples=5)
TestCsv = conformance(csv.plugin, fake=exports, examples=10)
TestEmail = conformance(email.plugin, fake=MailServer, examples=10)
TestFolder = conformance(folder.plugin, fake=Outbox, examples=10)
TestHook = conformance(webhook.plugin, fake=signed_calls, examples=10)
