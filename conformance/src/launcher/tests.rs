//! Sentences that were recorded, and words that are a hook's own.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use hookproof_harness::Invocation;
use rstest::rstest;

use super::{LaunchFaultKind, Launchers, Started};

fn line(shell: &str, line: &str) -> Invocation {
    Invocation::Shell { shell: vec![OsString::from(shell), "-c".into()], line: line.into() }
}

fn recognise(invocation: &Invocation, code: i32, stderr: &str) -> Option<(LaunchFaultKind, String)> {
    let started = Started::of(invocation, Path::new("/nowhere"));
    started.recognise(code, b"", stderr.as_bytes()).map(|found| (found.kind, found.in_words(code)))
}

#[rstest]
#[case::powershell_call(
    "sh",
    "& \"C:/x/node.exe\" \"C:/x/guard.js\"",
    2,
    "sh: 1: Syntax error: \"&\" unexpected\n",
    LaunchFaultKind::Syntax
)]
#[case::bash_call(
    "bash",
    "& \"C:/x/node.exe\"",
    2,
    "bash: -c: line 1: syntax error near unexpected token `&'\nbash: -c: line 1: `& \"C:/x/node.exe\"'\n",
    LaunchFaultKind::Syntax
)]
#[case::bash_as_sh(
    "/bin/sh",
    "if true; then echo",
    2,
    "/bin/sh: -c: line 2: syntax error: unexpected end of file\n",
    LaunchFaultKind::Syntax
)]
#[case::busybox("sh", "echo \"open", 2, "sh: syntax error: unterminated quoted string\n", LaunchFaultKind::Syntax)]
#[case::zsh("zsh", "& x", 1, "zsh:1: parse error near `&'\n", LaunchFaultKind::Syntax)]
#[case::mksh("mksh", "& x", 1, "E: mksh: syntax error: unexpected '&'\n", LaunchFaultKind::Syntax)]
#[case::ksh("ksh93", "& x", 3, "ksh93: syntax error at line 1: `&' unexpected\n", LaunchFaultKind::Syntax)]
#[case::yash("yash", "& x", 2, "yash -c:1: syntax error: a command is missing before `&'\n", LaunchFaultKind::Syntax)]
#[case::template("sh", "guard ${file.path}", 2, "sh: 1: Bad substitution\n", LaunchFaultKind::Syntax)]
#[case::python(
    "sh",
    "python3 hooks/guard.py",
    2,
    "python3: can't open file '/p/hooks/guard.py': [Errno 2] No such file or directory\n",
    LaunchFaultKind::NoScript
)]
#[case::uv(
    "sh",
    "uv run x.py",
    2,
    "error: Failed to spawn: x.py\n  cause: No such file or directory (os error 2)\n",
    LaunchFaultKind::NoProgram
)]
#[case::uv_script(
    "sh",
    "uv run --script x.py",
    2,
    "/v/bin/python: can't open file '/p/x.py': [Errno 2] No such file or directory\n",
    LaunchFaultKind::NoScript
)]
#[case::awk("sh", "awk -f x.awk", 2, "awk: cannot open x.awk (No such file or directory)\n", LaunchFaultKind::NoScript)]
#[case::make(
    "sh",
    "make -f x.mk check",
    2,
    "make: x.mk: No such file or directory\nmake: *** No rule to make target 'x.mk'.  Stop.\n",
    LaunchFaultKind::NoScript
)]
#[case::sed(
    "sh",
    "sed -n -f x.sed",
    4,
    "sed: couldn't open file x.sed: No such file or directory\n",
    LaunchFaultKind::NoScript
)]
#[case::jq("sh", "jq -f x.jq", 2, "jq: Could not open x.jq: No such file or directory\n", LaunchFaultKind::NoScript)]
#[case::tclsh(
    "sh",
    "tclsh x.tcl",
    1,
    "couldn't read file \"x.tcl\": no such file or directory\n",
    LaunchFaultKind::NoScript
)]
#[case::setsid(
    "sh",
    "setsid guard",
    127,
    "setsid: failed to execute guard: No such file or directory\n",
    LaunchFaultKind::NoProgram
)]
#[case::flock(
    "sh",
    "flock -n /tmp/l guard --x",
    69,
    "flock: failed to execute guard: No such file or directory\n",
    LaunchFaultKind::NoProgram
)]
#[case::xargs("sh", "xargs -0 guard", 127, "xargs: guard: No such file or directory\n", LaunchFaultKind::NoProgram)]
#[case::nice("sh", "nice -n 10 guard", 127, "nice: 'guard': No such file or directory\n", LaunchFaultKind::NoProgram)]
#[case::node_option("sh", "node --x guard.js", 9, "node: bad option: --x\n", LaunchFaultKind::BadOption)]
#[case::python_option(
    "sh",
    "python3 --x guard.py",
    2,
    "unknown option --x\nusage: /usr/bin/python3 [option] ...\n",
    LaunchFaultKind::BadOption
)]
#[case::bash_option(
    "sh",
    "bash --x guard.sh",
    2,
    "bash: --x: invalid option\nUsage: bash\n",
    LaunchFaultKind::BadOption
)]
#[case::dash_option("sh", "dash -Z guard.sh", 2, "dash: 0: Illegal option -Z\n", LaunchFaultKind::BadOption)]
#[case::dash_script(
    "sh",
    "sh .claude/guard.sh",
    2,
    "sh: 0: cannot open .claude/guard.sh: No such file\n",
    LaunchFaultKind::NoScript
)]
#[case::dash_source("sh", ". ./lib.sh", 2, "sh: 1: .: cannot open ./lib.sh: No such file\n", LaunchFaultKind::NoScript)]
#[case::busybox_script(
    "sh",
    "busybox sh guard.sh",
    2,
    "sh: can't open 'guard.sh': No such file or directory\n",
    LaunchFaultKind::NoScript
)]
#[case::bash_script(
    "sh",
    "bash \"$D/guard.sh\"",
    127,
    "bash: /x/guard.sh: No such file or directory\n",
    LaunchFaultKind::NoScript
)]
#[case::perl(
    "sh",
    "perl guard.pl",
    2,
    "Can't open perl script \"guard.pl\": No such file or directory\n",
    LaunchFaultKind::NoScript
)]
#[case::ruby(
    "sh",
    "ruby guard.rb",
    1,
    "ruby: No such file or directory -- guard.rb (LoadError)\n",
    LaunchFaultKind::NoScript
)]
#[case::node(
    "sh",
    "node guard.js",
    1,
    "node:internal/modules/cjs/loader:1210\n  throw err;\n  ^\n\nError: Cannot find module '/p/guard.js'\n    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)\n",
    LaunchFaultKind::NoScript
)]
#[case::bun("sh", "bun run guard.ts", 1, "error: Module not found \"guard.ts\"\n", LaunchFaultKind::NoScript)]
#[case::deno(
    "sh",
    "deno run guard.ts",
    1,
    "\u{1b}[0m\u{1b}[1m\u{1b}[31merror\u{1b}[0m: Module not found \"file:///p/guard.ts\".\n",
    LaunchFaultKind::NoScript
)]
#[case::program("sh", "/opt/guard --x", 127, "sh: 1: /opt/guard: not found\n", LaunchFaultKind::NoProgram)]
#[case::behind_env(
    "sh",
    "env A=1 guard",
    127,
    "env: \u{2018}guard\u{2019}: No such file or directory\n",
    LaunchFaultKind::NoProgram
)]
#[case::zsh_program("zsh", "guard --x", 127, "zsh:1: command not found: guard\n", LaunchFaultKind::NoProgram)]
#[case::permission("sh", "./guard.sh", 126, "sh: 1: ./guard.sh: Permission denied\n", LaunchFaultKind::NoPermission)]
#[case::script(
    "sh",
    "bash guard.sh",
    2,
    "guard.sh: line 4: syntax error: unexpected end of file\n",
    LaunchFaultKind::Syntax
)]
#[case::inline(
    "sh",
    "python3 -c 'def f('",
    1,
    "  File \"<string>\", line 1\n    def f(\n         ^\nSyntaxError: '(' was never closed\n",
    LaunchFaultKind::Syntax
)]
fn a_launchers_own_sentence_is_recognised(
    #[case] shell: &str,
    #[case] text: &str,
    #[case] code: i32,
    #[case] stderr: &str,
    #[case] kind: LaunchFaultKind,
) {
    let found = recognise(&line(shell, text), code, stderr);
    assert_eq!(found.as_ref().map(|found| found.0), Some(kind), "{found:?}");
}

#[rstest]
#[case::a_reason("python3 /x/guard.py", 2, "blocked: no such file or directory\n")]
#[case::a_reason_that_names_a_file("python3 /x/guard.py", 2, "guard.py: can't open file '/etc/x': No such file\n")]
#[case::another_file(
    "python3 /x/guard.py",
    2,
    "python3: can't open file '/p/other.py': [Errno 2] No such file or directory\n"
)]
#[case::a_helper("bash /x/guard.sh", 127, "/x/guard.sh: line 3: jq: command not found\n")]
#[case::words_that_are_printed(
    "echo \"python3: can't open file 'guard.py': [Errno 2] No\" >&2; exit 2",
    2,
    "python3: can't open file 'guard.py': [Errno 2] No such file or directory\n"
)]
#[case::behind_other_words("sh /x/guard.sh", 2, "checking\nsh: 0: cannot open /x/guard.sh: No such file\n")]
#[case::it_ends_well(
    "python3 /x/guard.py",
    0,
    "python3: can't open file '/x/guard.py': [Errno 2] No such file or directory\n"
)]
#[case::a_traceback(
    "python3 /x/guard.py",
    1,
    "Traceback (most recent call last):\n  File \"/x/guard.py\", line 3, in <module>\n    x\nNameError: name 'x' is not defined\n"
)]
#[case::a_script_that_evaluates(
    "python3 /x/guard.py",
    1,
    "Traceback (most recent call last):\n  File \"/x/guard.py\", line 1, in <module>\nSyntaxError: invalid syntax\n"
)]
#[case::a_module(
    "node /x/guard.js",
    1,
    "node:internal/modules/cjs/loader:1210\n  throw err;\n  ^\n\nError: Cannot find module 'left-pad'\nRequire stack:\n- /x/guard.js\n"
)]
fn a_hooks_own_words_are_not(#[case] text: &str, #[case] code: i32, #[case] stderr: &str) {
    assert_eq!(recognise(&line("sh", text), code, stderr), None);
}

#[test]
fn an_answer_on_the_other_stream_shows_that_it_has_started() {
    let started = Started::of(&line("sh", "python3 guard.py"), Path::new("/nowhere"));
    let stderr = b"python3: can't open file 'guard.py': [Errno 2] No such file or directory\n";
    assert!(started.recognise(2, b"", stderr).is_some());
    assert_eq!(started.recognise(2, b"{}", stderr), None);
}

#[rstest]
#[case("powershell -File x.ps1", true)]
#[case("./x.ps1", true)]
#[case("x.cmd", true)]
#[case("python3 x.py", false)]
fn what_is_of_another_system_is_known(#[case] text: &str, #[case] expected: bool) {
    let started = Started::of(&line("sh", text), Path::new("/nowhere"));
    let all = Launchers::built_in().unwrap();
    let missing = text.split(' ').next().is_some_and(|program| all.is_elsewhere(program));
    assert_eq!(started.of_another_system().is_some() || missing, expected);
}

#[rstest]
#[case("awk", &["-f", "no-such-script"])]
#[case("mawk", &["-f", "no-such-script"])]
#[case("sed", &["-f", "no-such-script"])]
#[case("jq", &["-f", "no-such-script"])]
#[case("make", &["-f", "no-such-script"])]
#[case("tclsh", &["no-such-script"])]
#[case("env", &["no-such-program"])]
#[case("timeout", &["5", "no-such-program"])]
#[case("nice", &["-n", "1", "no-such-program"])]
#[case("nohup", &["no-such-program"])]
#[case("stdbuf", &["-o0", "no-such-program"])]
#[case("setsid", &["no-such-program"])]
#[case("xargs", &["no-such-program"])]
#[case("flock", &[".", "no-such-program"])]
#[case("node", &["--no-such-option"])]
#[case("python3", &["--no-such-option"])]
#[case("bash", &["--no-such-option"])]
fn programs_here_say_what_the_table_says(#[case] program: &str, #[case] args: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command.args(args).current_dir(folder.path()).env("LC_ALL", "C").stdin(Stdio::null());
    // A program that this machine does not have, or in another make than the recorded one, says something else.
    let Ok(run) = command.output() else { return };
    if !cfg!(target_os = "linux") || is_other_make(program) {
        return;
    }
    let invocation = Invocation::Program { program: program.into(), args: args.iter().map(OsString::from).collect() };
    let started = Started::of(&invocation, folder.path());
    let found = started.recognise(run.status.code().unwrap(), &run.stdout, &run.stderr);
    assert!(found.is_some(), "{program} {args:?}: {:?} {}", run.status, String::from_utf8_lossy(&run.stderr));
}

/// Whether the program is busybox's or GNU awk, of which nothing was recorded.
fn is_other_make(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let text = version.map_or_else(
        |_| String::new(),
        |run| format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr)),
    );
    text.contains("BusyBox") || text.contains("GNU Awk")
}

/// Every launcher of this machine says today what the table says of it.
#[test]
fn the_table_is_what_launchers_say_here() {
    let folder = tempfile::tempdir().unwrap();
    let all = Launchers::built_in().unwrap();
    let mut tried = Vec::new();
    let known =
        ["dash", "bash", "busybox sh", "zsh", "mksh", "ksh93", "yash", "python3", "node", "ruby", "perl", "php"];
    for program in known {
        let words: Vec<&str> = program.split(' ').collect();
        let shell = !["python3", "node", "ruby", "perl", "php"].contains(&program);
        let cases: &[&[&str]] = if shell {
            &[&["no-such-script"], &["-c", "& x"], &["-c", "no-such-program x"]]
        } else {
            &[&["no-such-script"]]
        };
        for more in cases {
            let args: Vec<&str> = words[1..].iter().chain(*more).copied().collect();
            let run = Command::new(words[0])
                .args(&args)
                .current_dir(folder.path())
                .env("LC_ALL", "C")
                .stdin(Stdio::null())
                .output();
            let Ok(run) = run else { continue };
            let invocation =
                Invocation::Program { program: words[0].into(), args: args.iter().map(OsString::from).collect() };
            let code = run.status.code().unwrap();
            let found = Started::of(&invocation, folder.path()).recognise(code, &run.stdout, &run.stderr);
            let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
            assert!(found.is_some(), "{program} {more:?} exits with {code}: {out}{err}");
            let codes = all.all.iter().flat_map(|launcher| &launcher.sentences);
            let codes: Vec<i32> = codes
                .filter(|one| one.fault == found.as_ref().unwrap().kind)
                .flat_map(|one| one.codes.clone())
                .collect();
            assert!(codes.contains(&code), "{program} {more:?} exits with {code}, which no entry has");
            tried.push(program);
        }
    }
    // Where there is a shell at all, something was tried.
    assert!(!cfg!(unix) || !tried.is_empty());
    assert!(all.all.iter().all(|launcher| !launcher.name.is_empty()));
}
