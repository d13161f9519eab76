//! A figure, as one JSON object a line on standard output.

/// What was measured, and beside what.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) peer_name: &'static str,
}

impl Figure {
    /// Prints the medians of both sides, and the median of the rounds' ratios: noise that meets both sides of a round leaves
    /// its ratio alone.
    pub(crate) fn print(&self, rounds: &[(f64, f64)]) {
        println!(
            r#"{{"name":"{}","ours":{},"peer":{},"ratio":{},"unit":"{}","peer_name":"{}"}}"#,
            self.name,
            short(median(rounds, |round| round.0)),
            short(median(rounds, |round| round.1)),
            short(median(rounds, |round| round.0 / round.1)),
            self.unit,
            self.peer_name,
        );
    }
}

fn median(rounds: &[(f64, f64)], value: impl Fn(&(f64, f64)) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Three digits that count, for a person.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
