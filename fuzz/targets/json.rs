#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| webpubsub_proto::fuzz::json(input));
