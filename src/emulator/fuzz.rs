//! What any text has to do to the parsers of the emulator: for coverage-guided fuzzing (`fuzz/`) and for the tests that spoil
//! good inputs.

use crate::upstream::settings::SettingsFile;

/// A settings file is read, or refused with a reason.
pub fn settings_file(text: &str) {
    if let Err(error) = SettingsFile::parse(text) {
        assert!(!error.to_string().is_empty(), "{text}");
    }
}
