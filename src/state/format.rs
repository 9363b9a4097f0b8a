//! What a session file looks like: a line that names the format and holds the checksum, a line with what changes rarely,
//! a line with how far the messages have come.
//!
//! The checksum is over everything after its line. A file that does not begin with the format's name is somebody else's
//! and is never written over; one of a later version is left to that version.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::hex::hex;
use super::lines::SentLines;
use webpubsub_proto::session::{
    KeptConnection, KeptLoss, KeptOperation, OperationKind, ReconnectionToken, RememberedRun, Snapshot,
};
use webpubsub_proto::{EncodedFrame, WireFrame};

/// What a file begins with.
const NAME: &str = "wps-session";
/// The version that is written, and the latest that is read. The first knew of no losses, and did not
/// count operations.
const VERSION: u64 = 2;

/// What a connection belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionScope {
    /// Scheme, host and port, as in `wss://HOST`.
    pub endpoint: String,
    /// Name of the hub.
    pub hub: String,
    /// User id of the token; `None`: anonymous, or not to be seen.
    pub user: Option<String>,
    /// Name of the subprotocol.
    pub protocol: String,
    /// The URL without its token, where a recovery goes.
    pub url: String,
}

/// Why the content of a file cannot be used.
#[derive(Debug, Error)]
pub enum FormatError {
    /// It is something else.
    #[error("it is not a session file")]
    Other,
    /// A later version of the program has written it.
    #[error("it has version {0} of the format, and this wps knows versions up to {VERSION}")]
    Newer(u64),
    /// It was altered or cut.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

impl From<std::str::Utf8Error> for FormatError {
    fn from(error: std::str::Utf8Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<serde_json::Error> for FormatError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<base64::DecodeError> for FormatError {
    fn from(error: base64::DecodeError) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Everything in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionRecord {
    /// What the connection belongs to; `None` before the first connection.
    pub place: Option<SessionScope>,
    /// The session's part.
    pub snapshot: Snapshot,
    /// How many lines of an input may have been sent since the snapshot was recorded.
    pub lines_since: u64,
    /// The position in an input that is not all sent.
    pub lines: Option<SentLines>,
    /// How far messages have come.
    pub progress: MessageProgress,
}

/// How far messages have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageProgress {
    /// Up to this sequence id they were written out.
    pub done: u64,
    /// Up to this sequence id they may have been.
    pub begun: u64,
    /// When that was recorded, in milliseconds since 1970.
    pub saved_at: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SavedBody {
    place: Option<SessionScope>,
    connection: Option<SavedConnection>,
    ordinal: u64,
    groups: Vec<SavedGroup>,
    operations: Vec<SavedOperation>,
    used_ids: Vec<(u64, u64)>,
    /// Missing in files that knew only of all that were used.
    carried: Option<Vec<(u64, u64)>>,
    #[serde(default)]
    remembered: Vec<(u64, u64, u64)>,
    /// For each run of consecutive ids its first one, and the digests in four bytes each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    digests: Vec<(u64, String)>,
    #[serde(default)]
    sent: u64,
    #[serde(default)]
    settled: u64,
    #[serde(default)]
    lines_since: u64,
    #[serde(default)]
    losses: Vec<SavedLoss>,
    #[serde(rename = "stream")]
    lines: Option<SentLines>,
}

/// One that is to be told.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum SavedLoss {
    Connection { connection_id: String, reason: String },
    Operation { operation: String, target: String, ack_id: u64, reason: String },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SavedConnection {
    connection_id: String,
    user_id: Option<String>,
    reconnection_token: String,
}

#[derive(Serialize, Deserialize)]
struct SavedGroup {
    name: String,
    wanted: bool,
    joined: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SavedOperation {
    ack_id: u64,
    operation: String,
    target: String,
    /// A text frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frame: Option<String>,
    /// A binary frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frame_base64: Option<String>,
    #[serde(default)]
    since: u64,
}

const KINDS: [OperationKind; 4] =
    [OperationKind::JoinGroup, OperationKind::LeaveGroup, OperationKind::SendToGroup, OperationKind::Event];

/// The line of what changes rarely.
pub fn encode_body(record: &SessionRecord) -> String {
    let snapshot = &record.snapshot;
    let body = SavedBody {
        place: record.place.clone(),
        connection: snapshot.connection.as_ref().map(|kept| SavedConnection {
            connection_id: kept.id.clone(),
            user_id: kept.user_id.clone(),
            reconnection_token: kept.token.0.clone(),
        }),
        ordinal: snapshot.ordinal,
        groups: snapshot
            .groups
            .iter()
            .map(|(name, wanted, joined)| SavedGroup { name: name.clone(), wanted: *wanted, joined: *joined })
            .collect(),
        operations: snapshot.operations.iter().map(SavedOperation::from).collect(),
        used_ids: snapshot.used_ids.clone(),
        carried: Some(snapshot.carried.clone()),
        remembered: snapshot.remembered.iter().map(|it| (it.first, it.last, it.since)).collect(),
        digests: encode_digests(&snapshot.digests),
        sent: snapshot.sent,
        settled: snapshot.settled,
        lines_since: record.lines_since,
        losses: snapshot.losses.iter().map(SavedLoss::from).collect(),
        lines: record.lines.clone(),
    };
    // Serialising plain structs into memory cannot fail.
    serde_json::to_string(&body).unwrap_or_default()
}

/// The whole file.
pub fn encode(body: &str, progress: &MessageProgress) -> Vec<u8> {
    let progress = serde_json::to_string(progress).unwrap_or_default();
    let rest = format!("{body}\n{progress}\n");
    format!("{NAME} {VERSION} {}\n{rest}", checksum(rest.as_bytes())).into_bytes()
}

/// The content of a file; an empty one holds nothing yet.
pub fn decode(bytes: &[u8]) -> Result<SessionRecord, FormatError> {
    if bytes.is_empty() {
        return Ok(SessionRecord::default());
    }
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| FormatError::Other)?;
    let mut words = head.split(' ');
    if words.next() != Some(NAME) {
        return Err(FormatError::Other);
    }
    let version = words.next().and_then(|word| word.parse().ok());
    match version {
        Some(version) if version > VERSION => return Err(FormatError::Newer(version)),
        Some(1..=VERSION) => {}
        Some(_) | None => return Err(FormatError::Damaged("its first line names no version".into())),
    }
    let rest = bytes.get(end + 1..).unwrap_or_default();
    if words.next() != Some(checksum(rest).as_str()) {
        return Err(FormatError::Damaged("the checksum does not match".into()));
    }
    let text = std::str::from_utf8(rest)?;
    let (body, progress) = text.split_once('\n').ok_or_else(|| FormatError::Damaged("a line is missing".into()))?;
    let body: SavedBody = serde_json::from_str(body)?;
    let progress = serde_json::from_str(progress)?;
    let operations = body.operations.into_iter().map(SavedOperation::decode);
    let losses = body.losses.into_iter().map(SavedLoss::decode);
    let remembered = body.remembered.into_iter().map(|(first, last, since)| RememberedRun { first, last, since });
    Ok(SessionRecord {
        place: body.place,
        snapshot: Snapshot {
            connection: body.connection.map(|kept| KeptConnection {
                id: kept.connection_id,
                user_id: kept.user_id,
                token: ReconnectionToken(kept.reconnection_token),
            }),
            ordinal: body.ordinal,
            groups: body.groups.into_iter().map(|group| (group.name, group.wanted, group.joined)).collect(),
            operations: operations.collect::<Result<_, FormatError>>()?,
            carried: body.carried.unwrap_or_else(|| body.used_ids.clone()),
            remembered: remembered.collect(),
            digests: decode_digests(&body.digests)?,
            used_ids: body.used_ids,
            sent: body.sent,
            settled: body.settled,
            losses: losses.collect::<Result<_, FormatError>>()?,
        },
        lines_since: body.lines_since,
        lines: body.lines,
        progress,
    })
}

/// Digests of frames with their ackIds, in their order: a run of consecutive ids costs one entry.
fn encode_digests(digests: &[(u64, u32)]) -> Vec<(u64, String)> {
    let runs = digests.chunk_by(|(before, _), (id, _)| before.checked_add(1) == Some(*id));
    let bytes = |run: &[(u64, u32)]| run.iter().flat_map(|(_, digest)| digest.to_be_bytes()).collect::<Vec<u8>>();
    runs.filter_map(|run| Some((run.first()?.0, STANDARD.encode(bytes(run))))).collect()
}

fn decode_digests(runs: &[(u64, String)]) -> Result<Vec<(u64, u32)>, FormatError> {
    let mut digests = Vec::new();
    for (first, base64) in runs {
        let bytes = STANDARD.decode(base64)?;
        let ids = std::iter::successors(Some(*first), |id| id.checked_add(1));
        let (run, _) = bytes.as_chunks();
        digests.extend(ids.zip(run.iter().copied().map(u32::from_be_bytes)));
    }
    Ok(digests)
}

fn kind(name: &str) -> Result<OperationKind, FormatError> {
    let kind = KINDS.into_iter().find(|kind| kind.name() == name);
    kind.ok_or_else(|| FormatError::Damaged(format!("an unknown operation `{name}`")))
}

impl From<&KeptOperation> for SavedOperation {
    fn from(kept: &KeptOperation) -> Self {
        let (frame, frame_base64) = match kept.frame.as_wire() {
            WireFrame::Text(text) => (Some(text.to_owned()), None),
            WireFrame::Binary(bytes) => (None, Some(STANDARD.encode(bytes))),
        };
        Self {
            ack_id: kept.ack_id,
            operation: kept.kind.name().to_owned(),
            target: kept.target.clone(),
            frame,
            frame_base64,
            since: kept.since,
        }
    }
}

impl SavedOperation {
    fn decode(self) -> Result<KeptOperation, FormatError> {
        let frame = match (self.frame, self.frame_base64) {
            (Some(text), None) => EncodedFrame::from(text),
            (None, Some(base64)) => {
                let bytes = STANDARD.decode(base64)?;
                EncodedFrame::Binary(bytes.into())
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(FormatError::Damaged("an operation has no frame, or two".into()));
            }
        };
        let kind = kind(&self.operation)?;
        Ok(KeptOperation { ack_id: self.ack_id, kind, target: self.target, frame, since: self.since })
    }
}

impl From<&KeptLoss> for SavedLoss {
    fn from(loss: &KeptLoss) -> Self {
        match loss.clone() {
            KeptLoss::Connection { id, reason } => Self::Connection { connection_id: id, reason },
            KeptLoss::Operation { kind, target, ack_id, reason } => {
                Self::Operation { operation: kind.name().to_owned(), target, ack_id, reason }
            }
        }
    }
}

impl SavedLoss {
    fn decode(self) -> Result<KeptLoss, FormatError> {
        Ok(match self {
            Self::Connection { connection_id, reason } => KeptLoss::Connection { id: connection_id, reason },
            Self::Operation { operation, target, ack_id, reason } => {
                KeptLoss::Operation { kind: kind(&operation)?, target, ack_id, reason }
            }
        })
    }
}

/// SHA-256 in hex.
pub(super) fn checksum(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// The result of reading any file: for fuzzing and tests.
#[cfg(any(test, fuzzing))]
pub mod fuzz {
    use super::*;

    /// A file is refused, or read and written as what it was. The checksum is mended, as somebody who mends a file by hand
    /// would do.
    pub fn session_file(bytes: &[u8]) -> Option<SessionRecord> {
        let _ = decode(bytes);
        let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
        let mended = [format!("{NAME} {VERSION} {}\n", checksum(&bytes[end..])).as_bytes(), &bytes[end..]].concat();
        let record = decode(&mended).ok()?;
        let again = decode(&encode(&encode_body(&record), &record.progress));
        assert!(again.is_ok_and(|again| again == record), "{record:?}");
        Some(record)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::state) fn record() -> SessionRecord {
        SessionRecord {
            place: Some(SessionScope {
                endpoint: "wss://example.com".into(),
                hub: "chat".into(),
                user: Some("alice".into()),
                protocol: "json.reliable.webpubsub.azure.v1".into(),
                url: "wss://example.com/client/hubs/chat".into(),
            }),
            snapshot: Snapshot {
                connection: Some(KeptConnection {
                    id: "c1".into(),
                    user_id: None,
                    token: ReconnectionToken("t1".into()),
                }),
                ordinal: 2,
                groups: vec![("a\n\"b\"".into(), true, false)],
                operations: vec![KeptOperation {
                    ack_id: u64::MAX,
                    kind: OperationKind::Event,
                    target: "vote".into(),
                    frame: r#"{"type":"event"}"#.to_owned().into(),
                    since: 12,
                }],
                used_ids: vec![(0, 3), (u64::MAX, u64::MAX)],
                carried: vec![(2, 3)],
                remembered: vec![RememberedRun { first: 2, last: 3, since: 8 }],
                digests: vec![(3, 0x0102_0304), (7, 5), (8, u32::MAX), (2, 0), (u64::MAX, 1)],
                sent: 7,
                settled: 5,
                losses: vec![
                    KeptLoss::Connection { id: "c0".into(), reason: "close code 1008".into() },
                    KeptLoss::Operation {
                        kind: OperationKind::SendToGroup,
                        target: "g".into(),
                        ack_id: 3,
                        reason: "lost".into(),
                    },
                ],
            },
            lines_since: 4,
            lines: Some(SentLines::default()),
            progress: MessageProgress { done: 5, begun: 9, saved_at: 1_760_000_000_123 },
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let record = record();
        let bytes = encode(&encode_body(&record), &record.progress);
        assert_eq!(decode(&bytes).unwrap(), record);
        assert_eq!(decode(b"").unwrap(), SessionRecord::default());
    }

    #[test]
    fn every_altered_or_missing_byte_is_noticed() {
        let record = record();
        let bytes = encode(&encode_body(&record), &record.progress);
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(decode(&altered).is_err(), "byte {at} altered");
            if at > 0 {
                assert!(decode(&bytes[..at]).is_err(), "cut after {at}");
            }
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(matches!(decode(&longer), Err(FormatError::Damaged(_))));
    }

    #[test]
    fn another_file_and_a_later_version_are_told_apart_from_damage() {
        assert!(matches!(decode(b"[profiles.a]\n"), Err(FormatError::Other)));
        assert!(matches!(decode(&[0xFF, 0xFE]), Err(FormatError::Other)));
        assert!(matches!(decode(b"wps-session 3 what-ever\nit has\n"), Err(FormatError::Newer(3))));
        assert!(matches!(decode(b"wps-session 0 what-ever\nit has\n"), Err(FormatError::Damaged(_))));
        assert!(matches!(decode(b"wps-session one\n"), Err(FormatError::Damaged(_))));
    }

    /// As the first version has written it.
    #[test]
    fn a_file_of_the_first_version_is_read() {
        let body = r#"{"place":null,"connection":{"connectionId":"c1","userId":null,"reconnectionToken":"t1"},"ordinal":2,"groups":[{"name":"g","wanted":true,"joined":true}],"operations":[],"usedIds":[[1,4]],"stream":{"firstId":2,"largestId":0,"template":"t","settled":1,"digest":"","lines":"","states":"","left":{},"ordinal":2}}"#;
        let rest = format!("{body}\n{{\"done\":5,\"begun\":9,\"savedAt\":7}}\n");
        let file = format!("wps-session 1 {}\n{rest}", checksum(rest.as_bytes()));
        let SessionRecord { snapshot, lines, progress, .. } = decode(file.as_bytes()).unwrap();
        assert_eq!((snapshot.connection.unwrap().id.as_str(), snapshot.losses.len()), ("c1", 0));
        assert_eq!((snapshot.carried, snapshot.remembered, snapshot.digests), (vec![(1, 4)], vec![], vec![]));
        assert_eq!((lines.unwrap().settled(), progress), (1, MessageProgress { done: 5, begun: 9, saved_at: 7 }));
    }

    #[test]
    fn the_token_is_in_the_file_and_not_in_what_is_printed_of_it() {
        let record = record();
        assert!(encode_body(&record).contains(r#""reconnectionToken":"t1""#));
        assert!(!format!("{record:?}").contains("t1"));
    }

    proptest::proptest! {
        #![proptest_config(webpubsub_spoil::one_of(20))]

        #[test]
        fn spoiled_files_are_refused_and_never_taken_for_another_state(
            bytes in webpubsub_spoil::spoiled(vec![encode(&encode_body(&record()), &MessageProgress::default())])
        ) {
            crate::fuzz::session_file(&bytes);
            if decode(&bytes).is_ok() {
                let good = encode(&encode_body(&record()), &MessageProgress::default());
                assert!(bytes.is_empty() || bytes == good || bytes.starts_with(b"wps-session 1 "), "{bytes:?}");
            }
        }
    }
}
