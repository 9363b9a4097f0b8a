//! A word that is offered.

/// Something that can stand there, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The whole word. One that ends in `=`, `/`, `,` or `@` goes on.
    pub word: String,
    /// In a few words, or nothing.
    pub about: String,
}

impl Candidate {
    /// With what it is.
    pub fn new(word: impl Into<String>, about: impl Into<String>) -> Self {
        Self { word: word.into(), about: about.into() }
    }
}
