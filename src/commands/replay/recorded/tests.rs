use super::*;

#[test]
fn a_frame_is_known_again_however_many_wait_for_their_acks() {
    let mut seen = RecentFrames::default();
    assert!((1..=1_000_000).all(|ack_id| seen.insert(ack_id, b"x")));
    assert!(!seen.insert(1_000_000 - u64::from(u16::MAX), b"x"), "as many as may wait");
    assert!(seen.insert(1_000_000, b"y"), "another frame");
    assert!(seen.order.len() <= REMEMBERED && seen.known.len() <= REMEMBERED);
}

/// A recording of both directions.
const RECORDED: &str = concat!(
    r#"{"recording":1,"time":"2026-11-29T12:48:15.552Z","hub":"h","protocol":"json.reliable.webpubsub.azure.v1","wps":"0.1.0"}"#,
    "\n",
    r#"{"at":0.03,"event":"opened","url":"ws://localhost:9131/client/hubs/h?access_token=[redacted]"}"#,
    "\n",
    r#"{"at":0.04,"direction":"sent","frame":{"type":"sendToGroup","group":"g","ackId":1,"dataType":"text","data":"x"}}"#,
    "\n",
    r#"{"at":0.05,"direction":"received","frame":{"type":"message","from":"group","group":"g","dataType":"json","data":{"n":1},"sequenceId":1}}"#,
    "\n",
);

#[test]
fn a_recording_to_spoil_is_a_good_one() {
    for received in [false, true] {
        let rules = Rules { name: "r".into(), received, group: None, codec: Codec::Json };
        let mut reader = RecordingReader::new(RECORDED.as_bytes(), &rules);
        assert!(reader.next().unwrap().is_some() && reader.next().unwrap().is_none());
    }
}

proptest::proptest! {
    #[test]
    fn spoiled_recordings_are_read_or_refused(bytes in webpubsub_spoil::spoiled(vec![RECORDED.into()])) {
        crate::fuzz::recording(&bytes);
    }
}
