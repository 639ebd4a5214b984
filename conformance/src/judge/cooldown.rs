//! Judges of stories: what a hook does after something heavy that it started was killed.

use std::collections::BTreeSet;

use hookproof_harness::Ending;

use super::timing::unseen;
use super::{Gist, Material, Telling, Verdict, ending};
use crate::oracle::HookStatus;
use crate::requirement::Requirement;
use crate::run::{FaultOutcome, Run, StepRun};

/// The runs of a story that a requirement is about, each with what is known of it as a part of the story.
struct Told<'a> {
    runs: Vec<(&'a Run, &'a StepRun)>,
}

impl<'a> Told<'a> {
    /// The runs of the steps that the requirement names.
    ///
    /// # Errors
    /// A skip, with the reason why the story does not get that far.
    fn of(requirement: &Requirement, material: &Material<'a>) -> Option<Result<Self, Verdict>> {
        if !material.case.scenario.is_story() {
            return None;
        }
        let all: Vec<(&Run, &StepRun)> =
            material.runs.iter().filter_map(|run| Some((run, run.step.as_ref()?))).collect();
        let skip = |reason: &str| Some(Err(Verdict::Skip { reason: reason.to_owned() }));
        // A fault that did not happen, at any step up to the last one of these, leaves nothing to judge.
        let last = all.iter().rposition(|(_, step)| requirement.steps.contains(&step.step));
        let up_to = last.map_or(all.len(), |last| last + 1);
        for (_, step) in &all[..up_to] {
            if let Some(told) = &step.fault
                && let FaultOutcome::NotDone { because } = &told.outcome
                // Of several runs at once one is enough, and the others have nothing that could go wrong.
                && !all.iter().any(|(_, other)| other.step == step.step && other.fault_done())
                && (step.attempted() || !requirement.steps.contains(&step.step))
            {
                // Where the story ended because of it, that says more.
                let ended = all[..up_to].iter().find_map(|(_, step)| step.ended_because.clone());
                return skip(&ended.unwrap_or_else(|| format!("{} did not happen: {because}", told.asked)));
            }
        }
        let runs: Vec<_> = all.iter().copied().filter(|(_, step)| requirement.steps.contains(&step.step)).collect();
        if runs.is_empty() {
            let reason = all.iter().find_map(|(_, step)| step.ended_because.as_deref());
            return skip(reason.unwrap_or("the story was not told that far"));
        }
        if let Some(because) = runs.iter().find_map(|(_, step)| step.attempts.as_ref().err()) {
            return skip(because);
        }
        Some(Ok(Told { runs }))
    }

    /// A skip where a run before these, in the same folders, did the heavy work without anything going wrong: there may
    /// be nothing left to do.
    fn unless_done_before(&self, material: &Material<'_>) -> Option<Verdict> {
        let own: Vec<&str> = self.runs.iter().map(|(_, step)| step.step.as_str()).collect();
        let steps = &material.case.scenario.step;
        let first = steps.iter().position(|step| own.contains(&step.name.as_str()))?;
        let begin = steps[..=first].iter().rposition(|step| step.fresh).unwrap_or(0);
        let before: Vec<&str> = steps[begin..first].iter().map(|step| step.name.as_str()).collect();
        let done = material
            .runs
            .iter()
            .filter_map(|run| run.step.as_ref())
            .find(|step| before.contains(&step.step.as_str()) && step.attempted() && !step.fault_done())?;
        Some(Verdict::Skip { reason: format!("the heavy work was done before, at the step `{}`", done.step) })
    }

    fn attempted(&self) -> Vec<(&'a Run, &'a StepRun)> {
        self.runs.iter().copied().filter(|(_, step)| step.attempted()).collect()
    }
}

macro_rules! told {
    ($requirement:expr, $material:expr) => {
        match Told::of($requirement, $material)? {
            Ok(told) => told,
            Err(skip) => return Some(skip),
        }
    };
}

/// A finding about a run, with what the story was up to then.
fn fail(material: &Material<'_>, run: &Run, observed: String) -> Verdict {
    let mut finding = material.finding(run, observed);
    finding.evidence.extend(material.runs.iter().filter_map(|run| run.step.as_ref()).fold(
        Vec::new(),
        |mut lines: Vec<String>, step| {
            let line = line(step);
            if lines.last() != Some(&line) {
                lines.push(line);
            }
            lines
        },
    ));
    Verdict::Fail(finding)
}

/// A run of a story in a line.
fn line(step: &StepRun) -> String {
    let attempts = match &step.attempts {
        Ok(0) => "nothing heavy started".to_owned(),
        Ok(count) => format!("heavy work started {count} time{}", if *count == 1 { "" } else { "s" }),
        Err(because) => because.clone(),
    };
    let fault = match step.fault.as_ref().map(|told| (&told.asked, &told.outcome)) {
        Some((asked, FaultOutcome::Done { command })) => format!(", {asked}: {command}"),
        Some((asked, FaultOutcome::NotDone { because })) => format!(", {asked} did not happen: {because}"),
        None => String::new(),
    };
    let age = step.age.map_or_else(String::new, |age| {
        let by = if step.by_clock { ", by its clock" } else { "" };
        format!(" ({} later{by})", humantime::format_duration(std::time::Duration::from_secs(age.as_secs())))
    });
    format!("{}{age}: {attempts}{fault}", step.step)
}

fn failed(run: &Run) -> bool {
    run.effect.hook_status == HookStatus::Failed || !matches!(run.observation.ending, Ending::Exited { .. })
}

/// The hook ends as its platform wants it to, whatever happened to its child.
pub(super) fn ends_well(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let told = told!(requirement, material);
    Some(match told.runs.iter().find(|(run, _)| failed(run)) {
        Some((run, step)) => fail(material, run, format!("{}: the hook ends with {}", step.step, ending(run))),
        None => Verdict::Pass,
    })
}

/// What happened is told to somebody: a text for a person or the model, a line on stderr, or a number for telemetry.
pub(super) fn is_told(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let told = told!(requirement, material);
    let (run, step) = told.runs.iter().find(|(_, step)| step.fault_done())?;
    let answer_has_number = String::from_utf8_lossy(&run.observation.stdout.bytes)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .any(|value| own_numbers(&value) > 0);
    let says = |texts: &[String]| texts.iter().any(|text| !text.trim().is_empty());
    let effect = &run.effect;
    let is_told = answer_has_number
        || says(&effect.user_sees)
        || says(&effect.model_sees)
        || run.observation.stderr.bytes.iter().any(|byte| !byte.is_ascii_whitespace());
    Some(if is_told {
        Verdict::Pass
    } else {
        fail(material, run, format!("{}: the hook says nothing that a person or a counter could notice", step.step))
    })
}

/// Numbers in an answer, however deep, that announce nothing: a platform's own announcement has a time in it.
fn own_numbers(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Object(object) if object.contains_key("async") => 0,
        serde_json::Value::Object(object) => object.values().map(own_numbers).sum(),
        serde_json::Value::Array(list) => list.iter().map(own_numbers).sum(),
        serde_json::Value::Number(_) => 1,
        _ => 0,
    }
}

/// Nothing that the hook started outlives it.
pub(super) fn no_orphan(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let told = told!(requirement, material);
    let left = told.runs.iter().find(|(run, _)| !run.observation.leaks.descendants.is_empty());
    Some(match left {
        Some((run, step)) => {
            let names: Vec<&str> =
                run.observation.leaks.descendants.iter().map(|process| process.name.as_str()).collect();
            fail(material, run, format!("{}: still running when the hook had ended: {}", step.step, names.join(", ")))
        }
        None => unseen(told.runs.iter().map(|(run, _)| *run)).unwrap_or(Verdict::Pass),
    })
}

/// What a good run takes away at its end is taken away when the heavy work was killed, too.
pub(super) fn leaves_nothing(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let told = told!(requirement, material);
    let first = &told.runs.first()?.1.step;
    let passed: BTreeSet<String> = told
        .runs
        .iter()
        .filter(|(_, step)| step.step == *first)
        .flat_map(|(_, step)| &step.passed)
        .map(|path| without_numbers(path))
        .collect();
    if passed.is_empty() {
        return Some(Verdict::Skip { reason: "no file comes and goes while the hook does its heavy work".to_owned() });
    }
    let (run, step) = told.runs.iter().find(|(_, step)| step.step != *first)?;
    let left: Vec<&str> =
        step.left.iter().filter(|path| passed.contains(&without_numbers(path))).map(String::as_str).collect();
    Some(if left.is_empty() {
        Verdict::Pass
    } else {
        let observed = format!(
            "{}: left behind, although a run whose heavy work goes well takes it away: {}",
            step.step,
            left.join(", ")
        );
        fail(material, run, observed)
    })
}

/// A path with everything that differs from run to run taken out: numbers, and the random parts of temporary names.
fn without_numbers(path: &str) -> String {
    let mut out = String::new();
    for part in path.split_inclusive(['/', '\\', '.', '-', '_']) {
        let word = part.trim_end_matches(['/', '\\', '.', '-', '_']);
        let random = word.chars().any(|c| c.is_ascii_digit()) && word.chars().all(|c| c.is_ascii_alphanumeric());
        out.push_str(if random { "#" } else { word });
        out.push_str(&part[word.len()..]);
    }
    out
}

/// A reason of the heavy command counts whichever stream it stands on. The steps are in this order: it fails without a
/// word, with its reason on stderr, and with its reason on stdout.
pub(super) fn hears_both(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let told = told!(requirement, material);
    let at = |index: usize| {
        let name = requirement.steps.get(index)?;
        told.runs.iter().copied().find(|(_, step)| step.step == *name && step.fault_done())
    };
    let (Some((silent, _)), Some((on_stderr, _)), Some((on_stdout, step))) = (at(0), at(1), at(2)) else {
        let because = told.runs.iter().find_map(|(_, step)| step.ended_because.clone());
        let reason = because.unwrap_or_else(|| "the heavy command did not fail in all three ways".to_owned());
        return Some(Verdict::Skip { reason });
    };
    let (silent, on_stderr) = (Telling::of(silent), Telling::of(on_stderr));
    Some(if on_stderr == silent || Telling::of(on_stdout) != silent {
        Verdict::Pass
    } else {
        let observed = format!(
            "{}: the hook tells what it tells of a failure without a word, although it knows the same reason on stderr",
            step.step
        );
        let mut verdict = fail(material, on_stdout, observed);
        if let Verdict::Fail(finding) = &mut verdict {
            finding.evidence.push(format!("told without a word: {}", silent.beside(&on_stderr)));
            finding.evidence.push(format!("told of the reason on stderr: {}", on_stderr.beside(&silent)));
        }
        verdict
    })
}

/// None of the runs starts anything heavy.
pub(super) fn no_attempt(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let told = told!(requirement, material);
    let attempted = told.attempted();
    let Some((run, step)) = attempted.first() else {
        return told.unless_done_before(material).or(Some(Verdict::Pass));
    };
    // A step just inside of a boundary that took so long that it is none says nothing.
    let window = material.case.subject.heavy.as_ref()?.window;
    if step.age.is_some_and(|age| age >= window) {
        return Some(Verdict::Skip { reason: "the runs took so long that the window was over".to_owned() });
    }
    let how = if step.by_clock { ", whose clock and not whose files say that it is later" } else { "" };
    let observed = format!("{}: {} of {} runs start the heavy work{how}", step.step, attempted.len(), told.runs.len());
    Some(fail(material, run, observed))
}

/// At least one of the runs starts the heavy work.
pub(super) fn attempt(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let told = told!(requirement, material);
    if !told.attempted().is_empty() {
        return Some(Verdict::Pass);
    }
    if let Some(skip) = told.unless_done_before(material) {
        return Some(skip);
    }
    let (run, step) = told.runs.last()?;
    let how = if step.by_clock { ", neither by older files nor by a clock that is ahead" } else { "" };
    Some(fail(material, run, format!("{}: none of {} runs starts the heavy work{how}", step.step, told.runs.len())))
}

/// Of all the runs, which overlap, one starts the heavy work.
pub(super) fn one_attempt(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let told = told!(requirement, material);
    // One run alone says nothing of many.
    let (by_clock, attempted): (Vec<_>, Vec<_>) = told.attempted().into_iter().partition(|(_, step)| step.by_clock);
    Some(match attempted.as_slice() {
        [] if !by_clock.is_empty() => Verdict::Skip {
            reason: "the hook starts the heavy work when its clock is moved, and not when its files are made older; \
                     while a clock is moved, what runs make at the same time looks old to the others"
                .to_owned(),
        },
        [] => Verdict::Skip { reason: "none of the runs starts the heavy work".to_owned() },
        [_] => Verdict::Pass,
        [.., (run, step)] => {
            let observed = format!(
                "{}: {} of {} runs at the same time start the heavy work",
                step.step,
                attempted.len(),
                told.runs.iter().filter(|(_, step)| !step.by_clock).count()
            );
            fail(material, run, observed)
        }
    })
}

/// Half of the runs take no longer than the budget.
pub(super) fn fast(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let told = told!(requirement, material);
    let idle: Vec<_> = told.runs.iter().filter(|(_, step)| !step.attempted()).collect();
    if idle.is_empty() {
        return Some(Verdict::Skip { reason: "every run starts the heavy work".to_owned() });
    }
    let mut walls: Vec<_> = idle.iter().map(|(run, step)| (run.observation.wall, *run, *step)).collect();
    walls.sort_by_key(|(wall, ..)| *wall);
    let (wall, run, step) = walls[(walls.len() - 1) / 2];
    let most = requirement.budget["most"].is;
    Some(if wall.as_secs_f64() <= most {
        Verdict::Pass
    } else {
        let observed = format!(
            "{}: half of the runs that leave the heavy work alone take more than {:.2} s, and may take {most} s",
            step.step,
            wall.as_secs_f64()
        );
        fail(material, run, observed)
    })
}

/// After everything the hook does what it does where nothing ever went wrong.
pub(super) fn recovers(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let told = told!(requirement, material);
    let (good, _) = told.runs.first()?;
    let (run, step) = told.runs.last()?;
    if told.runs.iter().any(|(_, step)| step.attempted()) {
        let last = told.runs.iter().any(|(run, step)| step.attempted() && std::ptr::eq(*run, *good));
        if last {
            return Some(Verdict::Skip {
                reason: "the heavy work is started again although nothing went wrong: it does not come to an end here"
                    .to_owned(),
            });
        }
        return Some(fail(
            material,
            run,
            format!("{}: the heavy work is started again after it has been done", step.step),
        ));
    }
    Some(if failed(run) || Gist::of(good) != Gist::of(run) || texts(good) != texts(run) {
        fail(material, run, format!("{}: the hook does not work as it did before anything went wrong", step.step))
    } else {
        Verdict::Pass
    })
}

/// What the model and the person read, without what differs from run to run.
fn texts(run: &Run) -> Vec<String> {
    let effect = &run.effect;
    let alike = |text: &String| {
        let text = crate::run::without_scratch(text);
        text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect()
    };
    effect.model_sees.iter().chain(&effect.user_sees).map(alike).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{own_numbers, without_numbers};

    #[rstest]
    #[case("state/lock", "state/lock")]
    #[case("state/index.4711.tmp", "state/index.#.tmp")]
    #[case("home/.cache/build-8f3a21/part", "home/.cache/build-#/part")]
    #[case("state/venv3.building", "state/#.building")]
    fn what_differs_from_run_to_run_is_taken_out(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(without_numbers(path), expected);
    }

    #[rstest]
    #[case(r#"{"async": true, "asyncTimeout": 180000}"#, 0)]
    #[case(r#"{"sdk_bootstrap": 3, "note": "x"}"#, 1)]
    #[case(r#"{"metrics": {"sdk_bootstrap": 3, "sdk_bootstrap_err": 16}}"#, 2)]
    #[case("{}", 0)]
    #[case(r#"{"systemMessage": "x"}"#, 0)]
    fn telemetry_is_a_number_in_an_answer(#[case] json: &str, #[case] expected: usize) {
        assert_eq!(own_numbers(&serde_json::from_str(json).unwrap()), expected);
    }
}
