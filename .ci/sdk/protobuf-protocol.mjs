// A protocol object for the official JavaScript client that speaks the protobuf subprotocols. The schema is the one of
// PROTOCOL.md, read by protobufjs.
import { readFileSync } from "node:fs";
import protobuf from "protobufjs";

const root = new protobuf.Root();
protobuf.parse(readFileSync("PROTOCOL.md", "utf8").match(/```proto\n([\s\S]*?)```/)[1], root);
root.addJSON(protobuf.common.get("google/protobuf/any.proto").nested);
root.resolveAll();
const [Up, Down] = ["UpstreamMessage", "DownstreamMessage"].map((name) => root.lookupType(`azure.webpubsub.${name}`));
export const Any = root.lookupType("google.protobuf.Any");

function written(data, dataType) {
  switch (dataType) {
    case "text": return { textData: data };
    case "json": return { jsonData: JSON.stringify(data) };
    case "binary": return { binaryData: new Uint8Array(data) };
    case "protobuf": return { protobufData: Any.decode(new Uint8Array(data)) };
    default: throw new Error(`a data type \`${dataType}\``);
  }
}

export function buffer(bytes) {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

function read(data) {
  switch (data?.data) {
    case "textData": return { dataType: "text", data: data.textData };
    case "jsonData": return { dataType: "json", data: JSON.parse(data.jsonData) };
    case "binaryData": return { dataType: "binary", data: buffer(data.binaryData) };
    case "protobufData": return { dataType: "protobuf", data: buffer(Any.encode(data.protobufData).finish()) };
    default: throw new Error(`data without a known member: ${JSON.stringify(data)}`);
  }
}

/** What the client library calls a protocol. */
export function protocol(name, isReliableSubProtocol) {
  return {
    name,
    isReliableSubProtocol,
    writeMessage(message) {
      const { kind, ackId, group, event, noEcho, streamId, invocationId } = message;
      const data = message.dataType == null ? undefined : written(message.data, message.dataType);
      const stream = message.stream && { streamId: message.stream.streamId, idleTimeoutMs: message.stream.idleTimeoutInMs };
      const frame = {
        joinGroup: () => ({ joinGroupMessage: { group, ackId } }),
        leaveGroup: () => ({ leaveGroupMessage: { group, ackId } }),
        sendToGroup: () => ({ sendToGroupMessage: { group, ackId, noEcho, data, stream } }),
        sendEvent: () => ({ eventMessage: { event, ackId, data } }),
        sequenceAck: () => ({ sequenceAckMessage: { sequenceId: message.sequenceId } }),
        ping: () => ({ pingMessage: {} }),
        invoke: () => ({ invokeEventMessage: { event, invocationId, data } }),
        cancelInvocation: () => ({ cancelInvocationMessage: { invocationId } }),
        // Without data it keeps the stream alive.
        streamData: () => ({ streamDataMessage: data ? { streamId, streamSequenceId: message.streamSequenceId, data } : { streamId } }),
        streamEnd: () => ({ streamEndMessage: { streamId, error: message.error } }),
      }[kind]();
      return buffer(Up.encode(Up.fromObject(frame)).finish());
    },
    parseMessages(input) {
      const frame = Down.decode(new Uint8Array(input));
      switch (frame.message) {
        case "ackMessage": {
          const { ackId, success, error } = frame.ackMessage;
          return { kind: "ack", ackId: Number(ackId), success, error: error ?? undefined };
        }
        case "dataMessage": {
          const { from, group, sequenceId } = frame.dataMessage;
          const kind = from === "group" ? "groupData" : "serverData";
          // What is absent has a default in its place, which the library would take for an id that it has seen.
          const sequenced = Object.hasOwn(frame.dataMessage, "sequenceId");
          const part = frame.dataMessage.stream;
          const stream = part && { streamId: part.streamId, streamSequenceId: Number(part.streamSequenceId), endOfStream: part.endOfStream, error: part.error ?? undefined };
          return { kind, group, stream, sequenceId: sequenced ? Number(sequenceId) : undefined, ...read(frame.dataMessage.data) };
        }
        case "systemMessage": {
          const { message, connectedMessage, disconnectedMessage } = frame.systemMessage;
          if (message === "disconnectedMessage") return { kind: "disconnected", message: disconnectedMessage.reason };
          const { connectionId, userId, reconnectionToken } = connectedMessage;
          return { kind: "connected", connectionId, userId, reconnectionToken };
        }
        case "pongMessage": return { kind: "pong" };
        case "invokeResponseMessage": {
          const { invocationId, success, data, error } = frame.invokeResponseMessage;
          return { kind: "invokeResponse", invocationId, success, error: error ?? undefined, ...(data ? read(data) : {}) };
        }
        case "streamAckMessage": {
          const { streamId, expectedSequenceId } = frame.streamAckMessage;
          return { kind: "streamAck", streamId, expectedSequenceId: Number(expectedSequenceId) };
        }
        case "streamNackMessage": {
          const { streamId, name, message, expectedSequenceId } = frame.streamNackMessage;
          return { kind: "streamNack", streamId, name, message, expectedSequenceId: Number(expectedSequenceId) };
        }
        case "streamClosedMessage": {
          const { streamId, error } = frame.streamClosedMessage;
          return { kind: "streamClosed", streamId, error: error ?? undefined };
        }
        default: return null;
      }
    },
  };
}

export const names = { reliable: "protobuf.reliable.webpubsub.azure.v1", plain: "protobuf.webpubsub.azure.v1" };
