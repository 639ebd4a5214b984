//! What a hook needs.

#[cfg(unix)]
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use rstest::rstest;

use super::hookproof;

#[rstest]
#[case::no_limit(&["--", "true"], "--memory")]
#[case::no_hook(&["--memory"], "<--reference|CMD>")]
#[case::no_size(&["--memory=64", "--", "true"], "failed to read \"64\" as a size with its unit")]
#[case::no_count(&["--files=64M", "--", "true"], "failed to read \"64M\" as a number")]
#[case::no_event(&["--files", "--event", "PreTolUse", "--", "true"], "did you mean PreToolUse?")]
#[case::no_payload(&["--files", "--payload", "typicl", "--", "true"], "did you mean typical?")]
#[case::no_platform(&["--files", "--platform", "gemini", "--", "true"], "did you mean gemini-cli?")]
#[case::no_folder(&["--files", "--html", "not/there/page.html", "--", "true"], "failed to create not/there/page.html")]
fn wrong_usage_is_told_before_anything_is_run(#[case] arguments: &[&str], #[case] told: &str) {
    let mut command = hookproof(&["probe"]);
    command.args(arguments).assert().code(2).stdout("").stderr(contains(told));
}

#[test]
#[cfg(unix)]
fn a_hook_that_does_not_work_without_a_limit_is_not_probed() {
    hookproof(&["probe", "--memory", "--", "sh", "-c", "cat >/dev/null; exit 1"])
        .assert()
        .code(1)
        .stdout(contains("does not work without a limit: exit code 1. Nothing was probed."))
        .stdout(contains("address space").not());
    hookproof(&["probe", "--memory", "--", "./not-there"]).assert().code(1).stdout(contains("not started"));
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;

    use hookproof::probe::{Found, ProbeEvent, Probing};
    use hookproof_harness::{Behaviour, Limit};
    use serde_json::Value;

    use super::*;

    /// Denies what is dangerous, and needs so many descriptors for it; it keeps its own count.
    const GUARD: &str = r#"IFS= read -r input
case $input in *"rm -rf"*) ;; *) exit 0 ;; esac
exec 5</dev/null 6</dev/null 7</dev/null 8</dev/null 9</dev/null || exit 1
echo '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"no"}}'
"#;

    fn probed(arguments: &[&str], hook: &[&str], code: i32) -> Probing {
        let mut command = hookproof(&["probe", "--format", "json"]);
        command.args(arguments).arg("--").args(hook);
        let output = command.assert().code(code).stderr("").get_output().clone();
        serde_json::from_slice(&output.stdout).expect("a probe")
    }

    fn only(probing: &Probing) -> &Found {
        assert_eq!(probing.limits.len(), 1);
        &probing.limits[0]
    }

    #[test]
    fn the_floor_is_found_and_what_happens_below_it() {
        let probing = probed(&["--memory=1GiB"], &["sh", "-c", GUARD], 0);
        assert!(probing.baseline.speaks && probing.baseline.does_not_work.is_none());
        let found = only(&probing);
        let floor = found.floor.expect("a gibibyte is enough");
        assert!((1 << 20..64 << 20).contains(&floor), "{floor}");
        assert!(found.advised.is_some_and(|advised| advised >= floor + floor / 2));
        assert!(found.mechanism.as_deref().is_some_and(|mechanism| mechanism.contains("RLIMIT_AS")));
        // The kernel kills a program that it has no room to load, and whoever was stopped goes ahead.
        let lowest = &found.points[0];
        assert_eq!((lowest.behaviour, lowest.fails_open), (Behaviour::SilentDeath, true));
        assert_eq!(lowest.said, None);
        assert!(found.points.len() <= 24, "{} runs", found.points.len());
    }

    #[test]
    fn another_decision_is_no_success_although_the_hook_ends_well() {
        // Ends with 0 and allows in silence where it cannot open what it needs.
        let careless = GUARD.replace("exec 5", "{ exec 5").replace("|| exit 1", "; } 2>/dev/null || exit 0");
        let probing = probed(&["--files"], &["bash", "-c", &careless], 0);
        let found = only(&probing);
        let floor = found.floor.expect("1024 are enough");
        assert!((10..=14).contains(&floor), "{floor}");
        let below = found.points.iter().rfind(|point| point.unnoticed).expect("was tried");
        assert_eq!((below.behaviour, below.fails_open), (Behaviour::SilentDeath, true));
        assert!(below.differs.iter().any(|part| part == "the decision"), "{:?}", below.differs);
    }

    #[test]
    fn a_budget_that_is_too_small_is_a_finding() {
        let probing = probed(&["--memory=64KiB"], &["sh", "-c", GUARD], 1);
        let found = only(&probing);
        assert!(found.floor.is_none() && found.is_too_little());
        hookproof(&["probe", "--memory=64KiB", "--", "sh", "-c", GUARD])
            .assert()
            .code(1)
            .stdout(contains("64 KiB is too little"));
    }

    #[test]
    fn more_that_is_worse_is_found_out() {
        // Fails between 40 and 300 descriptors, where a bisection from 1 to 1024 looks at its second step.
        let odd = GUARD.replace("exec 5", "n=$(ulimit -n); [ $n -gt 40 ] && [ $n -lt 300 ] && exit 1\nexec 5");
        let probing = probed(&["--files"], &["bash", "-c", &odd], 0);
        let found = only(&probing);
        assert!(found.floor.is_some_and(|floor| (300..=306).contains(&floor)), "{:?}", found.floor);
        assert!(!found.works_below.is_empty());
        hookproof(&["probe", "--files", "--", "bash", "-c", &odd])
            .assert()
            .code(0)
            .stdout(contains("More is not always better"));
    }

    #[test]
    fn several_limits_are_told_in_every_form() {
        let folder = tempfile::tempdir().expect("a folder");
        let page = folder.path().join("page.html");
        let mut command = hookproof(&["probe", "--files", "--cpu", "--format", "jsonl", "--html"]);
        let output = command.arg(&page).args(["--", "sh", "-c", GUARD]).assert().code(0).get_output().clone();
        let lines = String::from_utf8(output.stdout).expect("text");
        let events: Vec<ProbeEvent> = lines.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
        assert!(matches!(events.first(), Some(ProbeEvent::ProbeStarted(_))));
        assert!(matches!(events.last(), Some(ProbeEvent::ProbeFinished(_))));
        let limits: Vec<Limit> = events
            .iter()
            .filter_map(|event| match event {
                ProbeEvent::LimitFinished(found) => Some(found.limit),
                _ => None,
            })
            .collect();
        assert!(limits.len() == 2 && limits.contains(&Limit::Cpu) && limits.contains(&Limit::OpenFiles));
        let page = fs::read_to_string(page).expect("a page");
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        assert!(page.contains("open descriptors of each process") && page.contains("CPU time of each process"));
    }

    #[test]
    fn a_limit_that_nobody_enforces_is_told_and_says_nothing() {
        let mut command = hookproof(&["probe", "--processes", "--format", "json", "--", "sh", "-c", GUARD]);
        let output = command.output().expect("runs");
        let probing: Value = serde_json::from_slice(&output.stdout).expect("a probe");
        let found = &probing["limits"][0];
        // The superuser is exempt from it; anybody else is not.
        if found["not_enforced"].is_null() {
            assert!(output.status.success() && found["floor"].is_u64());
            assert!(found["already_used"].is_u64());
        } else {
            assert_eq!(output.status.code(), Some(2));
            assert!(found["floor"].is_null() && String::from_utf8_lossy(&output.stderr).contains("enforces none"));
        }
    }

    #[test]
    fn memory_is_address_space_and_real_memory_is_told_of() {
        let probing = probed(&["--memory"], &["sh", "-c", GUARD], 0);
        assert_eq!(probing.limits[0].limit, Limit::AddressSpace);
        let real = probing.limits.iter().any(|found| found.limit == Limit::Memory);
        let note = probing.closing.notes.iter().any(|note| note.starts_with("real memory was not probed: "));
        assert!(real != note, "{:?}", probing.closing.notes);
    }

    #[test]
    fn a_hook_with_nothing_to_say_is_compared_by_its_silence() {
        let script = "cat >/dev/null; /bin/true";
        let probing = probed(&["--files", "--payload", "typical"], &["dash", "-c", script], 0);
        assert!(!probing.baseline.speaks);
        assert!(only(&probing).floor.is_some_and(|floor| floor >= 4));
        assert_eq!(probing.baseline.payload, "typical");
    }

    #[test]
    #[cfg(feature = "reference")]
    fn the_reference_is_probed() {
        hookproof(&["probe", "--files", "--reference"]).assert().code(0).stdout(contains("It needs "));
    }

    #[test]
    fn scratch_folders_in_answers_do_not_make_runs_differ() {
        let script = r#"cat >/dev/null; printf '{"systemMessage":"guarding %s"}' "$HOME""#;
        let probing = probed(&["--files"], &["sh", "-c", script], 0);
        assert_eq!(probing.baseline.unsteady, Vec::<String>::new());
        assert!(only(&probing).floor.is_some());
    }

    #[test]
    fn what_differs_from_run_to_run_is_not_compared() {
        let script = r#"cat >/dev/null; printf '{"systemMessage":"the time is %s"}' "$(date +%N)""#;
        let probing = probed(&["--files"], &["sh", "-c", script], 0);
        assert_eq!(probing.baseline.unsteady, ["the text for the person"]);
        assert!(only(&probing).floor.is_some());
    }
}
