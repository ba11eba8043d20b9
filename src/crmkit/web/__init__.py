"""What the public may reach: one-click unsubscribe and the door for events, as an ASGI app that a host mounts."""

from crmkit.errors import ConfigError

try:
    from crmkit.web.asgi import app
    from crmkit.web.served import Counts, Served
except ModuleNotFoundError as problem:
    if (problem.name or "").partition(".")[0] != "starlette":
        raise
    raise ConfigError("the web app needs starlette", where="crmkit.web", mend="pip install 'crmkit[web]'") from problem

__all__ = ["Counts", "Served", "app"]
