//! Keeping a program to its limits on Unix: what the child sets for itself, what is done for it from outside, and
//! what becomes of each limit.

use std::ffi::{CString, c_int};
use std::io;
use std::time::Duration;

use rlimit::Resource;

use super::cage::CageAnswers;
use super::child::{ChildLimit, MOST_LIMITS};
use super::footprint;
use super::groups::{Group, Groups};
use super::privilege;
use crate::limits::{Limit, LimitProof, LimitReport, Limits};
use crate::observation::StartError;
use crate::platform::{End, Status};

/// How often a tree that nobody else keeps to its memory is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(5);
/// What is known of the ended process itself, besides its status.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OwnFacts {
    /// CPU time of the process alone, without its children.
    pub(crate) cpu: Option<Duration>,
    /// Whether the program began to run. `Some(false)` if the system killed it while it was being loaded.
    pub(crate) executed: Option<bool>,
    /// What the system answered to each limit, in the order of the child's limits.
    pub(crate) answers: [c_int; MOST_LIMITS],
    /// What the system answered when it was put into its cage.
    pub(crate) cage: CageAnswers,
}

/// Who keeps the tree to its real memory.
#[derive(Debug)]
enum Memory {
    Unlimited,
    Group { bytes: u64, group: Group },
    Watched { bytes: u64, because: String },
    Nobody { bytes: u64, because: String },
}

/// The limits of one run.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// Those that the child sets for itself.
    rlimits: Vec<(Limit, u64)>,
    memory: Memory,
}

/// A limit as the system knows it. `None` if it knows no such limit.
fn resource(limit: Limit) -> Option<(Resource, c_int)> {
    let (resource, number) = match limit {
        Limit::AddressSpace => (Resource::AS, libc::RLIMIT_AS as c_int),
        Limit::Data => (Resource::DATA, libc::RLIMIT_DATA as c_int),
        Limit::Stack => (Resource::STACK, libc::RLIMIT_STACK as c_int),
        Limit::Cpu => (Resource::CPU, libc::RLIMIT_CPU as c_int),
        Limit::OpenFiles => (Resource::NOFILE, libc::RLIMIT_NOFILE as c_int),
        Limit::FileSize => (Resource::FSIZE, libc::RLIMIT_FSIZE as c_int),
        Limit::Processes => (Resource::NPROC, libc::RLIMIT_NPROC as c_int),
        Limit::Memory => return None,
    };
    resource.is_supported().then_some((resource, number))
}

impl Keeper {
    pub(crate) fn new(limits: &Limits, groups: &mut Groups) -> Self {
        let rlimits = limits.iter().filter(|(limit, _)| resource(*limit).is_some()).collect();
        let memory = match limits.get(Limit::Memory) {
            None => Memory::Unlimited,
            Some(bytes) => match groups.create(bytes) {
                Ok(group) => Memory::Group { bytes, group },
                Err(because) if footprint::KNOWN => Memory::Watched { bytes, because },
                Err(because) => Memory::Nobody { bytes, because },
            },
        };
        Keeper { rlimits, memory }
    }

    /// The limits that one process can have, without those of a whole tree.
    #[cfg(target_os = "linux")]
    pub(crate) fn of_one_process(limits: &Limits) -> Self {
        let rlimits = limits.iter().filter(|(limit, _)| resource(*limit).is_some()).collect();
        Keeper { rlimits, memory: Memory::Unlimited }
    }

    /// What the child sets for itself: soft equals hard, CPU time excepted.
    pub(crate) fn child_limits(&self) -> Vec<ChildLimit> {
        let known = self.rlimits.iter().filter_map(|(limit, value)| Some((*limit, *value, resource(*limit)?.1)));
        known
            .map(|(limit, value, resource)| {
                // RLIM_INFINITY would lift the limit.
                let soft = (value as libc::rlim_t).min(libc::RLIM_INFINITY - 2);
                let hard = if limit == Limit::Cpu { soft + 1 } else { soft };
                ChildLimit { resource, soft, hard }
            })
            .collect()
    }

    /// The file of the control group that the child enters.
    pub(crate) fn group_file(&self) -> Option<CString> {
        match &self.memory {
            Memory::Group { group, .. } => Some(group.members_file()),
            _ => None,
        }
    }

    /// Whether a limit may leave no room even for loading the program.
    pub(crate) fn may_prevent_loading(&self) -> bool {
        let sized = |limit: &Limit| matches!(limit, Limit::AddressSpace | Limit::Data | Limit::Stack);
        self.rlimits.iter().any(|(limit, _)| sized(limit)) || matches!(self.memory, Memory::Group { .. })
    }

    /// The child was not let into the control group: none is used from now on.
    pub(crate) fn group_refused(&self, error: &StartError) {
        if let Memory::Group { group, .. } = &self.memory {
            group.refuse(&error.message);
        }
    }

    /// Which limit ended the process, if that is proven.
    pub(crate) fn hit(&self, end: &End, facts: &OwnFacts) -> Option<(Limit, LimitProof)> {
        let Status::Signaled { signal, .. } = end.status else {
            return None;
        };
        let proof = LimitProof::Signal { signal };
        let cpu = self.held(Limit::Cpu, facts).map(Duration::from_secs);
        match signal {
            libc::SIGXFSZ if self.held(Limit::FileSize, facts).is_some() => Some((Limit::FileSize, proof)),
            // Anybody can send the signal; the kernel does so only when the time has been used.
            libc::SIGXCPU if cpu.is_some_and(|cpu| facts.cpu.is_none_or(|used| used >= cpu)) => {
                Some((Limit::Cpu, proof))
            }
            libc::SIGKILL => match (cpu, facts.cpu) {
                (Some(cpu), Some(used)) if used >= cpu => Some((Limit::Cpu, LimitProof::CpuTime { used })),
                _ => self.group_proof().map(|proof| (Limit::Memory, proof)),
            },
            _ => None,
        }
    }

    /// The value of a limit that the child could set.
    fn held(&self, limit: Limit, facts: &OwnFacts) -> Option<u64> {
        let place = self.rlimits.iter().position(|(set, _)| *set == limit)?;
        (facts.answers[place] == 0).then_some(self.rlimits[place].1)
    }

    fn group_proof(&self) -> Option<LimitProof> {
        match &self.memory {
            Memory::Group { group, .. } => match group.killed_for_memory() {
                0 => None,
                count => Some(LimitProof::OomKill { count }),
            },
            _ => None,
        }
    }

    /// The system killed the program while it was being loaded.
    pub(crate) fn killed_while_loading(&self, signal: i32, facts: &OwnFacts, program: &str) -> StartError {
        let held: Vec<String> = self
            .reports(facts)
            .iter()
            .filter(|report| report.is_enforced())
            .map(|report| format!("{} {} {}", report.limit, report.value, report.limit.unit()))
            .collect();
        let mut message = format!(
            "`{program}`: the system killed it by signal {signal} while it was being loaded; limits in force: {}",
            held.join(", ")
        );
        if let Some(proof) = self.group_proof() {
            message = format!("{message}; {proof}");
        }
        StartError { os_error: None, step: "load the program".into(), message }
    }

    pub(crate) fn watch_every(&self) -> Option<Duration> {
        matches!(self.memory, Memory::Watched { .. }).then_some(WATCH_EVERY)
    }

    /// What the tree occupies, if that is above a limit that we have to watch.
    pub(crate) fn over_memory(&self, members: impl FnOnce() -> Vec<i32>) -> Option<u64> {
        let Memory::Watched { bytes, .. } = self.memory else {
            return None;
        };
        let members = members();
        // Shared pages are counted with everyone who shares them, which is quick to ask and never too little. Only who
        // is above the limit by that is asked for its exact share.
        let at_most: u64 = members.iter().map(|pid| footprint::resident(*pid)).sum();
        if at_most <= bytes {
            return None;
        }
        let exact: u64 = members.iter().map(|pid| footprint::share(*pid)).sum();
        (exact > bytes).then_some(exact)
    }

    /// What became of each limit.
    pub(crate) fn reports(&self, facts: &OwnFacts) -> Vec<LimitReport> {
        let mut reports: Vec<LimitReport> = self
            .rlimits
            .iter()
            .zip(facts.answers)
            .map(|((limit, value), answer)| rlimit_report(*limit, *value, answer))
            .collect();
        match &self.memory {
            Memory::Unlimited => {}
            Memory::Group { bytes, .. } => {
                let mut report =
                    LimitReport::enforced(Limit::Memory, *bytes, "cgroup v2 memory.max, for the whole tree together");
                report.proof = self.group_proof();
                reports.push(report);
            }
            Memory::Watched { bytes, because } => reports.push(LimitReport::enforced(
                Limit::Memory,
                *bytes,
                format!(
                    "watched: {} of the whole tree is looked at about every {} ms, and what grows faster passes the limit \
                     until then (no control group, because {because})",
                    footprint::WHAT,
                    WATCH_EVERY.as_millis()
                ),
            )),
            Memory::Nobody { bytes, because } => {
                let because = format!("{because}, and the memory of other processes cannot be read here");
                reports.push(LimitReport::not_enforced(Limit::Memory, *bytes, because));
            }
        }
        reports
    }
}

fn rlimit_report(limit: Limit, value: u64, answer: c_int) -> LimitReport {
    let Some((resource, _)) = resource(limit) else {
        return LimitReport::not_enforced(limit, value, "this system knows no such limit");
    };
    let name = resource.as_name();
    if answer != 0 {
        let error = io::Error::from_raw_os_error(answer);
        let bound = match resource.get_hard() {
            Ok(hard) if hard < value => format!("; the hard limit here is {hard}"),
            _ => String::new(),
        };
        return LimitReport::not_enforced(limit, value, format!("setting {name} was refused: {error}{bound}"));
    }
    if let Some(because) = not_kept(limit) {
        return LimitReport::not_enforced(limit, value, format!("{name} is set, but {because}"));
    }
    let whom = match limit {
        Limit::Processes => "which counts all processes and threads of this user",
        Limit::FileSize => "for each file",
        _ => "for each process by itself",
    };
    LimitReport::enforced(limit, value, format!("{name}, {whom}"))
}

/// Why the system does not keep a limit that it lets be set.
fn not_kept(limit: Limit) -> Option<&'static str> {
    match limit {
        Limit::Processes => privilege::exempt_from_process_limit(),
        // XNU hands both to the memory map and ignores its answer at exec (bsd/kern/kern_exec.c), and what practice
        // reports of it differs between versions.
        Limit::AddressSpace | Limit::Data if cfg!(target_vendor = "apple") => {
            Some("whether this system keeps it after exec is not known")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn keeper(limits: &Limits) -> Keeper {
        Keeper::new(limits, &mut Groups::unusable("a test has none"))
    }

    fn hit(limits: &Limits, signal: i32, cpu: Option<u64>, answer: c_int) -> Option<Limit> {
        let status = Status::Signaled { signal, core_dumped: false };
        let end = End { status, at: Duration::ZERO, killed_by: None, hit: None };
        let mut facts = OwnFacts { cpu: cpu.map(Duration::from_millis), ..OwnFacts::default() };
        facts.answers[0] = answer;
        keeper(limits).hit(&end, &facts).map(|(limit, _)| limit)
    }

    #[rstest]
    #[case::time_is_used(libc::SIGXCPU, Some(1003), 0, true)]
    #[case::somebody_sent_the_signal(libc::SIGXCPU, Some(10), 0, false)]
    #[case::time_is_not_known(libc::SIGXCPU, None, 0, true)]
    #[case::trapped_and_killed_later(libc::SIGKILL, Some(2004), 0, true)]
    #[case::killed_by_somebody(libc::SIGKILL, Some(900), 0, false)]
    #[case::killed_and_the_time_is_not_known(libc::SIGKILL, None, 0, false)]
    #[case::the_limit_was_refused(libc::SIGXCPU, Some(1003), libc::EPERM, false)]
    #[case::another_signal(libc::SIGSEGV, Some(1003), 0, false)]
    fn the_cpu_limit_is_hit_only_if_the_time_was_used(
        #[case] signal: i32,
        #[case] milliseconds: Option<u64>,
        #[case] answer: c_int,
        #[case] expected: bool,
    ) {
        let found = hit(&Limits::none().cpu_seconds(1), signal, milliseconds, answer);
        assert_eq!(found, expected.then_some(Limit::Cpu));
    }

    #[rstest]
    #[case(Limits::none().file_size(10), libc::SIGXFSZ, Some(Limit::FileSize))]
    #[case(Limits::none().cpu_seconds(10), libc::SIGXFSZ, None)]
    #[case(Limits::none().address_space(10), libc::SIGSEGV, None)]
    #[case(Limits::none().memory(10), libc::SIGKILL, None)]
    fn other_limits_need_their_own_proof(#[case] limits: Limits, #[case] signal: i32, #[case] expected: Option<Limit>) {
        assert_eq!(hit(&limits, signal, None, 0), expected);
    }

    #[test]
    fn soft_equals_hard_but_for_cpu_time() {
        let limits = Limits::none().cpu_seconds(3).data(7).stack(u64::MAX);
        let set = keeper(&limits).child_limits();
        let pairs: Vec<_> = set.iter().map(|limit| (limit.soft, limit.hard)).collect();
        let largest = libc::RLIM_INFINITY - 2;
        assert_eq!(pairs, [(7, 7), (largest, largest), (3, 4)]);
    }

    #[test]
    fn what_was_refused_is_told_with_the_reason() {
        let report = rlimit_report(Limit::OpenFiles, u64::MAX - 9, libc::EPERM);
        let text = report.to_string();
        assert!(
            !report.is_enforced() && text.contains("RLIMIT_NOFILE was refused") && text.contains("hard limit"),
            "{text}"
        );
    }

    #[test]
    fn memory_without_a_group_is_watched_where_it_can_be_read() {
        let limits = Limits::none().memory(1 << 30);
        let keeper = keeper(&limits);
        let report = &keeper.reports(&OwnFacts::default())[0];
        assert_eq!(report.is_enforced(), footprint::KNOWN);
        assert!(report.to_string().contains("a test has none"));
        let own = || vec![i32::try_from(std::process::id()).expect("a process id")];
        assert_eq!(keeper.over_memory(own), None, "this test is smaller than a gibibyte");
        let tiny = Keeper::new(&Limits::none().memory(4096), &mut Groups::unusable("a test has none"));
        assert!(!footprint::KNOWN || tiny.over_memory(own).is_some_and(|bytes| bytes > 4096));
    }
}
