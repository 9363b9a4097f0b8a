//! The connections of a group: page after page, each printed as it comes, so that a list of any length takes no memory.

use std::cell::RefCell;
use std::time::Instant;

use bytes::Bytes;
use serde::Deserialize;
use url::Url;

use super::report;
use super::settings::operation::ServiceOperation;
use super::{call_of, lines};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::data::payload::PayloadType;
use crate::records::Connection;
use crate::render::Printer;
use crate::run::errand::RunCounts;
use crate::run::rest::{RestClient, RestRequest};
use webpubsub_net::secret::redact;

/// A page of the list (PROTOCOL §13).
#[derive(Deserialize)]
#[serde(expecting = "a JSON object")]
struct ListedPage {
    value: Vec<ListedMember>,
    #[serde(rename = "nextLink")]
    next_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a JSON object")]
struct ListedMember {
    connection_id: String,
    user_id: Option<String>,
}

/// The pages of a group, one after the other.
struct Pages<'a> {
    rest: &'a RestClient,
    call: RestRequest,
    over: bool,
    /// A page that was asked for before, to notice links that lead round in a circle: the one at the last power of two.
    mark: String,
    asked: u64,
}

impl<'a> Pages<'a> {
    fn new(rest: &'a RestClient, hub: &str, group: &str, top: Option<u32>) -> Self {
        let operation = ServiceOperation::List { group: group.to_owned(), top };
        let call = call_of(&operation, hub, PayloadType::Text, Bytes::new(), true);
        Self { rest, mark: call.path_and_query.clone(), call, over: false, asked: 1 }
    }

    /// The next page; `None` behind the last one.
    async fn next(&mut self, done: &RunCounts) -> Result<Option<Vec<ListedMember>>, Failure> {
        if self.over {
            return Ok(None);
        }
        RunCounts::count(&done.sent);
        let answered = self.rest.ask(&self.call).await.inspect_err(|_| RunCounts::count(&done.failed))?;
        if !answered.answer.status.is_success() {
            RunCounts::count(&done.failed);
            return Err(self.rest.refused(&self.call, &answered));
        }
        RunCounts::count(&done.acked);
        let page: ListedPage = serde_json::from_slice(&answered.answer.body)
            .or_fail(Kind::Protocol, format!("could not {}: the answer is no list of connections", self.call.to_do))?;
        match page.next_link.filter(|link| !link.is_empty()) {
            Some(link) => self.follow(&link)?,
            None => self.over = true,
        }
        Ok(Some(page.value))
    }

    /// Asks the same path with the link's query: the token is for this host, and goes to no other.
    fn follow(&mut self, link: &str) -> Result<(), Failure> {
        let bad = |why: &str| {
            let what = format!("could not {}: the service's link to the next page {why}", self.call.to_do);
            Failure::new(Kind::Protocol, anyhow::anyhow!("it is `{}`", redact(link)).context(what))
        };
        // One without a host is fine, too.
        let base = Url::parse("http://service.invalid").map_err(|_| bad("cannot be read"))?;
        let url = base.join(link).map_err(|_| bad("cannot be read"))?;
        let query = url.query().filter(|query| !query.is_empty()).ok_or_else(|| bad("has no query"))?;
        let next = format!("{}?{query}", self.call.path);
        if next == self.mark || next == self.call.path_and_query {
            return Err(bad("leads to a page that was there before"));
        }
        self.asked += 1;
        if self.asked.is_power_of_two() {
            self.mark.clone_from(&next);
        }
        self.call.path_and_query = next;
        Ok(())
    }
}

/// Prints the connections of a group, as many as are wanted.
pub async fn list(
    rest: &RestClient,
    hub: &str,
    group: &str,
    limit: Option<u32>,
    (printer, done): (&RefCell<Printer>, &RunCounts),
) -> Result<(), Failure> {
    let mut pages = Pages::new(rest, hub, group, limit);
    let mut left = limit.map_or(u64::MAX, u64::from);
    while left > 0 {
        let Some(members) = pages.next(done).await? else { break };
        for ListedMember { connection_id, user_id } in members {
            if left == 0 {
                break;
            }
            left -= 1;
            RunCounts::count(&done.received);
            let fields = Connection { connection_id: &connection_id, user_id: user_id.as_deref() };
            report::connection(&mut printer.borrow_mut(), &fields);
        }
        // Pages are asked for no faster than they are read.
        lines::room_in(printer).await;
    }
    Ok(())
}

/// Looks for a connection among the members of a group: the service has no question for that.
pub async fn member(
    rest: &RestClient,
    hub: &str,
    (connection, group): (&str, &str),
    (printer, done): (&RefCell<Printer>, &RunCounts),
) -> Result<(), Failure> {
    let began = Instant::now();
    let mut pages = Pages::new(rest, hub, group, None);
    let found = loop {
        match pages.next(done).await? {
            Some(members) if members.iter().any(|member| member.connection_id == connection) => break true,
            Some(_) => {}
            None => break false,
        }
    };
    report::membership(&mut printer.borrow_mut(), connection, group, (found, began.elapsed()));
    if found {
        return Ok(());
    }
    let what = format!("the connection `{connection}` is not in the group `{group}`");
    Err(Failure::message(Kind::Expectation, what))
}
