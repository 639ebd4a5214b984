//! The data files, compiled in: path and text, sorted by path. `build.rs` collects them.

mod files {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// Paths, with forward slashes, and texts.
pub(crate) type Table = &'static [(&'static str, &'static str)];

/// `contracts/<platform>.toml`.
pub(crate) fn contracts() -> Table {
    files::CONTRACTS
}

/// `requirements/<category>.toml`.
pub(crate) fn requirements() -> Table {
    files::REQUIREMENTS
}

/// `launchers/<kind>.toml`.
pub(crate) fn launchers() -> Table {
    files::LAUNCHERS
}

/// `scenarios/<scenario>.toml`.
pub(crate) fn scenarios() -> Table {
    files::SCENARIOS
}

/// `schemas/<platform>/<Event>.<input|output>.json`.
pub(crate) fn schemas() -> Table {
    files::SCHEMAS
}

/// `fixtures/payloads/<platform>/<Event>/<name>.json`.
pub(crate) fn payloads() -> Table {
    files::PAYLOADS
}

/// `fixtures/payloads/<platform>/templates.toml`.
pub(crate) fn templates() -> Table {
    files::TEMPLATES
}

/// `fixtures/situations/<topic>.toml`.
pub(crate) fn situations() -> Table {
    files::SITUATIONS
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Table, contracts, launchers, payloads, requirements, scenarios, schemas, situations, templates};

    #[rstest]
    #[case(contracts(), "contracts/", 1)]
    #[case(requirements(), "requirements/", 1)]
    #[case(launchers(), "launchers/", 1)]
    #[case(scenarios(), "scenarios/", 1)]
    #[case(schemas(), "schemas/", 2)]
    #[case(payloads(), "fixtures/payloads/", 3)]
    #[case(templates(), "fixtures/payloads/", 1)]
    #[case(situations(), "fixtures/situations/", 1)]
    fn tables_are_sorted_and_named_from_their_folder(#[case] table: Table, #[case] folder: &str, #[case] least: usize) {
        assert!(table.len() >= least, "{folder} holds {} files", table.len());
        assert!(table.iter().all(|(path, _)| path.starts_with(folder) && !path.contains('\\')));
        assert!(table.is_sorted_by(|(a, _), (b, _)| a < b));
    }
}
