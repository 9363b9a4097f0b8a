//! Names that say of a value that nobody may see it: of headers, of fields in the service's control frames, of what
//! stands before a `=`.

/// A name with one of these in it, in whatever case.
const PARTS: [&str; 17] = [
    "assertion",
    "auth",
    "bearer",
    "cookie",
    "credential",
    "csrf",
    "jwt",
    "key",
    "pass",
    "private",
    "pwd",
    "secret",
    "session",
    "signature",
    "ticket",
    "token",
    "xsrf",
];

/// A name of which one of these is a whole word: as a part they stand in too many others.
const WORDS: [&str; 9] = ["access", "cred", "creds", "otp", "pin", "sas", "sid", "sig", "sso"];

/// Longer names are no names; what they are is looked at as text.
const LONGEST: usize = 128;

/// Whether a name sounds like that of a secret, as in `X-Api-Key`, `client_secret` and `refreshToken`.
pub fn sounds_secret(name: &str) -> bool {
    if name.len() > LONGEST {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    PARTS.iter().any(|part| lower.contains(part)) || words(name).any(|word| WORDS.contains(&word.as_str()))
}

/// The words of `X-Access-Id`, `access_id` and `accessId`, lower-case.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut before_is_lower = false;
    let mut words = vec![String::new()];
    for c in name.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && before_is_lower);
        before_is_lower = c.is_lowercase();
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.into_iter()
}

/// Whether the value of a header is one that nobody may see. Takes its name, with or without `: value` after it.
pub fn is_secret_header(header: &str) -> bool {
    let name = header.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
    let of_a_standard = ["sec-websocket-", "access-control-"].iter().any(|prefix| name.starts_with(prefix));
    !of_a_standard && sounds_secret(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_by_their_sound() {
        for name in [
            "X-Pass",
            "X-Jwt",
            "X-Access",
            "X-Access-Id",
            "x-api-key",
            "Authorization",
            "Cookie",
            "X-Amz-Security-Token",
            "client_secret",
            "refreshToken",
            "accessId",
            "sig",
            "X-MS-SAS",
            "PASSWORD",
            "sid",
        ] {
            assert!(sounds_secret(name), "{name}");
        }
        for name in ["X-Trace", "Origin", "group", "userId", "connectionId", "signal", "design", "accessible", "resid"]
        {
            assert!(!sounds_secret(name), "{name}");
        }
        assert!(!sounds_secret(&"key".repeat(100)));
    }

    #[test]
    fn headers_of_standards_are_no_secrets() {
        assert!(!is_secret_header("Sec-WebSocket-Key: x") && !is_secret_header("access-control-allow-origin"));
        assert!(is_secret_header("x-pass: x") && is_secret_header("X-Access"));
    }
}
