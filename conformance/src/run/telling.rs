//! Which documents scenarios are run with, once it is known to which the hook objects.
//!
//! A plan chooses by labels, before anything has run: a guard against `git push --force` says nothing to the first
//! dangerous document, and a scenario with a fault in it would show nothing of the guard. So where a hook objects to none
//! of the documents of a scenario, and objects to another one at the baseline, the scenario is run with that one. The
//! number of cases stays the same.

use std::collections::{BTreeMap, HashMap};

use crate::payload::Payload;
use crate::plan::Case;

/// Labels of documents that guards object to.
const TELLING: [&str; 3] = ["dangerous", "secret", "guarded"];

fn is_telling(payload: &Payload) -> bool {
    TELLING.iter().any(|label| payload.is(label))
}

/// Puts documents that the hook objects to in the place of those that it lets pass. `objects` says whether the hook
/// stopped the step, or had somebody asked, in a case at the baseline.
pub(super) fn put_in_place<'a>(cases: &mut [Case<'a>], objects: &dyn Fn(&Case<'a>) -> bool) {
    // The first of each event that the hook objects to; documents of the platform before those made from situations.
    let mut best: HashMap<[&str; 2], &'a Payload> = HashMap::new();
    let mut stopped: HashMap<[&str; 3], ()> = HashMap::new();
    for case in cases.iter().filter(|case| case.scenario.is_baseline() && is_telling(case.payload) && objects(case)) {
        stopped.insert([&case.id.subject, &case.id.event, &case.payload.name], ());
        let known = best.entry([&case.id.subject, &case.id.event]).or_insert(case.payload);
        if known.made && !case.payload.made {
            *known = case.payload;
        }
    }
    if best.is_empty() {
        return;
    }
    let mut groups: BTreeMap<[&str; 3], Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        // Which documents have a place where the platform never puts anything is no question of what the hook says.
        if !case.scenario.is_baseline() && !case.scenario.misplaced && is_telling(case.payload) {
            groups.entry([&case.id.subject, &case.id.event, &case.scenario.id]).or_default().push(index);
        }
    }
    let mut replaced: Vec<(usize, &'a Payload)> = Vec::new();
    for ([subject, event, _], indices) in groups {
        let is_stopped = |index: &usize| stopped.contains_key(&[subject, event, &cases[*index].payload.name]);
        if let Some(payload) = best.get(&[subject, event])
            && !indices.iter().any(is_stopped)
        {
            replaced.push((indices[0], payload));
        }
    }
    for (index, payload) in replaced {
        cases[index].payload = payload;
        cases[index].id.payload.clone_from(&payload.name);
    }
}

#[cfg(test)]
mod tests {
    use super::put_in_place;
    use crate::contract::Library;
    use crate::payload::Payloads;
    use crate::plan::{Case, Filter, Scenarios, plan};
    use crate::subject::{Subject, from_command};

    fn names(stopped: &[&str]) -> Vec<String> {
        let contract = Library::built_in().unwrap().select("claude-code").unwrap();
        let (payloads, scenarios) = (Payloads::built_in().unwrap(), Scenarios::built_in().unwrap());
        let mut subject: Subject = from_command("guard".as_ref(), &[]);
        subject.event = Some("PreToolUse".to_owned());
        let filter = Filter { events: Vec::new(), scenarios: vec!["stderr-closed".to_owned(), "starved".to_owned()] };
        let subjects = [subject];
        let mut cases: Vec<Case<'_>> = plan(&contract, &subjects, payloads, scenarios, &filter);
        put_in_place(&mut cases, &|case| stopped.contains(&case.payload.name.as_str()));
        let others = cases.iter().filter(|case| !case.scenario.is_baseline());
        others.map(|case| format!("{}/{}", case.scenario.id, case.id.payload)).collect()
    }

    #[test]
    fn a_guard_meets_faults_with_the_document_that_it_stops() {
        let before = names(&[]);
        assert!(!before.iter().any(|name| name.ends_with("git-reset-hard")), "{before:?}");
        let after = names(&["git-reset-hard"]);
        assert_eq!(before.len(), after.len());
        assert!(after.contains(&"stderr-closed/git-reset-hard".to_owned()), "{after:?}");
        assert!(after.contains(&"starved/git-reset-hard".to_owned()), "{after:?}");
        assert!(after.contains(&"stderr-closed/typical".to_owned()), "{after:?}");
    }

    #[test]
    fn the_documents_of_the_platform_go_first() {
        assert_eq!(names(&["git-reset-hard", "bash-compound-dangerous"]), names(&[]));
        let after = names(&["git-reset-hard", "bash-rm-rf-root"]);
        assert!(after.contains(&"stderr-closed/bash-rm-rf-root".to_owned()), "{after:?}");
        assert!(!after.iter().any(|name| name.ends_with("git-reset-hard")), "{after:?}");
    }
}
