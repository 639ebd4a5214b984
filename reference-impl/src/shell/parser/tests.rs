use super::*;
use rstest::rstest;

/// Every simple command as words joined by spaces; pipelines end with `;`, their commands are joined by `|`.
fn told(script: &Script) -> String {
    let pipelines: Vec<String> = script
        .pipelines
        .iter()
        .map(|pipeline| {
            let commands: Vec<String> = pipeline
                .commands
                .iter()
                .map(|command| {
                    let words: Vec<String> = command.words.iter().map(Word::text).collect();
                    words.join(" ")
                })
                .collect();
            commands.join("|") + if pipeline.background { "&" } else { "" }
        })
        .collect();
    pipelines.join(";")
}

#[rstest]
#[case("rm -rf /", "rm -rf /")]
#[case("a;b && c||d\ne &f", "a;b;c;d;e&;f")]
#[case("a | b |& c", "a|b|c")]
#[case(r#"echo "rm -rf /" 'a;b' \;"#, "echo rm -rf / a;b ;")]
#[case(r"\rm r''m 'r'm", "rm rm rm")]
#[case(r"$'\x72\155' -rf", "rm -rf")]
#[case("a\\\nb c \\\n d", "ab c d")]
#[case("a # rm -rf /\nb", "a;b")]
#[case("a#b", "a#b")]
#[case("if a; then b; elif c; then d; else e; fi", "a;b;c;d;e")]
#[case("while a; do b; done; ! c", "a;b;c")]
#[case("{ a; b; } | c", "a;b|c")]
#[case("(a; b) | c", "a;b|c")]
#[case("a | (b; c)", "a|b;c")]
#[case("for x in a b; do c; done | d", "for x in a b;c|d")]
#[case("case x in a) b;; (c) d;; esac", "b;c|d")]
#[case("f() { a; }; f", "a;f")]
#[case("function f { a; }; f", "a;f")]
#[case("a > f 2>&1 < g b", "a b")]
#[case("a &> f b; 2>/dev/null c", "a b;c")]
#[case("cat <<E; a\nrm -rf /\nE\nb", "cat;a;b")]
#[case("cat <<-'E'\n\trm\n\tE\nb", "cat;b")]
#[case("((i<<2)); b", "b")]
#[case("echo $((1<<2)) b", "echo ${} b")]
#[case("a \"unclosed ; b", "a unclosed ; b")]
#[case("a ) b", "a;b")]
#[case("a > ; b", "a;b")]
#[case("", "")]
#[case("日本 é", "日本 é")]
fn commands_are_found(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(told(&parse(text).expect("within the bounds")), expected);
}

/// The scripts that the words substitute, joined by `/`.
fn substituted(text: &str) -> String {
    let script = parse(text).expect("within the bounds");
    let mut found = Vec::new();
    for command in script.pipelines.iter().flat_map(|pipeline| &pipeline.commands) {
        let texts = command.reads.iter().map(|index| &script.texts[*index]);
        for word in command.all_words().chain(texts) {
            found.extend(word.substitutions().into_iter().map(told));
        }
    }
    found.join("/")
}

#[rstest]
#[case("echo $(a; b) c", "a;b")]
#[case("echo `a \\`b\\``", "a `b`")]
#[case("echo \"x $(a \")\" ) y\"", "a )")]
#[case("echo '$(a)' \\$(a)", "")]
#[case("b <(a) >(c)", "a/c")]
#[case("echo ${x:-$(a)}", "a")]
#[case("echo ${x:-\"}\"} $(a)", "a")]
#[case("echo \"${x:-it's}\" $(a)", "a")]
#[case("cat <<E\n$(a)\nE", "a")]
#[case("cat <<'E'\n$(a)\nE", "")]
#[case("cat <<< $(a)", "a")]
#[case("a > $(b)", "b")]
#[case("echo $(case x in y) a;; esac) b", "a")]
#[case("echo $( (a) ; b )", "a;b")]
#[case("echo $(cat <<E\n)\nE\n) b", "cat")]
#[case("X=$(a) b", "a")]
fn substitutions_are_scripts(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(substituted(text), expected);
}

#[test]
fn a_here_document_belongs_to_the_command_that_names_it() {
    let script = parse("sh <<E && echo done\nrm -rf /\nE").expect("within the bounds");
    let sh = &script.pipelines[0].commands[0];
    assert_eq!(script.texts[sh.reads[0]].text(), "rm -rf /\n");
    assert!(script.pipelines[1].commands[0].reads.is_empty());
}

#[test]
fn subshells_are_told_apart() {
    let script = parse("a; (b; (c)); d").expect("within the bounds");
    let shells: Vec<usize> = script.pipelines.iter().map(|pipeline| pipeline.commands[0].subshell).collect();
    assert_eq!(shells, [0, 1, 2, 0]);
    assert_eq!(script.subshells, [0, 0, 1]);
}

#[rstest]
#[case("$(".repeat(10_000), ShellError::TooDeep)]
#[case("${x:-".repeat(10_000), ShellError::TooDeep)]
#[case("a ".repeat(1_000_000), ShellError::TooLong)]
#[case("(".repeat(1_000_000), ShellError::TooDeep)]
#[case("(a) ".repeat(1_000_000), ShellError::TooLong)]
#[case("*".repeat(1_000_000), ShellError::TooLong)]
#[case("$(a)".repeat(1_000_000), ShellError::TooLong)]
#[case("`a`".repeat(1_000_000), ShellError::TooLong)]
#[case("<<E ".repeat(1_000_000), ShellError::TooLong)]
#[case(";".repeat(1_000_000), ShellError::TooLong)]
#[case("(a;".repeat(10_000), ShellError::TooDeep)]
fn what_is_beyond_the_bounds_is_refused(#[case] text: String, #[case] expected: ShellError) {
    assert_eq!(parse(&text), Err(expected));
}

#[test]
fn one_long_word_is_no_trouble() {
    let text = format!("echo '{}'", "x".repeat(8 * 1024 * 1024));
    assert_eq!(parse(&text).expect("within the bounds").pipelines.len(), 1);
}
