#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wps::fuzz::recording(input));
