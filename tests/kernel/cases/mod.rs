//! Every case, by floor.

mod datagrams;
mod naming;
mod servers;
mod streams;

use crate::capture::Capture;
use crate::world::Outcome;
use std::future::Future;
use std::pin::Pin;

/// A case under way.
pub(crate) type Run = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// One case.
pub(crate) struct Case {
    /// A sentence about behaviour.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(Capture) -> Run,
}

/// `case!("sentence", function)`: the function takes the capture and answers with an outcome.
macro_rules! case {
    ($name:literal, $function:path) => {
        $crate::cases::Case {
            name: $name,
            run: |capture| Box::pin($function(capture)),
        }
    };
}
pub(crate) use case;

/// All cases, from the lowest floor up.
pub(crate) fn all() -> impl Iterator<Item = Case> {
    datagrams::cases()
        .into_iter()
        .chain(streams::cases())
        .chain(naming::cases())
        .chain(servers::cases())
}
