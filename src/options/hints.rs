//! What is said of values that mean something else than they seem to, or that others can see.

use super::environment::{Input, Note};
use webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;
use webpubsub_net::secret::{holds_secret, is_secret_header};

/// Says how to keep a secret off the command line, when one stands there. The development key is published.
pub fn hint_at_secret(flag: &str, value: &str, instead: &str, input: &mut dyn Input) {
    let secret = flag == "--access-key" || (flag == "--header" && is_secret_header(value)) || holds_secret(value);
    if secret && !value.contains(DEVELOPMENT_KEY) {
        input.note(Note::Hint(format!(
            "others on this machine can see the secret in `{flag}` while wps runs, and the shell keeps it in its history: \
             {instead} (`WPS_NO_HINTS=1`: no such hints)"
        )));
    }
}

/// Says of each name with a comma in it that it is one group. `each`: how several are named, the flag of each.
pub fn hint_at_commas(groups: &[String], each: &str, input: &mut dyn Input) {
    commas(groups, each).into_iter().for_each(|hint| input.note(Note::Hint(hint)));
}

/// What is said of each name with a comma in it.
pub fn commas(groups: &[String], each: &str) -> Vec<String> {
    let several = |group: &String| {
        let names: Vec<String> = group.split(',').map(|name| format!("{each}{}", name.trim())).collect();
        format!("`{group}` is one group; `{}` means several", names.join(" "))
    };
    groups.iter().filter(|group| group.contains(',')).map(several).collect()
}

/// Says the same where no more than one group can be named.
pub fn hint_at_comma(group: &str, input: &mut dyn Input) {
    if group.contains(',') {
        input.note(Note::Hint(format!("`{group}` is one group; several take a command each")));
    }
}
