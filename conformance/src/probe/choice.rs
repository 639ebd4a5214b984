//! The moment at which a hook is probed.

use crate::contract::{Contract, Event};
use crate::payload::{Payload, Payloads};
use crate::subject::Subject;

/// One document at one event.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The event.
    pub event: &'a Event,
    /// The document on stdin.
    pub payload: &'a Payload,
}

/// Documents that are tried, by label, until the hook has something to say to one.
const TELLING: [&str; 3] = ["dangerous", "secret", "typical"];

impl<'a> Moment<'a> {
    /// The moments at which a hook may be probed, the most telling first. With `event` or `payload`, only those.
    ///
    /// A hook that has nothing to say is like one that does not work, so a guard is shown what is dangerous. Without an
    /// event it is the first at which something dangerous can happen, or else the first that the hook hears.
    pub fn candidates(
        contract: &'a Contract,
        payloads: &'a Payloads,
        subject: &Subject,
        event: Option<&str>,
        payload: Option<&str>,
    ) -> Vec<Moment<'a>> {
        let heard = |name: &str| {
            let heard = payloads.of(&contract.platform.id, name);
            heard.filter(|payload| subject.listens(contract, name, &payload.stdin)).collect::<Vec<_>>()
        };
        let events = contract.events.values().filter(|known| event.is_none_or(|wanted| known.name == wanted));
        let mut heard: Vec<(&Event, Vec<&Payload>)> = events.map(|event| (event, heard(&event.name))).collect();
        heard.retain_mut(|(_, payloads)| {
            payloads.retain(|known| payload.is_none_or(|wanted| known.name == wanted));
            !payloads.is_empty()
        });
        let is_gate = |payloads: &[&Payload]| payloads.iter().any(|payload| payload.is("dangerous"));
        let chosen = heard.iter().find(|(_, payloads)| is_gate(payloads)).or(heard.first());
        let Some((event, payloads)) = chosen else { return Vec::new() };
        if payload.is_some() {
            return payloads.iter().map(|&payload| Moment { event, payload }).take(1).collect();
        }
        let labelled = |label: &str| payloads.iter().copied().filter(|payload| payload.is(label)).collect::<Vec<_>>();
        let mut telling: Vec<&Payload> = Vec::new();
        for label in TELLING {
            // A guard knows some dangers and not others; of ordinary documents one is enough.
            let few = if label == "typical" { 1 } else { usize::MAX };
            for payload in labelled(label).into_iter().take(few) {
                if !telling.iter().any(|known| known.name == payload.name) {
                    telling.push(payload);
                }
            }
        }
        if telling.is_empty() {
            telling.extend(payloads.first());
        }
        telling.into_iter().map(|payload| Moment { event, payload }).collect()
    }
}
