#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| webpubsub_proto::fuzz::session(input));
