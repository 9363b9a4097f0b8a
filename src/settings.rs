//! What will be done: pure function of command line and environment.
