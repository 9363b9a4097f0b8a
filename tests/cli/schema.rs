//! `wps schema`. What it prints is held against every record that these tests see (`support::records`).

use serde_json::Value;

use crate::support::{Service, wps};

const CHECKED_IN: &str = include_str!("../../src/records/records.schema.json");

#[test]
fn the_schema_of_all_records_is_the_one_that_is_checked_in() {
    wps(["schema"]).run().assert(0, &CHECKED_IN.replace("\r\n", "\n"), "");
}

#[test]
fn that_of_one_type_stands_by_itself() {
    let ended = wps(["schema", "ack"]).run();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let schema: Value = serde_json::from_str(ended.text()).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("urn:wps:tests:ack", schema).unwrap();
    let ack = compiler.compile("urn:wps:tests:ack", &mut schemas).unwrap();
    let service = Service::start();
    let run = wps(["send", "--url", &service.url(), "-o", "ndjson", "group1", "hello"]).start();
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let records = run.end().records();
    let told: Vec<&Value> = records.iter().filter(|record| record["type"] == "ack").collect();
    assert_eq!(told.len(), 1);
    assert!(schemas.validate(told[0], ack).is_ok(), "{}", told[0]);
    let others = records.iter().filter(|record| record["type"] != "ack");
    assert!(others.clone().count() > 0 && others.into_iter().all(|record| schemas.validate(record, ack).is_err()));
}

#[test]
fn a_type_that_is_not_there_is_a_usage_error_with_the_next_one() {
    let ended = wps(["schema", "group-mesage"]).run();
    ended.assert_failed(2, &["group-mesage", "group-message"]);
}
