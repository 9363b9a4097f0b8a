//! What a refusal says besides its status, in a line: nobody reads a page of HTML between two errors.

use std::borrow::Cow;

use webpubsub_net::wire::Refusal;

/// The most of it that is shown, in characters.
const SHOWN: usize = 300;

/// The body of a refusal; `whole`: as it came. `None`: it is empty.
pub(super) fn shown(refusal: &Refusal, whole: bool) -> Option<String> {
    let body = refusal.body.trim();
    if body.is_empty() {
        return None;
    }
    let more = if refusal.truncated { " […]" } else { "" };
    let is_line = body.chars().count() <= SHOWN && !body.contains(['\n', '\r']);
    if whole || is_line {
        return Some(format!("{body}{more}"));
    }
    let text = match title(body) {
        Some(title) => Cow::Borrowed(title),
        None => Cow::Borrowed(body),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = line.char_indices().nth(SHOWN).map_or(line.len(), |(at, _)| at);
    let cut = if end < line.len() { "…" } else { "" };
    Some(format!("{}{cut} ({} bytes; `-v` shows all)", &line[..end], refusal.body.len()))
}

/// The title of a page of HTML, if that is one.
fn title(body: &str) -> Option<&str> {
    let lower = body.to_ascii_lowercase();
    let opens = lower.find("<title").filter(|_| lower.starts_with('<'))?;
    let start = opens + lower[opens..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    Some(body[start..end].trim()).filter(|title| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str, whole: bool) -> Option<String> {
        let refusal = Refusal {
            status: 404,
            reason: String::new(),
            retry_after: None,
            error_code: None,
            location: None,
            date: None,
            body: body.to_owned(),
            truncated: false,
        };
        shown(&refusal, whole)
    }

    #[test]
    fn a_line_of_what_was_answered_is_enough() {
        assert_eq!(told(" \n", false), None);
        assert_eq!(told("Invalid token.\n", false).unwrap(), "Invalid token.");
        let page = "<!DOCTYPE html>\n<html><head>\n<TITLE lang=en>Not\n found</TITLE>\n</head><body>much</body></html>";
        assert_eq!(told(page, false).unwrap(), format!("Not found ({} bytes; `-v` shows all)", page.len()));
        assert_eq!(told(page, true).unwrap(), page);
        let object = "{\n  \"error\": \"no\"\n}";
        assert_eq!(told(object, false).unwrap(), "{ \"error\": \"no\" } (19 bytes; `-v` shows all)");
        let long = told(&"é".repeat(1000), false).unwrap();
        assert_eq!(long, format!("{}… (2000 bytes; `-v` shows all)", "é".repeat(300)));
        assert!(told("<title>\nno end", false).unwrap().starts_with("<title> no end ("));
    }
}
