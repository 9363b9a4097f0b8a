//! The client: a [`session`](webpubsub_proto::session) without I/O, the [`driver`] that owns the socket around it, the [`handle`] commands talk
//! to, and the [`event`]s that come out.
//!
//! [`driver`]: self::driver
//! [`handle`]: self::handle

pub mod driver;
pub mod event;
pub mod handle;
