"""The proof that the plugin behaves."""

from crmkit_sql import plugin
from practice_software import asked, practice_software

from crmkit.testing import conformance

TestSql = conformance(plugin, fake=practice_software, examples=10)
TestSqlAsked = conformance(plugin, fake=asked, examples=10)
