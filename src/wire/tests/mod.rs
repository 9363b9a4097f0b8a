//! Tests of this module against hand-made servers.
