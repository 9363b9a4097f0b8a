//! Names that say of a value that nobody may see it: of headers, of fields in the service's control frames, of what
//! stands before a `=`.

/// A name with one of these in it, in whatever case and whatever stands between its words.
const PARTS: [&str; 25] = [
    "assertion",
    "auth",
    "bearer",
    "connectionstring",
    "connstr",
    "cookie",
    "credential",
    "csrf",
    "hmac",
    "jwt",
    "key",
    "macaroon",
    "mnemonic",
    "pass",
    "private",
    "pwd",
    "saml",
    "secret",
    "session",
    "signature",
    "ticket",
    "token",
    "totp",
    "verifier",
    "xsrf",
];

/// A name of which one of these is a whole word: as a part they stand in too many others.
const WORDS: [&str; 19] = [
    "access", "cred", "creds", "dsn", "grant", "mfa", "nonce", "otp", "pem", "pfx", "pin", "psk", "pw", "refresh",
    "sas", "sid", "sig", "sso", "tfa",
];

/// A code lets in as a password does, unless a word says of what it is one.
const CODES: [&str; 2] = ["code", "codes"];
const CODES_OF: [&str; 26] = [
    "area", "close", "color", "content", "country", "currency", "error", "exit", "failure", "http", "lang", "language",
    "locale", "op", "postal", "reason", "region", "response", "result", "return", "service", "source", "status", "sub",
    "type", "zip",
];

/// Longer names are no names; what they are is looked at as text.
const LONGEST: usize = 128;

/// Whether a name sounds like that of a secret, as in `X-Api-Key`, `client_secret` and `refreshToken`.
pub fn sounds_secret(name: &str) -> bool {
    if name.len() > LONGEST {
        return false;
    }
    let joined: String = name.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    PARTS.iter().any(|part| joined.contains(part)) || words(name).any(|word| WORDS.contains(&word.as_str()))
}

/// The same for names that stand by themselves, those of headers and of the service's own fields: in text a code is mostly
/// that of an error.
pub(super) fn names_secret(name: &str) -> bool {
    if name.len() > LONGEST {
        return false;
    }
    let is = |these: &[&str]| words(name).any(|word| these.contains(&word.as_str()));
    sounds_secret(name) || (is(&CODES) && !is(&CODES_OF))
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
    !of_a_standard && names_secret(header.split(':').next().unwrap_or_default().trim())
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
            "refresh",
            "refresh_grant",
            "connectionString",
            "Connection-String",
            "connection_string",
            "codeVerifier",
            "nonce",
        ] {
            assert!(sounds_secret(name), "{name}");
        }
        for name in
            ["X-Trace", "Origin", "group", "userId", "connectionId", "signal", "design", "accessible", "resid", "code"]
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

    #[test]
    fn a_code_is_a_secret_unless_it_is_known_to_be_none() {
        for name in ["X-Code", "code", "authCode", "user_code", "X-Verification-Code: x", "recoveryCodes"] {
            assert!(is_secret_header(name), "{name}");
        }
        for name in
            ["X-Status-Code", "closeCode", "error_code", "X-Country-Code", "encoder", "Content-Encoding", "codec"]
        {
            assert!(!is_secret_header(name), "{name}");
        }
    }
}
