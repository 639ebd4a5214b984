//! The local service that a hook talks to.

use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a hook finds the local service that it talks to (a worker, a daemon, a model), so that the suite can put one in its
/// place that refuses, hangs or fails. Nothing of it can be found out from outside; a person says it, on the command line
/// or in `hookproof.toml`.
///
/// ```
/// use hookproof::subject::{LocalService, ServiceForm};
///
/// let service: LocalService = "MY_WORKER_PORT=port".parse()?;
/// assert_eq!(service.variable, "MY_WORKER_PORT");
/// assert_eq!(service.form.of("127.0.0.1:8123".parse()?), "8123");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalService {
    /// The variable that names it.
    #[serde(deserialize_with = "name")]
    pub variable: String,
    /// What stands in the variable.
    #[serde(default)]
    pub form: ServiceForm,
}

/// How an address is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceForm {
    /// `http://127.0.0.1:8123`
    #[default]
    Url,
    /// `8123`
    Port,
    /// `127.0.0.1:8123`
    HostPort,
}

impl ServiceForm {
    /// The address in this form.
    #[must_use]
    pub fn of(self, address: SocketAddr) -> String {
        match self {
            ServiceForm::Url => format!("http://{address}"),
            ServiceForm::Port => address.port().to_string(),
            ServiceForm::HostPort => address.to_string(),
        }
    }
}

/// A text that is no [`LocalService`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalServiceError {
    /// No variable can have this name.
    #[error("failed to read {0:?} as the name of a variable")]
    Name(String),
    /// There is no such form.
    #[error("failed to read {0:?} as the form of an address: expected url, port or host-port")]
    Form(String),
}

impl FromStr for LocalService {
    type Err = LocalServiceError;

    /// Reads `VARIABLE` or `VARIABLE=FORM`.
    fn from_str(text: &str) -> Result<Self, LocalServiceError> {
        let (variable, form) = match text.split_once('=') {
            None => (text, ServiceForm::Url),
            Some((variable, "url")) => (variable, ServiceForm::Url),
            Some((variable, "port")) => (variable, ServiceForm::Port),
            Some((variable, "host-port")) => (variable, ServiceForm::HostPort),
            Some((_, form)) => return Err(LocalServiceError::Form(form.to_owned())),
        };
        if is_name(variable) {
            Ok(LocalService { variable: variable.to_owned(), form })
        } else {
            Err(LocalServiceError::Name(variable.to_owned()))
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(['=', '\0'])
}

fn name<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_name(&text) { Ok(text) } else { Err(serde::de::Error::custom(format!("{text:?} is no name of a variable"))) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("X", "http://127.0.0.1:8123")]
    #[case("X=url", "http://127.0.0.1:8123")]
    #[case("X=port", "8123")]
    #[case("X=host-port", "127.0.0.1:8123")]
    fn an_address_has_three_forms(#[case] text: &str, #[case] expected: &str) {
        let service: LocalService = text.parse().unwrap();
        assert_eq!(service.form.of("127.0.0.1:8123".parse().unwrap()), expected);
    }

    #[rstest]
    #[case("")]
    #[case("=port")]
    #[case("X=socket")]
    #[case("X=port=1")]
    fn what_is_none_is_refused(#[case] text: &str) {
        let error = text.parse::<LocalService>().unwrap_err().to_string();
        assert!(error.starts_with("failed to read "), "{error}");
    }
}
