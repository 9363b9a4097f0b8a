//! The one task that owns the socket and the clock around a [`Tracer`].

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};
use tracing::{Level, debug, enabled};

use crate::render::Printer;
use crate::run::livetrace::Endpoint;
use webpubsub_client::driver::{log_frame, loss_cause};
use webpubsub_client::event::EventSink as _;
use webpubsub_net::secret::{FRAMES, redact};
use webpubsub_net::wire::{Incoming, Link, Stream};
use webpubsub_proto::EncodedFrame;
use webpubsub_proto::session::{DialFailure, End};
use webpubsub_proto::trace::{Config, News, Output, Trace, Tracer};

/// What is shown of a trace.
pub trait TraceObserver {
    /// A trace has come. Returns whether that was enough.
    fn trace(&self, trace: Trace) -> bool;
    /// Something else has happened.
    fn news(&self, news: News);
}

/// A tracer on a socket.
pub struct TraceDriver<'a, S> {
    tracer: Tracer,
    endpoint: &'a Endpoint,
    printer: &'a RefCell<Printer>,
    show: &'a S,
    origin: Instant,
    dialing: Option<TraceDial<'a>>,
    link: Option<Link<Stream>>,
    batch: Vec<Incoming>,
    /// Nobody takes what is printed: nothing more is read.
    stalled: bool,
    stopping: bool,
    end: Option<End>,
}

type TraceDial<'a> = Pin<Box<dyn Future<Output = Result<Link<Stream>, DialFailure>> + 'a>>;

/// What a wait was ended by.
enum WakeReason {
    Stop,
    Dialed(Box<Result<Link<Stream>, DialFailure>>),
    Frames,
    Room(bool),
    Time,
}

impl<'a, S: TraceObserver> TraceDriver<'a, S> {
    /// Nothing happens before [`Self::run`].
    pub fn new(config: Config, endpoint: &'a Endpoint, printer: &'a RefCell<Printer>, show: &'a S) -> Self {
        Self {
            tracer: Tracer::new(config),
            endpoint,
            printer,
            show,
            origin: Instant::now(),
            dialing: None,
            link: None,
            batch: Vec::new(),
            stalled: false,
            stopping: false,
            end: None,
        }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Connects, and returns when it is over; in two seconds when `stop` resolves.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> End {
        let mut stop = std::pin::pin!(stop);
        self.tracer.handle_start(self.now());
        loop {
            self.carry_out();
            if let Some(end) = self.end.take() {
                return end;
            }
            let woken = self.wait(stop.as_mut()).await;
            self.handle(woken);
            // A service that never pauses must not keep signals and the time from being heard.
            yield_now().await;
        }
    }

    async fn wait(&mut self, stop: Pin<&mut impl Future<Output = ()>>) -> WakeReason {
        let deadline = self.tracer.poll_timeout().and_then(|at| self.origin.checked_add(at));
        let Self { dialing, link, batch, printer, stalled, stopping, .. } = self;
        let (stalled, stopping) = (*stalled, *stopping);
        let dialed = async {
            match dialing {
                Some(dialing) => dialing.await,
                None => pending().await,
            }
        };
        let frames = async {
            match link {
                Some(link) => poll_fn(|cx| link.poll(cx, !stalled || stopping, batch)).await,
                None => pending().await,
            }
        };
        let room = poll_fn(|cx| match printer.borrow_mut().poll_room(cx) {
            Poll::Ready(()) if stalled => Poll::Ready(WakeReason::Room(true)),
            Poll::Pending if !stalled => Poll::Ready(WakeReason::Room(false)),
            Poll::Ready(()) | Poll::Pending => Poll::Pending,
        });
        let time = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop, if !stopping => WakeReason::Stop,
            woken = room => woken,
            () = time => WakeReason::Time,
            dialed = dialed => WakeReason::Dialed(Box::new(dialed)),
            () = frames => WakeReason::Frames,
        }
    }

    fn handle(&mut self, woken: WakeReason) {
        let now = self.now();
        match woken {
            WakeReason::Stop => self.stop(now),
            WakeReason::Dialed(dialed) => {
                self.dialing = None;
                match *dialed {
                    Ok(link) => {
                        self.link = Some(link);
                        self.tracer.handle_opened(now);
                    }
                    Err(failure) => self.tracer.handle_dial_failed(now, failure),
                }
            }
            WakeReason::Frames => {
                for incoming in std::mem::take(&mut self.batch) {
                    match incoming {
                        Incoming::Text(text) => {
                            if enabled!(target: FRAMES, Level::DEBUG) {
                                log_frame("←", &redact(&text));
                            }
                            self.tracer.handle_text(now, &text);
                        }
                        Incoming::Binary(bytes) => {
                            debug!(target: FRAMES, "← binary frame of {} bytes", bytes.len());
                            self.tracer.handle_binary(now);
                        }
                        Incoming::Ping | Incoming::Pong | Incoming::Progress => self.tracer.handle_life(now),
                        Incoming::Closed(closed) => {
                            self.link = None;
                            self.tracer.handle_closed(now, &loss_cause(closed));
                        }
                    }
                    // What comes of one message is shown before the next is read.
                    self.carry_out();
                }
            }
            WakeReason::Room(room) => {
                self.stalled = !room;
                self.tracer.handle_stalled(now, !room);
            }
            WakeReason::Time => {}
        }
        if self.tracer.poll_timeout().is_some_and(|at| at <= now) {
            self.tracer.handle_timeout(now);
        }
    }

    fn stop(&mut self, now: Duration) {
        if !std::mem::replace(&mut self.stopping, true) {
            self.tracer.handle_stop(now);
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.tracer.poll_output() {
            match output {
                Output::Dial { deadline } => {
                    let deadline = self.origin + deadline;
                    self.dialing = Some(Box::pin(self.endpoint.dial(deadline)));
                }
                Output::CancelDial => self.dialing = None,
                Output::Send(message) => {
                    if enabled!(target: FRAMES, Level::DEBUG) {
                        log_frame("→", &message);
                    }
                    if let Some(link) = &mut self.link {
                        link.send(EncodedFrame::from(message));
                    }
                }
                Output::Close { code } => {
                    debug!("→ close {code}");
                    if let Some(link) = &mut self.link {
                        link.close(code, "");
                    }
                }
                Output::Abort => self.link = None,
                Output::Trace(trace) => {
                    if !self.stopping && self.show.trace(trace) {
                        self.stop(self.now());
                    }
                }
                Output::News(news) => self.show.news(news),
                Output::Ended(end) => {
                    self.link = None;
                    self.end = Some(end);
                }
            }
        }
    }
}
