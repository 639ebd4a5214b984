//! What a configuration says of itself, as a case of the report.

use std::time::Duration;

use crate::contract::Contract;
use crate::judge::{Finding, Judgement, Verdict};
use crate::plan::CaseId;
use crate::report::CaseFinished;
use crate::requirement::Level;
use crate::subject::{ConfigNotice, FilePlace};

/// The name in place of event, payload and scenario, where nothing is run.
const CONFIGURATION: &str = "configuration";

/// The notices as one finished case without runs; `None` if there are none.
pub(super) fn judged(contract: &Contract, notices: &[ConfigNotice]) -> Option<CaseFinished> {
    let first = notices.first()?;
    let name =
        first.file.file_name().map_or_else(|| CONFIGURATION.to_owned(), |name| name.to_string_lossy().into_owned());
    let case = CaseId {
        subject: name,
        platform: contract.platform.id.clone(),
        version: contract.version.to_string(),
        event: CONFIGURATION.to_owned(),
        payload: CONFIGURATION.to_owned(),
        scenario: CONFIGURATION.to_owned(),
    };
    let judgements = notices.iter().map(judgement).collect();
    let (runs, wall) = (Vec::new(), Duration::ZERO);
    Some(CaseFinished { case, judgements, runs, wall, harmful: false, kind: None, unless_stopped: None })
}

fn judgement(notice: &ConfigNotice) -> Judgement {
    let finding = Finding {
        observed: format!("{}: {}", notice.place(), notice.message),
        consequence: notice.consequence.clone(),
        evidence: vec![format!("{} | {}", notice.line, notice.excerpt), notice.help.clone()],
        // What only the suite leaves out says nothing about the platform.
        doubt: notice.level.is_none().then(|| match notice.requirement.as_str() {
            "config.unsupported-handler" | "config.not-run" | "config.program-missing" => {
                "hookproof does not run this hook here and says nothing about it".to_owned()
            }
            _ => "this is only for your information".to_owned(),
        }),
        location: Some(FilePlace { file: notice.file.clone(), line: notice.line, column: notice.column }),
        ..Finding::default()
    };
    let counts = notice.level.is_some() && notice.evidence.is_settled();
    Judgement {
        requirement: notice.requirement.clone(),
        level: notice.level.unwrap_or(Level::May),
        verdict: if counts { Verdict::Fail(finding) } else { Verdict::Note(finding) },
    }
}
