#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| wps::fuzz::profiles(input));
