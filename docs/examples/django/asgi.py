import os

from django.conf import settings
from django.core.asgi import get_asgi_application
from hourlyclicks import Client, Plan

import clicks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django = get_asgi_application()


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    else:
        await django(scope, receive, send)


async def lifespan(scope, receive, send):
    """Open the client before the first request, and close it after the last one."""
    await receive()  # lifespan.startup
    async with Client(
        plan=Plan.PREMIUM,
        timezone="Asia/Seoul",
        base_url=settings.CLICKS_URL,
        store=settings.CLICKS_STORE,
    ) as clicks.client:
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
    await send({"type": "lifespan.shutdown.complete"})
