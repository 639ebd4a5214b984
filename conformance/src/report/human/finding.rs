//! Findings in the style of a compiler's messages.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::gutter::{Gutter, Proof};
use super::page::{ALARM, BOLD, DIM, Line, style};
use super::{Rules, Told, text};
use crate::plan::CaseId;
use crate::report::{Cell, Findings, Group, Place};
use crate::requirement::{Level, Requirement};
use text::count;

/// Different observations of one requirement that are told unless all are asked for.
const OBSERVATIONS: usize = 3;
/// Different consequences of one observation that are told unless all are asked for.
const CONSEQUENCES: usize = 4;
/// Names that are listed before the rest is only counted.
const NAMES: usize = 6;

/// Lines that a report with a few findings takes at most.
const LINES: usize = 100;
/// Lines that one finding takes at most: what a small terminal shows. It never has to do with fewer than `FEWEST`.
const MOST: usize = 24;
const FEWEST: usize = 12;
/// Lines that the head of a finding, and each remark below its evidence, may take.
const HEAD: usize = 3;
const REMARK: usize = 4;

/// What a message is written with.
pub(super) struct Setting<'a> {
    pub(super) rules: &'a dyn Rules,
    pub(super) run: &'a Told,
    pub(super) width: usize,
    pub(super) verbose: bool,
}

/// One block of lines for each finding and for each way in which the harness failed, where `used` lines are taken by the rest
/// of the report.
pub(super) fn blocks(groups: &[Group], findings: &Findings, setting: &Setting<'_>, used: usize) -> Vec<Vec<Line>> {
    // A blank line separates two of them.
    let each = LINES.saturating_sub(used) / groups.len().max(1);
    let most = if setting.verbose { usize::MAX } else { each.saturating_sub(1).clamp(FEWEST, MOST) };
    let mut blocks = Vec::new();
    let same = |a: &Group, b: &Group| (&a.requirement, a.level, a.doubt) == (&b.requirement, b.level, b.doubt);
    for of_one in groups.chunk_by(same) {
        let shown = told(of_one.len(), OBSERVATIONS, setting.verbose);
        blocks.extend(of_one[..shown].iter().map(|group| block(group, setting, most)));
        if let rest @ [first, ..] = &of_one[shown..] {
            let cases: BTreeSet<&CaseId> =
                rest.iter().flat_map(|group| &group.places).map(|place| &place.case).collect();
            let (rest, cases) = (count(rest.len(), "more observation"), count(cases.len(), "case"));
            let text = format!("{}[{}]: {rest} of this kind in {cases}", first.word(), first.requirement);
            blocks.push(Line::new().hanging(style(cell(first)), &text, setting.width));
        }
    }
    blocks.extend(findings.harness_errors().iter().map(|(message, cases)| harness(message, cases, setting)));
    blocks
}

/// How many of `all` are told where `most` are enough: to say that there is one more takes as much room as to tell it.
fn told(all: usize, most: usize, verbose: bool) -> usize {
    if verbose || all.saturating_sub(1) <= most { all } else { most }
}

pub(super) fn cell(group: &Group) -> Cell {
    if group.doubt { Cell::Noted } else { Cell::Broken(group.level) }
}

/// The block of one finding, in at most `most` lines: what does not fit is left out of the evidence.
fn block(group: &Group, setting: &Setting<'_>, most: usize) -> Vec<Line> {
    let Setting { run, width, verbose, .. } = *setting;
    let Some(first) = group.places.first() else {
        return Vec::new();
    };
    let evidence = Proof::all(&first.finding.evidence);
    let gutter = Gutter::new(&evidence, width);
    let mut lines = shortened(head(group, width), if verbose { usize::MAX } else { HEAD });
    lines.extend(gutter.arrow("-->", &full_place(&first.case)));
    if let Some(Some(place)) = run.places.get(&first.case.subject) {
        lines.extend(gutter.arrow(":::", &format!("configured at {place}")));
    }
    for text in further(&group.places[1..], !group.also.is_empty(), run, verbose) {
        lines.extend(shortened(gutter.arrow(":::", &text), if verbose { usize::MAX } else { 2 }));
    }
    lines.push(gutter.bar());
    let remarks = fitting_remarks(group, setting, &gutter, most.saturating_sub(lines.len() + 2));
    if !evidence.is_empty() {
        let room = most.saturating_sub(lines.len() + remarks.len() + 1).max(1);
        let shown = if evidence.len() <= room { evidence.len() } else { room.saturating_sub(1) };
        lines.extend(evidence[..shown].iter().map(|proof| gutter.proof(proof, cell(group))));
        if shown < evidence.len() {
            let more = format!("... {} (-v shows them)", count(evidence.len() - shown, "more line"));
            lines.push(gutter.note(&more));
        }
        lines.push(gutter.bar());
    }
    lines.extend(remarks);
    lines
}

/// The remarks in at most `most` lines, as long as there is anything to be left out: outcomes at further events first, then
/// the ends of long texts.
fn fitting_remarks(group: &Group, setting: &Setting<'_>, gutter: &Gutter, most: usize) -> Vec<Line> {
    const SIZES: [(usize, usize); 5] = [(CONSEQUENCES, REMARK), (2, REMARK), (1, REMARK - 1), (1, 2), (1, 1)];
    let written = |(effects, longest): (usize, usize)| -> Vec<Line> {
        let of = |(label, text): &(String, String)| shortened(gutter.remark(label, text), longest);
        remarks(group, setting, effects).iter().flat_map(of).collect()
    };
    if setting.verbose {
        return written((usize::MAX, usize::MAX));
    }
    let fits = SIZES.into_iter().map(written).find(|lines| lines.len() <= most);
    fits.unwrap_or_else(|| written(SIZES[SIZES.len() - 1]))
}

/// The first of the lines, the last of which says that there were more.
fn shortened(mut lines: Vec<Line>, most: usize) -> Vec<Line> {
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.cut();
        }
    }
    lines
}

/// What the finding means to the user's machine, where a denial is lost by it or the hook would have had to stop something.
fn harm(group: &Group) -> Option<&str> {
    let first = group.places.first().filter(|_| group.does_harm() && !group.doubt)?;
    let of_decision = ["security.", "consistency."].iter().any(|category| group.requirement.starts_with(category));
    let is_lost = first.finding.loses_denial || of_decision || group.level == Level::Must;
    first.unless_stopped.as_deref().filter(|_| is_lost)
}

/// `error[id]: what happens: what was observed   (MUST)`.
fn head(group: &Group, width: usize) -> Vec<Line> {
    let look = style(cell(group));
    let name = format!("{}[{}]:", group.word(), group.requirement);
    let name = text::visible(&name).replace(' ', "_");
    let level = format!("({}{})", group.level, if group.doubt { ", in doubt" } else { "" });
    let harm = harm(group).map_or(String::new(), |harm| format!("{harm}: "));
    let text = format!("{name} {}{}", text::visible(&harm), text::visible(&group.observed));
    let mut pieces = text::wrap(&text, width - 4).into_iter();
    let first = pieces.next().unwrap_or_default();
    let mut lines = match first.strip_prefix(&name) {
        Some(rest) => vec![Line::new().add(look, &name).add(BOLD, rest)],
        None => vec![Line::new().add(look, &first)],
    };
    lines.extend(pieces.map(|piece| Line::indent(4).add(BOLD, &piece)));
    if let Some(last) = lines.pop() {
        if last.width() + 3 + level.len() <= width {
            lines.push(last.plain("   ").add(DIM, &level));
        } else {
            lines.extend([last, Line::indent(4).add(DIM, &level)]);
        }
    }
    lines
}

fn full_place(case: &CaseId) -> String {
    let CaseId { subject, event, payload, scenario, .. } = case;
    format!("{subject} at {event}, payload {payload}, scenario {scenario}")
}

/// The places after the first: all of them, the few that there are, or how many there are of which kind.
fn further(places: &[Place], several_rules: bool, run: &Told, verbose: bool) -> Vec<String> {
    let short = || places.iter().map(|place| run.place(&place.case));
    match places.len() {
        0 => Vec::new(),
        _ if verbose => short().collect(),
        1 | 2 => vec![format!("also {}", short().collect::<Vec<_>>().join(", "))],
        number => {
            let subjects = tallied(places, |case| &case.subject);
            let events = tallied(places, |case| &case.event);
            let (at, kinds) = match (subjects.len(), events.len()) {
                (2.., _) => (String::new(), subjects),
                // What one cause does in several circumstances is told by these.
                _ if several_rules => (String::new(), tallied(places, |case| &case.scenario)),
                (_, 2..) => (String::new(), events),
                _ => {
                    let at = format!(" at {}", places[0].case.event);
                    let scenarios = tallied(places, |case| &case.scenario);
                    // Where the scenario is the same for all, the payloads say more.
                    match scenarios.as_slice() {
                        [(scenario, _)] => (format!("{at}, {scenario}"), tallied(places, |case| &case.payload)),
                        _ => (at, scenarios),
                    }
                }
            };
            let named = |(name, times): &(&str, usize)| match times {
                1 => (*name).to_owned(),
                _ => format!("{name} ({times})"),
            };
            let told: Vec<String> = kinds.iter().take(NAMES).map(named).collect();
            let others: usize = kinds.iter().skip(NAMES).map(|(_, times)| times).sum();
            let others = if others > 0 { format!(", others ({others})") } else { String::new() };
            vec![format!("and {number} more{at}: {}{others}", told.join(", "))]
        }
    }
}

/// How many places there are of each kind, the most frequent first.
fn tallied<'a>(places: &'a [Place], kind: impl Fn(&'a CaseId) -> &'a str) -> Vec<(&'a str, usize)> {
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    places.iter().for_each(|place| *tally.entry(kind(&place.case)).or_default() += 1);
    let mut tally: Vec<_> = tally.into_iter().collect();
    tally.sort_by_key(|&(name, times)| (Reverse(times), name));
    tally
}

/// What stands below the evidence, with its labels.
fn remarks(group: &Group, setting: &Setting<'_>, effects: usize) -> Vec<(String, String)> {
    let title = &setting.run.title;
    let consequences = group.consequences();
    let most = told(consequences.len(), effects, setting.verbose);
    let mut remarks = Vec::new();
    for (text, events) in consequences.iter().take(most).filter(|(text, _)| !text.is_empty()) {
        let at = if consequences.len() > 1 { format!(" at {}", names(events)) } else { String::new() };
        remarks.push(match text.strip_prefix(title.as_str()) {
            Some(rest) if rest.starts_with(' ') => ("effect".to_owned(), format!("{title}{at}{rest}")),
            _ => (format!("effect{at}"), text.clone()),
        });
    }
    if let Some(rest @ 1..) = consequences.len().checked_sub(most) {
        remarks.push((String::new(), format!("and {} at other events", count(rest, "more outcome"))));
    }
    if group.doubt {
        let given = group.places.iter().find_map(|place| place.finding.doubt.as_ref());
        let because =
            given.map_or_else(|| format!("what {title} does here is not settled"), |because| one_line(because));
        remarks.push(("doubt".to_owned(), format!("{because}, so this never fails the check")));
    }
    if let Some(Requirement { title, mend, .. }) = setting.rules.rule(&group.requirement) {
        if setting.verbose {
            remarks.push(("rule".to_owned(), one_line(title)));
        }
        if !group.also.is_empty() {
            let others: Vec<String> = group.also.iter().map(|(id, level)| format!("{id} ({level})")).collect();
            remarks.push(("same cause".to_owned(), others.join(", ")));
        }
        let own = group.places.first().and_then(|place| place.finding.help.as_ref());
        remarks.push(("help".to_owned(), one_line(own.unwrap_or(mend))));
        remarks.push(("more".to_owned(), format!("hookproof explain {}", group.requirement)));
    }
    remarks
}

/// A text of the catalogue, which may be written in several lines there.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn names(events: &BTreeSet<&str>) -> String {
    let told: Vec<&str> = events.iter().copied().take(NAMES).collect();
    let others = events.len() - told.len();
    format!(
        "{}{}",
        told.join(", "),
        if others > 0 { format!(" and {}", count(others, "other event")) } else { String::new() }
    )
}

fn harness(message: &str, cases: &[&CaseId], setting: &Setting<'_>) -> Vec<Line> {
    let gutter = Gutter::new(&[], setting.width);
    let text = format!("in {}: {message}", count(cases.len(), "case"));
    let mut lines = Line::new().add(ALARM, "HARNESS ERROR").plain(" ").hanging(BOLD, &text, setting.width);
    let most = if setting.verbose { usize::MAX } else { 1 };
    for case in cases.iter().take(most) {
        lines.extend(gutter.arrow("-->", &full_place(case)));
    }
    if let Some(rest @ [_, ..]) = cases.get(most..) {
        lines.extend(gutter.arrow(":::", &format!("and {} more", rest.len())));
    }
    lines
}

#[cfg(test)]
mod tests;
