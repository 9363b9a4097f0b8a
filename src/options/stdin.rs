//! Standard input, and who takes it. There is one: two that do are a usage error before either has read.

use std::io::{self, Read};

use crate::failure::{Failure, Kind};
use crate::options::connection::args::SourceArgs;
use crate::options::network::args::NetworkArgs;
use webpubsub_net::secret::Secret;

/// Standard input, without a buffer. The standard library takes one that is not open for reading for an empty one; here
/// that is an error.
#[derive(Clone, Copy, Debug)]
pub struct StandardInput;

impl Read for StandardInput {
    #[cfg(unix)]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(io::stdin(), buffer)?)
    }

    #[cfg(not(unix))]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        io::stdin().read(buffer)
    }
}

/// What stands for standard input.
const DASH: &str = "-";

/// The flags that take standard input, in the order of the command line's help; one that is given twice stands there
/// twice.
pub fn takers(source: &SourceArgs, network: Option<&NetworkArgs>) -> Vec<&'static str> {
    takers_of(source.url.as_ref(), source.key.connection_string.as_ref(), network)
}

/// The same of the sources that a command has.
pub fn takers_of(
    url: Option<&Secret>,
    connection_string: Option<&Secret>,
    network: Option<&NetworkArgs>,
) -> Vec<&'static str> {
    let one = |flag: &'static str, value: Option<&Secret>| value.filter(|it| takes(it)).map(|_| flag);
    let mut takers = Vec::new();
    takers.extend(one("--url", url));
    takers.extend(one("--connection-string", connection_string));
    if let Some(network) = network {
        takers.extend(one("--proxy", network.proxy.as_ref()));
        takers.extend(network.headers.iter().filter(|header| takes(header)).map(|_| "--header"));
    }
    takers
}

/// Whether a value stands for standard input.
pub fn takes(value: &Secret) -> bool {
    value.expose() == DASH
}

/// Refuses two that want it, naming both.
pub fn refuse_two(takers: &[&str]) -> Result<(), Failure> {
    let [first, second, ..] = takers else { return Ok(()) };
    let what = if first == second {
        format!("`{first} -` is given twice, but standard input can be read only once")
    } else {
        format!("`{first} -` and `{second} -` both take standard input")
    };
    let failure = Failure::message(Kind::Usage, what).blame(first).blame(second);
    Err(failure.hint(format!("read one of them from a file: `{second} @FILE`")))
}

/// Refuses a flag that wants it beside something else that does: `other`, which `instead` may read from elsewhere.
pub fn refuse_beside(takers: &[&str], other: &str, instead: Option<&str>) -> Result<(), Failure> {
    let Some(flag) = takers.first() else { return Ok(()) };
    let failure = Failure::message(Kind::Usage, format!("`{flag} -` and {other} both take standard input")).blame(flag);
    Err(failure.hint(match instead {
        Some(instead) => format!("read one of them from a file: `{flag} @FILE`, `{instead}`"),
        None => format!("read the former from a file: `{flag} @FILE`"),
    }))
}
