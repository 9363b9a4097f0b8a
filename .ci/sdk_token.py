"""Prints a client access URL made by the official Python SDK from the connection string in a file."""

import sys

from azure.messaging.webpubsubservice import WebPubSubServiceClient

connection_string = open(sys.argv[1], encoding="utf-8").read().strip()
client = WebPubSubServiceClient.from_connection_string(connection_string, hub="chat")
token = client.get_client_access_token(
    user_id="alice",
    roles=["webpubsub.joinLeaveGroup.room1", "webpubsub.sendToGroup"],
    groups=["lobby"],
    minutes_to_expire=10,
)
print(token["url"])
