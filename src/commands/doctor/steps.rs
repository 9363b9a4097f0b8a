//! The steps after the dial: what a client does with a connection, each once.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::pending;
use tokio::time::{Instant, timeout};

use super::dial::DialReport;
use super::observer::DoctorFindings;
use super::report::DoctorReport;
use crate::failure::{Failure, Kind};
use crate::render::human;
use crate::run::explain::{ConnectContext, causes, has_role, operation_failure, role_hint};
use webpubsub_client::driver::Trail;
use webpubsub_client::handle::Handle;
use webpubsub_proto::OwnedData;
use webpubsub_proto::session::{AckMode, OperationKind, Outcome, Request};

/// An examination under way.
pub struct Steps<'a> {
    pub report: &'a RefCell<DoctorReport>,
    pub dial: &'a RefCell<DialReport>,
    pub trail: Trail,
    pub handle: Handle,
    pub seen: Rc<DoctorFindings>,
    pub place: ConnectContext,
    /// The group that is tried.
    pub group: String,
    /// It was made up for this run.
    pub own_group: bool,
    /// What is sent.
    pub text: String,
    /// How long each step may take.
    pub patience: Duration,
}

/// A step failed, and that was reported.
pub struct StepFailed;

impl Steps<'_> {
    /// Goes through all of them. Never ends when the session does: that is told by whoever runs it.
    pub async fn run(self) -> Result<(), StepFailed> {
        let (connection, user) = self.seen.until(|seen| seen.connected.borrow().clone()).await;
        self.dial.borrow_mut().advance(&self.trail.steps(), &mut self.report.borrow_mut());
        let user = user.map(|user| format!(" as `{user}`")).unwrap_or_default();
        let elapsed = self.trail.steps().last().and_then(|step| Some(step.started.elapsed() - step.elapsed?));
        self.report.borrow_mut().ok(elapsed, format!("connection `{connection}`{user}"), self.seen.take_odd());

        let joined = self.join().await?;
        let began = Instant::now();
        let sent = self.send().await?;
        self.receive(joined || self.is_initial_member(), sent, began).await?;
        self.ping().await?;
        self.leave(joined).await
    }

    async fn join(&self) -> Result<bool, StepFailed> {
        let done = self.perform(Request::Join { group: self.group.clone() }).await?;
        if let Some(elapsed) = done {
            self.ok(elapsed, format!("`{}`", self.group));
        }
        Ok(done.is_some())
    }

    async fn send(&self) -> Result<bool, StepFailed> {
        let (group, data) = (self.group.clone(), OwnedData::text(&self.text));
        let done = self.perform(Request::send(group, data)).await?;
        if let Some(elapsed) = done {
            self.ok(elapsed, format!("one message to `{}`", self.group));
        }
        Ok(done.is_some())
    }

    async fn receive(&self, member: bool, sent: bool, began: Instant) -> Result<(), StepFailed> {
        if !member || !sent {
            let why = if sent { "the group was not joined" } else { "nothing was sent" };
            self.report.borrow_mut().miss(why, Vec::new());
            return Ok(());
        }
        let came = timeout(self.patience, self.seen.until(|seen| seen.received.get())).await;
        let Ok(at) = came else {
            let what = format!("the message did not come back within {}", human(self.patience));
            let failure = Failure::message(Kind::Expectation, &what).hint(
                "the service acknowledged the message and the join, but does not deliver: `-vv` shows the frames",
            );
            return Err(self.fail(self.patience, what, failure));
        };
        self.ok(at - began, "the message came back");
        Ok(())
    }

    async fn ping(&self) -> Result<(), StepFailed> {
        let Ok(answered) = timeout(self.patience, self.handle.ping()).await else {
            let what = format!("no `pong` came within {}", human(self.patience));
            let failure = Failure::message(Kind::OperationUnknown, &what)
                .hint("`--ping-interval 0` lets the other commands do without, if the service does not answer pings");
            return Err(self.fail(self.patience, what, failure));
        };
        match answered {
            Some(elapsed) => self.ok(elapsed, "the service answers"),
            // The connection is gone.
            None => pending().await,
        }
        Ok(())
    }

    async fn leave(&self, joined: bool) -> Result<(), StepFailed> {
        if !joined {
            self.report.borrow_mut().miss("the group was not joined", Vec::new());
            return Ok(());
        }
        if let Some(elapsed) = self.perform(Request::Leave { group: self.group.clone() }).await? {
            self.ok(elapsed, format!("`{}`", self.group));
        }
        Ok(())
    }

    /// A step went well, whatever else came meanwhile.
    fn ok(&self, elapsed: Duration, detail: impl Into<String>) {
        self.report.borrow_mut().ok(Some(elapsed), detail, self.seen.take_odd());
    }

    /// A step did not; what came meanwhile may be why.
    fn fail(&self, elapsed: Duration, detail: impl Into<String>, mut failure: Failure) -> StepFailed {
        failure.hints.extend(self.seen.take_odd());
        self.report.borrow_mut().fail(Some(elapsed), detail, failure);
        StepFailed
    }

    /// Carries an operation out. `None`: a role is missing, and that was told.
    async fn perform(&self, request: Request) -> Result<Option<Duration>, StepFailed> {
        let kind = request.kind();
        let outcome = self.handle.submit(request, AckMode::Automatic).await;
        if self.seen.loss.borrow().is_some() {
            // It ended with the connection, not by itself.
            pending::<()>().await;
        }
        match outcome {
            Outcome::Acked { elapsed, .. } => return Ok(Some(elapsed)),
            Outcome::Refused { ref error, .. }
                if error.name == "Forbidden" && !has_role(kind, &self.group, &self.place) =>
            {
                let group = Some(self.group.as_str()).filter(|_| !self.own_group);
                self.report.borrow_mut().miss(role_hint(kind, group, &self.place), self.forbidden_hints(kind));
                return Ok(None);
            }
            Outcome::NotSent { .. } => pending().await,
            Outcome::Sent
            | Outcome::AlreadyJoined
            | Outcome::Refused { .. }
            | Outcome::NotAcknowledged { .. }
            | Outcome::Unknown { .. }
            | Outcome::IdInUse { .. } => {}
        }
        let failure = operation_failure(kind, &self.group, &outcome, self.patience, &self.place)
            .unwrap_or_else(|| Failure::message(Kind::Internal, "an operation ended without an end"));
        let elapsed = self.report.borrow().elapsed();
        Err(self.fail(elapsed, causes(&failure), failure))
    }

    fn forbidden_hints(&self, kind: OperationKind) -> Vec<String> {
        let verb =
            if kind == OperationKind::SendToGroup { "webpubsub.sendToGroup" } else { "webpubsub.joinLeaveGroup" };
        // The plural of patterns begins with the singular.
        let certain = self.place.claims().is_some_and(|claims| {
            let of_verb = || claims.roles.iter().filter(|role| role.starts_with(verb));
            of_verb().next().is_some() && !of_verb().any(|role| role == verb)
        });
        if certain && self.own_group {
            vec!["the token is for certain groups: `--group G` tries one of them".into()]
        } else {
            Vec::new()
        }
    }

    /// The token puts the connection into the group without a join.
    fn is_initial_member(&self) -> bool {
        self.place.claims().is_some_and(|claims| claims.groups.contains(&self.group))
    }
}
