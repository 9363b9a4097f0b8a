//! The parameters of a request. Names have no case; unknown ones do nothing.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::answer::RestProblem;
use crate::server::request::Query;

/// PROTOCOL §13. The last one is the newest.
pub(super) const VERSIONS: [&str; 5] = ["2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", "2024-12-01"];

impl Query {
    /// The values of a parameter that can be given several times.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.values(name).map(str::to_owned).collect()
    }

    /// The value of a parameter that can be given once.
    pub(super) fn one(&self, name: &'static str) -> Result<Option<&str>, RestProblem> {
        let mut own = self.values(name);
        let first = own.next();
        match own.next() {
            None => Ok(first),
            Some(_) => Err(RestProblem::bad_request(name, format!("The parameter `{name}` is given more than once."))),
        }
    }

    /// A number within bounds.
    pub(super) fn number<T>(&self, name: &'static str, range: RangeInclusive<T>) -> Result<Option<T>, RestProblem>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.one(name)? else { return Ok(None) };
        match text.parse::<T>() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            Ok(_) | Err(_) => {
                let (least, most) = range.into_inner();
                let message = format!("`{name}` is `{text}`; it has to be a number from {least} to {most}.");
                Err(RestProblem::bad_request(name, message))
            }
        }
    }

    /// A version that is unknown or given twice is refused; none means the newest.
    pub(super) fn check_version(&self) -> Result<(), RestProblem> {
        match self.one("api-version")? {
            Some(version) if !VERSIONS.contains(&version) => {
                let message = format!("The api-version `{version}` is none of {}.", VERSIONS.join(", "));
                Err(RestProblem::bad_request("api-version", message))
            }
            Some(_) | None => Ok(()),
        }
    }
}
