//! A moved clock: whoever asks for the time of day is told another one, and nothing else changes.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hookproof_harness::{
    ClockReport, ClockShift, Coverage, Ending, ExecError, FaultAction, FaultReport, Harness, HookCommand,
    MechanismChoice, Observation, Sandbox, Watch,
};
use libtest_mimic::{Failed, Trial};

use crate::children::me;
use crate::files::Programs;
use crate::{add, ensure, ensure_eq, report};

const DAY: Duration = Duration::from_secs(86_400);
/// How long a machine that is busy may take from a question to its answer, in seconds.
const LATE: u64 = 30;

fn run(command: HookCommand, shift: ClockShift) -> Result<Observation, Failed> {
    let observation = Harness::new()?.run(&command.watch(Watch::default().clock(shift)).deadline(DAY))?;
    ensure(matches!(observation.ending, Ending::Exited { code: 0 }), || format!("{observation:?}"))?;
    Ok(observation)
}

fn answered(observation: &Observation) -> Result<(u64, u64, Vec<String>), Failed> {
    match report(observation)?.clock {
        Some(ClockReport::Moved { answered, waits, gaps, .. }) => Ok((answered, waits, gaps)),
        other => Err(format!("{other:?}").into()),
    }
}

fn text(observation: &Observation) -> String {
    String::from_utf8_lossy(&observation.stdout.bytes).into_owned()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(since).unwrap_or(0)
}

/// Whether a program said the moved time.
fn ensure_moved(said: &str, shift: ClockShift) -> Result<(), Failed> {
    let seconds: i64 = said.trim().parse().map_err(|_| format!("{said:?} is no time"))?;
    ensure(seconds.abs_diff(now() + shift.seconds()) <= LATE, || {
        format!("{seconds} is not {} s from {}", shift.seconds(), now())
    })
}

/// What the shell line says, with the clock moved to both sides.
fn ensure_line_is_moved(line: &str) -> Result<(), Failed> {
    for shift in [ClockShift::ahead(400 * DAY), ClockShift::back(400 * DAY)] {
        let observation = run(HookCommand::shell(line), shift)?;
        ensure_moved(&text(&observation), shift)?;
        let (answered, _, gaps) = answered(&observation)?;
        ensure(answered > 0 && gaps.is_empty(), || format!("{answered} {gaps:?}"))?;
    }
    Ok(())
}

fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

pub(crate) fn add_all(trials: &mut Vec<Trial>) {
    add(trials, "every_question_after_the_time_of_day_gets_the_moved_one", || {
        for shift in [ClockShift::ahead(DAY), ClockShift::back(DAY)] {
            let before = Command::new(std::env::current_exe()?).args(["--as", "ask-the-time"]).output()?;
            let observation = run(me("ask-the-time"), shift)?;
            let lines = |text: &str| -> BTreeMap<String, String> {
                text.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.into(), b.into())).collect()
            };
            let (moved, unmoved) = (lines(&text(&observation)), lines(&String::from_utf8_lossy(&before.stdout)));
            ensure_eq("lines", &moved.len(), &10)?;
            for (name, value) in &moved {
                if name == "answers" {
                    ensure_eq("answers", value, &unmoved[name])?;
                    continue;
                }
                let counts_from_the_start = ["monotonic", "boottime"].contains(&name.as_str());
                let expected = if counts_from_the_start { 0 } else { shift.seconds() };
                let by = value.parse::<i64>()? - unmoved[name].parse::<i64>()?;
                ensure(by.abs_diff(expected) <= LATE, || format!("{name} is moved by {by} s and not by {expected}"))?;
            }
        }
        Ok(())
    });
    add(trials, "a_program_that_is_started_below_is_told_the_moved_time", || ensure_line_is_moved("date +%s; exit $?"));
    add(trials, "a_program_in_the_place_of_the_hook_is_told_the_moved_time", || ensure_line_is_moved("exec date +%s"));
    add(trials, "a_program_without_an_environment_is_told_the_moved_time", || {
        ensure_line_is_moved("env -i /bin/sh -c 'exec env -i /bin/date +%s'; exit $?")
    });
    add(trials, "a_built_in_command_of_a_shell_is_told_the_moved_time", || {
        if exists("bash") { ensure_line_is_moved("bash -c 'printf \"%(%s)T\" -1'; exit $?") } else { Ok(()) }
    });
    add(trials, "a_program_with_many_variables_is_told_the_moved_time", || {
        let shift = ClockShift::ahead(DAY);
        let command = (0..3000).fold(HookCommand::shell("exec date +%s"), |command, index| {
            command.env(format!("VARIABLE_{index}"), "x".repeat(index % 60))
        });
        ensure_moved(&text(&run(command, shift)?), shift)
    });
    add(trials, "a_static_program_is_told_the_moved_time", || {
        let programs = Programs::new()?;
        let Some(program) = programs.compiled_statically("clock", ASKS_IN_C)? else { return Ok(()) };
        ensure_line_is_moved(&format!("{}; exit $?", program.display()))
    });
    add(trials, "a_wait_until_a_time_of_day_ends_then", || {
        for shift in [ClockShift::ahead(DAY), ClockShift::back(DAY)] {
            let observation = run(me("wait-until").deadline(Duration::from_secs(60)), shift)?;
            ensure_eq(
                "what was said",
                &text(&observation),
                &"condition true\nagain 0\nsleep 0\nwaited true\n".to_owned(),
            )?;
            let (_, waits, _) = answered(&observation)?;
            ensure_eq("waits", &waits, &3)?;
        }
        Ok(())
    });
    add(trials, "a_wait_that_a_signal_disturbs_goes_on", || {
        let observation = run(me("wait-disturbed"), ClockShift::ahead(DAY))?;
        ensure_eq("what was said", &text(&observation), &"[4, 0] true".to_owned())
    });
    add(trials, "threads_and_processes_ask_at_the_same_time", || {
        let line = "for i in 1 2 3 4 5 6 7 8; do date +%s & done; wait";
        let shift = ClockShift::back(DAY);
        let observation = run(HookCommand::shell(line), shift)?;
        ensure_eq("how many", &text(&observation).lines().count(), &8)?;
        text(&observation).lines().try_for_each(|line| ensure_moved(line, shift))
    });
    add(trials, "who_asks_all_the_time_is_killed_at_the_deadline", || {
        let deadline = Duration::from_millis(500);
        let command = me("ask-for-ever").deadline(deadline).grace(Duration::from_millis(100));
        let watch = Watch::default().clock(ClockShift::ahead(DAY));
        let observation = Harness::new()?.run(&command.watch(watch))?;
        ensure(matches!(observation.ending, Ending::TimedOut { .. }), || format!("{observation:?}"))?;
        ensure(observation.wall < deadline + Duration::from_secs(10), || format!("{:?}", observation.wall))?;
        let (answered, ..) = answered(&observation)?;
        ensure(answered > 1000, || format!("asked only {answered} times"))
    });
    add(trials, "no_shift_no_report", || {
        let observation = Harness::new()?.run(&HookCommand::shell("date +%s").watch(Watch::default()))?;
        ensure_eq("clock", &report(&observation)?.clock, &None)?;
        ensure_moved(&text(&observation), ClockShift::ahead(Duration::ZERO))
    });
    add(trials, "the_next_run_has_the_clock_of_the_system", || {
        let harness = Harness::new()?;
        let moved = HookCommand::shell("date +%s").watch(Watch::default().clock(ClockShift::ahead(DAY)));
        for _ in 0..2 {
            ensure_moved(&text(&harness.run(&moved)?), ClockShift::ahead(DAY))?;
            let plain = harness.run(&HookCommand::shell("date +%s").watch(Watch::default()))?;
            ensure_moved(&text(&plain), ClockShift::ahead(Duration::ZERO))?;
            ensure_moved(&text(&harness.run(&HookCommand::shell("date +%s"))?), ClockShift::ahead(Duration::ZERO))?;
        }
        Ok(())
    });
    add(trials, "a_fault_and_a_moved_clock_go_together", || {
        let shift = ClockShift::ahead(DAY);
        let watch = Watch::for_patterns(["cat*".parse()?])
            .fault(FaultAction::FailExec { error: ExecError::Denied })
            .clock(shift);
        let observation = Harness::new()?.run(&HookCommand::shell("cat /dev/null || date +%s").watch(watch))?;
        ensure(matches!(report(&observation)?.fault, Some(FaultReport::Done(_))), || format!("{observation:?}"))?;
        ensure_moved(&text(&observation), shift)
    });
    add(trials, "a_sandbox_and_a_moved_clock_go_together", || {
        let shift = ClockShift::ahead(DAY);
        let observation = run(HookCommand::shell("date +%s").sandbox(Sandbox::open().read_only()), shift)?;
        ensure_moved(&text(&observation), shift)
    });
    add(trials, "a_program_of_32_bits_is_left_out_and_said_so", || {
        if std::env::consts::ARCH != "x86_64" {
            return Ok(());
        }
        let programs = Programs::new()?;
        let narrow = programs.narrow_program("narrow")?;
        let line = format!("{}; exit 0", narrow.display());
        let observation = run(HookCommand::shell(line), ClockShift::ahead(DAY))?;
        let began =
            report(&observation)?.seen.iter().any(|seen| seen.command_line.iter().any(|word| word.ends_with("narrow")));
        let (_, _, gaps) = answered(&observation)?;
        // A system without programs of 32 bits starts none.
        ensure_eq("gaps", &gaps.len(), &usize::from(began))
    });
    add(trials, "who_cannot_move_the_clock_says_so", || {
        let watch = Watch::default().clock(ClockShift::ahead(DAY));
        let harness = Harness::with_mechanism(MechanismChoice::Posix)?;
        let observation = harness.run(&HookCommand::shell("date +%s").watch(watch))?;
        ensure_moved(&text(&observation), ClockShift::ahead(Duration::ZERO))?;
        let report = report(&observation)?;
        let told = matches!(&report.clock, Some(ClockReport::NotMoved { because }) if !because.is_empty());
        ensure(told && matches!(report.coverage, Coverage::None { .. }), || format!("{report:?}"))
    });
}

/// The C library reads the clock without the kernel where it can.
const ASKS_IN_C: &str = "#include <stdio.h>\n#include <time.h>\n\
    int main(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); printf(\"%ld\\n\", (long)t.tv_sec); return 0; }\n";
