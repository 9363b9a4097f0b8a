//! Configuration files on the stable toolchain, without guidance; the other inputs are tried beside what reads them.

use webpubsub_spoil::{one_of, spoiled_text};

const GOOD: &str = r#"# comment
[profiles.dev]
hub = "chat"
local = true
[profiles.a]
url = "@token.txt"
group = ["g1", "g2"]
reconnect-retries = 3
timeout = "5s"
[profiles."c d"]
connection-string = "Endpoint=https://x.webpubsub.azure.com;AccessKey=abc;Version=1.0;"
header = "A: b"
output = "ndjson"
"#;

proptest::proptest! {
    #![proptest_config(one_of(20))]

    #[test]
    fn spoiled_configuration_files_are_read_or_refused_with_a_reason(text in spoiled_text(&[GOOD])) {
        super::profiles(&text);
    }
}
