//! Variables by which a stranger can have other code run than the command that is shown.

/// Names, or beginnings that end with a star, and what they do to whoever is given them.
const KNOWN: &[(&[&str], &str)] = &[
    (
        &[
            "LD_*",
            "DYLD_*",
            "GLIBC_TUNABLES",
            "GCONV_PATH",
            "LOCPATH",
            "NLSPATH",
            "MALLOC_*",
            "_RLD*",
            "LIBPATH",
            "SHLIB_PATH",
            "ASAN_*",
            "OPENSSL_*",
        ],
        "loads code into programs",
    ),
    (
        &[
            "PYTHON*",
            "NODE_*",
            "NPM_CONFIG_*",
            "BUN_*",
            "DENO_*",
            "TS_NODE_*",
            "PERL*",
            "RUBY*",
            "GEM_*",
            "BUNDLE_*",
            "LUA_*",
            "PHP*",
            "JAVA*",
            "_JAVA_*",
            "JDK_JAVA_*",
            "CLASSPATH",
            "DOTNET_*",
            "CORECLR_*",
            "COR_*",
            "COMPLUS_*",
            "R_*",
            "JULIA_*",
            "GUILE_*",
            "TCLLIBPATH",
            "VIRTUAL_ENV",
            "UV_*",
            "PIP_*",
            "AWKPATH",
            "AWKLIBPATH",
        ],
        "makes interpreters run other code",
    ),
    (
        &[
            "BASH_*",
            "ENV",
            "ZDOTDIR",
            "SHELLOPTS",
            "BASHOPTS",
            "IFS",
            "PS0",
            "PS1",
            "PS2",
            "PS4",
            "PROMPT_COMMAND",
            "CDPATH",
            "FPATH",
            "FCEDIT",
            "KSH_*",
            "INPUTRC",
            "PSMODULEPATH",
        ],
        "makes shells run other code",
    ),
    (
        &["PATH", "PATHEXT", "COMSPEC", "SHELL", "HOME", "USERPROFILE", "XDG_*"],
        "decides which programs and files are found",
    ),
    (
        &[
            "GIT_*",
            "SSH_*",
            "EDITOR",
            "VISUAL",
            "PAGER",
            "MANPAGER",
            "LESSOPEN",
            "LESSCLOSE",
            "BROWSER",
            "SUDO_*",
            "DISPLAY",
            "RSYNC_*",
            "CVS_*",
            "SVN_*",
            "HG*",
            "MAKEFLAGS",
            "GNUMAKEFLAGS",
            "MFLAGS",
            "MAKEFILES",
            "CARGO_*",
            "RUSTC*",
            "GO*",
            "CC",
            "CXX",
            "TAR_OPTIONS",
            "RIPGREP_CONFIG_PATH",
            "FZF_*",
            "DOCKER_*",
            "JQ_*",
            "CURL_HOME",
        ],
        "makes git and other tools run other programs",
    ),
    (
        &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY", "SSL_*", "CURL_CA_BUNDLE", "REQUESTS_*"],
        "sends connections elsewhere",
    ),
];

/// What a variable of this name does, if it can have other code run. Case does not count, as on Windows.
pub(crate) fn warning(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    let fits = |known: &str| known.strip_suffix('*').map_or(known == name, |start| name.starts_with(start));
    KNOWN.iter().find(|(names, _)| names.iter().any(|known| fits(known))).map(|(_, does)| *does)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::warning;

    #[rstest]
    #[case("LD_PRELOAD", Some("loads code into programs"))]
    #[case("DYLD_INSERT_LIBRARIES", Some("loads code into programs"))]
    #[case("PYTHONPATH", Some("makes interpreters run other code"))]
    #[case("NODE_OPTIONS", Some("makes interpreters run other code"))]
    #[case("PERL5OPT", Some("makes interpreters run other code"))]
    #[case("RUBYOPT", Some("makes interpreters run other code"))]
    #[case("BASH_ENV", Some("makes shells run other code"))]
    #[case("BASH_FUNC_ls%%", Some("makes shells run other code"))]
    #[case("ENV", Some("makes shells run other code"))]
    #[case("Path", Some("decides which programs and files are found"))]
    #[case("GIT_SSH_COMMAND", Some("makes git and other tools run other programs"))]
    #[case("https_proxy", Some("sends connections elsewhere"))]
    #[case("CLAUDE_PROJECT_DIR", None)]
    #[case("MY_HOOK_STATE", None)]
    #[case("ENVIRONMENT", None)]
    fn what_can_run_other_code_is_known(#[case] name: &str, #[case] expected: Option<&str>) {
        assert_eq!(warning(name), expected);
    }
}
