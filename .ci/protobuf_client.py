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


async def pair(url, group):
    """Two clients in a group, with the ids of their connections."""
    clients = []
    for _ in range(2):
        client = await Client.open(url)
        hello = await connected(client)
        ack, _ = await client.acked(1, join_group_message={"group": group, "ack_id": 1})
        assert ack.success, ack
        clients.append((client, hello.connection_id))
    return clients


async def states(url):
    (holder, holder_id), (watcher, _) = await pair(url, "states")
    ack, _ = await holder.acked(2, set_group_state_message={"group": "states", "ack_id": 2, "state": {"entries": {"mood": "ü", "": ""}}})
    assert ack.success, ack

    # The ack, then all there is.
    ack, before = await watcher.acked(2, subscribe_group_state_message={"group": "states", "ack_id": 2})
    assert ack.success and not before, (ack, before)
    snapshot = (await watcher.next()).group_state_snapshot_message
    assert (snapshot.group, snapshot.sequence_id) == ("states", 1), snapshot
    [item] = snapshot.items
    assert item.connection_id == holder_id and not item.HasField("user_id"), item
    assert dict(item.state.entries) == {"mood": "ü", "": ""} and item.updated_at > 10**12, item

    # Changes: a state in place of the one before, an empty one, none, and the own one, before its ack.
    for ack_id, state in ((3, {"entries": {"mood": "new"}}), (4, {"entries": {}}), (5, None)):
        member = {"group": "states", "ack_id": ack_id, **({} if state is None else {"state": state})}
        ack, _ = await holder.acked(ack_id, set_group_state_message=member)
        assert ack.success, ack
        update = (await watcher.next()).group_state_update_message
        assert update.sequence_id == ack_id - 1 and len(update.items) == 1, update
        assert update.items[0].updated_at > item.updated_at, (item, update)
        item = update.items[0]
        assert item.HasField("state") == (state is not None), update
        assert dict(item.state.entries) == (state or {}).get("entries", {}), update
    ack, before = await watcher.acked(3, set_group_state_message={"group": "states", "ack_id": 3, "state": {"entries": {"own": "1"}}})
    assert ack.success and before[0].group_state_update_message.items[0].state.entries["own"] == "1", before

    # What the service does not take.
    for ack_id, group, state, name in (
        (6, "states", {"k": "x" * 512}, "BadRequest"),
        (7, "elsewhere", {"k": "v"}, "Forbidden"),
    ):
        ack, _ = await holder.acked(ack_id, set_group_state_message={"group": group, "ack_id": ack_id, "state": {"entries": state}})
        assert not ack.success and ack.error.name == name, ack

    # A state ends with the membership; who has unsubscribed is not told.
    ack, _ = await holder.acked(8, set_group_state_message={"group": "states", "ack_id": 8, "state": {"entries": {"last": "1"}}})
    assert (await watcher.next()).group_state_update_message.items[0].state.entries["last"] == "1"
    ack, _ = await holder.acked(9, leave_group_message={"group": "states", "ack_id": 9})
    update = (await watcher.next()).group_state_update_message
    assert update.items[0].connection_id == holder_id and not update.items[0].HasField("state"), update
    ack, _ = await watcher.acked(4, unsubscribe_group_state_message={"group": "states", "ack_id": 4})
    ack, before = await watcher.acked(5, set_group_state_message={"group": "states", "ack_id": 5})
    assert ack.success and not before, before


async def streams(url):
    (writer, _), (reader, _) = await pair(url, "streams")
    await writer.send(send_to_group_message={"group": "streams", "no_echo": True, "stream": {"stream_id": "s", "idle_timeout_ms": 60000}})
    ack = (await writer.next()).stream_ack_message
    assert (ack.stream_id, ack.expected_sequence_id) == ("s", 1), ack
    kinds = [{"text_data": "a"}, {"json_data": "[1.0]"}, {"binary_data": b"\x00\xff"}]
    for number, data in enumerate(kinds, 1):
        await writer.send(stream_data_message={"stream_id": "s", "stream_sequence_id": number, "data": data})
        assert (await writer.next()).stream_ack_message.expected_sequence_id == number + 1
    # A repeated one is acknowledged and not delivered, one too far ahead is refused, a keep-alive is silent.
    await writer.send(stream_data_message={"stream_id": "s"})
    await writer.send(stream_data_message={"stream_id": "s", "stream_sequence_id": 2, "data": {"text_data": "again"}})
    assert (await writer.next()).stream_ack_message.expected_sequence_id == 4
    await writer.send(stream_data_message={"stream_id": "s", "stream_sequence_id": 9, "data": {"text_data": "far"}})
    nack = (await writer.next()).stream_nack_message
    assert (nack.name, nack.expected_sequence_id) == ("InvalidSequenceId", 4), nack
    await writer.send(stream_end_message={"stream_id": "s", "error": {"message": "no more", "user_error_code": "E7"}})
    closed = (await writer.next()).stream_closed_message
    assert closed.stream_id == "s" and not closed.HasField("error"), closed
    for number, data in enumerate(kinds, 1):
        message = (await reader.next()).data_message
        assert message.data == type(message.data)(**data), message
        assert (message.stream.stream_id, message.stream.stream_sequence_id) == ("s", number), message
        assert not message.stream.end_of_stream, message
    end = (await reader.next()).data_message.stream
    assert (end.stream_sequence_id, end.end_of_stream) == (4, True), end
    assert (end.error.name, end.error.message, end.error.user_error_code) == ("UserError", "no more", "E7"), end
    await writer.send(stream_data_message={"stream_id": "s"})
    assert (await writer.next()).stream_closed_message.error.name == "StreamNotFound"


async def invocations(url):
    client = await Client.open(url)
    await connected(client)
    await client.send(invoke_event_message={"event": "echo", "invocation_id": "1", "data": {"json_data": "{}"}, "metadata": {"k": "v"}})
    answer = (await client.next()).invoke_response_message
    assert (answer.invocation_id, answer.success, answer.data.json_data) == ("1", True, "{}"), answer
    assert dict(answer.metadata) == {"k": "v"} and not answer.HasField("error"), answer
    await client.send(invoke_event_message={"event": "echo", "invocation_id": "2"})
    answer = (await client.next()).invoke_response_message
    assert (answer.invocation_id, answer.success, answer.HasField("data")) == ("2", True, False), answer
    # Nobody waits for this one; nothing answers.
    await client.send(cancel_invocation_message={"invocation_id": "none"})
    await client.send(ping_message={})
    assert (await client.next()).WhichOneof("message") == "pong_message"


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
    await states(url)
    await streams(url)
    await invocations(url)
    print("ok: a client of websockets and protoc's code")


asyncio.run(main(sys.argv[1]))
