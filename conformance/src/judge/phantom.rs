//! Judges of what a hook looks at although the platform never puts anything there.
//!
//! The runs of such a case are those of [`Scenario::misplaced`](crate::plan::Scenario::misplaced).

use super::gist::{Gist, shown};
use super::{Material, Verdict};
use crate::contract::{Evidence, Phantom, Phantoms};
use crate::requirement::Requirement;
use crate::run::Run;

/// What was seen of a hook that looks at such places.
struct Heard<'m> {
    /// A run with the dangerous values in no such place.
    without: &'m Run,
    /// The same run with them in one of `places`, or in all.
    with: &'m Run,
    /// The places by which the decision changes, each or together.
    places: Vec<&'m Phantom>,
}

/// Which places are looked at.
#[derive(Clone, Copy, PartialEq)]
enum Which {
    /// All.
    All,
    /// Those that are no other form of the real field and no field of other tools. To understand more than is sent is no
    /// fault there.
    Elsewhere,
}

fn heard<'m>(material: &Material<'m>, which: Which) -> Option<Heard<'m>> {
    let Phantoms { elsewhere, instead } = material.contract.phantoms_of(material.event, &material.case.payload.stdin);
    let [nowhere, everywhere, others @ ..] = material.runs else { return None };
    let differ = |without: &Run, with: &Run| Gist::of(without) != Gist::of(with);
    let (pairs, alone) = others.split_at_checked(2 * instead.len())?;
    let forms = instead.iter().zip(pairs.chunks_exact(2)).map(|(phantom, pair)| (*phantom, &pair[0], &pair[1]));
    let singles = elsewhere.iter().zip(alone).map(|(phantom, with)| (*phantom, nowhere, with));
    let forms = forms.filter(|_| which == Which::All);
    let mut found: Vec<_> = singles.chain(forms).filter(|(_, without, with)| differ(without, with)).collect();
    if which == Which::Elsewhere {
        let all = found.len();
        found.retain(|(phantom, ..)| !phantom.shared);
        if found.is_empty() && all > 0 {
            return None;
        }
    }
    match found.first() {
        Some(&(_, without, with)) => {
            Some(Heard { without, with, places: found.into_iter().map(|(phantom, ..)| phantom).collect() })
        }
        None if differ(nowhere, everywhere) => Some(Heard { without: nowhere, with: everywhere, places: elsewhere }),
        None => None,
    }
}

impl Heard<'_> {
    /// The places, each with the field that the platform sends.
    fn names(&self) -> String {
        let names = self.places.iter().map(|phantom| format!("{} (sent in {})", phantom.name(), phantom.real_name()));
        names.collect::<Vec<_>>().join(", ")
    }

    /// How well it is known that nothing ever stands there, and what the platform makes of the runs.
    fn evidence(&self, material: &Material<'_>) -> Evidence {
        let facts = self.places.iter().map(|phantom| material.contract.weigh(&phantom.basis()));
        facts.chain([self.with.effect.evidence, self.without.effect.evidence]).max().unwrap_or(Evidence::Unconfirmed)
    }
}

/// Nothing changes by values in places that the platform never uses.
pub(super) fn judge(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if material.runs.len() < 2 {
        return None;
    }
    let Some(heard) = heard(material, Which::Elsewhere) else { return Some(Verdict::Pass) };
    let observed = format!(
        "a dangerous value that stands only where {} never puts one changes the decision: {}; with it {}, without it {}",
        material.contract.platform.title,
        heard.names(),
        shown(heard.with),
        shown(heard.without),
    );
    Some(material.fail(heard.with, observed, heard.evidence(material)))
}

/// A hook that looks at such places also looks at the field that is sent.
pub(super) fn deaf(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if material.runs.len() < 2 {
        return None;
    }
    let Some(baseline) = material.baseline else {
        return Some(Verdict::Skip { reason: "the document was not run at the baseline".to_owned() });
    };
    let Some(heard) = heard(material, Which::All) else { return Some(Verdict::Pass) };
    // The first run has harmless values in the real field.
    if Gist::of(baseline) != Gist::of(&material.runs[0]) {
        return Some(Verdict::Pass);
    }
    let observed = format!(
        "the hook is deaf: it looks at {}, and what is dangerous there ({}) changes nothing in the field that is sent ({})",
        heard.names(),
        shown(heard.with),
        shown(baseline),
    );
    Some(material.fail(baseline, observed, heard.evidence(material)))
}
