//! What a person reads whose prompt is stopped for a secret, on every platform that lets a hook stop prompts.

use crate::guard;

/// Why the prompt is stopped, or `None` if it holds nothing that looks like a secret. It never repeats the secret.
pub(super) fn refusal(prompt: &str) -> Option<String> {
    let secret = guard::secret(prompt)?;
    Some(format!(
        "The prompt holds {}, which would be stored and sent on. Take it out, name a file or an environment variable \
         instead, and replace the secret if it has been shown anywhere before.",
        secret.name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_named_and_never_repeated() {
        let reason = refusal("use AKIAIOSFODNN7EXAMPLE please").expect("a refusal");
        assert!(reason.contains("AWS access key") && !reason.contains("AKIA"));
        assert_eq!(refusal("use the key of the deploy account"), None);
    }
}
