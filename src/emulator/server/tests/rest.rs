use super::*;

const BASE: &str = "/api/hubs/chat";

/// An answer to a REST request.
struct RestResponse {
    status: u16,
    head: String,
    body: String,
}

impl RestResponse {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The `code` of the error, which stands in the header too.
    fn code(&self) -> String {
        let code = self.json()["code"].as_str().unwrap().to_owned();
        assert_eq!(self.header("x-ms-error-code"), Some(code.as_str()));
        let content_type = self.header("content-type").unwrap();
        assert!(content_type.starts_with("application/json") || content_type.starts_with("application/problem+json"));
        assert!(self.json()["message"].is_string());
        code
    }
}

impl TestEmulator {
    pub(super) fn bearer(&self, audience: &str) -> String {
        let token = sign_client_token(
            &Secret::new(DEVELOPMENT_KEY),
            &ClientTokenRequest {
                audience,
                user: None,
                roles: &[],
                groups: &[],
                issued_at: unix_now(),
                ttl: Duration::from_secs(60),
                not_before: None,
                claims: &[],
            },
        );
        format!("Authorization: Bearer {}\r\n", token.expose())
    }

    /// A request with exactly these headers, beside `Host` and `Connection`.
    async fn raw(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> RestResponse {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let port = self.address.port();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        let mut response = Vec::new();
        bounded(stream.read_to_end(&mut response)).await.unwrap();
        let response = String::from_utf8(response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        RestResponse { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// A request as an SDK sends it: the token is for the whole URL.
    async fn rest(&self, method: &str, path: &str, content_type: &str, body: &str) -> RestResponse {
        let path = format!("{BASE}{path}");
        let mut headers = self.bearer(&format!("{}{path}", self.endpoint()));
        if !content_type.is_empty() {
            headers.push_str(&format!("Content-Type: {content_type}\r\n"));
        }
        headers.push_str(&format!("Content-Length: {}\r\n", body.len()));
        self.raw(method, &path, &headers, body.as_bytes()).await
    }

    pub(super) async fn status(&self, method: &str, path: &str) -> u16 {
        self.rest(method, path, "", "").await.status
    }

    async fn send_text(&self, path: &str, text: &str) {
        assert_eq!(self.rest("POST", path, "text/plain", text).await.status, 202);
    }

    /// A PubSub client of any user, and its connection id.
    pub(super) async fn user(&self, offer: &str, user: &str, roles: &[&str], groups: &[&str]) -> (TestClient, String) {
        let path = format!("/client/hubs/chat?access_token={}", self.token("chat", user, roles, groups));
        let mut client = self.connect(&path, Some(offer)).await;
        let id = client.json().await["connectionId"].as_str().unwrap().to_owned();
        (client, id)
    }
}

#[tokio::test]
async fn every_row_of_the_table_is_answered_as_it_says() {
    let emulator = TestEmulator::start().await;
    let (_client, id) = emulator.user(JSON, "alice", &[], &["g"]).await;
    for version in ["", "api-version=2021-10-01", "api-version=2022-11-01", "api-version=2024-12-01"] {
        for (method, path, status) in [
            ("HEAD", "/connections/{id}", 200),
            ("HEAD", "/connections/nobody", 404),
            ("HEAD", "/groups/g", 200),
            ("HEAD", "/groups/empty", 404),
            ("HEAD", "/users/alice", 200),
            ("HEAD", "/users/bob", 404),
            ("GET", "/groups/g/connections", 200),
            ("GET", "/groups/empty/connections", 200),
            ("PUT", "/groups/new/connections/{id}", 200),
            ("HEAD", "/groups/new", 200),
            ("DELETE", "/groups/new/connections/{id}", 204),
            ("HEAD", "/groups/new", 404),
            ("PUT", "/groups/new/connections/nobody", 404),
            ("DELETE", "/groups/new/connections/nobody", 204),
            ("PUT", "/users/alice/groups/new", 200),
            ("DELETE", "/users/alice/groups/new", 204),
            ("PUT", "/users/bob/groups/new", 404),
            ("DELETE", "/users/bob/groups/new", 204),
            ("DELETE", "/users/bob/groups", 204),
            ("DELETE", "/connections/nobody/groups", 204),
            ("HEAD", "/permissions/sendToGroup/connections/{id}?targetName=g", 404),
            ("PUT", "/permissions/sendToGroup/connections/{id}?targetName=g", 200),
            ("HEAD", "/permissions/sendToGroup/connections/{id}?targetName=g", 200),
            ("HEAD", "/permissions/1/connections/{id}?targetName=g", 200),
            ("HEAD", "/permissions/2/connections/{id}?targetName=g", 404),
            ("HEAD", "/permissions/sendToGroup/connections/{id}", 400),
            ("HEAD", "/permissions/joinLeaveGroup/connections/{id}?targetName=g", 404),
            ("DELETE", "/permissions/sendToGroup/connections/{id}?targetName=g", 204),
            ("HEAD", "/permissions/sendToGroup/connections/{id}?targetName=g", 404),
            ("PUT", "/permissions/joinLeaveGroup/connections/{id}", 400),
            ("DELETE", "/permissions/joinLeaveGroup/connections/{id}", 400),
            ("PUT", "/permissions/sendToGroup/connections/nobody?targetName=g", 404),
            ("DELETE", "/permissions/sendToGroup/connections/nobody?targetName=g", 204),
            ("HEAD", "/permissions/sendToGroup/connections/nobody?targetName=g", 404),
            ("PUT", "/permissions/everything/connections/{id}?targetName=g", 400),
            ("PUT", "/permissions/3/connections/{id}?targetName=g", 400),
            ("POST", "/:closeConnections?excluded={id}", 204),
            ("POST", "/groups/empty/:closeConnections", 204),
            ("POST", "/users/bob/:closeConnections", 204),
            ("DELETE", "/connections/nobody", 204),
            ("POST", "/:generateToken", 200),
            ("POST", "/:send", 202),
            ("POST", "/%3Asend", 202),
            ("POST", "/groups/empty/:send", 202),
            ("POST", "/users/bob/:send", 202),
            ("POST", "/connections/nobody/:send", 202),
        ] {
            let separator = if path.contains('?') { '&' } else { '?' };
            let path = format!("{}{separator}{version}", path.replace("{id}", &id));
            let answer = emulator.rest(method, &path, "", "").await;
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
            assert!(answer.header("date").is_some());
            let versions = "2021-10-01, 2022-11-01, 2023-07-01, 2024-01-01, 2024-12-01";
            assert_eq!(answer.header("api-supported-versions"), Some(versions), "{path}");
            match method {
                "HEAD" => assert_eq!(answer.body, "", "{path}"),
                _ if status >= 400 => assert!(!answer.code().is_empty()),
                _ => {}
            }
        }
    }
    assert_eq!(emulator.status("DELETE", &format!("/connections/{id}/groups")).await, 204);
    assert_eq!(emulator.status("HEAD", "/groups/g").await, 404);
}

#[tokio::test]
async fn a_hub_without_connections_is_an_empty_hub_and_asking_does_not_make_one() {
    let emulator = TestEmulator::start().await;
    for (method, path, status) in [
        ("POST", "/:send", 202),
        ("HEAD", "/connections/c", 404),
        ("HEAD", "/users/u", 404),
        ("HEAD", "/groups/g", 404),
        ("PUT", "/groups/g/connections/c", 404),
        ("DELETE", "/connections/c", 204),
        ("POST", "/:closeConnections", 204),
        ("DELETE", "/users/u/groups", 204),
        ("PUT", "/permissions/sendToGroup/connections/c?targetName=g", 404),
        ("DELETE", "/permissions/sendToGroup/connections/c?targetName=g", 204),
    ] {
        assert_eq!(emulator.status(method, path).await, status, "{method} {path}");
    }
    let groups = r#"{"groups":["g"],"filter":"userId ne null"}"#;
    assert_eq!(emulator.rest("POST", "/:addToGroups", "application/json", groups).await.status, 200);
    let none = emulator.rest("GET", "/groups/g/connections", "", "").await.json();
    assert_eq!(none, serde_json::json!({"value": [], "nextLink": null}));
}

#[tokio::test]
async fn what_was_recorded_of_the_cloud_is_answered_so() {
    let emulator = TestEmulator::start().await;
    let bad = emulator.rest("POST", "/:send?filter=invalid+filter", "text/plain", "x").await;
    assert_eq!((bad.status, bad.header("content-type")), (400, Some("application/problem+json; charset=utf-8")));
    let body = bad.json();
    assert_eq!(
        body["message"],
        "Invalid syntax for 'invalid filter': Syntax error at position 14 in 'invalid filter'. (Parameter 'filter')"
    );
    assert_eq!((&body["code"], &body["target"]), (&"Error.BadRequest".into(), &"filter".into()));
    assert_eq!((&body["type"], &body["status"]), (&serde_json::Value::Null, &400.into()));
    assert_eq!(body["title"], "One or more validation errors occurred.");
    // What the service does not say: which word, and why.
    assert!(body["errors"]["filter"][0].as_str().unwrap().contains("at character 9"), "{body}");
    for (path, code) in [
        ("/groups/g", "Warning.Group.NotExisted"),
        ("/users/u", "Warning.User.NotExisted"),
        ("/connections/c", "Warning.Connection.NotExisted"),
    ] {
        let absent = emulator.rest("HEAD", path, "", "").await;
        assert_eq!((absent.status, absent.header("x-ms-error-code")), (404, Some(code)), "{path}");
    }
    let unknown = emulator.rest("PUT", "/groups/g/connections/x", "", "").await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "Error.Connection.NotExisted"));
    let body = unknown.json();
    assert_eq!(body["message"], "Connection `x` is not found.");
    assert_eq!((&body["details"], &body["innererror"]), (&serde_json::json!([]), &serde_json::Value::Null));
    assert!(body.get("innererror").is_some() && body["target"].is_string(), "{body}");
    let (mut client, id) = emulator.user(JSON, "wide", &["webpubsub.sendToGroup"], &[]).await;
    for method in ["PUT", "DELETE"] {
        let answer = emulator.rest(method, &format!("/permissions/sendToGroup/connections/{id}"), "", "").await;
        assert_eq!(answer.status, 400);
        let message = "Invalid group name. Valid group name should be in between 1 and 1024 characters long.";
        assert_eq!(answer.json()["message"], message);
    }
    // Revoking one group denies it also under a wide role, until it is granted again.
    let path = format!("/permissions/sendToGroup/connections/{id}?targetName=g");
    for (number, (method, success)) in [("HEAD", true), ("DELETE", false), ("PUT", true)].into_iter().enumerate() {
        emulator.status(method, &path).await;
        let frame = format!(r#"{{"type":"sendToGroup","group":"g","data":1,"ackId":{number}}}"#);
        client.send(Message::text(frame)).await;
        assert_eq!(client.json().await["success"], success, "{method}");
    }
    let nothing = emulator.raw("GET", "/api/hubs/chat/:nothing", "", b"").await;
    assert_eq!(nothing.header("api-supported-versions"), None);
}

#[tokio::test]
async fn bodies_become_messages_of_their_content_type() {
    let emulator = TestEmulator::start().await;
    let (mut client, _) = emulator.user(RELIABLE, "alice", &[], &["g"]).await;
    let path = format!("/client/hubs/chat?access_token={}", emulator.token("chat", "raw", &[], &[]));
    let mut simple = emulator.connect(&path, None).await;
    let long = r#"{"z":1.10000000000000000001, "a":null}"#;
    for (id, (content_type, body, data_type, data, bare)) in [
        ("text/plain", "hi", "text", r#""hi""#, Message::text("hi")),
        ("Text/Plain; charset=utf-8", "é", "text", r#""é""#, Message::text("é")),
        ("text/plain; charset=us-ascii", "e", "text", r#""e""#, Message::text("e")),
        ("text/plain", "", "text", r#""""#, Message::text("")),
        ("application/json", long, "json", long, Message::text(long)),
        ("application/json;charset=utf-8", "\"s\"", "json", r#""s""#, Message::text("\"s\"")),
        ("application/octet-stream", "\u{1}x", "binary", r#""AXg=""#, Message::binary(vec![1, b'x'])),
        ("", "", "binary", r#""""#, Message::binary(vec![])),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = emulator.rest("POST", "/:send", content_type, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{content_type}");
        let sequence_id = id + 1;
        let expected = format!(
            r#"{{"sequenceId":{sequence_id},"type":"message","from":"server","dataType":"{data_type}","data":{data}}}"#
        );
        assert_eq!(client.text().await, expected);
        assert_eq!(simple.next().await, Some(bare));
    }
    emulator.send_text("/groups/g/:send", "to the group").await;
    let group = client.json().await;
    assert_eq!((&group["from"], &group["group"]), (&"group".into(), &"g".into()));
    assert!(group.get("fromUserId").is_none());
}

#[tokio::test]
async fn bodies_that_cannot_be_messages_are_refused() {
    let emulator = TestEmulator::start().await;
    for (content_type, body, status, code, part) in [
        ("application/json", "{", 400, "Error.BadRequest", "not JSON"),
        ("application/json", "", 400, "Error.BadRequest", "not JSON"),
        ("application/xml", "<a/>", 415, "Error.UnsupportedMediaType", "application/xml"),
        ("text/plain; charset=ebcdic", "x", 415, "Error.UnsupportedMediaType", "ebcdic"),
        ("text/plain; charset=us-ascii", "é", 400, "Error.BadRequest", "not US-ASCII"),
        ("application/jsonx", "{}", 415, "Error.UnsupportedMediaType", "application/jsonx"),
    ] {
        let answer = emulator.rest("POST", "/:send", content_type, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{content_type} {body}");
        assert!(answer.json()["message"].as_str().unwrap().contains(part), "{}", answer.body);
    }
    let path = format!("{BASE}/:send");
    let bearer = emulator.bearer(&format!("{}{path}", emulator.endpoint()));
    let with = |headers: &str| format!("{bearer}Content-Type: text/plain\r\n{headers}");
    let invalid = emulator.raw("POST", &path, &with("Content-Length: 1\r\n"), b"\xff").await;
    assert!(invalid.status == 400 && invalid.body.contains("not UTF-8"), "{}", invalid.body);
    for headers in ["", "Transfer-Encoding: chunked\r\n"] {
        let answer = emulator.raw("POST", &path, &with(headers), b"1\r\nx\r\n0\r\n\r\n").await;
        assert!(answer.status == 400 && answer.body.contains("no Content-Length"), "{headers}: {}", answer.body);
    }
    // What is too large is not waited for.
    let answer = emulator.raw("POST", &path, &with("Content-Length: 1048577\r\n"), b"x").await;
    assert!(answer.status == 400 && answer.body.contains("it may have 1048576"), "{}", answer.body);
    let (mut client, _) = emulator.user(JSON, "alice", &[], &[]).await;
    emulator.send_text("/:send", &"x".repeat(1024 * 1024)).await;
    assert_eq!(client.json().await["data"].as_str().unwrap().len(), 1024 * 1024);
}

#[tokio::test]
async fn excluded_filter_and_metadata_do_what_they_say() {
    let emulator = TestEmulator::start().await;
    let (mut alice, alice_id) = emulator.user(JSON, "alice", &[], &["g"]).await;
    let (mut bob, bob_id) = emulator.user(JSON, "bob", &[], &["g", "vip"]).await;
    for path in ["/:send", "/groups/g/:send"] {
        emulator.send_text(&format!("{path}?excluded={alice_id}&excluded=nobody"), "not alice").await;
        emulator.send_text(&format!("{path}?excluded={alice_id}&excluded={bob_id}"), "nobody").await;
        emulator.send_text(&format!("{path}?filter='vip'%20in%20groups&messageTtlSeconds=300"), "vip").await;
        emulator.send_text(&format!("{path}?filter=userId+eq+%27alice%27"), "alice").await;
        assert_eq!(bob.json().await["data"], "not alice");
        assert_eq!(bob.json().await["data"], "vip");
        assert_eq!(alice.json().await["data"], "alice");
    }
    emulator.send_text("/users/bob/:send?filter='vip'%20in%20groups", "one").await;
    emulator.send_text("/users/bob/:send?filter=not('vip'%20in%20groups)", "none").await;
    emulator.send_text(&format!("/connections/{bob_id}/:send"), "two").await;
    assert_eq!((bob.json().await["data"].clone(), bob.json().await["data"].clone()), ("one".into(), "two".into()));
    let path = format!("{BASE}/:send");
    let headers = format!(
        "{}Content-Length: 1\r\nX-WebPubSub-Metadata-Trace: t1\r\nx-webpubsub-metadata-b: v\r\n",
        emulator.bearer(&format!("{}{path}", emulator.endpoint()))
    );
    assert_eq!(emulator.raw("POST", &path, &headers, b"x").await.status, 202);
    assert_eq!(bob.json().await["metadata"], serde_json::json!({"trace": "t1", "b": "v"}));
    for (query, part) in [
        ("filter=userId+eq", "Syntax error at position 9 in 'userId eq'."),
        ("filter=user+eq+1", "at character 1: `user` is unknown"),
        ("filter=true&filter=true", "more than once"),
        ("messageTtlSeconds=301", "from 0 to 300"),
        ("messageTtlSeconds=-1", "from 0 to 300"),
        ("messageTtlSeconds=x", "from 0 to 300"),
        ("api-version=2020-01-01", "2024-12-01"),
        ("api-version=2024-12-01&api-version=2024-12-01", "more than once"),
    ] {
        let answer = emulator.rest("POST", &format!("/:send?{query}"), "text/plain", "x").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "Error.BadRequest"), "{query}");
        assert!(answer.json()["message"].as_str().unwrap().contains(part), "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn groups_are_changed_for_all_connections_a_filter_means() {
    let emulator = TestEmulator::start().await;
    let (mut alice, _) = emulator.user(JSON, "alice", &[], &[]).await;
    let (_bob, bob_id) = emulator.user(JSON, "bob", &[], &[]).await;
    let change = |what: &'static str, body: &'static str| emulator.rest("POST", what, "application/json", body);
    let body = r#"{"groups":["a","b"],"filter":"startswith(userId,'a')"}"#;
    assert_eq!(change("/:addToGroups", body).await.status, 200);
    emulator.send_text("/groups/b/:send", "hello").await;
    assert_eq!(alice.json().await["data"], "hello");
    assert_eq!(change("/:removeFromGroups", r#"{"groups":["a"]}"#).await.status, 200);
    assert_eq!((emulator.status("HEAD", "/groups/a").await, emulator.status("HEAD", "/groups/b").await), (404, 200));
    assert_eq!(emulator.status("PUT", &format!("/groups/c/connections/{bob_id}")).await, 200);
    assert_eq!(emulator.status("DELETE", "/users/bob/groups").await, 204);
    assert_eq!(emulator.status("HEAD", "/groups/c").await, 404);
    for body in [
        r#"{"groups":[]}"#,
        r#"{"groups":[" "]}"#,
        r#"{"groups":["a"],"filter":"x"}"#,
        r#"{"groups":"a"}"#,
        r#"{"filter":"true"}"#,
        "",
        "[]",
    ] {
        for what in ["/:addToGroups", "/:removeFromGroups"] {
            let answer = emulator.rest("POST", what, "application/json", body).await;
            assert_eq!((answer.status, answer.code().as_str()), (400, "Error.BadRequest"), "{body}");
        }
    }
    assert_eq!(emulator.rest("POST", "/:addToGroups", "text/plain", r#"{"groups":["a"]}"#).await.status, 415);
}

#[tokio::test]
async fn closing_tells_clients_the_reason_and_spares_the_excluded() {
    let emulator = TestEmulator::start().await;
    let (mut alice, _) = emulator.user(RELIABLE, "alice", &[], &["g"]).await;
    let (mut bob, bob_id) = emulator.user(JSON, "bob", &[], &["g"]).await;
    let path = format!("/groups/g/:closeConnections?excluded={bob_id}&reason=too%20late%2C%20%C3%A9");
    assert_eq!(emulator.status("POST", &path).await, 204);
    let told = alice.json().await;
    assert_eq!(told["message"], "Application server closed the connection. Reason: too late, é");
    assert_eq!(alice.close_frame().await, (1000, String::new()));
    assert_eq!(emulator.status("HEAD", "/users/alice").await, 404);
    assert_eq!(emulator.status("POST", "/users/alice/:closeConnections").await, 204);
    assert_eq!(emulator.status("DELETE", &format!("/connections/{bob_id}")).await, 204);
    assert_eq!(bob.json().await["message"], "Application server closed the connection.");
    assert_eq!(bob.close_frame().await, (1000, String::new()));
}

#[tokio::test]
async fn permissions_count_from_the_next_frame_on() {
    let emulator = TestEmulator::start().await;
    let (mut client, id) = emulator.user(JSON, "alice", &[], &[]).await;
    let path = format!("/permissions/joinLeaveGroup/connections/{id}?targetName=a%2Fb");
    for (method, success) in [("HEAD", false), ("PUT", true), ("DELETE", false)] {
        emulator.status(method, &path).await;
        client.send(Message::text(format!(r#"{{"type":"joinGroup","group":"a/b","ackId":{}}}"#, method.len()))).await;
        assert_eq!(client.json().await["success"], success, "{method}");
    }
}

#[tokio::test]
async fn names_in_paths_may_hold_any_characters() {
    let emulator = TestEmulator::start().await;
    let group = "a/b ?#%é:send";
    let (mut client, id) = emulator.user(JSON, "us/er%2F", &[], &[]).await;
    let encoded = "a%2Fb%20%3F%23%25%C3%A9%3Asend";
    assert_eq!(emulator.status("PUT", &format!("/groups/{encoded}/connections/{id}")).await, 200);
    emulator.send_text(&format!("/groups/{encoded}/:send"), "x").await;
    assert_eq!(client.json().await["group"], group);
    emulator.send_text("/users/us%2Fer%252F/:send", "y").await;
    assert_eq!(client.json().await["data"], "y");
    assert_eq!(emulator.status("HEAD", &format!("/groups/{encoded}/")).await, 200);
    assert_eq!(emulator.status("HEAD", "/groups/%20").await, 400);
    assert_eq!(emulator.status("PUT", "/groups//connections/c").await, 400);
    assert_eq!(emulator.status("HEAD", "/users/%FF").await, 400);
    assert_eq!(emulator.status("HEAD", &format!("/groups/{}", "x".repeat(1025))).await, 400);
}

#[tokio::test]
async fn members_are_listed_in_pages_whose_links_lead_on() {
    let emulator = TestEmulator::start().await;
    let mut clients = Vec::new();
    for user in ["a", "b", "c"] {
        clients.push(emulator.user(JSON, user, &[], &["g"]).await);
    }
    let whole = emulator.rest("GET", "/groups/g/connections", "", "").await.json();
    let mut members: Vec<(&str, &str)> =
        clients.iter().zip(["a", "b", "c"]).map(|((_, id), user)| (id.as_str(), user)).collect();
    members.sort_unstable();
    let member = |n: usize| serde_json::json!({"connectionId": members[n].0, "userId": members[n].1});
    assert_eq!(whole, serde_json::json!({"value": [member(0), member(1), member(2)], "nextLink": null}));
    let mut path = "/groups/g/connections?maxpagesize=1&top=2&api-version=2024-12-01".to_owned();
    for n in 0..2 {
        let page = emulator.rest("GET", &path, "", "").await.json();
        assert_eq!(page["value"], serde_json::json!([member(n)]));
        match page["nextLink"].as_str() {
            Some(link) => {
                assert!(link.contains("api-version=2024-12-01"), "{link}");
                path = link.strip_prefix(&format!("{}{BASE}", emulator.endpoint())).unwrap().to_owned();
            }
            None => assert_eq!(n, 1),
        }
    }
    // A token is good for its group alone.
    let other = path.replace("/groups/g/", "/groups/h/");
    assert_eq!(emulator.rest("GET", &other, "", "").await.status, 400);
    assert_eq!(emulator.rest("GET", &path, "", "").await.status, 200);
    for query in ["maxpagesize=0", "maxpagesize=201", "top=0", "continuationToken=x", "maxpagesize=1&maxpagesize=1"] {
        let answer = emulator.rest("GET", &format!("/groups/g/connections?{query}"), "", "").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "Error.BadRequest"), "{query}");
    }
}

#[tokio::test]
async fn links_lead_to_the_advertised_endpoint_and_its_tokens_are_taken() {
    let mut config = ServerConfig::new([7; 32]);
    config.advertise = Some("https://dev.example".to_owned());
    let emulator = TestEmulator::start_with(config).await;
    let _clients = (emulator.user(JSON, "a", &[], &["g"]).await, emulator.user(JSON, "b", &[], &["g"]).await);
    let path = format!("{BASE}/groups/g/connections?maxpagesize=1");
    let answer = emulator.raw("GET", &path, &emulator.bearer(&format!("https://dev.example{path}")), b"").await;
    let link = answer.json()["nextLink"].as_str().unwrap().to_owned();
    let next = link.strip_prefix("https://dev.example").unwrap();
    let answer = emulator.raw("GET", next, &emulator.bearer(&link), b"").await;
    assert_eq!(answer.json()["value"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_needs_a_token_for_its_url_or_one_above() {
    let emulator = TestEmulator::start().await;
    let (path, port) = (format!("{BASE}/groups/a%2Fb/:send"), emulator.address.port());
    let at = |path: &str| format!("{}{path}", emulator.endpoint());
    let length = "Content-Length: 0\r\n";
    for (bearer, status) in [
        (emulator.bearer(&at(&path)), 202),
        (emulator.bearer(&at(&format!("{path}?api-version=2024-12-01"))), 202),
        (emulator.bearer(&at("/api/hubs/chat/groups/a/b/:send")), 202),
        (emulator.bearer(&at("/api/hubs/CHAT/")), 202),
        (emulator.bearer(&at("/")), 202),
        (emulator.bearer(&format!("https://127.0.0.1:{port}{path}")), 202),
        (emulator.bearer(&format!("http://[::1]:{port}{path}")), 202),
        (emulator.bearer(&at("/api/hubs/chat/groups/a")), 202),
        (emulator.bearer(&at("/api/hubs/cha")), 401),
        (emulator.bearer(&at("/api/hubs/chat2")), 401),
        (emulator.bearer(&at("/client/hubs/chat")), 401),
        (emulator.bearer("http://elsewhere.example/api"), 401),
        (String::new(), 401),
        ("Authorization: Bearer\r\n".to_owned(), 401),
        ("Authorization: Bearer x.y.z\r\n".to_owned(), 401),
        ("Authorization: Basic YTpi\r\n".to_owned(), 401),
    ] {
        let answer = emulator.raw("POST", &path, &format!("{bearer}{length}"), b"").await;
        assert_eq!(answer.status, status, "{bearer}: {}", answer.body);
        if status == 401 {
            assert_eq!(
                (answer.code().as_str(), answer.header("www-authenticate")),
                ("Error.Unauthorized", Some("Bearer"))
            );
            assert!(!answer.body.contains("eyJ"), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_said_with_what_there_is() {
    let emulator = TestEmulator::start().await;
    for path in ["/api", "/api/", "/api/hubs", "/api/hubs/chat", "/api/hubs/chat/:nothing", "/api/hubs/chat/groups/g/x"]
    {
        let answer = emulator.raw("GET", path, "", b"").await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "Error.NotFound"), "{path}");
    }
    for (method, path, allow) in [
        ("GET", "/:send", "POST"),
        ("PATCH", "/connections/c", "HEAD, DELETE"),
        ("POST", "/groups/g/connections/c", "PUT, DELETE"),
        ("GET", "/permissions/sendToGroup/connections/c", "HEAD, PUT, DELETE"),
    ] {
        let answer = emulator.rest(method, path, "", "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
        assert_eq!(answer.code(), "Error.MethodNotAllowed");
    }
    let answer = emulator.raw("HEAD", "/api/hubs/1chat/users/u", &emulator.bearer(&emulator.endpoint()), b"").await;
    assert_eq!((answer.status, answer.header("x-ms-error-code")), (400, Some("Error.BadRequest")));
    let headers = format!("{}x-ms-client-request-id: r1\r\n", emulator.bearer(&emulator.endpoint()));
    let answer = emulator.raw("GET", &format!("{BASE}/groups/g/connections"), &headers, b"").await;
    assert_eq!(answer.header("x-ms-client-request-id"), Some("r1"));
    assert!(answer.header("content-type").unwrap().starts_with("application/json"));
    for method in ["GET", "HEAD"] {
        assert_eq!(emulator.raw(method, "/api/health", "", b"").await.status, 200);
    }
}

#[tokio::test]
async fn tokens_that_the_service_makes_let_clients_in_as_they_say() {
    let emulator = TestEmulator::start().await;
    let path = "/:generateToken?userId=ann%2Fb&role=webpubsub.sendToGroup&role=webpubsub.joinLeaveGroup.x&group=g&group=h\
                &minutesToExpire=5&clientType=Default";
    let token = emulator.rest("POST", path, "", "").await.json()["token"].as_str().unwrap().to_owned();
    let mut client = emulator.connect(&format!("/client/hubs/chat?access_token={token}"), Some(JSON)).await;
    assert_eq!(client.json().await["userId"], "ann/b");
    assert_eq!((emulator.status("HEAD", "/groups/g").await, emulator.status("HEAD", "/groups/h").await), (200, 200));
    client.send(Message::text(r#"{"type":"joinGroup","group":"x","ackId":1}"#)).await;
    assert_eq!(client.json().await["success"], true);
    for (query, status) in [
        ("clientType=MQTT", 200),
        ("clientType=Other", 400),
        ("minutesToExpire=0", 400),
        ("minutesToExpire=1", 200),
        ("minutesToExpire=x", 400),
        ("group=%20", 400),
        ("userId=a&userId=b", 400),
    ] {
        assert_eq!(emulator.status("POST", &format!("/:generateToken?{query}")).await, status, "{query}");
    }
}

#[tokio::test]
async fn a_sender_waits_for_a_slow_receiver_only_as_long_as_the_hub_is_patient() {
    let mut config = ServerConfig::new([7; 32]);
    config.hub.max_unacked_messages = 8;
    config.hub.patience = Duration::from_millis(100);
    let emulator = TestEmulator::start_with(config).await;
    let (mut slow, _) = emulator.user(RELIABLE, "slow", &[], &[]).await;
    let (mut quick, _) = emulator.user(JSON, "quick", &[], &[]).await;
    for n in 1..=9 {
        emulator.send_text("/:send", &n.to_string()).await;
    }
    for n in 1..=9 {
        assert_eq!(quick.json().await["data"], n.to_string());
    }
    for _ in 1..=8 {
        assert_eq!(slow.json().await["type"], "message");
    }
    assert_eq!(slow.next().await.map(|message| message.is_text()), Some(true));
    emulator.stop().await;
}

#[tokio::test]
async fn a_receiver_that_catches_up_lets_the_sender_go_on() {
    let mut config = ServerConfig::new([7; 32]);
    config.hub.max_unacked_messages = 8;
    config.hub.patience = Duration::from_secs(3600);
    let emulator = TestEmulator::start_with(config).await;
    let (mut slow, _) = emulator.user(RELIABLE, "slow", &[], &[]).await;
    for n in 1..=6 {
        emulator.send_text("/:send", &n.to_string()).await;
    }
    let acknowledge = async {
        for _ in 1..=6 {
            slow.json().await;
        }
        slow.send(Message::text(r#"{"type":"sequenceAck","sequenceId":6}"#)).await;
        assert_eq!(slow.json().await["data"], "7");
    };
    tokio::join!(emulator.send_text("/:send", "7"), acknowledge);
}

#[tokio::test]
async fn a_message_whose_time_is_up_is_not_replayed() {
    let emulator = TestEmulator::start().await;
    let (mut client, connected) = emulator.pubsub(RELIABLE).await;
    emulator.send_text("/:send?messageTtlSeconds=1", "passes").await;
    emulator.send_text("/:send?messageTtlSeconds=0", "stays").await;
    assert_eq!(
        (client.json().await["data"].clone(), client.json().await["data"].clone()),
        ("passes".into(), "stays".into())
    );
    let path = format!(
        "/client/hubs/chat?awps_connection_id={}&awps_reconnection_token={}",
        connected["connectionId"].as_str().unwrap(),
        connected["reconnectionToken"].as_str().unwrap()
    );
    // Recovers again and again, until it has gone.
    let replay_without_it = async {
        loop {
            let mut again = emulator.connect(&path, Some(RELIABLE)).await;
            again.json().await;
            let first = again.json().await;
            if first["data"] == "stays" {
                return first["sequenceId"].clone();
            }
            assert_eq!((&first["data"], &again.json().await["data"]), (&"passes".into(), &"stays".into()));
        }
    };
    assert_eq!(bounded(replay_without_it).await, 2);
}
