import asyncio
import functools

from azure.messaging.webpubsubclient.aio import WebPubSubClient

# As for the other client.
_enter = WebPubSubClient.__aenter__


async def _entered(self):
    client = await _enter(self)
    while self._connection_id is None:
        await asyncio.sleep(0.01)
    return client


WebPubSubClient.__aenter__ = _entered


def recorded_by_proxy_async(test):
    @functools.wraps(test)
    async def live(self, **kwargs):
        return await test(self, **kwargs)

    return live
