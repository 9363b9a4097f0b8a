use super::*;

const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
const VECTOR: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJodHRwOi8vbG9jYWxob3N0OjgwODAvY2xpZW50L2h1YnMvY2hhdCIsImV4cCI6MTc2MDAwMzYwMCwiaWF0IjoxNzYwMDAwMDAwLCJzdWIiOiJhbGljZSJ9.yUMEHHA8CNubvIaMqrp4sItVA-7KVTgqGsb3RHFRtKM";
const AUDIENCE: &str = "http://localhost:8080/client/hubs/chat";
const ISSUED: u64 = 1_760_000_000;
const EXPIRES: u64 = ISSUED + 3600;
const EXPECTED: Audience<'static> = Audience { endpoints: &["http://localhost:8080"], hub: "chat" };

fn request() -> ClientTokenRequest<'static> {
    ClientTokenRequest {
        audience: AUDIENCE,
        user: Some("alice"),
        roles: &[],
        groups: &[],
        issued_at: ISSUED,
        ttl: Duration::from_secs(3600),
        not_before: None,
        claims: &[],
    }
}

fn sign_raw(header: &str, claims: &str) -> String {
    provider::install();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(KEY.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn verify(token: &str, now: u64) -> Result<Claims, TokenError> {
    verify_client_token(token, &[Secret::new(KEY)], EXPECTED, now)
}

fn verify_claims(claims: &str) -> Result<Claims, TokenError> {
    verify(&sign_raw(r#"{"alg":"HS256","typ":"JWT"}"#, claims), ISSUED)
}

#[test]
fn the_test_vector_is_reproduced_byte_for_byte() {
    assert_eq!(sign_client_token(&Secret::new(KEY), &request()).expose(), VECTOR);
    assert_eq!(client_audience("http://localhost:8080/", "chat"), AUDIENCE);
}

#[test]
fn roles_and_groups_follow_the_user_in_the_claims() {
    let (roles, groups) = (["r1".to_owned(), "r2".to_owned()], ["g".to_owned()]);
    let token = sign_client_token(
        &Secret::new(KEY),
        &ClientTokenRequest { user: None, roles: &roles, groups: &groups, ..request() },
    );
    let claims = URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1).unwrap()).unwrap();
    assert_eq!(
        String::from_utf8(claims).unwrap(),
        format!(r#"{{"aud":"{AUDIENCE}","exp":{EXPIRES},"iat":{ISSUED},"role":["r1","r2"],"webpubsub.group":["g"]}}"#)
    );
    let claims = verify(token.expose(), ISSUED).unwrap();
    assert_eq!((claims.sub, claims.roles, claims.groups), (None, roles.to_vec(), groups.to_vec()));
}

#[test]
fn further_claims_are_written_as_given_and_the_time_to_live_counts_from_the_beginning() {
    let further = [("tier", "\"gold\""), ("n", "12345678901234567890123.0"), ("o", "{\"a\":[1]}")];
    let further = further.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let begins = ISSUED + 100;
    let claims_of = |not_before| {
        let request = ClientTokenRequest { not_before, claims: &further, ..request() };
        let token = sign_client_token(&Secret::new(KEY), &request);
        assert!(is_signed_with(token.expose(), &Secret::new(KEY)));
        assert!(!is_signed_with(token.expose(), &Secret::new("other")));
        String::from_utf8(URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1).unwrap()).unwrap()).unwrap()
    };
    let rest = r#","sub":"alice","tier":"gold","n":12345678901234567890123.0,"o":{"a":[1]}}"#;
    assert_eq!(
        claims_of(Some(begins)),
        format!(r#"{{"aud":"{AUDIENCE}","exp":{},"iat":{ISSUED},"nbf":{begins}{rest}"#, begins + 3600)
    );
    // A beginning in the past is none.
    let past = format!(r#"{{"aud":"{AUDIENCE}","exp":{EXPIRES},"iat":{ISSUED},"nbf":7{rest}"#);
    assert_eq!(claims_of(Some(7)), past);
}

#[test]
fn any_of_the_keys_validates_and_no_other() {
    let keys = [Secret::new("other"), Secret::new(KEY)];
    assert_eq!(verify_client_token(VECTOR, &keys, EXPECTED, ISSUED).unwrap().sub.as_deref(), Some("alice"));
    assert_eq!(verify_client_token(VECTOR, &keys[..1], EXPECTED, ISSUED), Err(TokenError::Signature));
    assert_eq!(verify_client_token(VECTOR, &[], EXPECTED, ISSUED), Err(TokenError::Signature));
    let forged = VECTOR.replace("yUME", "yUMF");
    assert_eq!(verify(&forged, ISSUED), Err(TokenError::Signature));
}

#[test]
fn expiry_is_mandatory_and_has_five_minutes_of_skew() {
    assert!(verify(VECTOR, EXPIRES + CLOCK_SKEW_SECS - 1).is_ok());
    let error = verify(VECTOR, EXPIRES + 3600).unwrap_err();
    assert_eq!(error, TokenError::Expired { expired_at: EXPIRES, now: EXPIRES + 3600 });
    assert_eq!(error.to_string(), "the token expired at 2025-10-09T09:53:20Z, 1h ago");
    assert_eq!(verify_claims(&format!(r#"{{"aud":"{AUDIENCE}"}}"#)), Err(TokenError::NoExpiry));
    assert!(verify_claims(&format!(r#"{{"aud":"{AUDIENCE}","exp":{EXPIRES}.5}}"#)).is_ok());
    assert!(matches!(verify_claims(&format!(r#"{{"aud":"{AUDIENCE}","exp":"x"}}"#)), Err(TokenError::Malformed(_))));
}

#[test]
fn a_token_is_not_accepted_long_before_it_begins() {
    let claims = |nbf: u64| format!(r#"{{"aud":"{AUDIENCE}","exp":{},"nbf":{nbf}}}"#, EXPIRES + 9999);
    assert!(verify_claims(&claims(ISSUED + CLOCK_SKEW_SECS)).is_ok());
    let error = verify_claims(&claims(ISSUED + 600)).unwrap_err();
    assert_eq!(error.to_string(), "the token is not valid before 2025-10-09T09:03:20Z, 10m from now");
}

#[test]
fn role_and_group_may_be_strings_or_arrays() {
    let claims = format!(r#"{{"aud":["x","{AUDIENCE}"],"exp":{EXPIRES},"role":"r","webpubsub.group":"g","x":1}}"#);
    let claims = verify_claims(&claims).unwrap();
    assert_eq!((claims.roles, claims.groups), (vec!["r".to_owned()], vec!["g".to_owned()]));
}

#[test]
fn audiences_are_compared_leniently() {
    let names = Audience { endpoints: &["http://localhost:8080", "127.0.0.1:8080", "https://x.example"], hub: "chat" };
    for aud in [
        AUDIENCE,
        "https://LOCALHOST:8080/client/hubs/CHAT",
        "ws://localhost:8080/client/hubs/chat/",
        "wss://localhost:8080/client/hubs/chat?a=b",
        "http://localhost:8080/client%2Fhubs/ch%61t",
        "http://127.0.0.1:8080/client/hubs/chat",
        "https://x.example/client/hubs/chat",
        "wss://x.example:443/client/hubs/chat",
    ] {
        assert!(names.accepts(aud), "{aud}");
    }
    for aud in [
        "",
        "chat",
        "ftp://localhost:8080/client/hubs/chat",
        "http://localhost:8081/client/hubs/chat",
        "http://localhost/client/hubs/chat",
        "http://elsewhere:8080/client/hubs/chat",
        "http://localhost:8080/client/hubs/chat2",
        "http://localhost:8080/client/hubs",
        "http://localhost:8080/clients/hubs/chat",
    ] {
        assert!(!names.accepts(aud), "{aud}");
    }
    let error = verify_client_token(VECTOR, &[Secret::new(KEY)], Audience { hub: "other", ..names }, ISSUED);
    assert_eq!(
        error.unwrap_err().to_string(),
        format!("the token's audience is `{AUDIENCE}`, expected `http://localhost:8080/client/hubs/other`")
    );
    assert_eq!(
        verify_claims(&format!(r#"{{"exp":{EXPIRES}}}"#)).unwrap_err().to_string(),
        format!("the token has no `aud` claim; expected `{AUDIENCE}`")
    );
}

#[test]
fn what_is_no_token_is_malformed_and_its_text_is_not_repeated() {
    for token in ["", "secret", "a.b.c", "a.b", "eyJhbGciOiJIUzI1NiJ9.secret.secret", "....", "é.é.é"] {
        let error = verify(token, ISSUED).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{token}: {error}");
        assert!(matches!(error, TokenError::Malformed(_) | TokenError::Signature), "{token}: {error:?}");
        assert!(!error.to_string().ends_with('.'), "{error}");
    }
}

#[test]
fn only_hs256_is_accepted() {
    let claims = format!(r#"{{"aud":"{AUDIENCE}","exp":{EXPIRES}}}"#);
    for alg in ["none", "HS512", "RS256"] {
        let token = sign_raw(&format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#), &claims);
        assert_eq!(verify(&token, ISSUED), Err(TokenError::Algorithm), "{alg}");
    }
    assert!(verify(&sign_raw(r#"{"kid":"1","alg":"HS256"}"#, &claims), ISSUED).is_ok());
}

#[test]
fn extensions_that_have_to_be_understood_are_refused_and_so_are_dates_beyond_all_calendars() {
    let claims = format!(r#"{{"aud":"{AUDIENCE}","exp":{EXPIRES}}}"#);
    for crit in [r#"["b64"]"#, "[]", "null"] {
        let token = sign_raw(&format!(r#"{{"alg":"HS256","typ":"JWT","b64":false,"crit":{crit}}}"#), &claims);
        assert_eq!(verify(&token, ISSUED), Err(TokenError::Critical), "{crit}");
    }
    for exp in ["1e300", "1e19", "18446744073709551615", "9223372036854775807"] {
        let error = verify_claims(&format!(r#"{{"aud":"{AUDIENCE}","exp":{exp}}}"#)).unwrap_err();
        assert!(matches!(error, TokenError::Malformed(_)), "{exp}: {error:?}");
    }
    // Milliseconds, by mistake.
    assert!(verify_claims(&format!(r#"{{"aud":"{AUDIENCE}","exp":1760003600000}}"#)).is_ok());
}

#[test]
fn claims_can_be_read_without_the_key() {
    let claims = peek_claims(VECTOR).unwrap();
    assert_eq!((claims.aud.as_slice(), claims.exp), ([AUDIENCE.to_owned()].as_slice(), Some(EXPIRES)));
    assert_eq!(peek_claims("not a token"), None);
    assert_eq!(peek_claims("a.b.c"), None);
}

#[test]
fn a_rest_token_is_for_the_requests_url_or_one_above() {
    let accepts = |aud: &str, path: &str| {
        RequestAudience { endpoints: &["http://localhost:8080", "127.0.0.1:8080"], path }.accepts(aud)
    };
    let path = "/api/hubs/chat/groups/a%2Fb%20c/:send";
    for aud in [
        "http://localhost:8080/api/hubs/chat/groups/a%2Fb%20c/:send",
        "http://localhost:8080/api/hubs/chat/groups/a%2fb%20c/:send?api-version=2024-12-01",
        "https://LOCALHOST:8080/api/hubs/CHAT/groups/a/b c/:send/",
        "ws://127.0.0.1:8080/api/hubs/chat/groups/a%2Fb%20c/%3Asend",
        "http://localhost:8080/api/hubs/chat",
        "http://localhost:8080/",
        "http://localhost:8080",
        "http://localhost:8080?x=/y",
    ] {
        assert!(accepts(aud, path), "{aud}");
    }
    for aud in [
        "http://localhost:8080/api/hubs/cha",
        "http://localhost:8080/api/hubs/chat/groups/a%2Fb%20c/:send/more",
        "http://localhost:8080/client/hubs/chat",
        "http://localhost:8081/api/hubs/chat",
        "http://other:8080/api/hubs/chat",
        "http://localhost:8080@other/api/hubs/chat",
        "ftp://localhost:8080/api/hubs/chat",
        "localhost:8080/api/hubs/chat",
        "",
    ] {
        assert!(!accepts(aud, path), "{aud}");
    }
    // Dots in a path are a group's, not a way up.
    assert!(accepts("http://localhost:8080/api/hubs/chat/groups/..", "/api/hubs/chat/groups/.."));
    assert!(!accepts("http://localhost:8080/api/hubs/chat/groups/../../other", "/api/hubs/other"));
}
