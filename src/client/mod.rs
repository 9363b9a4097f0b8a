//! The client: session, driver, handle, events.
pub mod session;
