//! Everything that starts is seen, with its command line, its pattern and what it descends from.

use std::time::Duration;

use hookproof_harness::{
    CommandEnd, CommandForm, Coverage, Ending, Harness, HookCommand, Observation, SeenCommand, Watch, WatchReport,
};
use libtest_mimic::{Failed, Trial};

use crate::children::me;
use crate::files::Programs;
use crate::{add, ensure, ensure_eq, report};

/// Runs something under these patterns; it must end by itself and be seen completely.
pub(crate) fn watch(command: &HookCommand, patterns: &[&str]) -> Result<(Observation, WatchReport), Failed> {
    let patterns = patterns.iter().map(|pattern| pattern.parse()).collect::<Result<Vec<_>, _>>()?;
    let watch = Watch::for_patterns(patterns);
    let observation = Harness::new()?.run(&command.clone().watch(watch).deadline(Duration::from_secs(20)))?;
    let report = report(&observation)?;
    ensure(matches!(observation.ending, Ending::Exited { .. }), || format!("{observation:?}"))?;
    ensure(matches!(report.coverage, Coverage::Complete { .. }), || format!("{:?}", report.coverage))?;
    ensure_eq("dropped", &report.dropped, &0)?;
    Ok((observation, report))
}

pub(crate) fn lines(report: &WatchReport) -> Vec<String> {
    report.seen.iter().map(|seen| seen.command_line.join(" ")).collect()
}

fn ended(seen: &SeenCommand) -> Option<i32> {
    match seen.ended {
        Some(CommandEnd::Exited { code, .. }) => Some(code),
        _ => None,
    }
}

pub(crate) fn add_all(trials: &mut Vec<Trial>) {
    add(trials, "nine_programs_are_all_seen", || {
        let script = "ls / >/dev/null; /bin/ls / >/dev/null; env -i /bin/true; command -p /bin/true x; /bin/true | cat; \
                      /usr/bin/env /bin/true y; (exec sleep 0.01); sh -c '/bin/true; exit 3'";
        let (_, report) = watch(&HookCommand::shell(script), &["*true*"])?;
        let expected = [
            "ls /",
            "/bin/ls /",
            "env -i /bin/true",
            "/bin/true",
            "/bin/true x",
            "cat",
            "/usr/bin/env /bin/true y",
            "/bin/true y",
            "sleep 0.01",
            "sh -c /bin/true; exit 3",
            "/bin/true",
        ];
        let found = lines(&report);
        for line in expected {
            ensure(found.iter().any(|found| found == line), || format!("{line:?} is not among {found:#?}"))?;
        }
        // The pipe's `/bin/true` besides.
        ensure_eq("how many", &found.len(), &(expected.len() + 1))?;
        let sh = report.seen.iter().find(|seen| seen.command_line[0] == "sh").ok_or("no sh")?;
        ensure_eq("how it ended", &ended(sh), &Some(3))?;
        ensure(report.seen.is_sorted_by_key(|seen| seen.at), || format!("{:?}", report.seen))
    });
    add(trials, "the_hook_itself_is_not_among_them", || {
        let (_, report) = watch(&HookCommand::shell("exit 0"), &["*"])?;
        ensure_eq("seen", &lines(&report), &Vec::new())
    });
    add(trials, "what_the_hook_executes_in_its_own_place_is", || {
        let (observation, report) = watch(&HookCommand::shell("exec sleep 0"), &["sleep"])?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
        ensure_eq("seen", &lines(&report), &vec!["sleep 0".to_owned()])?;
        ensure_eq("matching", &report.matching().count(), &1)
    });
    add(trials, "a_static_program_is_seen", || {
        let programs = Programs::new()?;
        let Some(program) = programs.static_program("tiny")? else {
            return Ok(());
        };
        let (observation, report) = watch(&HookCommand::shell(format!("{}; exit $?", program.display())), &["tiny"])?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 42 })?;
        ensure_eq("matching", &report.matching().count(), &1)
    });
    add(trials, "a_daemon_belongs_to_who_started_it", || {
        let command = me("daemon").args(["/bin/sleep", "0.01"]);
        let command = HookCommand::shell(format!("{command}; sleep 0")).leak_grace(Duration::from_secs(10));
        let (_, report) = watch(&command, &["* --as daemon"])?;
        let daemon = report.matching().next().ok_or("the daemon was not seen")?;
        let late = report.seen.iter().find(|seen| seen.command_line == ["/bin/sleep", "0.01"]).ok_or("not seen")?;
        ensure_eq("it belongs to", &late.below, &Some(daemon.pid))?;
        ensure_eq("how it ended", &ended(late), &Some(0))?;
        let other = report.seen.iter().find(|seen| seen.command_line == ["sleep", "0"]).ok_or("not seen")?;
        ensure_eq("the other belongs to", &other.below, &None)
    });
    add(trials, "a_search_of_path_is_one_start", || {
        let programs = Programs::new()?;
        for role in ["execvp", "spawnp", "command"] {
            let path = format!("/nowhere:{}:/usr/bin:/bin", programs.folder().display());
            let (_, report) = watch(&me(role).args(["sleep", "0"]).env("PATH", path), &["sleep"])?;
            ensure_eq(role, &lines(&report), &vec!["sleep 0".to_owned()])?;
        }
        let (_, report) = watch(&me("execvp").args(["surely-no-such-program"]), &["*"])?;
        ensure_eq("seen", &lines(&report), &Vec::new())
    });
    add(trials, "a_script_matches_by_both_forms", || {
        let programs = Programs::new()?;
        let script = programs.write("tool", b"#!/bin/sh -e\nexit 0\n")?;
        let line = format!("{} install -q x", script.display());
        for (pattern, form) in [
            ("tool install", CommandForm::Called),
            ("*/tool install -q", CommandForm::Run),
            ("sh -e *tool install", CommandForm::Run),
        ] {
            let (_, report) = watch(&HookCommand::shell(format!("{line}; exit 0")), &[pattern])?;
            let seen = report.matching().next().ok_or_else(|| format!("{pattern} is not found: {report:?}"))?;
            ensure_eq(pattern, &seen.form, &Some(form))?;
            ensure(seen.command_line.starts_with(&["/bin/sh".into(), "-e".into()]), || format!("{seen:?}"))?;
        }
        let (_, report) = watch(&HookCommand::shell(format!("{line}; exit 0")), &["tool remove"])?;
        ensure_eq("matching", &report.matching().count(), &0)
    });
    add(trials, "who_gives_itself_another_name_is_found_by_its_file", || {
        let command = me("command").args(["sh", "-c", "exec 3>&1; /bin/sh -c 'exit 0' fake; exit 0"]);
        let (_, report) = watch(&command, &["sh -c exit 0"])?;
        ensure_eq("matching", &report.matching().count(), &1)?;
        let busy = me("fexecve").args(["/bin/sleep", "0"]);
        let (_, report) = watch(&busy, &["*sleep 0"])?;
        ensure_eq("by descriptor", &report.matching().count(), &1)
    });
    add(trials, "one_process_is_one_attempt", || {
        let (_, report) = watch(&HookCommand::shell("env env sleep 0; exit 0"), &["*sleep 0"])?;
        ensure_eq("seen", &lines(&report), &["env env sleep 0", "env sleep 0", "sleep 0"].map(String::from).to_vec())?;
        ensure_eq("matching", &report.matching().count(), &1)?;
        let pid = report.seen[0].pid;
        ensure_eq("the last belongs to", &report.seen[2].below, &Some(pid))?;
        ensure_eq(
            "only the last has the end",
            &report.seen.iter().map(ended).collect::<Vec<_>>(),
            &vec![None, None, Some(0)],
        )
    });
    add(trials, "a_thread_that_executes_is_its_process", || {
        let line = format!("{}; exit 0", me("exec-in-thread").args(["/bin/sleep", "0"]));
        for _ in 0..10 {
            let (_, report) = watch(&HookCommand::shell(&line), &["*exec-in-thread*", "sleep"])?;
            let seen = report.seen.last().ok_or("nothing was seen")?;
            ensure_eq("command line", &seen.command_line.join(" "), &"/bin/sleep 0".to_owned())?;
            ensure_eq("it is the same process", &seen.below, &Some(seen.pid))?;
            ensure_eq("how it ended", &ended(seen), &Some(0))?;
        }
        Ok(())
    });
    add(trials, "threads_that_start_programs_are_one_process", || {
        for _ in 0..10 {
            let line = format!("{}; exit 0", me("start-in-threads").arg("/bin/true"));
            let (observation, report) = watch(&HookCommand::shell(line), &["*start-in-threads*"])?;
            ensure_eq("stdout", &observation.stdout.bytes.as_slice(), &b"true".as_slice())?;
            let threads = report.matching().next().ok_or("not seen")?.pid;
            let started: Vec<_> = report.seen.iter().filter(|seen| seen.command_line[0] == "/bin/true").collect();
            ensure_eq("how many", &started.len(), &8)?;
            ensure(started.iter().all(|seen| seen.below == Some(threads) && seen.parent == threads), || {
                format!("{threads}: {started:?}")
            })?;
        }
        Ok(())
    });
    add(trials, "many_starts_at_once_are_all_seen", || {
        let script = "i=0; while [ $i -lt 40 ]; do /bin/sh -c '/bin/true & /bin/true & wait' & i=$((i+1)); done; wait";
        let (_, report) = watch(&HookCommand::shell(script), &["sh"])?;
        ensure_eq("shells", &report.matching().count(), &40)?;
        let below = report.seen.iter().filter(|seen| seen.command_line == ["/bin/true"]);
        let shells: Vec<_> = report.matching().map(|seen| Some(seen.pid)).collect();
        let (all, lost): (Vec<_>, Vec<_>) = below.partition(|seen| shells.contains(&seen.below));
        ensure(all.len() == 80 && lost.is_empty(), || format!("{} and {lost:?}", all.len()))
    });
}
