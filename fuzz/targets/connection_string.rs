#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| webpubsub_net::fuzz::connection_string(input));
