//! The page at `/`: what there is and what passes, in a browser. Its files are part of the binary, hold no secret and
//! ask nobody but the control endpoint, which decides who may see anything.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::header::{self, HeaderValue};

const HTML: &str = include_str!("page/index.html");
const CSS: &str = include_str!("page/page.css");
const JS: &str = include_str!("page/page.js");
const JSON: &str = include_str!("page/json.js");
const RECORDS: &str = include_str!("page/records.js");

/// Nothing from elsewhere, nothing within other pages.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The routes.
pub(super) fn router() -> Router {
    Router::new()
        .route("/", get(async || file(HTML, "text/html; charset=utf-8")))
        .route("/emulator/page.css", get(async || file(CSS, "text/css; charset=utf-8")))
        .route("/emulator/page.js", get(async || file(JS, SCRIPT)))
        .route("/emulator/json.js", get(async || file(JSON, SCRIPT)))
        .route("/emulator/records.js", get(async || file(RECORDS, SCRIPT)))
}

fn file(text: &'static str, content_type: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Another version of the emulator has another page.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
