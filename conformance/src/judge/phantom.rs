//! Judges of what a hook looks at although the platform never puts anything there.
//!
//! The runs of such a case are those of [`Scenario::misplaced`](crate::plan::Scenario::misplaced).

use super::gist::{Deed, acts, idles, shown};
use super::{Material, Verdict};
use crate::contract::{Basis, Evidence, ForeignName, Phantom, Phantoms, Place};
use crate::plan::Scenario;
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
    let places = keys(elsewhere.iter().chain(&instead).copied());
    let differ = |without: &Run, with: &Run| Deed::of(without, &places) != Deed::of(with, &places);
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
    let [first, second, ..] = material.runs else { return None };
    let Some(baseline) = material.baseline else {
        return Some(Verdict::Skip { reason: "the document was not run at the baseline".to_owned() });
    };
    let phantoms = material.contract.phantoms_of(material.event, &material.case.payload.stdin);
    let places = keys(phantoms.elsewhere.iter().chain(&phantoms.instead).copied());
    let heard = match heard(material, Which::All) {
        Some(heard) => heard,
        // Whatever stands there: that the places are there at all makes the hook work.
        None if idles(baseline) && acts(first) && acts(second) && !copies(second, &places) => {
            Heard { without: baseline, with: second, places: phantoms.elsewhere }
        }
        None => return Some(Verdict::Pass),
    };
    // The first run has harmless values in the real field.
    if !std::ptr::eq(heard.without, baseline) && Deed::of(baseline, &places) != Deed::of(first, &places) {
        return Some(Verdict::Pass);
    }
    let observed = format!(
        "the hook is deaf: it looks at {}, and what is there ({}) changes nothing in the field that is sent ({})",
        heard.names(),
        shown(heard.with),
        shown(baseline),
    );
    Some(material.fail(baseline, observed, heard.evidence(material).max(baseline.effect.evidence)))
}

/// Whether the run's texts are copies of the document: they name one of the places in quotes.
fn copies(run: &Run, places: &[String]) -> bool {
    let mut texts = run.effect.model_sees.iter().chain(&run.effect.user_sees);
    texts.any(|text| places.iter().any(|place| text.contains(&format!("\"{place}\""))))
}

/// The last keys of places: a text that names one in quotes is a copy of the document.
fn keys<'p>(phantoms: impl Iterator<Item = &'p Phantom>) -> Vec<String> {
    let fields = phantoms.filter_map(|phantom| match &phantom.place {
        Place::Field(at) => at.rsplit('.').next().map(str::to_owned),
        Place::Variable(_) => None,
    });
    fields.collect()
}

/// Whether further runs of a case tell places apart: the first ones show that any of them counts.
pub(crate) fn is_worth_telling_apart(scenario: &Scenario, runs: &[Run]) -> bool {
    match runs {
        [first] if scenario.misnamed => acts(first),
        [nowhere, everywhere, ..] => Deed::of(nowhere, &[]) != Deed::of(everywhere, &[]),
        _ => true,
    }
}

/// A hook learns the event and the tool from the fields that the platform sends.
pub(super) fn named_elsewhere(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let Some(baseline) = material.baseline else {
        return Some(Verdict::Skip { reason: "the document was not run at the baseline".to_owned() });
    };
    let [all, singles @ ..] = material.runs else { return None };
    let names = material.contract.foreign_names(material.event, &material.case.payload.stdin);
    let places: Vec<String> = names.iter().map(|name| name.at.to_owned()).collect();
    if !acts(all) || copies(all, &places) {
        return Some(Verdict::Pass);
    }
    if !idles(baseline) {
        return Some(said_otherwise(material, baseline, &names, &places).unwrap_or(Verdict::Pass));
    }
    let mut read: Vec<String> =
        names.iter().zip(singles).filter(|(_, run)| acts(run)).map(|(name, _)| name.described()).collect();
    if read.is_empty() {
        read = names.iter().map(ForeignName::described).collect();
    }
    let observed = format!(
        "the hook does nothing here ({}) and works once the name stands in a field that {} never sends, {}: {}",
        shown(baseline),
        material.contract.platform.title,
        read.join(", "),
        shown(all),
    );
    let known = material.contract.unsent_names.as_ref().map_or(Evidence::Unconfirmed, |names| {
        material.contract.weigh(&Basis { evidence: names.evidence, source: names.source.clone() })
    });
    // What is only documented of stdin is a doubt here: the hook may have been seen to work.
    if known >= Evidence::Documented {
        return Some(
            material.finding(all, observed).doubted("the fields of stdin are documented, and were not recorded"),
        );
    }
    Some(material.fail(all, observed, known.max(all.effect.evidence).max(baseline.effect.evidence)))
}

/// A hook that says something else once one of the fields is there, although the name in it is the one that is sent. It may
/// work on this platform and know others as well, so that this is a doubt.
fn said_otherwise(
    material: &Material<'_>,
    baseline: &Run,
    names: &[ForeignName<'_>],
    places: &[String],
) -> Option<Verdict> {
    let [all, singles @ ..] = material.runs else { return None };
    let (usual, other) = (Deed::of(baseline, places), Deed::of(all, places));
    // What differs from run to run is in no two runs the same.
    let same = |run: &Run| acts(run) && Deed::of(run, places) == other;
    let read: Vec<String> =
        names.iter().zip(singles).filter(|(_, run)| same(run)).map(|(name, _)| name.described()).collect();
    if usual == other || read.is_empty() {
        return None;
    }
    let observed = format!(
        "the hook says something else once the name stands in a field that {} never sends, {}",
        material.contract.platform.title,
        read.join(", "),
    );
    let doubt = "a hook for several platforms may tell them apart by such fields";
    Some(material.finding(all, observed).doubted(doubt))
}
