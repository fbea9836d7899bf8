//! What happened in a simulation: its digest, and the last lines of it.

use std::collections::VecDeque;
use std::fmt::Arguments;

use domesday_model::Instant;

/// How many lines are kept.
const KEPT: usize = 400;

/// The log of a simulation.
#[derive(Debug)]
pub(crate) struct Trace {
    digest: u64,
    lines: VecDeque<String>,
    /// Whether every line is kept, and not only the last.
    is_whole: bool,
}

impl Trace {
    pub(crate) fn new(is_whole: bool) -> Self {
        Self { digest: 0xcbf2_9ce4_8422_2325, lines: VecDeque::new(), is_whole }
    }

    /// Adds a line.
    pub(crate) fn add(&mut self, now: i64, line: Arguments<'_>) {
        let line = format!("{} {line}", Instant::from_micros(now));
        for byte in line.bytes() {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        if self.lines.len() == KEPT && !self.is_whole {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The digest of every line so far.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    /// The last lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}
