"""The proof that the plugin behaves."""

import pytest
from crmkit_webhook import plugin
from webhook_bridge import bridge

from crmkit.testing import conformance

# The same paths as elsewhere, many times over: following every line would take half as long again.
pytestmark = pytest.mark.no_cover

TestWebhook = conformance(plugin, fake=bridge, examples=10)
