//! Things in a prompt that look like secrets.

/// A kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secret {
    PrivateKey,
    AwsKey,
    GitHubToken,
    GoogleKey,
    SlackToken,
    AnthropicKey,
}

impl Secret {
    /// What it is called towards a person.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PrivateKey => "what looks like a private key",
            Self::AwsKey => "what looks like an AWS access key",
            Self::GitHubToken => "what looks like a GitHub token",
            Self::GoogleKey => "what looks like a Google API key",
            Self::SlackToken => "what looks like a Slack token",
            Self::AnthropicKey => "what looks like an Anthropic API key",
        }
    }
}

/// A prefix, the characters that must follow it, and at least how many of them.
struct Pattern {
    secret: Secret,
    prefix: &'static str,
    tail: fn(char) -> bool,
    at_least: usize,
}

fn upper_or_digit(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit()
}

fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn word_or_dash(c: char) -> bool {
    word(c) || c == '-'
}

const fn pattern(secret: Secret, prefix: &'static str, tail: fn(char) -> bool, at_least: usize) -> Pattern {
    Pattern { secret, prefix, tail, at_least }
}

/// The public shapes of the issuers' credentials.
const PATTERNS: &[Pattern] = &[
    pattern(Secret::AwsKey, "AKIA", upper_or_digit, 16),
    pattern(Secret::AwsKey, "ASIA", upper_or_digit, 16),
    pattern(Secret::GitHubToken, "ghp_", word, 36),
    pattern(Secret::GitHubToken, "gho_", word, 36),
    pattern(Secret::GitHubToken, "ghu_", word, 36),
    pattern(Secret::GitHubToken, "ghs_", word, 36),
    pattern(Secret::GitHubToken, "ghr_", word, 36),
    pattern(Secret::GitHubToken, "github_pat_", word, 40),
    pattern(Secret::GoogleKey, "AIza", word_or_dash, 35),
    pattern(Secret::SlackToken, "xoxb-", word_or_dash, 20),
    pattern(Secret::SlackToken, "xoxp-", word_or_dash, 20),
    pattern(Secret::SlackToken, "xoxa-", word_or_dash, 20),
    pattern(Secret::AnthropicKey, "sk-ant-", word_or_dash, 20),
];

/// The beginnings by which secrets are known.
pub(super) fn known() -> Vec<&'static str> {
    PATTERNS.iter().map(|pattern| pattern.prefix).collect()
}

/// The first secret in `text`, by the order of the list above, private keys before all.
pub(crate) fn find(text: &str) -> Option<Secret> {
    if has_private_key(text) {
        return Some(Secret::PrivateKey);
    }
    PATTERNS
        .iter()
        .find(|pattern| {
            text.match_indices(pattern.prefix).any(|(at, prefix)| {
                // In the middle of a longer word the prefix is chance.
                let begins = !text[..at].ends_with(word);
                let tail =
                    text[at + prefix.len()..].chars().take(pattern.at_least).filter(|c| (pattern.tail)(*c)).count();
                begins && tail == pattern.at_least
            })
        })
        .map(|pattern| pattern.secret)
}

/// Looks for the opening line of a PEM private key: five dashes, `BEGIN`, at most a few words, `PRIVATE KEY`.
fn has_private_key(text: &str) -> bool {
    text.split("-----BEGIN ").skip(1).any(|rest| {
        rest.split_once("-----").is_some_and(|(label, _)| {
            let label = label.strip_suffix(" BLOCK").unwrap_or(label);
            label.len() <= 40 && label.ends_with("PRIVATE KEY") && label.chars().all(|c| upper_or_digit(c) || c == ' ')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("-----BEGIN PRIVATE KEY-----\nMII", Some(Secret::PrivateKey))]
    #[case("x -----BEGIN OPENSSH PRIVATE KEY-----", Some(Secret::PrivateKey))]
    #[case("-----BEGIN PGP PRIVATE KEY BLOCK-----", Some(Secret::PrivateKey))]
    #[case("-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----", Some(Secret::PrivateKey))]
    #[case("-----BEGIN PUBLIC KEY-----", None)]
    #[case("what does BEGIN PRIVATE KEY mean?", None)]
    #[case("key AKIAABCDEFGHIJKLMNOP.", Some(Secret::AwsKey))]
    #[case("AKIAABCDEFGHIJKLMNO", None)]
    #[case("xAKIAABCDEFGHIJKLMNOP", None)]
    #[case("(ghp_abcdefghijklmnopqrstuvwxyz0123456789)", Some(Secret::GitHubToken))]
    #[case("ghp_short", None)]
    #[case("sk-ant-api03-abcdefghijklmnop", Some(Secret::AnthropicKey))]
    #[case("xoxb-1234567890-abcdefghijk", Some(Secret::SlackToken))]
    #[case("AIzaSyA1234567890abcdefghijklmnopqrstuv", Some(Secret::GoogleKey))]
    #[case("日本AKIAABCDEFGHIJKLMNOP", Some(Secret::AwsKey))]
    #[case("", None)]
    fn shapes(#[case] text: &str, #[case] expected: Option<Secret>) {
        assert_eq!(find(text), expected);
    }
}
