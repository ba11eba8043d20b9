"""The proof that the plugin behaves."""

from crmkit_webhook import plugin
from webhook_bridge import bridge

from crmkit.testing import conformance

TestWebhook = conformance(plugin, fake=bridge, examples=10)
