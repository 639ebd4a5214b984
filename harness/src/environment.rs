//! The environment of the child: an allow-list, never a copy.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use crate::platform;

/// The environment of the child: nothing is inherited unless it is named here.
///
/// ```
/// use hookproof_harness::Environment;
///
/// let environment = Environment::minimal().inheriting("LANG").with("CI", "1");
/// assert!(environment.resolve().iter().any(|(name, value)| name == "CI" && value == "1"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Names taken over from the harness's own environment where they are set there.
    pub inherit: Vec<OsString>,
    /// Variables set for the child; they win over inherited ones.
    pub set: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// No variable at all.
    #[must_use]
    pub fn empty() -> Self {
        Environment::default()
    }

    /// What any process needs on this operating system, inherited from the harness.
    ///
    /// Unix: `PATH`, without which a script finds no program. Windows: `PATH` and `PATHEXT` (where programs are found
    /// and what counts as one), `SystemRoot`, `SystemDrive` and `windir` (without `SystemRoot` sockets, cryptography
    /// and side-by-side assemblies fail to load), `COMSPEC` (which command processor to start), `TEMP` and `TMP`
    /// (`GetTempPath` falls back to the Windows folder without them), `NUMBER_OF_PROCESSORS`,
    /// `PROCESSOR_ARCHITECTURE` and `OS` (read by runtimes and build tools to tell where they are).
    #[must_use]
    pub fn minimal() -> Self {
        let inherit = platform::ESSENTIAL_VARIABLES.iter().map(OsString::from).collect();
        Environment { inherit, set: BTreeMap::new() }
    }

    /// Adds a name to take over from the harness.
    #[must_use]
    pub fn inheriting(mut self, name: impl Into<OsString>) -> Self {
        self.inherit.push(name.into());
        self
    }

    /// Adds a variable for the child.
    #[must_use]
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.set.insert(name.into(), value.into());
        self
    }

    /// The variables that the child gets, each name once, in the order of their names.
    #[must_use]
    pub fn resolve(&self) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<(OsString, OsString)> =
            self.set.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        for name in &self.inherit {
            if variables.iter().any(|(taken, _)| platform::same_variable(taken, name)) {
                continue;
            }
            if let Some(value) = std::env::var_os(name) {
                variables.push((name.clone(), value));
            }
        }
        variables.sort();
        variables
    }
}

/// The value of a variable among resolved ones.
pub(crate) fn lookup<'a>(variables: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsStr> {
    let name = OsStr::new(name);
    variables.iter().find(|(taken, _)| platform::same_variable(taken, name)).map(|(_, value)| value.as_os_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_inherited_that_is_not_named() {
        assert_eq!(Environment::empty().resolve(), []);
    }

    #[test]
    fn set_variables_win_over_inherited_ones_and_names_are_unique() {
        let environment = Environment::minimal().inheriting("PATH").with("PATH", "/only/here");
        let resolved = environment.resolve();
        let paths: Vec<_> = resolved.iter().filter(|(name, _)| name == "PATH").collect();
        assert_eq!(paths, [&(OsString::from("PATH"), OsString::from("/only/here"))]);
    }

    #[test]
    fn a_name_that_is_not_set_in_the_harness_is_left_out() {
        let environment = Environment::empty().inheriting("HOOKPROOF_SURELY_NOT_SET");
        assert_eq!(environment.resolve(), []);
    }
}
