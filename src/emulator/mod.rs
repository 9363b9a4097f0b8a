//! A local Web PubSub service, for development and tests.
pub mod hub;
