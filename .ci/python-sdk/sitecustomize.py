"""Loaded by every Python that has this folder in its path: the client (1.1.0) begins to wait for a connection, or for an ack,
after it has asked for it, and what comes before that wakes nobody: it waits its 30 s through. On a machine that is busy, or
against a server that is near, it loses that race often enough to fail a run that has nothing wrong. Here a notification that
nobody waits for is kept for who comes next."""
import functools
import threading

from azure.messaging.webpubsubclient import _client
from azure.messaging.webpubsubclient.models import _models


class _Kept(threading.Condition):
    """One connection's, or one ack's: somebody waits for it once."""

    def __init__(self):
        super().__init__()
        self._notified = False

    def notify(self, n=1):
        self._notified = True
        super().notify(n)

    def wait(self, timeout=None):
        return self._notified or super().wait(timeout)


def _keeping(kind):
    original = kind.__init__

    @functools.wraps(original)
    def initialized(self, *args, **kwargs):
        original(self, *args, **kwargs)
        self.cv = _Kept()

    kind.__init__ = initialized


_keeping(_client.WebSocketAppSync)
_keeping(_models.SendMessageErrorOptions)
