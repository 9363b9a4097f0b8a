"""What the official suites need of Microsoft's own test tools, which are in no registry: here everything runs live, and what
is not said as a fixture comes from the environment."""
import functools
import inspect
import os

import time

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.messaging.webpubsubclient import WebPubSubClient

# The suites give a client a millisecond to learn its connection's id, which is enough for most machines only.
_enter = WebPubSubClient.__enter__


def _entered(self):
    client = _enter(self)
    while self._connection_id is None:
        time.sleep(0.01)
    return client


WebPubSubClient.__enter__ = _entered


class AzureRecordedTestCase:
    def is_playback(self):
        return False

    def get_credential(self, *_args, **_kwargs):
        return AzureKeyCredential(os.environ["ACCESS_KEY"])

    def create_client_from_credential(self, kind, credential, **kwargs):
        return kind(credential=credential, **kwargs)


class PowerShellPreparer:
    """Hands a test the settings that its parameters name, in the environment by the same names in capitals."""

    def __init__(self, _directory, **settings):
        self.settings = settings

    def __call__(self, test):
        parameters = inspect.signature(test).parameters
        takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
        given = {
            name: os.environ[name.upper()]
            for name in self.settings
            if (takes_all or name in parameters) and name.upper() in os.environ
        }
        if inspect.iscoroutinefunction(test):

            async def live(self):
                return await test(self, **given)
        else:

            def live(self):
                return test(self, **given)

        # By its name alone: pytest takes the parameters of what is wrapped for fixtures.
        live.__name__, live.__doc__ = test.__name__, test.__doc__
        return live


def recorded_by_proxy(test):
    """Nothing is recorded. The parameters stay, because the preparer outside looks at them."""
    return functools.wraps(test)(lambda self, **kwargs: test(self, **kwargs))


def add_general_regex_sanitizer(**_kwargs):
    pass


@pytest.fixture(scope="session")
def test_proxy():
    return None
