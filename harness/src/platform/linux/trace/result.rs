//! What the spawner has written about a run, as a report.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::area::{Clock, Faulted, Stage, WatchArea};
use super::call::KNOWN;
use super::calls::is_superuser;
use super::log::Start;
use super::plan::PreparedWatch;
use crate::platform::unix::OwnFacts;
use crate::watch::{
    ClockReport, CommandEnd, CommandForm, Coverage, Created, Disposition, FaultDone, FaultReport, SeenCommand,
    WatchReport, status_of,
};

const MEANS: &str = "ptrace: every program of the tree is looked at when it has been loaded and has not run yet";
const CLOCK_MEANS: &str = "programs are not told where the kernel's own code for the clock is, and what they ask the kernel \
                           instead is answered in its place";

impl PreparedWatch {
    /// The report on a run that is over. `start` is its beginning on the spawner's clock.
    pub(in super::super) fn report(&self, area: &WatchArea, start: i64) -> WatchReport {
        let refused = area.entrance.refused.load(Ordering::Relaxed);
        if refused != 0 {
            let because = format!("the system refused to trace it: {}", io::Error::from_raw_os_error(refused));
            return WatchReport::blind(&self.watch, because);
        }
        let mut starts: Vec<_> = area.log.all().collect();
        starts.sort_by_key(|(found, _)| found.order);
        WatchReport {
            coverage: self.coverage(&area.faulted),
            seen: starts.into_iter().map(|(found, line)| seen(found, line, start)).collect(),
            dropped: area.log.dropped(),
            undecided: 0,
            created: Some(created(area)),
            fault: self.watch.fault.as_ref().map(|_| self.fault(area, start)),
            clock: self.watch.clock.map(|_| clock(area)),
        }
    }

    fn coverage(&self, faulted: &Faulted) -> Coverage {
        let mut gaps = Vec::new();
        if faulted.lost > 0 {
            gaps.push(format!("of {} processes it is not known from whom they descend", faulted.lost));
        }
        if faulted.unread > 0 {
            gaps.push(format!("the arguments of {} starts could not be read before they happened", faulted.unread));
        }
        if self.left_out > 0 {
            gaps.push(format!("{} patterns were too many and were not looked for", self.left_out));
        }
        let means = MEANS.into();
        if gaps.is_empty() {
            Coverage::Complete { means }
        } else {
            Coverage::Partial { means, because: gaps.join("; ") }
        }
    }

    fn fault(&self, area: &WatchArea, start: i64) -> FaultReport {
        let faulted = &area.faulted;
        if let Some(because) = &self.impossible {
            return FaultReport::Impossible { because: because.clone() };
        }
        if let Some(because) = no_filter(area) {
            return FaultReport::Impossible { because };
        }
        let line = faulted.line.get(..faulted.length as usize).unwrap_or_default();
        let (pid, command_line) = (faulted.pid.cast_unsigned(), words(line));
        let ended = (faulted.ended != 0).then(|| ended(faulted.status, faulted.ended_at, start));
        if faulted.stage == Stage::Failed as i32 {
            FaultReport::Impossible { because: "the system did not let the call be answered in its place".into() }
        } else if faulted.stage == Stage::Waiting as i32 {
            FaultReport::NotReached { matching_seen: faulted.counted }
        } else if faulted.stage == Stage::Done as i32 {
            FaultReport::Done(FaultDone {
                pid,
                of_the_hook: faulted.pid == faulted.hook,
                at: since(faulted.at, start),
                command_line,
                repeated: faulted.repeated,
                disposition: disposition(faulted.disposition),
                limits: self.limits(faulted),
                began: faulted.began != 0,
                ended,
            })
        } else {
            FaultReport::EndedBefore { pid, command_line, ended }
        }
    }

    fn limits(&self, faulted: &Faulted) -> Vec<crate::limits::LimitReport> {
        let facts = OwnFacts { answers: faulted.answers, ..OwnFacts::default() };
        let mut reports = self.keeper.as_ref().map(|keeper| keeper.reports(&facts)).unwrap_or_default();
        reports.extend(self.unset.iter().cloned());
        reports
    }

    /// What a watched run does differently from others.
    pub(in super::super) fn gaps(&self, area: &WatchArea) -> Vec<String> {
        let mut gaps = Vec::new();
        if area.entrance.refused.load(Ordering::Relaxed) == 0 {
            gaps.push("while they are watched, programs cannot trace one another".into());
            if area.entrance.no_new_privileges.load(Ordering::Relaxed) != 0 {
                gaps.push(
                    "while calls stop for a fault or a moved clock, set-user-id programs get no privileges".into(),
                );
            } else if !is_superuser() {
                gaps.push("while they are watched, set-user-id programs get no privileges".into());
            }
        }
        gaps
    }
}

/// Why calls do not stop for the tracer, if they do not.
fn no_filter(area: &WatchArea) -> Option<String> {
    let error = area.entrance.filter_refused.load(Ordering::Relaxed);
    (error != 0).then(|| format!("the system refused the filter for it: {}", io::Error::from_raw_os_error(error)))
}

fn clock(area: &WatchArea) -> ClockReport {
    if !KNOWN {
        let architecture = std::env::consts::ARCH;
        let because = format!("calls cannot be answered on this architecture ({architecture}) yet");
        return ClockReport::NotMoved { because };
    }
    if let Some(because) = no_filter(area) {
        return ClockReport::NotMoved { because };
    }
    let Clock { answered, waits, left_out, .. } = area.clock;
    let gaps = match left_out {
        0 => Vec::new(),
        count => {
            vec![format!("{count} programs of another kind, of 32 bits for example, still read the system's clock")]
        }
    };
    ClockReport::Moved { means: CLOCK_MEANS.into(), answered, waits, gaps }
}

fn created(area: &WatchArea) -> Created {
    let lost = area.faulted.lost;
    let incomplete = (lost > 0).then(|| format!("of {lost} processes it is not known from whom they descend"));
    let count = area.tracees.created;
    Created { count, copies: count.saturating_sub(area.tracees.executed), incomplete }
}

fn since(at: i64, start: i64) -> Duration {
    Duration::from_nanos(u64::try_from(at - start).unwrap_or(0))
}

fn ended(status: i32, at: i64, start: i64) -> CommandEnd {
    status_of(status, since(at, start))
}

fn seen(found: &Start, line: &[u8], start: i64) -> SeenCommand {
    let pattern = usize::try_from(found.pattern).ok();
    SeenCommand {
        at: since(found.at, start),
        pid: found.pid.cast_unsigned(),
        parent: found.parent.cast_unsigned(),
        command_line: words(line),
        pattern,
        form: pattern.map(|_| if found.called != 0 { CommandForm::Called } else { CommandForm::Run }),
        below: u32::try_from(found.below).ok().filter(|pid| *pid != 0),
        ended: (found.ended != 0).then(|| ended(found.status, found.ended_at, start)),
    }
}

fn disposition(number: i32) -> Option<Disposition> {
    match number {
        1 => Some(Disposition::Default),
        2 => Some(Disposition::Handled),
        3 => Some(Disposition::Ignored),
        4 => Some(Disposition::Blocked),
        _ => None,
    }
}

/// Words that end in NUL, the last one perhaps not.
fn words(line: &[u8]) -> Vec<String> {
    if line.is_empty() {
        return Vec::new();
    }
    let line = line.strip_suffix(b"\0").unwrap_or(line);
    line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}
