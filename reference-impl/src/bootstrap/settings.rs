//! What the environment says.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::platform;

/// Names the state folder; empty counts as absent.
pub(crate) const STATE_VARIABLE: &str = "HOOKPROOF_STATE_DIR";
/// The state folder below a person's folder where no other is named.
const STATE_BELOW_HOME: &str = ".hookproof-reference";
/// How long the builder may take, in milliseconds.
const LIMIT_VARIABLE: &str = "HOOKPROOF_REFERENCE_BUILD_LIMIT_MS";
/// How long the builder takes at least, in milliseconds: it makes the build as slow as builds are elsewhere.
const TIME_VARIABLE: &str = "HOOKPROOF_REFERENCE_BUILD_TIME_MS";
/// Half of the time that hosts give a hook at the start of a session where nothing else is configured, which is 60 s.
const LIMIT: Duration = Duration::from_secs(30);
/// Nobody waits longer for a build, whatever the environment says.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Why there is no state folder. Each message finishes the sentence "failed to ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoStateFolder {
    /// Neither variable is set.
    #[error("find a state folder: neither {STATE_VARIABLE} nor {} is set", platform::HOME)]
    Unnamed,
    /// A relative folder would be another one wherever the hook is started.
    #[error("use the state folder {0:?}: it is not an absolute path")]
    Relative(PathBuf),
}

/// The state folder.
///
/// # Errors
///
/// Returns [`NoStateFolder`] if the environment names none that can be used.
pub(crate) fn state_folder() -> Result<PathBuf, NoStateFolder> {
    folder_from(env::var_os(STATE_VARIABLE), env::var_os(platform::HOME))
}

fn folder_from(named: Option<OsString>, home: Option<OsString>) -> Result<PathBuf, NoStateFolder> {
    let set = |value: Option<OsString>| value.filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set(named).or_else(|| Some(set(home)?.join(STATE_BELOW_HOME))).ok_or(NoStateFolder::Unnamed)?;
    if folder.is_absolute() { Ok(folder) } else { Err(NoStateFolder::Relative(folder)) }
}

/// How long the builder may take.
pub(crate) fn build_limit() -> Duration {
    milliseconds(env::var(LIMIT_VARIABLE).ok()).filter(|limit| !limit.is_zero()).unwrap_or(LIMIT)
}

/// How long the builder takes at least.
pub(crate) fn build_time() -> Duration {
    milliseconds(env::var(TIME_VARIABLE).ok()).unwrap_or_default()
}

fn milliseconds(value: Option<String>) -> Option<Duration> {
    value?.trim().parse().ok().map(|value| Duration::from_millis(value).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// An absolute folder of this system.
    fn absolute(name: &str) -> PathBuf {
        env::temp_dir().join(name)
    }

    #[rstest]
    #[case(Some("state"), Some("home"), Ok("state"))]
    #[case(Some("state"), None, Ok("state"))]
    #[case(None, Some("home"), Ok("home/.hookproof-reference"))]
    fn the_variable_goes_before_home(
        #[case] named: Option<&str>,
        #[case] home: Option<&str>,
        #[case] folder: Result<&str, NoStateFolder>,
    ) {
        let value = |name: Option<&str>| name.map(|name| absolute(name).into_os_string());
        assert_eq!(folder_from(value(named), value(home)), folder.map(absolute));
    }

    #[rstest]
    #[case(None, None, NoStateFolder::Unnamed)]
    #[case(Some(""), Some(""), NoStateFolder::Unnamed)]
    #[case(Some("state"), None, NoStateFolder::Relative("state".into()))]
    #[case(Some(""), Some("."), NoStateFolder::Relative(PathBuf::from(".").join(STATE_BELOW_HOME)))]
    fn without_a_folder_there_is_a_reason(
        #[case] named: Option<&str>,
        #[case] home: Option<&str>,
        #[case] reason: NoStateFolder,
    ) {
        assert_eq!(folder_from(named.map(OsString::from), home.map(OsString::from)), Err(reason));
    }

    #[rstest]
    #[case("250", Some(250))]
    #[case(" 7 ", Some(7))]
    #[case("99999999999999", Some(3_600_000))]
    #[case("soon", None)]
    #[case("-1", None)]
    #[case("", None)]
    fn times(#[case] text: &str, #[case] time: Option<u64>) {
        assert_eq!(milliseconds(Some(text.into())), time.map(Duration::from_millis));
    }
}
