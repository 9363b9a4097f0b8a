use super::*;

/// A handler without system events, so that a client is connected without its word.
async fn with_client(limits: ExchangeLimits) -> (Webhook, EventClient) {
    let webhook = Webhook::start().await;
    let upstream = upstream(format!("{},system-events=", webhook.url("/{hub}/{event}?k=v")), limits);
    let client = EventClient::connected(&upstream).await;
    (webhook, client)
}

#[tokio::test]
async fn a_handler_is_validated_once_and_then_gets_the_events_with_their_payload() {
    let (webhook, mut client) = with_client(quick()).await;
    client.send("vote", OwnedData::text("hé"));
    let validation = webhook.next().await;
    assert_eq!((validation.method.as_str(), validation.path.as_str()), ("OPTIONS", "/chat/validate?k=v"));
    assert_eq!(validation.header("webhook-request-origin"), Some("localhost"));
    assert_eq!(validation.header("ce-awpsversion"), Some("1.0"));
    assert_eq!(validation.header("ce-signature"), None);
    validation.answer("200 OK", "WebHook-Allowed-Origin: other, LOCALHOST:8080\r\n", "").await;
    let asked = webhook.next().await;
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/chat/vote?k=v"));
    assert_eq!((asked.header("content-type"), asked.body.as_slice()), (Some("text/plain"), "hé".as_bytes()));
    assert_eq!((asked.header("ce-id"), asked.header("ce-userid")), (Some("1"), Some("alice")));
    asked.answer("200 OK", "Content-Type: text/plain; charset=utf-8\r\n", "ok").await;
    assert_eq!(client.answer().await, (1, EventAnswer::reply(OwnedData::text("ok"))));
    client.send("vote", OwnedData::binary(&[0, 255]));
    let asked = webhook.next().await;
    let content_type = Some("application/octet-stream");
    assert_eq!(
        (asked.header("ce-id"), asked.header("content-type"), asked.body.as_slice()),
        (Some("2"), content_type, &[0, 255][..])
    );
    asked.accept().await;
    assert_eq!(client.answer().await, (2, EventAnswer::NoContent));
}

#[tokio::test]
async fn a_validation_by_get_follows_a_404_and_a_handler_that_does_not_agree_gets_nothing() {
    let (webhook, mut client) = with_client(quick()).await;
    client.send("vote", OwnedData::text("x"));
    webhook.next().await.answer("404 Not Found", "", "").await;
    let second = webhook.next().await;
    assert_eq!(second.method, "GET");
    second.answer("200 OK", "WebHook-Allowed-Origin: example.com\r\n", "").await;
    assert_eq!(client.answer().await, (1, EventAnswer::Failed));
    // It is asked again the next time.
    client.send("vote", OwnedData::text("x"));
    webhook.agree().await;
    webhook.next().await.accept().await;
    assert_eq!(client.answer().await, (2, EventAnswer::NoContent));
}

#[tokio::test]
async fn what_may_pass_is_tried_again_with_the_same_event_and_in_the_end_it_failed() {
    let (webhook, mut client) = with_client(quick()).await;
    client.send("vote", OwnedData::text("x"));
    // The connection breaks, 503, 408, and then it works.
    drop(webhook.next().await);
    webhook.agree().await;
    webhook.next().await.answer("503 Service Unavailable", "", "").await;
    webhook.next().await.answer("408 Request Timeout", "", "").await;
    let last = webhook.next().await;
    assert_eq!(last.header("ce-id"), Some("1"));
    last.accept().await;
    assert_eq!(client.answer().await, (1, EventAnswer::NoContent));
    client.send("vote", OwnedData::text("x"));
    for _ in 0..4 {
        webhook.next().await.answer("500 Internal Server Error", "", "").await;
    }
    assert_eq!(client.answer().await, (2, EventAnswer::Failed));
}

#[tokio::test]
async fn what_does_not_pass_is_not_tried_again() {
    let (webhook, mut client) = with_client(quick()).await;
    client.send("vote", OwnedData::text("x"));
    webhook.agree().await;
    for (n, (status, headers)) in [
        ("400 Bad Request", ""),
        ("429 Too Many Requests", ""),
        ("302 Found", "Location: /elsewhere\r\n"),
        ("200 OK", "Content-Type: text/html\r\n"),
        ("200 OK", "Content-Type: application/json\r\n"),
    ]
    .into_iter()
    .enumerate()
    {
        if n > 0 {
            client.send("vote", OwnedData::text("x"));
        }
        let asked = webhook.next().await;
        assert_eq!(asked.path, "/chat/vote?k=v");
        asked.answer(status, headers, "<p>").await;
        let refused = match status {
            "400 Bad Request" => EventAnswer::Refused { status: 400 },
            "429 Too Many Requests" => EventAnswer::Refused { status: 429 },
            _ => EventAnswer::Failed,
        };
        assert_eq!(client.answer().await, (n as u64 + 1, refused), "{status}");
    }
}

#[tokio::test]
async fn a_handler_that_does_not_answer_in_time_has_failed() {
    let limits = ExchangeLimits { request: Duration::from_millis(50), ..quick() };
    let (webhook, mut client) = with_client(limits).await;
    client.send("vote", OwnedData::text("x"));
    let silent = webhook.next().await;
    assert_eq!(client.answer().await, (1, EventAnswer::Failed));
    silent.abandoned().await;
}

#[tokio::test]
async fn the_events_of_a_connection_are_asked_one_after_another_in_their_order() {
    let (webhook, mut client) = with_client(quick()).await;
    for name in ["a", "b", "c"] {
        client.send(name, OwnedData::text("x"));
    }
    webhook.agree().await;
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        let asked = webhook.next().await;
        assert_eq!(asked.event(), name);
        assert!(client.answers.try_recv().is_err(), "nothing is answered before its turn");
        asked.accept().await;
        assert_eq!(client.answer().await, (n as u64 + 1, EventAnswer::NoContent));
    }
}

#[tokio::test]
async fn state_and_cookies_of_an_answer_go_along_with_the_next_request() {
    let (webhook, mut client) = with_client(quick()).await;
    client.send("a", OwnedData::text("x"));
    webhook.agree().await;
    let asked = webhook.next().await;
    assert_eq!((asked.header("ce-connectionstate"), asked.header("cookie")), (None, None));
    asked
        .answer(
            "204 No Content",
            "ce-connectionState: one\r\nce-connectionState: two\r\nSet-Cookie: k=v; Path=/\r\n",
            "",
        )
        .await;
    client.send("b", OwnedData::text("x"));
    let asked = webhook.next().await;
    assert_eq!((asked.header("ce-connectionstate"), asked.header("cookie")), (Some("two"), Some("k=v")));
    // A failure leaves nothing behind.
    asked.answer("400 Bad Request", "ce-connectionState: three\r\n", "").await;
    client.send("c", OwnedData::text("x"));
    let asked = webhook.next().await;
    assert_eq!(asked.header("ce-connectionstate"), Some("two"));
}

#[tokio::test]
async fn an_event_that_no_handler_takes_is_unhandled_and_handlers_can_change() {
    let webhook = Webhook::start().await;
    let upstream = upstream(format!("{},user-events=a,system-events=", webhook.url("/")), quick());
    let mut client = EventClient::connected(&upstream).await;
    client.send("b", OwnedData::text("x"));
    assert_eq!(client.answer().await, (1, EventAnswer::Unhandled));
    upstream.routes.replace(routes(&[format!("{},system-events=", webhook.url("/new"))]).get().as_ref().clone());
    client.send("b", OwnedData::text("x"));
    webhook.agree().await;
    let asked = webhook.next().await;
    assert_eq!(asked.path, "/new");
    asked.accept().await;
    assert_eq!(client.answer().await, (2, EventAnswer::NoContent));
}

#[tokio::test]
async fn connect_is_asked_with_id_zero_and_its_answer_changes_the_connection() {
    let webhook = Webhook::start().await;
    let upstream = upstream(webhook.url("/{event}"), quick());
    let (admission, ()) = tokio::join!(upstream.connect(connect_request(&["a", "B"])), async {
        webhook.agree().await;
        let asked = webhook.next().await;
        assert_eq!((asked.path.as_str(), asked.header("ce-id")), ("/connect", Some("0")));
        assert_eq!(asked.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(asked.json()["claims"]["sub"][0], "alice");
        let answer = r#"{"userId":"bob","groups":["g"],"subprotocol":"b"}"#;
        asked.answer("200 OK", "ce-connectionState: s\r\n", answer).await;
    });
    let admission = admission.unwrap();
    assert_eq!(admission.changes.user_id.as_deref(), Some("bob"));
    assert_eq!(admission.changes.subprotocol.as_deref(), Some("b"));
    let identity = PeerIdentity { user: Some("bob".into()), subprotocol: Some("B".into()), simple: true };
    assert_eq!(admission.begin(identity, || Some(7)), Some(7));
    upstream.connected("c1");
    let asked = webhook.next().await;
    assert_eq!(
        (asked.path.as_str(), asked.header("ce-id"), asked.header("ce-userid")),
        ("/connected", Some("1"), Some("bob"))
    );
    assert_eq!((asked.header("ce-subprotocol"), asked.header("ce-connectionstate")), (Some("B"), Some("s")));
    assert_eq!(asked.json(), json!({}));
    // `disconnected` never overtakes `connected`.
    upstream.disconnected("c1", "because");
    asked.accept().await;
    let asked = webhook.next().await;
    assert_eq!((asked.path.as_str(), asked.json()), ("/disconnected", json!({ "reason": "because" })));
    asked.accept().await;
}

#[tokio::test]
async fn a_refusal_goes_back_as_it_is_and_everything_else_is_500() {
    let webhook = Webhook::start().await;
    let upstream = upstream(webhook.url("/"), quick());
    let mut validated = false;
    for (status, headers, body, expected, text) in [
        ("401 Unauthorized", "Content-Type: application/json\r\n", "{\"no\":1}", 401, "{\"no\":1}"),
        ("403 Forbidden", "", "", 403, ""),
        // Asked four times in all.
        ("503 Service Unavailable", "", "secret", 500, "it answered 503"),
        ("301 Moved Permanently", "Location: /x\r\n", "", 500, "a redirect, which is not followed"),
    ] {
        let (outcome, ()) = tokio::join!(upstream.connect(connect_request(&[])), async {
            if !std::mem::replace(&mut validated, true) {
                webhook.agree().await;
            }
            let asked = webhook.next().await;
            let id = asked.header("x-ms-client-request-id").unwrap().to_owned();
            asked.answer(status, headers, body).await;
            for _ in 0..if status.starts_with('5') { 3 } else { 0 } {
                let again = webhook.next().await;
                assert_eq!(again.header("x-ms-client-request-id"), Some(id.as_str()));
                again.answer(status, headers, body).await;
            }
        });
        let refused = outcome.unwrap_err();
        let got = String::from_utf8(refused.body.to_vec()).unwrap();
        assert_eq!(refused.status.as_u16(), expected, "{status}");
        assert!(got.contains(text) && !got.contains("secret"), "{status}: {got}");
    }
}

#[tokio::test]
async fn disconnected_comes_once_connect_was_answered_with_2xx_whatever_happens_then() {
    let webhook = Webhook::start().await;
    let upstream = upstream(webhook.url("/{event}"), quick());
    // An answer that makes no sense, and one that nobody waits for any more.
    let (outcome, ()) = tokio::join!(upstream.connect(connect_request(&["a"])), async {
        webhook.agree().await;
        webhook.next().await.answer("200 OK", "", r#"{"subprotocol":"other"}"#).await;
    });
    let text = String::from_utf8(outcome.unwrap_err().body.to_vec()).unwrap();
    assert!(text.contains("it chose the subprotocol `other`, the client offered `a`"), "{text}");
    let asked = webhook.next().await;
    assert_eq!(asked.event(), "disconnected");
    asked.accept().await;
    let mut left = Box::pin(upstream.connect(connect_request(&[])));
    let asked = tokio::select! {
        _ = &mut left => panic!("nobody answered"),
        asked = webhook.next() => asked,
    };
    drop(left);
    asked.accept().await;
    let asked = webhook.next().await;
    assert_eq!(asked.event(), "disconnected");
    asked.accept().await;
}

#[tokio::test]
async fn a_stopping_server_forgets_events_and_still_tells_of_the_end() {
    let webhook = Webhook::start().await;
    let upstream = upstream(format!("{},system-events=disconnected", webhook.url("/{event}")), quick());
    let mut client = EventClient::connected(&upstream).await;
    client.send("a", OwnedData::text("x"));
    webhook.agree().await;
    let hanging = webhook.next().await;
    client.send("b", OwnedData::text("x"));
    upstream.disconnected("c1", "over");
    let ((), ()) = tokio::join!(upstream.finish(Duration::from_secs(20)), async {
        let asked = webhook.next().await;
        assert_eq!(asked.event(), "disconnected");
        asked.accept().await;
    });
    hanging.abandoned().await;
    assert!(client.answers.try_recv().is_err());
}

#[tokio::test]
async fn an_invocation_is_never_overtaken_by_the_end_of_its_connection() {
    let webhook = Webhook::start().await;
    let upstream = upstream(format!("{},system-events=disconnected", webhook.url("/{event}")), quick());
    let mut client = EventClient::connected(&upstream).await;
    client.invoke("a", OwnedData::text("x"));
    webhook.agree().await;
    let invoked = webhook.next().await;
    upstream.disconnected("c1", "over");
    // Of nobody who is known any more, and behind what was to be told.
    client.send("later", OwnedData::text("x"));
    let later = webhook.next().await;
    assert_eq!(later.event(), "later");
    later.accept().await;
    invoked.accept().await;
    let asked = webhook.next().await;
    assert_eq!(asked.event(), "disconnected");
    asked.accept().await;
}

#[tokio::test]
async fn a_stopping_server_waits_for_the_end_of_who_is_admitted_meanwhile() {
    let webhook = Webhook::start().await;
    let upstream = upstream(format!("{},system-events=connect,disconnected", webhook.url("/{event}")), quick());
    let connecting = tokio::spawn({
        let upstream = Arc::clone(&upstream);
        async move { drop(upstream.connect(connect_request(&[])).await) }
    });
    webhook.agree().await;
    let asked = webhook.next().await;
    assert_eq!(asked.event(), "connect");
    // Its request has ended with the server's.
    connecting.abort();
    assert!(connecting.await.unwrap_err().is_cancelled());
    let finished = std::cell::Cell::new(false);
    let finish = async {
        upstream.finish(Duration::from_secs(20)).await;
        finished.set(true);
    };
    tokio::join!(finish, async {
        asked.accept().await;
        let asked = webhook.next().await;
        assert_eq!((asked.event(), finished.get()), ("disconnected", false));
        asked.accept().await;
    });
}

#[tokio::test]
async fn a_handler_that_hangs_does_not_keep_a_server_from_stopping() {
    let webhook = Webhook::start().await;
    let upstream = upstream(format!("{},system-events=disconnected", webhook.url("/")), quick());
    let _client = EventClient::connected(&upstream).await;
    upstream.disconnected("c1", "over");
    let hanging = webhook.next().await;
    bounded(upstream.finish(Duration::from_millis(20))).await;
    hanging.abandoned().await;
}

#[tokio::test]
async fn of_too_much_that_clients_left_behind_the_last_is_forgotten() {
    let webhook = Webhook::start().await;
    let limits = ExchangeLimits { left_behind: 200, ..quick() };
    let upstream = upstream(format!("{},system-events=disconnected", webhook.url("/{event}")), limits);
    let large = || OwnedData::text(&"x".repeat(60_000));
    let mut first = EventClient::connected(&upstream).await;
    first.send("a", large());
    webhook.agree().await;
    let kept = webhook.next().await;
    upstream.disconnected("c1", "over");
    let mut second = EventClient::connected(&upstream).await;
    second.send("b", large());
    let hanging = webhook.next().await;
    second.send("c", OwnedData::text("x"));
    upstream.disconnected("c1", "over");
    // What is asked just now is given up, too, and the end is told.
    hanging.abandoned().await;
    assert_eq!(
        [second.answer().await, second.answer().await].map(|(_, answer)| answer),
        [EventAnswer::Failed, EventAnswer::Failed]
    );
    let asked = webhook.next().await;
    assert_eq!(asked.event(), "disconnected");
    asked.accept().await;
    kept.accept().await;
    assert_eq!(first.answer().await.1, EventAnswer::NoContent);
    let asked = webhook.next().await;
    assert_eq!(asked.event(), "disconnected");
    asked.accept().await;
    // There is room again when the first one is done with.
    let mut third = EventClient::connected(&upstream).await;
    third.send("d", large());
    let kept = webhook.next().await;
    upstream.disconnected("c1", "over");
    kept.accept().await;
    assert_eq!(third.answer().await.1, EventAnswer::NoContent);
}
