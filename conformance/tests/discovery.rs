//! What is found in the sample configurations under `fixtures/configs/<platform>/<situation>/`.
//!
//! Each situation has an `expected.json` beside the configuration: `about`, `path` (what `discover` is given, below the
//! situation's folder), `platform` (the folder's name if absent), `systems` (`unix` where only Unix shows it), `programs` (`true` where hooks
//! whose program does not exist are set aside, as `check` does), and what comes out of it: `subjects` and `notices`, or `error`. `{root}` stands for the situation's folder. With
//! `HOOKPROOF_BLESS=1` the outcome is written anew; read the difference before you keep it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use hookproof::contract::{Contract, Library};
use hookproof::requirement::Level;
use hookproof::subject::{ConfigNotice, Discovery, Origin, RunFolders, Subject, consent_text, discover};
use hookproof_harness::Invocation;
use serde_json::{Map, Value, json};

fn configs() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    workspace.join("fixtures/configs")
}

fn contract(name: &str) -> Contract {
    static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::built_in().unwrap());
    LIBRARY.select(name).unwrap()
}

/// The folders of all situations, with their platforms.
fn all_situations() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for platform in fs::read_dir(configs()).unwrap() {
        let platform = platform.unwrap();
        if !platform.path().is_dir() {
            continue;
        }
        for situation in fs::read_dir(platform.path()).unwrap() {
            let name = platform.file_name().into_string().unwrap();
            found.push((name, situation.unwrap().path()));
        }
    }
    found.sort();
    found
}

fn expected(folder: &Path) -> Value {
    let file = folder.join("expected.json");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn is_seen_here(folder: &Path) -> bool {
    expected(folder).get("systems").is_none_or(|systems| systems == std::env::consts::FAMILY)
}

/// Those that can be seen on this system.
fn situations() -> Vec<(String, PathBuf)> {
    all_situations().into_iter().filter(|(_, folder)| is_seen_here(folder)).collect()
}

fn situation(name: &str) -> PathBuf {
    std::path::absolute(configs().join("claude-code").join(name)).unwrap()
}

fn found(name: &str) -> Discovery {
    discover(&contract("claude-code"), &situation(name)).unwrap()
}

/// A text in which the situation's folder is `{root}`, separators are those of Unix, and nothing changes the direction of
/// reading.
fn portable(text: &str, root: &Path) -> String {
    text.replace(&root.display().to_string(), "{root}").replace('\\', "/").replace('\u{202e}', "{U+202E}")
}

fn shown_subject(subject: &Subject, root: &Path) -> Value {
    let plain = |text: &str| portable(text, root);
    let mut shown = Map::new();
    let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    put("name", json!(subject.name));
    let Origin::Config { file, line, column } = &subject.origin else {
        panic!("{:?} comes from no configuration", subject.name)
    };
    put("place", json!(plain(&format!("{}:{line}:{column}", file.display()))));
    match &subject.invocation {
        Invocation::Shell { shell, line } => {
            assert!(shell.len() >= 2, "{shell:?}");
            put("line", json!(plain(&line.to_string_lossy())));
        }
        Invocation::Program { program, args } => {
            let words = std::iter::once(program.as_os_str()).chain(args.iter().map(AsRef::as_ref));
            let words: Vec<_> = words.map(|word| plain(&word.to_string_lossy())).collect();
            put("words", json!(words));
        }
    }
    put("event", json!(subject.event));
    if let Some(matcher) = &subject.matcher {
        put("matcher", json!(matcher));
    }
    if let Some(timeout) = subject.timeout {
        put("timeout", json!(timeout.as_secs_f64()));
    }
    if !subject.handler.is_empty() {
        put("handler", json!(subject.handler));
    }
    let variables = subject.environment.iter();
    let variables: Map<_, _> = variables.map(|(name, value)| (name.clone(), json!(plain(value)))).collect();
    put("environment", Value::Object(variables));
    Value::Object(shown)
}

fn shown_notice(notice: &ConfigNotice, root: &Path) -> Value {
    let plain = |text: &str| portable(text, root);
    json!({
        "requirement": notice.requirement,
        "level": notice.level.map(|level| level.to_string()),
        "evidence": notice.evidence.to_string(),
        "place": plain(&notice.place()),
        "message": plain(&notice.message),
        "consequence": plain(&notice.consequence),
        "help": plain(&notice.help),
    })
}

/// What came out, in the form of `expected.json`.
fn outcome(contract: &Contract, path: &Path, root: &Path, programs: bool) -> Map<String, Value> {
    let mut shown = Map::new();
    match discover(contract, path) {
        Ok(mut discovery) => {
            if programs {
                discovery.set_aside_missing(contract);
            }
            let files: Vec<_> =
                discovery.files.iter().map(|file| portable(&file.display().to_string(), root)).collect();
            shown.insert("files".to_owned(), json!(files));
            let subjects = discovery.subjects.iter().map(|subject| shown_subject(subject, root));
            shown.insert("subjects".to_owned(), subjects.collect());
            let notices = discovery.notices.iter().map(|notice| shown_notice(notice, root));
            shown.insert("notices".to_owned(), notices.collect());
        }
        Err(error) => {
            shown.insert("error".to_owned(), json!(portable(&error.to_string(), root)));
        }
    }
    shown
}

#[test]
fn every_situation_comes_out_as_expected() {
    let bless = std::env::var_os("HOOKPROOF_BLESS").is_some();
    let situations = situations();
    assert!(situations.len() > 30, "only {} situations were found", situations.len());
    let mut wrong = Vec::new();
    for (platform, folder) in situations {
        let root = std::path::absolute(&folder).unwrap();
        let file = root.join("expected.json");
        let Value::Object(expected) = expected(&folder) else { panic!("{} holds no object", file.display()) };
        let text = |key: &str| expected.get(key).and_then(Value::as_str);
        let contract = contract(text("platform").unwrap_or(&platform));
        let path = root.join(text("path").unwrap());
        // `{root}/.` is the same folder, and would show in every path.
        let path = if text("path") == Some(".") { root.clone() } else { path };
        let mut actual = Map::new();
        for key in ["about", "path", "platform", "systems", "programs"] {
            if let Some(value) = expected.get(key) {
                actual.insert(key.to_owned(), value.clone());
            }
        }
        actual.extend(outcome(&contract, &path, &root, expected.contains_key("programs")));
        if bless {
            let text = serde_json::to_string_pretty(&actual).unwrap() + "\n";
            // The other tests read it at the same time.
            let whole = file.with_extension("new");
            fs::write(&whole, text).unwrap();
            fs::rename(&whole, &file).unwrap();
        } else if actual != expected {
            wrong.push(format!(
                "{}: expected\n{}\nfound\n{}",
                file.display(),
                serde_json::to_string_pretty(&expected).unwrap(),
                serde_json::to_string_pretty(&actual).unwrap()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nIf this is meant: HOOKPROOF_BLESS=1 cargo test -p hookproof --test discovery",
        wrong.join("\n\n")
    );
}

#[test]
fn names_are_unique_and_fit_into_case_ids() {
    for (platform, folder) in situations() {
        let Ok(discovery) = discover(&contract(&platform), &folder) else {
            continue;
        };
        let names: BTreeSet<_> = discovery.subjects.iter().map(|subject| &subject.name).collect();
        assert_eq!(names.len(), discovery.subjects.len(), "{}", folder.display());
        for name in names {
            let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            assert!(name.chars().all(fits) && name.len() <= 80, "{name}");
        }
    }
}

#[test]
fn every_lint_has_a_sample_and_says_what_to_do() {
    let mut seen = BTreeSet::new();
    for (platform, folder) in all_situations() {
        let expected = expected(&folder);
        if !is_seen_here(&folder) {
            // What only another system shows is shown there.
            let notices = expected["notices"].as_array().into_iter().flatten();
            seen.extend(notices.map(|notice| notice["requirement"].as_str().unwrap().to_owned()));
            continue;
        }
        let path = folder.join(expected["path"].as_str().unwrap());
        let contract = contract(&platform);
        let Ok(mut discovery) = discover(&contract, &path) else {
            continue;
        };
        if expected.get("programs").is_some() {
            discovery.set_aside_missing(&contract);
        }
        for notice in discovery.notices {
            assert!(notice.requirement.starts_with("config."), "{notice:?}");
            for text in [&notice.message, &notice.consequence, &notice.help] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{notice:?}");
            }
            seen.insert(notice.requirement);
        }
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/subject");
    let mut named = BTreeSet::new();
    collect_ids(&sources, &mut named);
    assert_eq!(seen, named);
}

/// The requirement ids in string literals of a folder's Rust files.
fn collect_ids(folder: &Path, ids: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_ids(&path, ids);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for rest in text.split("\"config.").skip(1) {
                ids.insert(format!("config.{}", rest.split('"').next().unwrap()));
            }
        }
    }
}

/// The text with what the notice tells to write, if it tells that literally for what stands at its place.
fn mended(notice: &ConfigNotice, text: &str) -> Option<String> {
    let line_start: usize = text.split_inclusive('\n').take(notice.line - 1).map(str::len).sum();
    let line = &text[line_start..];
    let at = line_start + line.char_indices().nth(notice.column - 1)?.0;
    let token = &text[at..at + string_length(&text[at..])?];
    let rest = &text[at + token.len()..];
    let is_key = rest.trim_start().starts_with(':');
    // In lines for a shell the quotation marks are the shell's.
    let whole = is_key || notice.requirement.starts_with("config.matcher");
    let quoted = |help: &str| -> Option<String> { Some(help[..string_length(help)?].to_owned()) };
    let (old, new) = if let Some(key) = notice.help.strip_prefix("did you mean `").filter(|_| is_key) {
        (token.to_owned(), format!("\"{}\"", key.split('`').next()?))
    } else if let Some(help) = notice.help.strip_prefix("write ").filter(|help| whole && help.starts_with('"')) {
        let new = quoted(help)?;
        if is_key {
            // A key with its value: `"timeout": 5, in seconds`.
            let value = help[new.len()..].strip_prefix(": ")?.split(',').next()?;
            value.parse::<f64>().ok()?;
            let end = rest.find([',', '\n', '}'])?;
            (format!("{token}{}", &rest[..end]), format!("{new}: {value}"))
        } else {
            (token.to_owned(), new)
        }
    } else {
        return None;
    };
    Some(format!("{}{new}{}", &text[..at], &text[at + old.len()..]))
}

/// How long a JSON string at the beginning of a text is; `None` if there is none.
fn string_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    let inner = text.strip_prefix('"')?;
    let end = inner.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some(end + 2)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn what_a_notice_tells_to_write_is_accepted() {
    let mut tried = 0;
    let mut wrong = Vec::new();
    for (platform, folder) in situations() {
        let expected = expected(&folder);
        let text = |key: &str| expected.get(key).and_then(Value::as_str);
        let contract = contract(text("platform").unwrap_or(&platform));
        let Ok(before) = discover(&contract, &folder.join(text("path").unwrap())) else {
            continue;
        };
        // Where it stands, without the directory; and what is said of everything there.
        let told = |notices: &[ConfigNotice]| -> BTreeSet<(String, PathBuf, usize)> {
            let name = |notice: &ConfigNotice| PathBuf::from(notice.file.file_name().unwrap());
            notices.iter().map(|notice| (notice.requirement.clone(), name(notice), notice.line)).collect()
        };
        for notice in &before.notices {
            let original = fs::read_to_string(&notice.file).unwrap();
            let Some(new) = mended(notice, &original) else {
                continue;
            };
            let scratch = tempfile::tempdir().unwrap();
            let root = scratch.path().join(folder.file_name().unwrap());
            copy(&folder, &root);
            let absolute = std::path::absolute(&folder).unwrap();
            let file = std::path::absolute(&notice.file).unwrap();
            fs::write(root.join(file.strip_prefix(&absolute).unwrap()), new).unwrap();
            let after = discover(&contract, &root.join(text("path").unwrap())).unwrap();
            let here =
                |other: &&ConfigNotice| other.line == notice.line && other.file.file_name() == notice.file.file_name();
            let same = |other: &&ConfigNotice| here(other) && other.requirement == notice.requirement;
            let left: Vec<_> = after.notices.iter().filter(same).collect();
            let count = before.notices.iter().filter(same).count();
            if left.len() >= count {
                wrong.push(format!("{notice:#?}\nis still there: {left:#?}"));
            }
            let fresh: Vec<_> = told(&after.notices).difference(&told(&before.notices)).cloned().collect();
            if !fresh.is_empty() {
                wrong.push(format!("{notice:#?}\nleads to {fresh:?}"));
            }
            tried += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(tried > 50, "only {tried} remedies could be tried");
}

#[test]
fn only_settled_facts_count() {
    let path = situation("malformed-void");
    let counts = |name: &str| {
        let discovery = discover(&contract(name), &path).unwrap();
        discovery.notices.iter().filter(|notice| notice.counts_at(Level::Must)).count()
    };
    assert!(counts("claude-code") > 10);
    // Nobody looked at what one malformed entry cost before 2.1.197.
    assert_eq!(counts("claude-code@2.1.90"), 0);
}

#[test]
fn what_is_malformed_hides_nothing_else() {
    for name in ["malformed-void", "malformed-drop", "malformed-plugin"] {
        let subjects = found(name).subjects;
        assert!(subjects.iter().any(|subject| subject.display == "in-order"), "{name}");
        assert!(subjects.iter().all(|subject| subject.display.contains("in-order")), "{name}");
    }
}

#[test]
fn a_run_fills_in_its_folders() {
    let folders = RunFolders { project: "/run/my project".into(), plugin_data: "/run/data".into() };
    let placed: Vec<_> = found("plugin").subjects.iter().map(|subject| subject.placed(&folders)).collect();
    let Invocation::Shell { line, .. } = &placed[0].invocation else { panic!("{placed:?}") };
    assert!(line.to_string_lossy().ends_with("--data \"/run/data\""), "{line:?}");
    let Invocation::Program { args, .. } = &placed[1].invocation else { panic!("{placed:?}") };
    assert_eq!(args[1..], ["/run/data/log", "/run/my project", "${user_config.token}"]);
    assert_eq!(placed[0].environment["CLAUDE_PLUGIN_DATA"], "/run/data");
    assert_eq!(placed[0].environment["CLAUDE_PROJECT_DIR"], "/run/my project");
    // A project's own hooks work on a copy, and never on the project itself.
    let own = &found("project").subjects[0];
    assert_eq!(own.placed(&folders).environment["CLAUDE_PROJECT_DIR"], "/run/my project");
    assert_eq!(own.project.as_deref(), Some(situation("project").as_path()));
}

#[test]
fn braces_of_a_command_are_no_folders_of_a_run() {
    let folders = RunFolders { project: "/p".into(), plugin_data: "/d".into() };
    let placed = found("project").subjects[1].placed(&folders);
    let Invocation::Program { args, .. } = &placed.invocation else { panic!("{placed:?}") };
    assert_eq!(args[2], "$HOME stays as it is, like {event}");
}

#[test]
fn a_subject_listens_to_what_its_groups_take() {
    let contract = contract("claude-code");
    let discovery = found("duplicates");
    let first = &discovery.subjects[0];
    let listens = |tool: &str| first.listens(&contract, "PreToolUse", &json!({"tool_name": tool}));
    for tool in ["Bash", "Edit", "Write", "mcp__x__y"] {
        assert!(listens(tool), "{tool}");
    }
    assert!(!listens("Read"));
    assert!(!first.listens(&contract, "Stop", &json!({})));
}

#[test]
fn consent_names_every_command_and_hides_nothing() {
    for (platform, folder) in situations() {
        let Ok(discovery) = discover(&contract(&platform), &folder) else {
            continue;
        };
        let text = consent_text(&discovery);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{}", folder.display());
        assert!(!text.contains(['\u{202e}', '\u{200b}']), "{}", folder.display());
        let entries = text.lines().filter(|line| line.starts_with("    at ")).count();
        assert_eq!(entries, discovery.subjects.len(), "{text}");
        for subject in &discovery.subjects {
            assert!(text.contains(&format!("[{}]", subject.name)), "{text}");
            assert!(text.contains(subject.event.as_deref().unwrap()), "{text}");
        }
    }
    let text = consent_text(&found("project"));
    assert!(text.contains("PreToolUse, matcher Bash   [PreToolUse-1-guard.py]"), "{text}");
    assert!(text.contains("python3 \"$CLAUDE_PROJECT_DIR\"/.claude/hooks/guard.py"), "{text}");
    assert!(text.contains("GUARD_LEVEL=loose"), "{text}");
}

#[test]
fn a_relative_path_is_the_same_as_an_absolute_one() {
    let relative = Path::new("../fixtures/configs/claude-code/plugin");
    let discovery = discover(&contract("claude-code"), relative).unwrap();
    let root = &discovery.subjects[0].environment["CLAUDE_PLUGIN_ROOT"];
    assert_eq!(Path::new(root), situation("plugin"));
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_path() {
    let path = situation("nothing").join("gone.json");
    let error = discover(&contract("claude-code"), &path).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("failed to read ") && message.contains("gone.json"), "{message}");
}
