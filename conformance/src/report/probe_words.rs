//! What is said of a probed limit, in sentences, for every kind of report.

use hookproof_harness::{Band, Behaviour, Ending, Limit};

use crate::probe::{Baseline, Found, Point};
use crate::quantity;

/// Endings that are named of one stretch.
const ENDINGS: usize = 3;

/// What happens in a stretch: how the hook ends there, and what it says.
pub(super) fn band(found: &Found, band: &Band) -> String {
    let mut known: Vec<(String, String)> = Vec::new();
    let mut told: Vec<String> = Vec::new();
    for point in found.points_of(band) {
        // What a runtime says of its end has numbers in it, ids of processes for example, that are others every time.
        let said = point.said.as_deref().unwrap_or_default();
        let words: Vec<&str> = said.split(|c: char| c.is_ascii_digit()).filter(|word| !word.is_empty()).collect();
        let kind = (how(point).to_owned(), words.join("#"));
        if !known.contains(&kind) {
            known.push(kind);
            told.push(ended(point));
        }
    }
    let further = told.len().saturating_sub(ENDINGS);
    told.truncate(ENDINGS);
    let more = if further > 0 { format!("; and {further} other endings") } else { String::new() };
    format!("{}{more}", told.join("; "))
}

/// How a run ended. The limits stand at the chart already, and every run passes one by another amount.
fn how(point: &Point) -> &str {
    match &point.ending {
        Ending::LimitHit { .. } => "killed at the limit",
        _ => point.ended.split("; limits in force").next().unwrap_or_default(),
    }
}

/// How a run ended, with the first line that it wrote.
pub(super) fn ended(point: &Point) -> String {
    let ended = how(point);
    if point.behaviour == Behaviour::Works {
        return ended.to_owned();
    }
    match &point.said {
        Some(said) => format!("{ended}, {said:?}"),
        None => format!("{ended}, both streams empty"),
    }
}

/// From where to where a stretch goes.
pub(super) fn extent(found: &Found, band: &Band) -> String {
    if band.behaviour == Behaviour::Works && band.to == found.most && band.from < band.to {
        return format!("{} and more", found.shown(band.from));
    }
    let (from, to) = (found.shown(band.from), found.shown(band.to));
    // `1 to 4 descriptors` says the unit once.
    let short = if found.unit == "bytes" { from.clone() } else { band.from.to_string() };
    if from == to { to } else { format!("{short} to {to}") }
}

/// What held the hook to the limit.
pub(super) fn mechanism(found: &Found) -> String {
    match (&found.mechanism, &found.not_enforced) {
        (_, Some(because)) => format!("not enforced, because {because}"),
        (Some(mechanism), None) => mechanism.clone(),
        (None, None) => "the hook was never started with it".to_owned(),
    }
}

/// What the hook needs, and how much to give it; a sentence each.
pub(super) fn answer(found: &Found) -> Vec<String> {
    if found.not_enforced.is_some() {
        return vec!["Nothing can be said of it here.".to_owned()];
    }
    if found.interrupted {
        return vec!["The search was interrupted.".to_owned()];
    }
    let Some(floor) = found.floor else {
        return vec![format!(
            "{} is too little: the hook does not do there what it does without a limit.",
            found.shown(found.most)
        )];
    };
    let mut told = Vec::new();
    let advised = found.advised.map_or_else(|| found.shown(floor), |advised| found.shown(advised));
    let even_the_least = found.points.iter().all(|point| point.behaviour == Behaviour::Works);
    match found.already_used {
        Some(others) if floor <= others => told.push(format!(
            "It needs none beside itself: {} is enough, and {others} are there already. Its user should be allowed {advised} while so many run.",
            found.shown(floor)
        )),
        Some(others) => told.push(format!(
            "It needs {} besides the {others} that its user has already. Allow {advised} while so many run.",
            found.shown(floor - others)
        )),
        None if even_the_least => {
            told.push(format!("Even {} is enough, the least that was tried. Give it {advised}.", found.shown(floor)));
        }
        None => told.push(format!("It needs {}. Give it {advised} or more.", found.shown(floor))),
    }
    if found.limit == Limit::Cpu && even_the_least {
        told.push("Whole seconds are the least that can be asked for.".to_owned());
    }
    told
}

/// The worst that happens below the floor.
pub(super) fn worst(found: &Found) -> Option<String> {
    let band = found.worst.as_ref().filter(|_| found.not_enforced.is_none())?;
    let dies = match band.behaviour {
        Behaviour::Works => return None,
        Behaviour::CleanError => "it gives up and says so",
        Behaviour::LoudCrash => "it crashes, and says something",
        Behaviour::SilentDeath => "it dies silently: both streams are empty",
        Behaviour::Hang => "it hangs until somebody kills it",
    };
    let place = match extent(found, band).split_once(" to ") {
        Some((from, to)) => format!("between {from} and {to}"),
        None => format!("at {}", extent(found, band)),
    };
    let point = found.points_of(band).find(|point| point.fails_open).or_else(|| found.points_of(band).next())?;
    let open = if point.fails_open { ", so that what the hook stops goes ahead" } else { "" };
    Some(format!("Worst below: {place} {dies}. {}{open}.", point.told))
}

/// Where the hook does nothing, and the platform believes that it did its work.
pub(super) fn unnoticed(found: &Found) -> Option<String> {
    let points: Vec<&Point> = found.points.iter().filter(|point| point.unnoticed).collect();
    let (first, last) = (points.first()?, points.last()?);
    let (from, to) = (found.shown(first.value), found.shown(last.value));
    let place = if from == to { format!("at {from}") } else { format!("at some values between {from} and {to}") };
    Some(format!(
        "Unnoticed: {place} what the hook stops goes ahead, and the platform takes the hook for one that did its work ({}).",
        ended(first)
    ))
}

/// That more is not always better.
pub(super) fn not_monotonic(found: &Found) -> Option<String> {
    let works = found.works_below.last()?;
    let fails = found
        .points
        .iter()
        .filter(|point| point.behaviour != Behaviour::Works && point.value >= *works)
        .max_by_key(|point| point.value)?;
    let again = if fails.value == *works { "in one run and not in another" } else { "and fails again" };
    let at = if fails.value == *works {
        String::new()
    } else {
        format!(" at {} ({})", found.shown(fails.value), fails.behaviour)
    };
    Some(format!(
        "More is not always better: it works at {} {again}{at}. The floor is above all of that.",
        found.shown(*works)
    ))
}

/// What the hook does without a limit, a sentence each.
pub(super) fn baseline(baseline: &Baseline) -> Vec<String> {
    let mut took = vec![format!("{:.2} s", baseline.wall.as_secs_f64())];
    took.extend(baseline.cpu.map(|cpu| format!("{:.2} s of CPU time", cpu.as_secs_f64())));
    let memory = |bytes| format!("{} of real memory at most", quantity::shown(Limit::Memory, bytes));
    took.extend(baseline.peak_memory.map(memory));
    let mut told = vec![format!("Without a limit: {}, {}. {}.", baseline.ending, took.join(", "), baseline.told)];
    if let Some(why) = &baseline.does_not_work {
        told.push(format!("The hook does not work without a limit: {why}. Nothing was probed."));
        return told;
    }
    if !baseline.speaks {
        told.push(
            "It has nothing to say to this document, so that only its silence can be compared; --payload NAME chooses one that it objects to."
                .to_owned(),
        );
    }
    if !baseline.unsteady.is_empty() {
        told.push(format!("Not compared, because it differs from run to run: {}.", baseline.unsteady.join(", ")));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::probe_samples::{baseline as sample, interpreter, island};

    #[test]
    fn what_differs_by_a_number_is_told_once() {
        let mut found = interpreter();
        let first = band(&found, &found.bands[1]);
        for (value, said) in [(9, "<b>no\u{1b}[4231m room</b>"), (10, "<b>no\u{1b}[7m room</b>"), (11, "no room")] {
            let mut point = found.points[2].clone();
            (point.value, point.said) = (value << 20, Some(said.to_owned()));
            found.points.push(point);
        }
        let told = band(&found, &found.bands[1]);
        assert_eq!(told, format!("{first}; exit code 127, \"no room\""), "{told}");
    }

    #[test]
    fn what_to_do_and_what_happens_otherwise() {
        let found = interpreter();
        assert_eq!(answer(&found), ["It needs 14 MiB. Give it 21 MiB or more."]);
        let told = worst(&found).expect("it fails below");
        assert!(
            told.starts_with("Worst below: between 1 MiB and 7 MiB it dies silently: both streams are empty."),
            "{told}"
        );
        assert!(told.ends_with("so that what the hook stops goes ahead."), "{told}");
        assert_eq!(not_monotonic(&found), None);
        assert_eq!(
            found.bands.iter().map(|one| extent(&found, one)).collect::<Vec<_>>(),
            ["1 MiB to 7 MiB", "8 MiB to 13 MiB", "14 MiB and more"]
        );
        assert_eq!(
            band(&found, &found.bands[0]),
            "not started: `py`: the system killed it by signal 11, both streams empty"
        );
    }

    #[test]
    fn more_that_is_worse_is_told() {
        let told = not_monotonic(&island()).expect("is told");
        assert_eq!(
            told,
            "More is not always better: it works at 4 descriptors and fails again at 9 descriptors (hang). The floor is above all of that."
        );
        assert!(
            worst(&island()).is_some_and(|told| told.contains("at 9 descriptors it hangs until somebody kills it"))
        );
    }

    #[test]
    fn what_nobody_notices_is_told() {
        assert_eq!(unnoticed(&interpreter()), None);
        let mut found = interpreter();
        found.points[3].unnoticed = true;
        let told = unnoticed(&found).expect("is told");
        assert!(told.starts_with("Unnoticed: at 13 MiB what the hook stops goes ahead"), "{told}");
        found.points[2].unnoticed = true;
        assert!(unnoticed(&found).is_some_and(|told| told.contains("between 8 MiB and 13 MiB")));
    }

    #[test]
    fn luck_is_told() {
        let mut found = island();
        found.points[2].value = 4;
        assert!(
            not_monotonic(&found)
                .is_some_and(|told| told.contains("works at 4 descriptors in one run and not in another"))
        );
    }

    #[test]
    fn processes_of_others_are_taken_off() {
        let mut found =
            Found { limit: Limit::Processes, unit: "processes".to_owned(), already_used: Some(7), ..island() };
        (found.floor, found.advised) = (Some(9), Some(11));
        assert_eq!(
            answer(&found),
            ["It needs 2 processes besides the 7 that its user has already. Allow 11 processes while so many run."]
        );
        (found.floor, found.advised) = (Some(1), Some(8));
        assert!(answer(&found)[0].starts_with("It needs none beside itself: 1 process is enough"));
    }

    #[test]
    fn too_little_and_not_enforced_are_no_floors() {
        let mut found = interpreter();
        found.floor = None;
        assert!(answer(&found)[0].starts_with("1 GiB is too little"));
        found.not_enforced = Some("nobody does".to_owned());
        assert_eq!(answer(&found), ["Nothing can be said of it here."]);
        assert_eq!(worst(&found), None);
        assert_eq!(mechanism(&found), "not enforced, because nobody does");
    }

    #[test]
    fn a_hook_without_a_word_and_one_that_does_not_work() {
        let told = baseline(&Baseline { speaks: false, ..sample() });
        assert!(told.iter().any(|sentence| sentence.contains("--payload")), "{told:?}");
        assert!(told.iter().any(|sentence| sentence.contains("the reason")), "{told:?}");
        let told = baseline(&Baseline { does_not_work: Some("exit code 1".to_owned()), ..sample() });
        assert!(told.last().is_some_and(|last| last.ends_with("Nothing was probed.")), "{told:?}");
    }
}
