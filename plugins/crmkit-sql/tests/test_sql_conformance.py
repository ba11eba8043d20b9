"""The proof that the plugin behaves."""

import pytest
from crmkit_sql import plugin
from practice_software import asked, practice_software

from crmkit.testing import conformance

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

TestSql = conformance(plugin, fake=practice_software, examples=10)
TestSqlAsked = conformance(plugin, fake=asked, examples=10)
