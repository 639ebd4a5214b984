//! What is checked with, and the one way to check.

use std::collections::BTreeMap;
use std::error::Error;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use hookproof::contract::Contract;
use hookproof::judge::{Judgement, Verdict};
use hookproof::payload::{Payloads, Placed};
use hookproof::plan::{Case, Filter, Scenarios, plan};
use hookproof::report::{CaseFinished, ReportEvent};
use hookproof::requirement::{Catalogue, Level};
use hookproof::run::{CheckOptions, Checker, Confinement, Interrupter};
use hookproof::subject::{ProjectFile, Subject};
use libtest_mimic::Arguments;

/// The contract and everything that is built in.
pub(crate) struct Suite {
    pub(crate) contract: Contract,
    pub(crate) catalogue: &'static Catalogue,
    pub(crate) scenarios: &'static Scenarios,
    pub(crate) payloads: &'static Payloads,
    /// The same with a payload of a user on [`HOME`], of which something is expected.
    pub(crate) with_own: Payloads,
}

/// The platform on which a payload of a user is run.
pub(crate) const HOME: &str = "claude-code";

/// The payloads with one of a user, which a guard has to refuse with a reason that says why.
fn with_own(contract: &Contract) -> Result<Payloads, Box<dyn Error>> {
    let mut payloads = Payloads::built_in()?.clone();
    if contract.platform.id != HOME {
        return Ok(payloads);
    }
    let text = r#"
        [[case]]
        name = "own"
        event = "PreToolUse"
        payload = { tool_input = { command = "rm -rf /" } }
        expect = "block"
        reason = "removes the root"
        context = "removes the root"
    "#;
    for case in ProjectFile::parse(text, "hookproof.toml".as_ref())?.cases {
        if let Placed::Payloads(placed) = case.document.on(contract, &payloads, &[]) {
            placed.into_iter().for_each(|payload| payloads.add(payload));
        }
    }
    Ok(payloads)
}

impl Suite {
    pub(crate) fn new(contract: Contract) -> Result<Self, Box<dyn Error>> {
        Ok(Suite {
            with_own: with_own(&contract)?,
            contract,
            catalogue: Catalogue::built_in()?,
            scenarios: Scenarios::built_in()?,
            payloads: Payloads::built_in()?,
        })
    }

    /// The cases of these subjects with these payloads, at these events and in these scenarios; in all of them where none
    /// is named.
    pub(crate) fn plan<'a>(
        &'a self,
        payloads: &'a Payloads,
        subjects: &'a [Subject],
        events: &[&str],
        scenarios: &[&str],
    ) -> Vec<Case<'a>> {
        let owned = |names: &[&str]| names.iter().copied().map(str::to_owned).collect();
        let filter = Filter { events: owned(events), scenarios: owned(scenarios) };
        plan(&self.contract, subjects, payloads, self.scenarios, &filter)
    }

    /// Runs and judges the cases.
    pub(crate) fn check(
        &self,
        subjects: &[Subject],
        cases: &[Case<'_>],
        patience: Duration,
    ) -> Result<Vec<CaseFinished>, Box<dyn Error>> {
        if cases.is_empty() {
            return Ok(Vec::new());
        }
        let checker = Checker {
            contract: &self.contract,
            catalogue: self.catalogue,
            options: CheckOptions {
                slots: None,
                jobs: thread::available_parallelism().map_or(1, NonZeroUsize::get),
                patience,
                level: Level::May,
                fail_fast: false,
                environment: BTreeMap::new(),
                launchers: Vec::new(),
                confinement: Confinement::default(),
                left_out: Vec::new(),
            },
            interrupter: Interrupter::default(),
        };
        let mut finished = Vec::new();
        checker.check(subjects, &[], cases, |event| {
            if let ReportEvent::CaseFinished(case) = event {
                finished.push(CaseFinished::clone(case));
            }
            Ok(())
        })?;
        Ok(finished)
    }
}

/// Whether the arguments select the trial, by the rules of the test runner.
pub(crate) fn is_selected(arguments: &Arguments, name: &str) -> bool {
    let fits = |filter: &String| if arguments.exact { name == filter } else { name.contains(filter.as_str()) };
    !arguments.list && arguments.filter.as_ref().is_none_or(fits) && !arguments.skip.iter().any(fits)
}

/// What went wrong in a judgement, in the words of a report; `None` if nothing did.
pub(crate) fn complaint(case: &CaseFinished, judgement: &Judgement) -> Option<String> {
    match &judgement.verdict {
        Verdict::Fail(finding) => Some(format!(
            "{}: {} [{}] {}\n    {}\n    {}",
            case.case,
            judgement.level,
            judgement.requirement,
            finding.observed,
            finding.consequence,
            finding.evidence.join("\n    ")
        )),
        Verdict::HarnessError { message } => Some(format!("{}: the harness failed: {message}", case.case)),
        Verdict::Pass | Verdict::Note(_) | Verdict::Skip { .. } => None,
    }
}
