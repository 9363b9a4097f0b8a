//! The handshake over a stream in memory: each way in which a server can answer it.

use std::future::poll_fn;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};

use super::{SUBPROTOCOL, TOKEN, accepting, header, read_head, switching, target, told, within};
use crate::secret::Secret;
use crate::wire::exchange::MAX_REFUSAL_BODY;
use crate::wire::handshake::handshake;
use crate::wire::{DialError, Incoming, Link, Refusal, Target};

/// Plays a server: reads the request, gives the answer made from it and stays, unless it is to hang up.
async fn answered(answer: impl FnOnce(&str) -> Vec<u8>, hang_up: bool) -> Result<Link<DuplexStream>, DialError> {
    let (ours, mut theirs) = duplex(1024);
    let target = target("host.example", 80, false);
    let server = async {
        let head = read_head(&mut theirs).await;
        // The client need not read all of it.
        let _ = theirs.write_all(&answer(&head)).await;
        if !hang_up {
            std::future::pending::<()>().await;
        }
        drop(theirs);
        std::future::pending::<()>().await;
    };
    within(async {
        tokio::select! {
            result = handshake(ours, &target, &[]) => result.map(|(link, _)| link),
            () = server => unreachable!(),
        }
    })
    .await
}

async fn refused(answer: &str) -> Refusal {
    let answer = answer.as_bytes().to_vec();
    let error = answered(move |_| answer, false).await.expect_err("it was refused");
    told(&error);
    error.refusal().expect("a refusal").clone()
}

#[tokio::test]
async fn the_request_is_a_websocket_handshake_with_the_subprotocol_and_our_name() {
    let (ours, mut theirs) = duplex(64 * 1024);
    let target = target("host.example", 8080, false);
    let server = async {
        let head = read_head(&mut theirs).await;
        theirs.write_all(accepting(&head).as_bytes()).await.unwrap();
        head
    };
    let headers = [
        (HeaderName::from_static("x-a"), HeaderValue::from_static("1")),
        (HeaderName::from_static("x-a"), HeaderValue::from_static("2")),
        (HeaderName::from_static("user-agent"), HeaderValue::from_static("mine")),
    ];
    let (link, head) = within(async { tokio::join!(handshake(ours, &target, &headers), server) }).await;
    link.unwrap();
    assert!(head.starts_with(&format!("GET /client/hubs/chat?access_token={TOKEN} HTTP/1.1\r\n")), "{head}");
    for (name, values) in [
        ("host", &["host.example:8080"][..]),
        ("connection", &["Upgrade"]),
        ("upgrade", &["websocket"]),
        ("sec-websocket-version", &["13"]),
        ("sec-websocket-protocol", &[SUBPROTOCOL]),
        ("x-a", &["1", "2"]),
        ("user-agent", &["mine"]),
    ] {
        assert_eq!(header(&head, name), values, "{name}");
    }
}

#[tokio::test]
async fn frames_that_come_with_the_answer_are_not_lost() {
    let answer = |head: &str| [accepting(head).as_bytes(), b"\x81\x05hello"].concat();
    let mut link = answered(answer, false).await.unwrap();
    let mut batch = Vec::new();
    within(poll_fn(|cx| link.poll(cx, true, &mut batch))).await;
    assert_eq!(batch[0], Incoming::Text("hello".into()));
}

#[tokio::test]
async fn letter_case_and_lists_in_the_answers_headers_do_not_matter() {
    let answer = |head: &str| {
        let answer = accepting(head)
            .replace("Upgrade: websocket", "upgrade: h2c, WebSocket")
            .replace("Connection: Upgrade", "CONNECTION: keep-alive, upgrade")
            .replace(SUBPROTOCOL, &SUBPROTOCOL.to_uppercase());
        answer.into_bytes()
    };
    answered(answer, false).await.unwrap();
}

#[tokio::test]
async fn a_refusal_has_its_status_headers_and_body() {
    let refusal = refused(
        "HTTP/1.1 401 Unauthorized\r\nRetry-After: 7\r\nx-ms-error-code: TokenExpired\r\nContent-Length: 9\r\n\
         Date: Tue, 06 Oct 2026 12:00:00 GMT\r\n\r\nno access",
    )
    .await;
    assert_eq!(
        refusal,
        Refusal {
            status: 401,
            reason: "Unauthorized".to_owned(),
            retry_after: Some(Duration::from_secs(7)),
            error_code: Some("TokenExpired".to_owned()),
            location: None,
            date: Some(httpdate::parse_http_date("Tue, 06 Oct 2026 12:00:00 GMT").unwrap()),
            body: "no access".to_owned(),
            truncated: false,
        }
    );
    assert_eq!(
        DialError::Refused(Box::new(refusal)).to_string(),
        "the server refused the WebSocket handshake: 401 Unauthorized"
    );
}

#[tokio::test]
async fn a_refusals_text_is_redacted_and_never_fails_for_its_encoding() {
    let body = format!("token {TOKEN} is bad");
    let refusal = refused(&format!(
        "HTTP/1.1 403 Not {TOKEN}\r\nLocation: /x?access_token={TOKEN}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    assert_eq!(refusal.reason, "Not [redacted]");
    assert_eq!(refusal.location.as_deref(), Some("/x?access_token=[redacted]"));
    assert_eq!(refusal.body, "token [redacted] is bad");

    let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\na\xffb".to_vec();
    let error = answered(|_| answer, false).await.expect_err("it was refused");
    assert_eq!(error.refusal().unwrap().body, "a\u{fffd}b");
}

#[tokio::test]
async fn a_plain_200_and_a_redirect_are_refusals() {
    let refusal = refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").await;
    assert_eq!((refusal.status, refusal.body.as_str(), refusal.truncated), (200, "hello", false));
    let refusal =
        refused("HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!((refusal.status, refusal.reason.as_str()), (301, "Moved"));
    assert_eq!(refusal.location.as_deref(), Some("https://elsewhere.example/"));
}

#[tokio::test]
async fn a_body_without_a_length_ends_with_the_connection() {
    let answer = b"HTTP/1.1 503 Service Unavailable\r\n\r\nlater".to_vec();
    let error = answered(|_| answer, true).await.expect_err("it was refused");
    let refusal = error.refusal().unwrap();
    assert_eq!((refusal.status, refusal.body.as_str(), refusal.truncated), (503, "later", false));
}

#[tokio::test]
async fn of_a_long_body_64_kib_are_read() {
    let body = "x".repeat(100 * 1024);
    let refusal =
        refused(&format!("HTTP/1.1 500 Internal Server Error\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
    assert_eq!((refusal.body.len(), refusal.truncated), (MAX_REFUSAL_BODY, true));
    // Exactly as much as fits is all of it.
    let body = "x".repeat(MAX_REFUSAL_BODY);
    let refusal = refused(&format!("HTTP/1.1 500 Oh\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
    assert_eq!((refusal.body.len(), refusal.truncated), (MAX_REFUSAL_BODY, false));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up_after_a_second() {
    let began = tokio::time::Instant::now();
    let refusal = refused("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1000\r\n\r\nso far").await;
    assert_eq!((refusal.body.as_str(), refusal.truncated), ("so far", true));
    assert_eq!(began.elapsed().as_secs(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_shown_as_far_as_it_came() {
    let answer = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1000\r\n\r\nso far".to_vec();
    let error = answered(|_| answer, true).await.expect_err("it was refused");
    let refusal = error.refusal().unwrap();
    assert_eq!((refusal.body.as_str(), refusal.truncated), ("so far", true));
}

#[tokio::test]
async fn what_is_not_http_is_called_that() {
    for garbage in
        [&b"SSH-2.0-OpenSSH_9.9\r\n"[..], b"\x15\x03\x01\x00\x02\x02\x46", b"HTTP/2 banana\r\n\r\n", b"\r\n\r\n\0\0"]
    {
        let error = answered(|_| garbage.to_vec(), false).await.expect_err("it is garbage");
        assert!(matches!(error, DialError::NotHttp { .. }), "{error:?}");
        let words = told(&error);
        assert!(words.starts_with("`host.example:80` did not answer in HTTP: "), "{words}");
    }
}

#[tokio::test]
async fn a_port_for_tls_is_called_that() {
    let error = answered(|_| b"\x15\x03\x01\x00\x02\x02\x46".to_vec(), false).await.expect_err("it is an alert");
    assert_eq!(told(&error), "`host.example:80` did not answer in HTTP: it speaks TLS, as `wss://` and `https://` do");
}

#[tokio::test]
async fn a_server_that_talks_first_does_not_speak_http() {
    let (ours, mut theirs) = duplex(1024);
    theirs.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
    let error = within(handshake(ours, &target("mail.example", 25, false), &[])).await.expect_err("it is garbage");
    assert!(matches!(error, DialError::NotHttp { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_hangs_up_closed_early() {
    for answer in ["", "HTTP/1.1 101 Switching Protocols\r\nUpgr"] {
        let error = answered(|_| answer.as_bytes().to_vec(), true).await.expect_err("it hung up");
        assert!(matches!(error, DialError::ClosedEarly { source: None, .. }), "{error:?}");
        assert_eq!(told(&error), "`host.example:80` closed the connection without answering the WebSocket handshake");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_the_rules_is_a_bad_handshake() {
    type Spoiler = fn(String) -> String;
    let spoiled: [(Spoiler, &str); 5] = [
        (|answer| answer.replace("Accept: ", "Accept: x"), "its `Sec-WebSocket-Accept` does not fit our key"),
        (|answer| answer.replace("Sec-WebSocket-Accept", "X-Accept"), "it has no `Sec-WebSocket-Accept`"),
        (|answer| answer.replace(": websocket", ": h2c"), "its `Upgrade` header does not say `websocket`"),
        (|answer| answer.replace(": Upgrade", ": close"), "its `Connection` header does not say `Upgrade`"),
        (
            |answer| answer.replace("Upgrade: w", "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: w"),
            "it chose an extension, but none was offered",
        ),
    ];
    for (spoil, expected) in spoiled {
        let error = answered(|head| spoil(accepting(head)).into_bytes(), false).await.expect_err("it is wrong");
        assert!(matches!(error, DialError::BadHandshake { problem } if problem == expected), "{error:?}");
        told(&error);
    }
}

#[tokio::test]
async fn the_subprotocol_must_be_the_one_that_was_offered() {
    let error = answered(|head| format!("{}\r\n", switching(head)).into_bytes(), false).await.expect_err("none");
    assert!(matches!(error, DialError::NoSubprotocol { offered: SUBPROTOCOL }), "{error:?}");
    let answer = |head: &str| accepting(head).replace("json.reliable", "json").into_bytes();
    let error = answered(answer, false).await.expect_err("another");
    assert_eq!(
        told(&error),
        "the server chose the subprotocol `json.webpubsub.azure.v1`, but `json.reliable.webpubsub.azure.v1` was offered"
    );
}

#[tokio::test]
async fn where_no_subprotocol_is_offered_none_is_asked_for_and_none_is_taken() {
    for (chosen, taken) in [("", true), ("Sec-WebSocket-Protocol: x\r\n", false)] {
        let (ours, mut theirs) = duplex(64 * 1024);
        let target = Target { subprotocol: None, ..target("host.example", 80, false) };
        let server = async {
            let head = read_head(&mut theirs).await;
            theirs.write_all(format!("{}{chosen}\r\n", switching(&head)).as_bytes()).await.unwrap();
            head
        };
        let (link, head) = within(async { tokio::join!(handshake(ours, &target, &[]), server) }).await;
        assert!(!head.to_ascii_lowercase().contains("sec-websocket-protocol"), "{head}");
        assert_eq!(link.is_ok(), taken);
    }
}

#[tokio::test]
async fn a_target_that_no_request_can_carry_is_a_configuration_error() {
    let good = target("host.example", 80, false);
    for bad in [
        Target { path_and_query: Secret::new("/a b"), ..good.clone() },
        Target { path_and_query: Secret::new("/\r\nx: y"), ..good.clone() },
        Target { authority: "a\nb".to_owned(), ..good },
    ] {
        let (ours, _theirs) = duplex(1024);
        let error = within(handshake(ours, &bad, &[])).await.expect_err("it is not valid");
        assert!(
            matches!(error, DialError::BadTarget { .. } | DialError::PemFile { .. } | DialError::TlsSetup { .. }),
            "{error:?}"
        );
    }
}
