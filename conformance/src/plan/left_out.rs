//! Payloads that a hook is not run with because its matcher leaves them out.

use std::collections::BTreeMap;

use super::Filter;
use crate::activity::PayloadKind;
use crate::contract::Contract;
use crate::payload::Payloads;
use crate::subject::Subject;

/// Payloads of one kind that a hook is not run with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The hook.
    pub subject: String,
    /// The event.
    pub event: String,
    /// What the payloads are.
    pub kind: PayloadKind,
    /// How many there are.
    pub count: usize,
}

/// The payloads that the matchers of these subjects leave out, in the order of the plan.
pub fn left_out(contract: &Contract, subjects: &[Subject], payloads: &Payloads, filter: &Filter) -> Vec<LeftOut> {
    let mut all = Vec::new();
    for subject in subjects {
        for event in contract.events.values().filter(|event| filter.is_about(subject, event)) {
            let mut counts: BTreeMap<PayloadKind, usize> = BTreeMap::new();
            for payload in payloads.of(&contract.platform.id, &event.name) {
                if !subject.listens(contract, &event.name, &payload.stdin) {
                    *counts.entry(PayloadKind::of(payload)).or_default() += 1;
                }
            }
            all.extend(counts.into_iter().map(|(kind, count)| LeftOut {
                subject: subject.name.clone(),
                event: event.name.clone(),
                kind,
                count,
            }));
        }
    }
    all
}
