"""A client of the protobuf subprotocols out of other people's parts, against the emulator: `websockets`, and the code that
Google's protoc makes of the schema in PROTOCOL.md. Usage: protobuf.py CLIENT-URL, with both roles; the module
`webpubsub_pb2` beside it or on the path."""

import asyncio
import sys

import websockets
from google.protobuf import wrappers_pb2

from webpubsub_pb2 import DownstreamMessage, UpstreamMessage

RELIABLE = "protobuf.reliable.webpubsub.azure.v1"
PLAIN = "protobuf.webpubsub.azure.v1"


class Client:
    def __init__(self, socket):
        self.socket = socket

    @classmethod
    async def open(cls, url, subprotocol=RELIABLE):
        socket = await websockets.connect(url, subprotocols=[subprotocol], max_size=None)
        assert socket.subprotocol == subprotocol, socket.subprotocol
        return cls(socket)

    async def next(self):
        frame = await asyncio.wait_for(self.socket.recv(), 20)
        assert isinstance(frame, bytes), frame
        message = DownstreamMessage.FromString(frame)
        # What cannot be read is not thrown away unseen.
        assert message.WhichOneof("message"), frame
        return message

    async def send(self, **member):
        await self.socket.send(UpstreamMessage(**member).SerializeToString())

    async def acked(self, ack_id, **member):
        """Sends what asks for an ack; gives what comes before it."""
        await self.send(**member)
        before = []
        while True:
            message = await self.next()
            if message.WhichOneof("message") == "ack_message":
                ack = message.ack_message
                assert ack.ack_id == ack_id, message
                return ack, before
            before.append(message)

    async def closed(self):
        """The code and the reason, and what came before them."""
        before = []
        try:
            while True:
                before.append(await self.next())
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code, closed.rcvd.reason, before


async def connected(client):
    message = (await client.next()).system_message.connected_message
    assert message.connection_id, message
    return message


async def main(url):
    client = await Client.open(url)
    hello = await connected(client)
    assert hello.user_id == "" and hello.HasField("reconnection_token"), hello

    ack, _ = await client.acked(0, join_group_message={"group": "py", "ack_id": 0})
    assert ack.success, ack

    # Every kind of data, the empty ones too: the echo comes before the ack.
    any_data = {"protobuf_data": {}}
    payload = UpstreamMessage.SendToGroupMessage(group="py")
    payload.data.protobuf_data.Pack(wrappers_pb2.StringValue(value="é"))
    any_data["protobuf_data"] = payload.data.protobuf_data
    kinds = [{"text_data": "é"}, {"text_data": ""}, {"binary_data": b"\x00\xff"}, {"binary_data": b""}, {"json_data": "[1.00, 2]"}, any_data]
    for sequence_id, data in enumerate(kinds, 1):
        send = {"group": "py", "ack_id": sequence_id, "data": data, "metadata": {"k": "v"}, "ttl_seconds": 30}
        ack, before = await client.acked(sequence_id, send_to_group_message=send)
        assert ack.success and len(before) == 1, (ack, before)
        message = before[0].data_message
        assert getattr(message, "from") == "group" and message.group == "py", message
        assert message.sequence_id == sequence_id and dict(message.metadata) == {"k": "v"}, message
        assert message.data == type(message.data)(**data), (message.data, data)

    # The same ackId once more.
    ack, _ = await client.acked(1, leave_group_message={"group": "py", "ack_id": 1})
    assert not ack.success and ack.error.name == "Duplicate", ack

    ack, before = await client.acked(100, event_message={"event": "echo", "ack_id": 100, "data": {"json_data": '{"a":1}'}})
    assert ack.success and before[0].data_message.data.json_data == '{"a":1}', before
    assert getattr(before[0].data_message, "from") == "server"

    await client.send(ping_message={})
    assert (await client.next()).WhichOneof("message") == "pong_message"

    # Three of seven are acknowledged; the others come again, in their order and as they were, after a new token.
    await client.send(sequence_ack_message={"sequence_id": 3})
    await client.send(ping_message={})
    assert (await client.next()).WhichOneof("message") == "pong_message"
    client.socket.transport.abort()
    base = url.split("?")[0]
    token = hello.reconnection_token
    again = await Client.open(f"{base}?awps_connection_id={hello.connection_id}&awps_reconnection_token={token}")
    renewed = await connected(again)
    assert renewed.connection_id == hello.connection_id and renewed.reconnection_token != token
    replayed = [(await again.next()).data_message for _ in range(4)]
    assert [message.sequence_id for message in replayed] == [4, 5, 6, 7], replayed
    assert replayed[1].data.json_data == "[1.00, 2]", replayed
    value = wrappers_pb2.StringValue()
    assert replayed[2].data.protobuf_data.Unpack(value) and value.value == "é", replayed

    # What the service does not take: the reason, then the code.
    for subprotocol in (RELIABLE, PLAIN):
        for frame, code in ((b"", 1007), (b"\xff", 1007), ("text", 1003)):
            client = await Client.open(url, subprotocol)
            await connected(client)
            await client.socket.send(frame)
            closed, _, before = await client.closed()
            assert closed == code and before[0].system_message.disconnected_message.reason, (frame, closed, before)

    client = await Client.open(url, PLAIN)
    hello = await connected(client)
    assert not hello.HasField("reconnection_token"), hello
    ack, _ = await client.acked(1, join_group_message={"group": "py", "ack_id": 1})
    ack, before = await client.acked(2, send_to_group_message={"group": "py", "ack_id": 2, "no_echo": True, "data": {"text_data": "x"}})
    assert ack.success and not before, before
    ack, before = await client.acked(3, send_to_group_message={"group": "py", "ack_id": 3, "data": {"text_data": "x"}})
    assert not before[0].data_message.HasField("sequence_id"), before
    print("ok: a client of websockets and protoc's code")


asyncio.run(main(sys.argv[1]))
