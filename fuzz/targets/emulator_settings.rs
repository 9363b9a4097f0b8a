#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| webpubsub_emulator::fuzz::settings_file(input));
