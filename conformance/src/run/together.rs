//! What all hooks did that are run with the same payload, where a user expects something of them together.

use std::collections::HashMap;

use super::Run;
use crate::contract::Event;
use crate::judge::{HookRuns, Together};
use crate::plan::Case;

/// Event, payload and scenario.
type Key = [String; 3];

fn key(case: &Case<'_>, scenario: &str) -> Key {
    [case.id.event.clone(), case.id.payload.clone(), scenario.to_owned()]
}

/// Gathers the runs of hooks with payloads of which something is expected.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    missing: HashMap<Key, usize>,
    seen: HashMap<Key, Vec<HookRuns>>,
}

impl Gathered {
    /// Takes note of cases that are about to be run.
    pub(super) fn plan<'c>(&mut self, cases: impl Iterator<Item = &'c Case<'c>>) {
        for case in cases.filter(|case| is_expected(case)) {
            *self.missing.entry(key(case, &case.id.scenario)).or_default() += 1;
        }
    }

    /// Takes the runs of a finished case; `None` for one that the harness failed on. The result is there with the last
    /// hook that is run with the payload in this scenario.
    pub(super) fn add(&mut self, case: &Case<'_>, event: &Event, runs: Option<&[Run]>) -> Option<Together> {
        if !is_expected(case) {
            return None;
        }
        let own = key(case, &case.id.scenario);
        let missing = self.missing.get_mut(&own)?;
        *missing -= 1;
        let seen = self.seen.entry(own).or_default();
        seen.extend(runs.map(|runs| HookRuns::of(event, runs)));
        if *missing > 0 {
            return None;
        }
        let here = seen.clone();
        let baseline = match case.scenario.is_baseline() {
            true => Vec::new(),
            false => self.seen.get(&key(case, "baseline")).cloned().unwrap_or_default(),
        };
        Some(Together { here, baseline })
    }
}

fn is_expected(case: &Case<'_>) -> bool {
    case.payload.own.as_ref().is_some_and(|own| own.expectation.is_some())
}
