//! Handlers on real listeners, as programs for tests: each answers what it is told and shows what it was asked.
