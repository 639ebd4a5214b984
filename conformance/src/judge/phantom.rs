//! Judges of what a hook looks at although the platform never puts anything there.
//!
//! The runs of such a case are those of [`Scenario::misplaced`](crate::plan::Scenario::misplaced).

use super::gist::{Gist, shown};
use super::{Material, Verdict};
use crate::contract::{Evidence, Phantom};
use crate::requirement::Requirement;
use crate::run::Run;

/// What was seen of a hook that looks at such places.
struct Heard<'m> {
    /// The run with the dangerous values nowhere.
    nowhere: &'m Run,
    /// The run with them in all of `places`.
    run: &'m Run,
    /// The places by which the decision changes, each or together.
    places: Vec<&'m Phantom>,
}

fn heard<'m>(material: &Material<'m>) -> Option<Heard<'m>> {
    let [nowhere, everywhere, alone @ ..] = material.runs else { return None };
    let phantoms = material.contract.phantoms_of(material.event, &material.case.payload.stdin);
    let differs = |run: &Run| Gist::of(run) != Gist::of(nowhere);
    if !differs(everywhere) {
        return None;
    }
    let places: Vec<&Phantom> =
        phantoms.iter().zip(alone).filter(|(_, run)| differs(run)).map(|(phantom, _)| *phantom).collect();
    let run = alone.iter().find(|run| differs(run)).unwrap_or(everywhere);
    Some(Heard { nowhere, run, places: if places.is_empty() { phantoms } else { places } })
}

impl Heard<'_> {
    /// The places, each with the field that the platform sends.
    fn names(&self) -> String {
        let names = self.places.iter().map(|phantom| format!("{} (sent in `{}`)", phantom.name(), phantom.instead));
        names.collect::<Vec<_>>().join(", ")
    }

    /// How well it is known that nothing ever stands there, and what the platform makes of the runs.
    fn evidence(&self, material: &Material<'_>) -> Evidence {
        let facts = self.places.iter().map(|phantom| material.contract.weigh(&phantom.basis()));
        facts.chain([self.run.effect.evidence, self.nowhere.effect.evidence]).max().unwrap_or(Evidence::Unconfirmed)
    }
}

/// Nothing changes by values in places that the platform never uses.
pub(super) fn judge(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if material.runs.len() < 2 {
        return None;
    }
    let Some(heard) = heard(material) else { return Some(Verdict::Pass) };
    let observed = format!(
        "a dangerous value that stands only where {} never puts one changes the decision: {}; with it {}, without it {}",
        material.contract.platform.title,
        heard.names(),
        shown(heard.run),
        shown(heard.nowhere),
    );
    Some(material.fail(heard.run, observed, heard.evidence(material)))
}

/// A hook that looks at such places also looks at the field that is sent.
pub(super) fn deaf(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if material.runs.len() < 2 {
        return None;
    }
    let Some(baseline) = material.baseline else {
        return Some(Verdict::Skip { reason: "the document was not run at the baseline".to_owned() });
    };
    let Some(heard) = heard(material) else { return Some(Verdict::Pass) };
    if Gist::of(baseline) != Gist::of(heard.nowhere) {
        return Some(Verdict::Pass);
    }
    let observed = format!(
        "the hook is deaf: it looks at {}, and what is dangerous there ({}) changes nothing in the field that is sent ({})",
        heard.names(),
        shown(heard.run),
        shown(baseline),
    );
    Some(material.fail(baseline, observed, heard.evidence(material)))
}
