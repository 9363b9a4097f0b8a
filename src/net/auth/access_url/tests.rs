use super::*;
use crate::auth::connection_string::DEVELOPMENT_KEY;
use crate::auth::token::peek_claims;

fn parse(text: &str) -> AccessUrl {
    AccessUrl::parse(text).unwrap()
}

#[test]
fn a_url_names_hub_host_port_and_request_target() {
    for (text, hub, secure, host, port, authority, target) in [
        (
            "wss://X.example/client/hubs/chat?access_token=a.b-c_d",
            "chat",
            true,
            "x.example",
            443,
            "x.example",
            "/client/hubs/chat?access_token=a.b-c_d",
        ),
        (
            "ws://localhost:8080/client/hubs/chat",
            "chat",
            false,
            "localhost",
            8080,
            "localhost:8080",
            "/client/hubs/chat",
        ),
        (
            "http://h/client/?hub=Chat&access_token=t&x=%20y",
            "Chat",
            false,
            "h",
            80,
            "h",
            "/client/?hub=Chat&x=%20y&access_token=t",
        ),
        ("https://h:443/client?access_token=t&hub=c", "c", true, "h", 443, "h", "/client?hub=c&access_token=t"),
        ("https://h:80/client/hubs/a%60b", "a`b", true, "h", 80, "h:80", "/client/hubs/a%60b"),
        ("ws://[::1]:81/client/hubs/c", "c", false, "::1", 81, "[::1]:81", "/client/hubs/c"),
        ("ws://127.0.0.1/client/hubs/c?&a", "c", false, "127.0.0.1", 80, "127.0.0.1", "/client/hubs/c?a"),
        ("ws://h/client/hubs/c?access%5Ftoken=a%2Fb", "c", false, "h", 80, "h", "/client/hubs/c?access_token=a%2Fb"),
    ] {
        let url = parse(text);
        assert_eq!((url.hub(), url.is_secure(), url.host().as_str(), url.port()), (hub, secure, host, port), "{text}");
        assert_eq!((url.authority().as_str(), url.fresh_uri().expose()), (authority, target), "{text}");
    }
    assert_eq!(parse("ws://h/client/hubs/c?access_token=a%2Fb").token().unwrap().expose(), "a/b");
    assert_eq!(parse("http://h/client/hubs/c?access_token=t").reveal().expose(), "ws://h/client/hubs/c?access_token=t");
}

#[test]
fn a_recovery_leaves_the_access_token_out_and_encodes_its_values() {
    for (text, target) in [
        (
            "ws://h/client/hubs/c?access_token=t",
            "/client/hubs/c?awps_connection_id=a%2Fb%20%26&awps_reconnection_token=e%3D%2B.",
        ),
        (
            "ws://h/client/?hub=c&x=1&access_token=t",
            "/client/?hub=c&x=1&awps_connection_id=a%2Fb%20%26&awps_reconnection_token=e%3D%2B.",
        ),
        (
            "ws://h/client/hubs/c?awps_connection_id=old",
            "/client/hubs/c?awps_connection_id=a%2Fb%20%26&awps_reconnection_token=e%3D%2B.",
        ),
    ] {
        assert_eq!(parse(text).recovery_uri("a/b &", "e=+.").expose(), target, "{text}");
    }
}

#[test]
fn what_is_no_access_url_is_named_without_its_token() {
    use AccessUrlError as E;
    for (text, expected) in [
        ("", E::Empty),
        ("ws://h/client/hubs/c?access_token=sesame x", E::Blank),
        ("ws://h/client/hubs/c\n", E::Blank),
        ("h/client/hubs/c?access_token=sesame", E::Syntax(url::ParseError::RelativeUrlWithoutBase)),
        ("localhost:8080/client/hubs/c?access_token=sesame", E::Syntax(url::ParseError::RelativeUrlWithoutBase)),
        ("ws://u:sesame@h/client/hubs/c", E::UserInfo),
        ("ws://h/client/hubs/c?access_token=sesame#x", E::Fragment),
        ("ws://h/?access_token=sesame", E::Path),
        ("ws://h/client/hubs/", E::Path),
        ("ws://h/client/hubs/c/", E::Path),
        ("ws://h/client/hubs/c/d", E::Path),
        ("ws://h/base/client/hubs/c/d", E::Path),
        ("ws://h/baseclient?hub=c", E::Path),
        ("ws://h/clients/mqtt/hubs/c?access_token=sesame", E::Foreign(ForeignProtocol::Mqtt)),
        ("https://h/base/clients/socketio/hubs/c?access_token=sesame", E::Foreign(ForeignProtocol::SocketIo)),
        ("https://h/clients/socketio/hubs/c/?EIO=4", E::Foreign(ForeignProtocol::SocketIo)),
        ("ws://h/clients/other/hubs/c", E::Path),
        ("ws://h/client?access_token=sesame", E::HubParameter),
        ("ws://h/client?hub=a&hub=b", E::HubParameter),
        ("ws://h/client?hub=", E::Hub(webpubsub_proto::NameError::Hub)),
        ("ws://h/client/hubs/1", E::Hub(webpubsub_proto::NameError::Hub)),
        ("ws://h/client/hubs/c?access_token=", E::EmptyToken),
        ("ws://h/client/hubs/c?access_token=sesame&access_token=sesame", E::TwoTokens),
    ] {
        let error = AccessUrl::parse(text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!format!("{error} {error:?}").contains("sesame"), "{error}");
    }
}

#[test]
fn a_url_prints_without_its_tokens() {
    let url = parse("http://h/client/hubs/c?access_token=sesame&a=1&awps_reconnection_token=sesame");
    let shown = "ws://h/client/hubs/c?a=1&awps_reconnection_token=[redacted]&access_token=[redacted]";
    assert_eq!(url.to_string(), shown);
    assert_eq!(format!("{url:?}"), format!("AccessUrl({shown})"));
}

fn signer(endpoint: &str) -> Signer {
    Signer {
        endpoint: Url::parse(endpoint).unwrap(),
        key: Secret::new(DEVELOPMENT_KEY),
        hub: "c`t".to_owned(),
        user: Some("alice".to_owned()),
        roles: vec!["webpubsub.sendToGroup".to_owned()],
        groups: vec!["lobby".to_owned()],
        audience: None,
        ttl: Duration::from_secs(60),
        not_before: None,
        claims: Vec::new(),
    }
}

#[test]
fn a_signers_url_carries_a_token_that_the_service_accepts() {
    for (endpoint, audience, expected) in [
        ("http://localhost:8080", "http://localhost:8080/client/hubs/c`t", "ws://localhost:8080/client/hubs/c%60t"),
        ("https://X.example/", "https://x.example/client/hubs/c`t", "wss://x.example/client/hubs/c%60t"),
        ("https://gw/base/", "https://gw/base/client/hubs/c`t", "wss://gw/base/client/hubs/c%60t"),
    ] {
        let signer = signer(endpoint);
        let url = signer.access_url(7).reveal();
        let (url, token) = url.expose().split_once("?access_token=").unwrap();
        assert_eq!(url, expected);
        let claims = peek_claims(token).unwrap();
        assert_eq!(claims.aud, [audience]);
        assert_eq!((claims.sub.as_deref(), claims.iat, claims.exp), (Some("alice"), Some(7), Some(67)));
        assert_eq!((claims.roles, claims.groups), (signer.roles, signer.groups));
    }
    assert!(!format!("{:?}", signer("http://h")).contains(DEVELOPMENT_KEY));
}

#[test]
fn a_token_looks_expired_from_its_last_second_on() {
    assert!(looks_expired(10, 10) && looks_expired(9, 10) && !looks_expired(11, 10));
}

#[test]
fn an_endpoint_may_have_a_path() {
    for (text, hub, endpoint, uri) in [
        ("wss://gw/base/client/hubs/c?access_token=t", "c", "https://gw/base", "/base/client/hubs/c?access_token=t"),
        ("ws://gw:81/a/b/client?hub=c", "c", "http://gw:81/a/b", "/a/b/client?hub=c"),
        ("ws://gw/client/hubs/client/hubs/c", "c", "http://gw/client/hubs", "/client/hubs/client/hubs/c"),
        ("ws://gw/client/client/?hub=c", "c", "http://gw/client", "/client/client/?hub=c"),
        ("ws://gw/client/hubs/client", "client", "http://gw", "/client/hubs/client"),
    ] {
        let url = parse(text);
        let read = (url.hub().to_owned(), url.endpoint(), url.fresh_uri().expose().to_owned());
        assert_eq!(read, (hub.to_owned(), endpoint.to_owned(), uri.to_owned()), "{text}");
    }
    for endpoint in ["https://gw/base", "https://gw/base/", "http://gw:81/a/b"] {
        let signer = signer(endpoint);
        let made = signer.access_url(1_760_000_000);
        assert_eq!(AccessUrl::parse(made.reveal().expose()).unwrap(), made);
        let audience = crate::auth::token::Audience { endpoints: &[&made.endpoint()], hub: made.hub() };
        let token = made.token().unwrap().expose();
        crate::auth::token::verify_client_token(token, std::slice::from_ref(&signer.key), audience, 1_760_000_000)
            .unwrap();
    }
}

proptest::proptest! {
    #[test]
    fn spoiled_urls_are_read_or_refused_without_their_token(text in webpubsub_spoil::spoiled_text(&[
        "wss://X.example/client/hubs/chat?access_token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2VjcmV0c2VjcmV0",
        "http://[::1]:8080/client/?hub=Chat&access_token=c2VjcmV0c2VjcmV0&x=%20y",
    ])) {
        crate::fuzz::url(&text);
    }
}
