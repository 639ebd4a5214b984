//! How many processes a hook creates.

use std::collections::BTreeMap;

use hookproof_harness::{Coverage, SeenCommand, WatchReport};

use super::{budget, has_ended, number, skip};
use crate::judge::{Material, Verdict};
use crate::requirement::Requirement;
use crate::run::Run;

/// Programs that a finding names, one more where it would be the only other.
const NAMED: usize = 4;

/// The processes that a run creates stay within the budget.
pub(in crate::judge) fn descendants(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let most = budget(requirement, "most");
    let told: Vec<(&Run, Count<'_>)> =
        material.runs.iter().map(|run| (run, Count::of(run.observation.watch.as_ref()))).collect();
    // What is known of is enough to accuse, also where there were more.
    let above = told.iter().find_map(|(run, count)| match count {
        Count::All(report, count) | Count::AtLeast(report, count, _) if number(*count) > most => {
            Some((run, report, count))
        }
        _ => None,
    });
    if let Some((run, report, count)) = above {
        let programs = frequent(report);
        let observed = format!("the hook creates {count} processes in one run, more than {most:.0}: {programs}");
        return Some(Verdict::Fail(material.finding(run, observed)));
    }
    let unknown = told.iter().find_map(|(run, count)| match count {
        _ if !has_ended(run) => Some("the hook does not end by itself".to_owned()),
        Count::Unknown(because) => Some(format!("nobody counts processes here: {because}")),
        Count::AtLeast(_, count, because) => {
            Some(format!("there were more processes than the {count} seen: {because}"))
        }
        Count::All(..) => None,
    });
    Some(unknown.map_or(Verdict::Pass, skip))
}

/// What a watch says of how many there were.
enum Count<'a> {
    All(&'a WatchReport, u64),
    AtLeast(&'a WatchReport, u64, &'a str),
    Unknown(&'a str),
}

impl<'a> Count<'a> {
    fn of(report: Option<&'a WatchReport>) -> Self {
        let Some(report) = report else { return Count::Unknown("nobody watched what the hook started") };
        match (&report.created, &report.coverage) {
            (Some(created), _) => match &created.incomplete {
                Some(because) => Count::AtLeast(report, created.count, because),
                None => Count::All(report, created.count),
            },
            (None, Coverage::None { because } | Coverage::Partial { because, .. }) => Count::Unknown(because),
            (None, Coverage::Complete { means }) => Count::Unknown(means),
        }
    }
}

/// What the processes were, the most frequent first.
fn frequent(report: &WatchReport) -> String {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for name in report.seen.iter().filter_map(program) {
        *times.entry(name).or_default() += 1;
    }
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let named = if times.len() == NAMED + 1 { times.len() } else { NAMED };
    let mut told: Vec<String> =
        times.iter().take(named).map(|(name, count)| format!("{name} {}", often(*count))).collect();
    let others: usize = times.iter().skip(named).map(|(_, count)| count).sum();
    if others > 0 {
        told.push(format!("others {}", often(others)));
    }
    let copies = report.created.as_ref().map_or(0, |created| created.copies);
    if copies > 0 {
        told.push(format!("and {copies} without a program of their own (such as subshells)"));
    }
    told.join(", ")
}

fn often(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// The name of a program without its folder and, where files of programs have one, its ending.
fn program(seen: &SeenCommand) -> Option<&str> {
    let path = seen.command_line.first()?;
    let name = path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty())?;
    Some(name.strip_suffix(".exe").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hookproof_harness::Created;

    use super::*;

    fn report(lines: &[(&str, usize)], copies: u64) -> WatchReport {
        let seen = |line: &str| SeenCommand {
            at: Duration::ZERO,
            pid: 2,
            parent: 1,
            command_line: line.split(' ').map(str::to_owned).collect(),
            pattern: None,
            form: None,
            below: None,
            ended: None,
        };
        WatchReport {
            coverage: Coverage::Complete { means: "m".into() },
            seen: lines.iter().flat_map(|(line, times)| vec![seen(line); *times]).collect(),
            dropped: 0,
            undecided: 0,
            created: Some(Created { count: 0, copies, incomplete: None }),
            fault: None,
            clock: None,
        }
    }

    #[test]
    fn programs_are_told_by_name_and_the_most_frequent_first() {
        let lines =
            [("/bin/sed s/a/b/", 1), ("sed x", 19), ("jq -r .", 43), (r"C:\Tools\git.exe status", 2), ("cat", 1)];
        assert_eq!(frequent(&report(&lines, 0)), "jq 43 times, sed 20 times, git 2 times, cat once");
        let five = [("a", 5), ("b", 4), ("c", 3), ("d", 2), ("e", 1)];
        assert_eq!(frequent(&report(&five, 0)), "a 5 times, b 4 times, c 3 times, d 2 times, e once");
        let more = [("a", 5), ("b", 4), ("c", 3), ("d", 2), ("e", 1), ("f", 1)];
        let told = "a 5 times, b 4 times, c 3 times, d 2 times, others 2 times, and 7 without a program of their own (such as subshells)";
        assert_eq!(frequent(&report(&more, 7)), told);
    }

    #[test]
    fn who_saw_nothing_counts_nothing() {
        assert!(matches!(Count::of(None), Count::Unknown(_)));
        let blind =
            WatchReport { created: None, coverage: Coverage::None { because: "no eyes".into() }, ..report(&[], 0) };
        assert!(matches!(Count::of(Some(&blind)), Count::Unknown("no eyes")));
        let created = Created { count: 3, copies: 0, incomplete: Some("lost".into()) };
        let partly = WatchReport { created: Some(created), ..report(&[], 0) };
        assert!(matches!(Count::of(Some(&partly)), Count::AtLeast(_, 3, "lost")));
        assert!(matches!(Count::of(Some(&report(&[], 0))), Count::All(_, 0)));
    }
}
